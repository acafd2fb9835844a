"""CORS: let web pages of configured origins read responses (Fetch, "CORS protocol"). Off by default.

Starlette's CORSMiddleware is not suitable: it wraps ``send``, which complete responses bypass
(``proxy/server/fast_path.py``), it adds cost to every request, and it would not follow a reload.

OpenAI's API answers preflight requests without a key; the exact headers are not documented. This module uses the plain
form of the protocol: the origin itself and ``vary: Origin``, the requested headers, and no
``access-control-allow-credentials``, since banjia does not use cookies as credentials.

Pure: no clock, no sockets, no state of a request.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from starlette.types import Message, Send

from adapters.codecs.openai.exchange import RATE_LIMIT_HEADERS
from config.origins import ANY_PAGE, normalize_header

Header = tuple[bytes, bytes]

METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
"""The methods of OpenAI's API. A method that a path does not support returns a 405 that the page can read."""
USUAL_HEADERS = b"authorization, content-type, api-key, openai-organization, openai-project"
"""The allowed headers if a preflight requests none, or has a list that is too long or malformed."""
MAX_REQUESTED = 1024
"""The longest list of requested headers that is echoed (bytes). OpenAI's Node SDK sends 300."""
MAX_AGE_S = 7200
"""How long browsers may cache a preflight response (seconds). Chromium's maximum."""
EXPOSED = (
    "x-request-id", "openai-processing-ms", "openai-version", "retry-after", "retry-after-ms", "x-should-retry",
    *sorted(RATE_LIMIT_HEADERS), "x-banjia-target", "x-banjia-attempts", "x-banjia-adapted",
)  # fmt: skip
"""The response headers that a page may read, in addition to the safelisted ones (``content-type`` and the like)."""

VARY: Header = (b"vary", b"Origin")
_NAMES = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")


class Cors:
    """The origins whose pages may read responses, from ``server.cors_origins``.

    ``*`` allows every page, ``null`` those with an opaque origin (files, sandboxed frames).
    """

    __slots__ = ("_any_origin", "_null", "_origins")

    def __init__(self, origins: Iterable[str]) -> None:
        listed = frozenset(origins)
        self._any_origin = "*" in listed
        self._null = self._any_origin or "null" in listed
        self._origins = frozenset(origin.encode() for origin in listed.difference(ANY_PAGE))

    def listed(self, sent: Sequence[Header]) -> bytes | None:
        """Return the ``Origin`` header's value if there is exactly one and it is allowed, else None. Never raises."""
        origins = [value for name, value in sent if name == b"origin"]
        if len(origins) != 1:
            return None
        [origin] = origins
        if origin == b"null":
            return origin if self._null else None
        normalized = normalize_header(origin)
        return origin if normalized is not None and (self._any_origin or normalized in self._origins) else None


def is_preflight(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request is a CORS preflight; ``headers`` are by lower-case name and include ``origin``."""
    return method == "OPTIONS" and b"access-control-request-method" in headers


def preflight_headers(origin: bytes, headers: Mapping[bytes, bytes]) -> list[Header]:
    """Return the headers of the response to a preflight from an allowed origin."""
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
    """Return the CORS headers of any other response. ``origin``: None if it is not allowed."""
    if origin is None:
        return [VARY]
    return [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", _EXPOSED), VARY]


def adding(headers: Sequence[Header], send: Send) -> Send:
    """Return a ``send`` that adds these headers to the response."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return send_with_headers


_EXPOSED = ", ".join(EXPOSED).encode()
