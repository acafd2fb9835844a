"""Check a request head against limits and the HTTP rules that the parser does not enforce. Pure.

httptools refuses most ambiguous requests. It accepts: a missing, repeated or invalid Host; two client keys, of which a
proxy in front may check one and banjia the other; transfer codings besides ``chunked``; ``chunked`` in HTTP/1.0;
unsupported HTTP versions; trailers; and heads of any size.
"""

import re
from collections.abc import Mapping, Sequence

from adapters.core.message import Message
from proxy.errors import HeadersTooLarge, Malformed

MAX_HEADERS = 128
"""The most headers of a request."""
MAX_HEAD = 64 * 1024
"""The largest request head (bytes)."""

Headers = Sequence[tuple[bytes, bytes]]
_ONCE = (b"host", b"content-length", b"transfer-encoding", b"authorization", b"api-key")
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?\]|[\w.~%!$&'()*+,;=-]+)(?::\d{0,5})?", re.ASCII)
"""RFC 3986, ``uri-host [":" port]``: a name, an IPv4 address or an IPv6 literal, and not empty."""


def validate_head(target: bytes, headers: Headers, names: Mapping[bytes, bytes], version: str) -> None:
    """Check a head, whose header names are in lower case. Raises Malformed or HeadersTooLarge."""
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
        raise Malformed(Message("The request header 'host' is not a valid host."))
    coding = names.get(b"transfer-encoding")
    if coding is not None and (version == "1.0" or coding.strip(b" \t").lower() != b"chunked"):
        raise Malformed(
            Message("The header 'transfer-encoding' of the request may only be 'chunked', and only in HTTP/1.1.")
        )


def headers_too_large() -> HeadersTooLarge:
    """Return the error for a head that is too large."""
    return HeadersTooLarge(
        Message(
            "The request has more than {limit} headers, or more than {size} KiB of headers.",
            limit=MAX_HEADERS,
            size=MAX_HEAD // 1024,
        )
    )


def without_upgrade(method: bytes, target: bytes, version: str, headers: Headers) -> bytes:
    """Return the same head without its protocol upgrade, which a server may ignore (RFC 9110, 7.8).

    Some clients ask for an upgrade in every first request over plain HTTP (Java's, curl's ``--http2``), and httptools
    would treat the body that follows as data of the other protocol.
    """
    lines = [b"%b %b HTTP/%b" % (method, target, version.encode())]
    for name, value in headers:
        if name == b"connection":
            options = {option.strip().lower() for option in value.split(b",")}
            if b"close" in options:
                lines.append(b"connection: close")
        elif name not in (b"upgrade", b"http2-settings"):
            lines.append(name + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n"
