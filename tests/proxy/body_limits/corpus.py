"""Requests that two servers might read differently: the bytes, the expected status, and the fate of the connection."""

from typing import NamedTuple

CLOSED, OPEN = False, True
CHUNKED = b"Transfer-Encoding: chunked"
BODY = b"4\r\n{no}\r\n0\r\n\r\n"
MODELS = b"GET /v1/models HTTP/1.1"
CHAT = b"POST /v1/chat/completions HTTP/1.1"


class Case(NamedTuple):
    """``sent`` gets one response with this status, or none (0); then the connection is usable, or closed."""

    name: str
    sent: bytes
    status: int
    stays: bool


def head(first: bytes, *lines: bytes, host: bytes | None = b"Host: localhost", body: bytes = b"") -> bytes:
    return b"\r\n".join([first, *([host] if host else []), *lines]) + b"\r\n\r\n" + body


def get(*lines: bytes, host: bytes | None = b"Host: localhost", body: bytes = b"") -> bytes:
    return head(MODELS, *lines, host=host, body=body)


def post(*lines: bytes, body: bytes = b"") -> bytes:
    return head(CHAT, *lines, body=body)


def bad(name: str, sent: bytes, status: int = 400) -> Case:
    return Case(name, sent, status, CLOSED)


def good(name: str, sent: bytes, status: int = 200, *, stays: bool = OPEN) -> Case:
    return Case(name, sent, status, stays)


LENGTHS = [
    b"+4",
    b"-4",
    b"0x4",
    b"4, 4",
    b"4 4",
    b"4a",
    b"4.0",
    b'"4"',
    b"",
    b"4\x0b",
    b"4\x00",
    b"9" * 23,
    b"\xc2\xb2",
]
CODINGS = [
    b"xchunked", b"chunked, identity", b"identity", b"gzip, chunked", b"chunked, chunked", b"chunked;q=1", b'"chunked"',
    b"", b"chunked\x0b", b"chunked,", b",chunked", b"\x00chunked", b"chunked\x00", b"cow", b"deflate",
]  # fmt: skip
CHUNKS = [
    b"4\r\n{no}0\r\n\r\n", b"4\n{no}\r\n0\r\n\r\n", b"4\r\n{no}\n0\r\n\r\n", b"0x4\r\n{no}\r\n0\r\n\r\n",
    b"+4\r\n{no}\r\n0\r\n\r\n", b"-4\r\n{no}\r\n0\r\n\r\n", b" 4\r\n{no}\r\n0\r\n\r\n", b"4 \r\n{no}\r\n0\r\n\r\n",
    b"4;a\x00\r\n{no}\r\n0\r\n\r\n", b"4;\n{no}\r\n0\r\n\r\n", b"4;a\n{no}\r\n0\r\n\r\n", b"\r\n{no}\r\n0\r\n\r\n",
    b"F" * 17 + b"\r\n{no}\r\n0\r\n\r\n", b"10000000000000004\r\n{no}\r\n0\r\n\r\n", b"4_0\r\n{no}\r\n0\r\n\r\n",
    b"4\r\r\n{no}\r\n0\r\n\r\n", b"4\r\n{no}X\r\n0\r\n\r\n", b"4\r\n{no}\r\n;\r\n\r\n", b"4\r\n{no}\r\n0\n\n",
    b"4\r\n{no}\r\n0\r\n bad\r\n\r\n", b"4\r\n{no}\r\n0\r\nX : y\r\n\r\n", b"4\r\n{no}\r\n0\r\nX: y\n\r\n",
    b"4\r\n{no}\r\n0\r\nContent-Length: 7\r\n\r\n", b"4;\r{no}\r\n0\r\n\r\n", b'4;a="\r\n"\r\n{no}\r\n0\r\n\r\n',
]  # fmt: skip
HOSTS = [
    b"", b"a/?x=", b"a b", b"a@b", b"a#b", b"a?b", b"a\\b", b"a:b", b"a:80:80", b"a:999999", b"[::1", b"::1", b"[x]",
    b"<a>", b"a\xffb", b"http://a", b"[::1]x",
]  # fmt: skip
GOOD_HOSTS = [b"x", b"127.0.0.1:8080", b"[::1]:8080", b"api.example.com", b"x:", b"my_proxy", b"XN--Fiq228c.example."]
FIRSTS = [
    b"GET /v1/models HTTP/2.0", b"GET /v1/models HTTP/1.2", b"GET /v1/models HTTP/0.9", b"GET /v1/models HTTP/9.9",
    b"GET /v1/models", b"GET /v1/models http/1.1", b"GET /v1/models HTTP/1.1 ", b"GET\t/v1/models HTTP/1.1",
    b"GET /v1/ models HTTP/1.1", b"get /v1/models HTTP/1.1", b"GET /v1/mod\x00els HTTP/1.1", b"GET /\xc3\xa9 HTTP/1.1",
    b"GET v1/models HTTP/1.1", b"GET /v1/mod\tels HTTP/1.1", b"GET /v1/mod\x7fels HTTP/1.1", b"PRI * HTTP/2.0",
    b" GET /v1/models HTTP/1.1", b"GET /v1/models HTTP/1.10", b"GET /v1/models HTTP/01.1", b"GET /v1/models HTTP/1,1",
    b"SMUGGLE /v1/models HTTP/1.1", b"CONNECT x:80 HTTP/1.1", b"GET /v1/models ICE/1.0",
]  # fmt: skip

REFUSED = [
    bad("length and chunked", post(b"Content-Length: 4", CHUNKED, body=BODY)),
    bad("chunked and length", post(CHUNKED, b"Content-Length: 4", body=BODY)),
    bad("two lengths", post(b"Content-Length: 4", b"Content-Length: 5", body=b"{no}")),
    bad("one length twice", post(b"Content-Length: 4", b"Content-Length: 4", body=b"{no}")),
    bad("a length with space before its colon", post(b"Content-Length : 4", body=b"{no}")),
    bad("chunked with space before its colon", post(b"Transfer-Encoding : chunked", body=BODY)),
    bad("chunked twice", post(CHUNKED, CHUNKED, body=BODY)),
    bad("chunked, then another coding", post(CHUNKED, b"Transfer-Encoding: identity", body=BODY)),
    bad("another coding, then chunked", post(b"Transfer-Encoding: identity", CHUNKED, body=BODY)),
    bad("gzip, then chunked", post(b"Transfer-Encoding: gzip", CHUNKED, body=BODY)),
    bad("chunked in HTTP/1.0", head(b"POST /v1/chat/completions HTTP/1.0", CHUNKED, body=BODY)),
    bad("chunked on a folded line", post(b"Transfer-Encoding:", b" chunked", body=BODY)),
    bad("a folded line", get(b"X: a", b" b")),
    bad("a folded line of a tab", get(b"X: a", b"\tb")),
    bad("space before the first header", head(MODELS, b" X: a", b"Host: x", host=None)),
    bad("bare LF throughout", get().replace(b"\r\n", b"\n")),
    bad("a bare LF", head(MODELS, b"Host: x\nX: y", host=None)),
    bad("a bare LF at the end", b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\n"),
    bad("a bare CR", head(MODELS, b"Host: x\rX: y", host=None)),
    bad("a bare CR at the end", b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\rX"),
    bad("NUL in a value", get(b"X: a\x00b")),
    bad("NUL in a name", get(b"X\x00: a")),
    bad("a control byte in a value", get(b"X: a\x01b")),
    bad("DEL in a value", get(b"X: a\x7fb")),
    bad("space in a name", get(b"X Y: a")),
    bad("no name", get(b": a")),
    bad("no colon", get(b"Xa")),
    bad("a name in UTF-8", get(b"X\xc3\xa9: a")),
    bad("a name in quotes", get(b'"X": a')),
    bad("no host", get(host=None)),
    bad("two hosts", get(b"Host: x")),
    bad("two hosts of two spellings", get(b"hOsT: y")),
    bad("two hosts in HTTP/1.0", head(b"GET /v1/models HTTP/1.0", b"Host: y")),
    bad("129 headers", get(*(b"X-%d: y" % at for at in range(128))), 431),
    bad("129 times a header", get(*(b"X: y" for _ in range(128))), 431),
    bad("a header of 64 KiB", get(b"X: " + b"y" * 65_536), 431),
    bad("a target of 64 KiB", head(b"GET /v1/models?" + b"y" * 65_536 + b" HTTP/1.1"), 431),
    bad("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    bad("not HTTP", b"SSH-2.0-OpenSSH_9.2\r\n"),
    *(bad(f"length {value!r}", post(b"Content-Length: " + value, body=b"{no}")) for value in LENGTHS),
    *(bad(f"coding {value!r}", post(b"Transfer-Encoding: " + value, body=BODY)) for value in CODINGS),
    *(bad(f"chunks {value!r}", post(CHUNKED, body=value)) for value in CHUNKS),
    *(bad(f"host {value!r}", get(host=b"Host: " + value)) for value in HOSTS),
    *(bad(f"first line {value!r}", head(value)) for value in FIRSTS),
]

SERVED = [
    good("a plain request", get()),
    good("HTTP/1.0", head(b"GET /v1/models HTTP/1.0"), stays=CLOSED),
    good("HTTP/1.0 without a host", head(b"GET /v1/models HTTP/1.0", host=None), stays=CLOSED),
    good("asked to close", get(b"Connection: close"), stays=CLOSED),
    good("128 headers", get(*(b"X-%d: y" % at for at in range(127)))),
    good("the same name 100 times", get(*(b"X: y" for _ in range(100)))),
    good("a header of 60 KiB", get(b"X: " + b"y" * 61_000)),
    good("an absolute target", head(b"GET http://evil.example/v1/models HTTP/1.1")),
    good("line breaks before the request", b"\r\n\r\n" + get()),
    good("a value in UTF-8", get(b"X: \xc3\xa9")),
    good("underscores in a name", get(b"Content_Length: 5")),
    good("a body where none is due", get(b"Content-Length: 4", body=b"{no}")),
    good("a length with zeros before it", post(b"Content-Length: 04", body=b"{no}"), 400),
    good("a length named by Connection", post(b"Connection: content-length", b"Content-Length: 4", body=b"{no}"), 400),
    good("chunked", post(CHUNKED, body=BODY), 400),
    good("Chunked", post(b"transfer-encoding:\tChunked ", body=BODY), 400),
    good("chunks with extensions", post(CHUNKED, body=b"4;a=b\r\n{no}\r\n0\r\n\r\n"), 400),
    good("chunks with zeros before their size", post(CHUNKED, body=b"00000004\r\n{no}\r\n00\r\n\r\n"), 400),
    good("trailers", post(CHUNKED, body=b"4\r\n{no}\r\n0\r\nHost: y\r\nAuthorization: Bearer z\r\n\r\n"), 400),
    good("asterisk", head(b"OPTIONS * HTTP/1.1"), 404),
    good("a websocket", head(b"GET /v1/realtime HTTP/1.1", b"Connection: Upgrade", b"Upgrade: websocket",
                             b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="), 404),
    good("HTTP/2 without TLS", get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")),
    good("HTTP/2 without TLS, with a body", post(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c",
                                                 b"HTTP2-Settings: AAMAAABk", b"Content-Length: 4", body=b"{no}"), 400),
    good("an upgrade, chunked", post(b"Connection: Upgrade", b"Upgrade: h2c", CHUNKED, body=BODY), 400),
    good("an upgrade, to be closed", get(b"Connection: Upgrade, close", b"Upgrade: h2c"), stays=CLOSED),
    *(good(f"host {value!r}", get(host=b"Host: " + value)) for value in GOOD_HOSTS),
]  # fmt: skip
