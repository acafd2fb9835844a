"""Lets web pages of listed origins read responses: the CORS protocol (Fetch, "CORS protocol"), off unless configured.

Starlette's CORSMiddleware does not serve here. It wraps ``send``, which whole answers do not pass (``proxy/server/fast_path.py``), it
looks at every request, and it would not follow a reload.

OpenAI's API answers the preflights of browser apps without a key; how it words the answer is not documented. So this is
the protocol's own plain form: the origin itself and ``vary: Origin``, the headers that were asked for, and no
``access-control-allow-credentials``, since no cookie is a credential here.

Pure: no clock, no sockets, no state of a request.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from starlette.types import Message, Send

from adapters.codecs.openai.exchange import RATE_LIMIT_HEADERS
from config.origins import ANY_PAGE, normalize_header

Header = tuple[bytes, bytes]

METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
"""Those of OpenAI's API. A method that a path does not have is a 405 that the page can read."""
USUAL_HEADERS = b"authorization, content-type, api-key, openai-organization, openai-project"
"""What is allowed where no header is asked for, or none in a form that can be repeated."""
MAX_REQUESTED = 1024
"""The longest list of requested headers that is repeated, in bytes. OpenAI's Node SDK asks for 300."""
MAX_AGE_S = 7200
"""How long browsers may keep the answer to a preflight, in seconds. Chromium keeps none longer."""
EXPOSED = (
    "x-request-id", "openai-processing-ms", "openai-version", "retry-after", "retry-after-ms", "x-should-retry",
    *sorted(RATE_LIMIT_HEADERS), "x-banjia-target", "x-banjia-attempts", "x-banjia-adapted",
)  # fmt: skip
"""The headers of responses that a page may read, beside those that it always may (``content-type`` and the like)."""

VARY: Header = (b"vary", b"Origin")
_NAMES = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")


class Cors:
    """The pages that may read responses, from ``server.cors_origins``.

    ``*`` lists every page, ``null`` those without an origin of their own (files, sandboxed frames).
    """

    __slots__ = ("_every", "_null", "_origins")

    def __init__(self, origins: Iterable[str]) -> None:
        listed = frozenset(origins)
        self._every = "*" in listed
        self._null = self._every or "null" in listed
        self._origins = frozenset(origin.encode() for origin in listed.difference(ANY_PAGE))

    def listed(self, sent: Sequence[Header]) -> bytes | None:
        """The ``Origin`` among these request headers, if there is one and its pages may read the response. Never raises."""
        found = [value for name, value in sent if name == b"origin"]
        if len(found) != 1:
            return None
        [origin] = found
        if origin == b"null":
            return origin if self._null else None
        normalized = normalize_header(origin)
        return origin if normalized is not None and (self._every or normalized in self._origins) else None


def is_preflight(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser asks if a page may send a request; ``headers`` are by name in lower case, ``origin`` among them."""
    return method == "OPTIONS" and b"access-control-request-method" in headers


def preflight_headers(origin: bytes, headers: Mapping[bytes, bytes]) -> list[Header]:
    """The headers of the answer to a preflight from a listed origin."""
    requested = headers.get(b"access-control-request-headers", b"")
    repeatable = len(requested) <= MAX_REQUESTED and _NAMES.fullmatch(requested) is not None
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", requested if repeatable else USUAL_HEADERS),
        (b"access-control-max-age", b"%d" % MAX_AGE_S),
        VARY,
    ]


def response_headers(origin: bytes | None) -> list[Header]:
    """What any other response to a page has in addition. None: its origin is not listed, and its browser keeps it away."""
    if origin is None:
        return [VARY]
    return [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", _EXPOSED), VARY]


def adding(headers: Sequence[Header], send: Send) -> Send:
    """The same ``send``, which adds these headers to the response."""

    async def added(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return added


_EXPOSED = ", ".join(EXPOSED).encode()
