"""What the head of a request may look like: rules of HTTP that the parser does not hold, and limits. Pure.

httptools refuses most of what can be read in two ways. It lets pass: no Host, two of them, or one that is none; two keys
of a caller, of which a proxy in front may check the one and banjia the other; a coding besides ``chunked``; ``chunked``
in HTTP/1.0; versions that were never ours; trailers; and heads of any size.
"""

import re
from collections.abc import Mapping, Sequence

from adapters.core.message import Message
from proxy.errors import HeadersTooLarge, Malformed

MAX_HEADERS = 128
"""How many headers a request may have."""
MAX_HEAD = 64 * 1024
"""How many bytes the head of a request may have."""

Headers = Sequence[tuple[bytes, bytes]]
_ONCE = (b"host", b"content-length", b"transfer-encoding", b"authorization", b"api-key")
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?\]|[\w.~%!$&'()*+,;=-]+)(?::\d{0,5})?", re.ASCII)
"""RFC 3986, ``uri-host [":" port]``: a name, an IPv4 address or an IPv6 literal. Empty names no host that we could be."""


def validate_head(target: bytes, headers: Headers, names: Mapping[bytes, bytes], version: str) -> None:
    """Check a head, whose names are in lower case. Raises Malformed or HeadersTooLarge."""
    if len(headers) > MAX_HEADERS:
        raise headers_too_large()
    if len(target) + sum(len(name) + len(value) + 4 for name, value in headers) > MAX_HEAD:
        raise headers_too_large()
    if len(names) < len(headers):
        sent = [name for name, _ in headers]
        for name in _ONCE:
            if sent.count(name) > 1:
                raise Malformed(Message("The request has more than one header '{name}'. Send one.", name=name.decode()))
    host = names.get(b"host")
    if host is None:
        if version != "1.0":
            raise Malformed(Message("The request has no header 'host', which HTTP/1.1 needs."))
    elif _HOST.fullmatch(host) is None:
        raise Malformed(Message("The header 'host' of the request holds no host."))
    coding = names.get(b"transfer-encoding")
    if coding is not None and (version == "1.0" or coding.strip(b" \t").lower() != b"chunked"):
        raise Malformed(
            Message("The header 'transfer-encoding' of the request may only be 'chunked', and only in HTTP/1.1.")
        )


def headers_too_large() -> HeadersTooLarge:
    """The error for a head that is too long."""
    return HeadersTooLarge(
        Message(
            "The request has more than {most} headers, or more than {size} KiB of them.",
            most=MAX_HEADERS,
            size=MAX_HEAD // 1024,
        )
    )


def without_upgrade(method: bytes, target: bytes, version: str, headers: Headers) -> bytes:
    """The same head without the wish to change protocols, which RFC 9110 (7.8) leaves to us.

    Some clients send it with every first request over plain HTTP (Java's, curl's ``--http2``), and httptools would
    take the body that follows for the other protocol's.
    """
    lines = [b"%b %b HTTP/%b" % (method, target, version.encode())]
    for name, value in headers:
        if name == b"connection":
            wishes = {wish.strip().lower() for wish in value.split(b",")}
            if b"close" in wishes:
                lines.append(b"connection: close")
        elif name not in (b"upgrade", b"http2-settings"):
            lines.append(name + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n"
