"""A request as the bytes that go over the wire, and nothing but one request."""

import re
from collections.abc import Iterable
from functools import lru_cache

import httpx2

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@lru_cache(maxsize=512)
def _is_token(name: bytes) -> bool:
    return TOKEN.fullmatch(name) is not None


@lru_cache(maxsize=1024)
def head_prefix(method: str, target: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """The part of a head that stays from one body to the next: all but its length, which is to be put behind it.

    Kept, since a vendor's headers hardly change. Raises LocalProtocolError for what would not be one request.
    """
    head = serialize_head(method.encode("latin-1"), target, headers, 0)
    return head[:-2] + b"content-length: "


def serialize(request: httpx2.Request, target: bytes) -> tuple[bytes, bytes]:
    """A request's head and body as bytes. Raises LocalProtocolError for what would not be one request on the wire."""
    stream = request.stream
    if not isinstance(stream, httpx2.ByteStream):
        raise httpx2.LocalProtocolError("only a request whose body is at hand can be sent")
    body = b"".join(stream)
    return serialize_head(request.method.encode("latin-1"), target, request.headers.raw, len(body)), body


def serialize_head(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], size: int) -> bytes:
    """A head for a body of this size. Raises LocalProtocolError for what would not be one request on the wire."""
    lengths: list[bytes] = []
    lines = [b"%b %b HTTP/1.1" % (method, target)]
    for name, value in headers:
        if not _is_token(name):
            raise httpx2.LocalProtocolError(f"not a header's name: {name!r}")
        if len(name) in (14, 17) and name.lower() in (b"content-length", b"transfer-encoding"):
            lengths.append(value)
        lines.append(name + b": " + value)
    if lengths != [b"%d" % size] and (lengths or size):
        raise httpx2.LocalProtocolError("a body needs one content-length, its own, and no transfer-encoding")
    head = b"\r\n".join(lines)
    if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1 or b"\0" in head:
        raise httpx2.LocalProtocolError("a line break in a header")
    return head + b"\r\n\r\n"
