"""Serialize a request to HTTP/1.1 bytes, and reject input that would not be exactly one request."""

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
    """Return a request head up to and including ``content-length: ``; the caller appends the length of the body.

    Cached, because a vendor's headers rarely change. Raises LocalProtocolError if it would not be exactly one request.
    """
    head = serialize_head(method.encode("latin-1"), target, headers, 0)
    return head[:-2] + b"content-length: "


def serialize(request: httpx2.Request, target: bytes) -> tuple[bytes, bytes]:
    """Return a request's head and body as bytes. Raises LocalProtocolError if they would not be exactly one request."""
    stream = request.stream
    if not isinstance(stream, httpx2.ByteStream):
        raise httpx2.LocalProtocolError("the request body must be in memory")
    body = b"".join(stream)
    return serialize_head(request.method.encode("latin-1"), target, request.headers.raw, len(body)), body


def serialize_head(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], size: int) -> bytes:
    """Return the head for a body of ``size`` bytes. Raises LocalProtocolError if it would not be one request only."""
    lengths: list[bytes] = []
    lines = [b"%b %b HTTP/1.1" % (method, target)]
    for name, value in headers:
        if not _is_token(name):
            raise httpx2.LocalProtocolError(f"invalid header name: {name!r}")
        if len(name) in (14, 17) and name.lower() in (b"content-length", b"transfer-encoding"):
            lengths.append(value)
        lines.append(name + b": " + value)
    if lengths != [b"%d" % size] and (lengths or size):
        raise httpx2.LocalProtocolError("a body needs exactly one correct content-length, and no transfer-encoding")
    head = b"\r\n".join(lines)
    if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1 or b"\0" in head:
        raise httpx2.LocalProtocolError("a line break in a header")
    return head + b"\r\n\r\n"
