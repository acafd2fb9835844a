"""Parse the URL of an image. This is the only place that reads one: what it returns is looked up, checked and called."""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import quote

from adapters.core.message import Message
from proxy.upstream.image_fetch.errors import ImageError
from proxy.upstream.image_fetch.public_addresses import IPAddress

MAX_URL = 8192
"""The longest URL that is fetched, in characters."""
DEFAULT_PORTS = {"http": 80, "https": 443}
PORTS = frozenset(DEFAULT_PORTS.values())

URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:\#.*)?",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
"""RFC 3986, appendix B, for two schemes. The fragment is not sent."""
AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
"""A last label that resolvers read as a part of an IPv4 address: decimal, octal or hexadecimal."""
UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\]")
"""Characters that no URL has. Parsers disagree on what a backslash or a tab means."""


class ImageUrl(NamedTuple):
    """A URL to fetch: ``target`` is path and query as sent, ``address`` the IP address if the host is one.

    ``host`` is in lower case, without brackets and without a dot at its end.
    """

    scheme: str
    host: str
    port: int
    target: bytes
    address: IPAddress | None

    @property
    def host_header(self) -> bytes:
        """Return the value of ``Host``: with brackets around an IPv6 address, with a port that is not the scheme's."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return (name if self.port == DEFAULT_PORTS[self.scheme] else f"{name}:{self.port}").encode("ascii")


def parse_image_url(text: str, ports: frozenset[int] | None = PORTS) -> ImageUrl:
    """Return the parts of a URL. ``ports``: those that are allowed; None: all. Raises ImageError."""
    if len(text) > MAX_URL:
        raise refused(Message("its URL is longer than {most} characters", most=MAX_URL))
    if UNPRINTABLE.search(text):
        raise refused(Message("its URL has spaces, backslashes or control characters"))
    found = URL.fullmatch(text)
    if found is None:
        raise refused(Message("its URL does not begin with http:// or https://"))
    if "@" in found["authority"]:
        raise refused(Message("its URL has a user name or a password"))
    authority = AUTHORITY.fullmatch(found["authority"])
    if authority is None:
        raise refused(Message("its URL has no valid host"))
    scheme = found["scheme"].lower()
    host, address = parse_host(authority["host"])
    port = int(authority["port"]) if authority["port"] is not None else DEFAULT_PORTS[scheme]
    if not 0 < port < 1 << 16 or (ports is not None and port not in ports):
        raise refused(Message("only the ports 80 and 443 are allowed"), host)
    return ImageUrl(scheme, host, port, request_target(found["path"], found["query"] or "", host), address)


def parse_host(text: str) -> tuple[str, IPAddress | None]:
    """Return a host in lower case, and its address if it is one. Raises ImageError.

    Resolvers accept more spellings of an IPv4 address than dotted decimals (``0x7f.1``, ``2130706433``,
    ``0177.0.0.1``). A host whose last label is a number must be one of four decimals.
    """
    if text.startswith("["):
        try:
            return text[1:-1].lower(), ipaddress.IPv6Address(text[1:-1])
        except ValueError:
            raise refused(Message("its URL has no valid host")) from None
    host = text.lower().removesuffix(".")
    labels = host.split(".")
    if NUMBER.fullmatch(labels[-1]):
        try:
            return host, ipaddress.IPv4Address(host)
        except ValueError:
            raise refused(Message("its URL has no valid host")) from None
    if len(host) > 253 or not all(map(LABEL.fullmatch, labels)):
        raise refused(Message("its URL has no valid host (write international names in Punycode)"))
    return host, None


def request_target(path: str, query: str, host: str) -> bytes:
    """Return path and query in ASCII: other characters as percent-encoded UTF-8. Raises ImageError."""
    try:
        return quote(f"{path or '/'}{query}", safe=SAFE).encode("ascii")
    except UnicodeEncodeError:  # half of a surrogate pair
        raise refused(Message("its URL is not valid Unicode"), host) from None


SAFE = "".join(chr(code) for code in range(0x21, 0x7F))
"""All printable ASCII characters, sent unchanged: a URL may be encoded already."""


def refused(why: Message, host: str = "") -> ImageError:
    """Return the error for a URL that is not fetched."""
    return ImageError(why, "url", host=host)


def host_of(text: str) -> str | None:
    """Return the host of a redirect's location, for an error message; None if it has no acceptable one."""
    try:
        return parse_image_url(text, None).host
    except ImageError:
        return None
