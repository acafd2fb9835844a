"""Refuses requests that a web page makes its visitor's browser send to a port that asks for no client key.

Two ways lead from a page to a port on loopback or in a private network, and headers that a page cannot set give both
away. A page may send a POST whose body is JSON under the type ``text/plain``: browsers ask no permission for that
(Fetch, "CORS-safelisted"), and send the page's ``Origin`` along. Or the page's own host name is made to resolve to
127.0.0.1 (DNS rebinding): for the browser that is the same site, but the ``Host`` is still that name.

Browsers leave ``Origin`` out only of GET and HEAD requests, of the same site or without CORS (images, links). No path
that is read with GET calls a vendor or changes anything, and the page cannot read the response, so ``Sec-Fetch-Site``
has nothing to add. A page of the same host and port is not listed by itself: neither port serves pages.

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
"""Names that no one else can make resolve to this machine: RFC 6761, and a name of ``.internal``."""
MAX_SHOWN = 256
"""How many bytes of a header a message shows."""
MAX_REMEMBERED = 32
"""How many accepted Host headers are remembered, so that they are parsed once."""

_HOST = re.compile(rb"(?:\[([0-9A-Fa-f:.]+(?:%25[\w.~-]+)?)\]|([\w.~%!$&'()*+,;=-]+))(?::\d{0,5})?", re.ASCII)
_IPV4 = re.compile(rb"(?:0[Xx][0-9A-Fa-f]+|\d+)(?:\.(?:0[Xx][0-9A-Fa-f]+|\d+)){0,3}", re.ASCII)
"""The forms of ``inet_aton``, such as 127.1: no registry gives out names that look like it."""
_UNPRINTABLE = re.compile(rb"[^ -~]")


class OriginGuard:
    """Whose pages and which host names one port accepts, from one configuration.

    ``origins``: those of the pages that may send requests; None: the Origin header refuses none. ``hosts``: names that are
    accepted beside LOCAL_NAMES and IP addresses; None: the Host header is not looked at. ``cors``: the pages that may read
    responses; None: no page may. ``accepted``: Host headers that were accepted before; a request with one of them and
    without an Origin need not be asked about.
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
        """The refusal of a request with these headers, or None.

        ``headers`` is by name in lower case, the last one of a name; ``sent`` has all of them. Never raises.
        """
        if self._origins is not None and b"origin" in headers:
            once = len(headers) == len(sent)  # then no name came twice
            if not once or headers[b"origin"] not in self._origins:
                origins = [value for name, value in sent if name == b"origin"]
                if len(origins) != 1 or normalize_header(origins[0]) not in self._origins:
                    return _page_refused(b", ".join(origins))
        host = headers.get(b"host")
        if host in self.accepted or self._accepts(host or b""):
            return None
        return _host_refused(host or b"")

    def _accepts(self, host: bytes) -> bool:
        """Whether no web page can be behind a Host header; one that is accepted is remembered."""
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


def front_guard(settings: Settings) -> OriginGuard | None:
    """The guard of the port that apps use.

    Where client keys are asked for, which no foreign page has, it refuses nothing: None, unless pages may read responses.
    """
    server = settings.server
    cors = Cors(server.cors_origins) if server.cors_origins else None
    if settings.client_keys():
        return None if cors is None else OriginGuard(None, None, cors)
    return OriginGuard(server.cors_origins, None if server.beyond_loopback() else server.hosts, cors)


def admin_guard(settings: Settings) -> OriginGuard:
    """The guard of the admin port, whether it asks for a token or not."""
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
    """A header for a message: at most MAX_SHOWN bytes of it, without characters that are not printable ASCII."""
    text = _UNPRINTABLE.sub(b"?", value[:MAX_SHOWN]).decode("ascii")
    return f"{text}…" if len(value) > MAX_SHOWN else text or "(empty)"


def _page_refused(origin: bytes) -> AccessDenied:
    shown = _printable(origin)
    if normalize_header(origin) is None:
        return AccessDenied(
            Message(
                "Requests with the Origin '{origin}' are refused: this port asks for no key, and any web page can send them. Serve your page from an address of its own, and add that origin to server.cors_origins.",
                origin=shown,
            )
        )
    return AccessDenied(
        Message(
            "Requests of web pages from '{origin}' are refused: this port asks for no key. If you trust these pages, add this origin to server.cors_origins.",
            origin=shown,
        )
    )


def preflight_refused(origin: bytes) -> AccessDenied:
    """The refusal of a preflight for a page that is not listed, where client keys are asked for."""
    return AccessDenied(
        Message(
            "Web pages from '{origin}' may not call this port from a browser. If you trust these pages, add this origin to server.cors_origins.",
            origin=_printable(origin),
        )
    )


def _host_refused(host: bytes) -> AccessDenied:
    return AccessDenied(
        Message(
            "Requests to the host '{host}' are refused: it is neither localhost nor an IP address, and a web page can have its own name lead here. If it is a name of this server, add this name to server.hosts, without a port.",
            host=_printable(host),
        )
    )
