"""Refuse requests that a web page makes its visitor's browser send to a port without client keys.

A page can reach a port on loopback or in a private network in two ways; both show in headers that a page cannot set. It
can send a POST with JSON of type ``text/plain``, for which browsers send no preflight (Fetch, "CORS-safelisted"); the
request has the page's ``Origin``. Or the page's host name resolves to 127.0.0.1 (DNS rebinding): for the browser that
is the same site, but ``Host`` is still that name.

Browsers omit ``Origin`` only in GET and HEAD requests of the same site or without CORS (images, links). No GET path
calls a vendor or changes anything, and the page cannot read the response, so ``Sec-Fetch-Site`` is not needed. A port's
own origin is not allowed by default, because neither port serves pages.

Pure: no clock, no sockets, no state of a request.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable, Mapping, Sequence

from adapters.core.message import Message
from config.origins import ANY_PAGE, normalize_header
from config.schema import Settings
from proxy.errors import AccessDenied
from proxy.server.cors import Cors

LOCAL_NAMES = (b"localhost", b"host.docker.internal")
"""Names that an attacker cannot make resolve to this machine: RFC 6761, and a name in ``.internal``."""
MAX_SHOWN = 256
"""The most bytes of a header that a message shows."""
MAX_REMEMBERED = 32
"""The most accepted Host headers that are remembered, so that each is parsed once."""

_HOST = re.compile(rb"(?:\[([0-9A-Fa-f:.]+(?:%25[\w.~-]+)?)\]|([\w.~%!$&'()*+,;=-]+))(?::\d{0,5})?", re.ASCII)
_IPV4 = re.compile(rb"(?:0[Xx][0-9A-Fa-f]+|\d+)(?:\.(?:0[Xx][0-9A-Fa-f]+|\d+)){0,3}", re.ASCII)
"""The forms of ``inet_aton``, such as 127.1. No registry issues names of this form."""
_UNPRINTABLE = re.compile(rb"[^ -~]")


class OriginGuard:
    """The origins and host names that one port accepts.

    ``origins``: pages that may send requests; None: the Origin header is not checked. ``hosts``: host names accepted in
    addition to LOCAL_NAMES and IP addresses; None: the Host header is not checked. ``cors``: the pages that may read
    responses; None: no page may. ``accepted``: Host headers that were accepted before; a request with one of them and
    without an Origin needs no check.
    """

    __slots__ = ("_names", "_origins", "accepted", "cors")

    def __init__(self, origins: Iterable[str] | None, hosts: Iterable[str] | None, cors: Cors | None = None) -> None:
        self._origins: frozenset[bytes] | None = None
        if origins is not None:
            self._origins = frozenset(origin.encode() for origin in origins if origin not in ANY_PAGE)
        self.cors = cors
        self._names = None if hosts is None else frozenset((*LOCAL_NAMES, *(name.encode() for name in hosts)))
        self.accepted: set[bytes | None] = {None}  # HTTP/1.0 may leave Host out, which no browser does

    def refuse(self, headers: Mapping[bytes, bytes], sent: Sequence[tuple[bytes, bytes]]) -> AccessDenied | None:
        """Return the refusal of a request with these headers, or None.

        ``headers`` is by lower-case name, the last one of a repeated name; ``sent`` has all of them. Never raises.
        """
        if self._origins is not None and b"origin" in headers:
            unique = len(headers) == len(sent)  # no name is repeated
            if not unique or headers[b"origin"] not in self._origins:
                origins = [value for name, value in sent if name == b"origin"]
                if len(origins) != 1 or normalize_header(origins[0]) not in self._origins:
                    return _page_refused(b", ".join(origins))
        host = headers.get(b"host")
        if host in self.accepted or self._accepts(host or b""):
            return None
        return _host_refused(host or b"")

    def _accepts(self, host: bytes) -> bool:
        """Whether a Host header cannot come from a rebound host name. Remembers accepted ones."""
        accepted = self._names is None
        match = _HOST.fullmatch(host) if not accepted and len(host) <= MAX_SHOWN else None
        if match is not None:
            address, name = match.groups()
            accepted = _is_ipv6(address) if name is None else self._accepts_name(name.lower().removesuffix(b"."))
        if accepted and len(self.accepted) < MAX_REMEMBERED:
            self.accepted.add(host)
        return accepted

    def _accepts_name(self, name: bytes) -> bool:
        return (self._names is not None and name in self._names) or _is_ipv4(name)


def api_guard(settings: Settings) -> OriginGuard | None:
    """Return the guard of the API port.

    With client keys, which a foreign page does not have, it refuses nothing: None, unless pages may read responses.
    """
    server = settings.server
    cors = Cors(server.cors_origins) if server.cors_origins else None
    if settings.client_keys():
        return None if cors is None else OriginGuard(None, None, cors)
    return OriginGuard(server.cors_origins, None if server.beyond_loopback() else server.hosts, cors)


def admin_guard(settings: Settings) -> OriginGuard:
    """Return the guard of the admin port, whether it requires a token or not."""
    server = settings.server
    return OriginGuard(server.cors_origins, None if server.admin_beyond_loopback() else server.hosts)


def _is_ipv6(address: bytes) -> bool:
    try:
        ipaddress.IPv6Address(address.decode("ascii"))
    except ValueError:
        return False
    return True


def _is_ipv4(name: bytes) -> bool:
    if _IPV4.fullmatch(name) is None:
        return False
    try:
        socket.inet_aton(name.decode("ascii"))
    except OSError:
        return False
    return True


def _printable(value: bytes) -> str:
    """Return a header for a message: at most MAX_SHOWN bytes, with non-printable characters replaced."""
    text = _UNPRINTABLE.sub(b"?", value[:MAX_SHOWN]).decode("ascii")
    return f"{text}…" if len(value) > MAX_SHOWN else text or "(empty)"


def _page_refused(origin: bytes) -> AccessDenied:
    shown = _printable(origin)
    if normalize_header(origin) is None:
        return AccessDenied(
            Message(
                "Requests with the Origin '{origin}' are refused, because this port requires no key and any web page can send this Origin. Serve your page from its own address, and add that origin to server.cors_origins.",
                origin=shown,
            )
        )
    return AccessDenied(
        Message(
            "Requests of web pages from '{origin}' are refused, because this port requires no key. If you trust these pages, add this origin to server.cors_origins.",
            origin=shown,
        )
    )


def preflight_refused(origin: bytes) -> AccessDenied:
    """Return the refusal of a preflight for an origin that is not listed, if client keys are required."""
    return AccessDenied(
        Message(
            "Web pages from '{origin}' may not call this port from a browser. If you trust these pages, add this origin to server.cors_origins.",
            origin=_printable(origin),
        )
    )


def _host_refused(host: bytes) -> AccessDenied:
    return AccessDenied(
        Message(
            "Requests to the host '{host}' are refused: it is neither localhost nor an IP address, and a web page could have its own domain resolve to this server. If it is a name of this server, add it to server.hosts, without a port.",
            host=_printable(host),
        )
    )
