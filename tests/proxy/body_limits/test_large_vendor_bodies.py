"""Vendor responses are as untrusted as requests: too large, too deep or malformed ones fail within limits."""

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from tests.proxy.server.raw_client import ANSWER, Answer, chat, line, run, serving

MIB = 1024 * 1024
GOOD = ANSWER[:-1]
CONTENT = (
    b'{"id":"1","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}'
)
STOP = CONTENT.replace(b'{"content":"a"}', b"{}").replace(b"null", b'"stop"')


def deep(levels: int, start: bytes, end: bytes) -> bytes:
    return start * levels + b"1" + end * levels


def around(value: bytes) -> bytes:
    """A valid response with one more member."""
    return GOOD + b',"x":' + value + b"}"


def answer_with(text: bytes) -> bytes:
    """A valid response with this instead of its text."""
    return ANSWER.replace(b'"hello"', text)


def used(value: bytes) -> bytes:
    """A valid response with this number of tokens."""
    return GOOD + b',"usage":{"prompt_tokens":' + value + b',"completion_tokens":' + value + b"}}"


ODD: dict[str, Callable[[], bytes]] = {
    "10^5 lists": lambda: deep(100_000, b"[", b"]"),
    "10^5 lists without an end": lambda: b"[" * 100_000,
    "10^4 objects in a good answer": lambda: around(deep(10_000, b'{"a":', b"}")),
    "500 lists in a good answer": lambda: around(deep(500, b"[", b"]")),
    "1000 lists as the text": lambda: answer_with(deep(1000, b"[", b"]")),
    "10^5 members": lambda: b"{" + b",".join(b'"k%d":1' % at for at in range(100_000)) + b"}",
    "10^5 members in a good answer": lambda: GOOD + b"".join(b',"k%d":1' % at for at in range(100_000)) + b"}",
    "10^5 choices": lambda: b'{"choices":[' + b",".join([b"{}"] * 100_000) + b"]}",
    "10^5 digits": lambda: around(b"1" * 100_000),
    "10^5 digits as tokens": lambda: used(b"1" * 100_000),
    "30 digits as tokens": lambda: used(b"1" * 30),
    "less than nothing as tokens": lambda: used(b"-5"),
    "a fraction as tokens": lambda: used(b"1e999"),
    "NaN": lambda: around(b"NaN"),
    "Infinity": lambda: used(b"-Infinity"),
    "half a surrogate": lambda: answer_with(b'"\\ud800"'),
    "half a surrogate as a name": lambda: GOOD + b',"\\ud800":1}',
    "bad UTF-8": lambda: answer_with(b'"\xff\xfe"'),
    "a raw NUL": lambda: answer_with(b'"\x00"'),
    "one member twice": lambda: GOOD + b',"choices":[]}',
    "a number as the text": lambda: answer_with(b"5"),
    "an object as the text": lambda: answer_with(b'{"a":1}'),
    "30 digits as an index": lambda: ANSWER.replace(b'"index": 0', b'"index": ' + b"1" * 30),
}


def as_event(body: bytes) -> bytes:
    """The same, as an event of a stream."""
    return b"data: " + body.replace(b'"message"', b'"delta"').replace(b"\n", b" ") + b"\n\n"


LAST = b"x-stainless-retry-count: 2"
"""An SDK's word that this is its third try: then one attempt is made."""


async def response_of(running: Any, **body: Any) -> tuple[int, bytes]:
    """The status and the whole body of an answer, chunked or not."""
    async with line(running.url) as caller:
        await caller.send(chat(LAST, **body))
        head = (await caller.reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" not in head:
            size = next(int(x[15:]) for x in head.split(b"\r\n") if x.startswith(b"content-length:"))
            return int(head[9:12]), await caller.reader.readexactly(size)
        out = b""
        while size := int(await caller.reader.readline(), 16):
            out += (await caller.reader.readexactly(size + 2))[:-2]
        return int(head[9:12]), out


class Scripted:
    """A vendor that always sends the same bytes, until they are changed."""

    def __init__(self) -> None:
        self.kind, self.body, self.more, self.status = b"application/json", b"", b"", 200

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked_for: bytes) -> None:
        head = b"HTTP/1.1 %d X\r\ncontent-type: %b\r\n%bcontent-length: %d\r\n\r\n"
        writer.write(head % (self.status, self.kind, self.more, len(self.body)) + self.body)


def judged(status: int, body: bytes, name: str = "") -> None:
    """A valid response, or the vendor's failure: never an internal error, and never other JSON."""
    if status == 200:
        assert json.loads(body)["choices"], name
        return
    assert status == 502, (name, body[:200])
    assert Answer(status, b"", body).error["code"] == "upstream_invalid_response", name


def test_an_odd_answer_is_an_answer_or_the_vendors_failure() -> None:
    async def scene() -> None:
        vendor = Scripted()
        async with serving(vendor) as running:
            for name, make in ODD.items():
                vendor.body = make()
                judged(*await response_of(running), name)

    run(scene())


@pytest.mark.parametrize("before", [b"", b"data: " + CONTENT + b"\n\n"], ids=["before content", "after content"])
def test_an_odd_event_ends_a_stream_or_is_part_of_it(before: bytes) -> None:
    async def scene() -> None:
        vendor = Scripted()
        vendor.kind = b"text/event-stream"
        async with serving(vendor) as running:
            for name, make in ODD.items():
                vendor.body = before + as_event(make()) + b"data: " + STOP + b"\n\ndata: [DONE]\n\n"
                status, got = await response_of(running, stream=True)
                if not got.startswith(b"data: "):
                    assert not before, name
                    judged(status, got, name)
                    continue
                assert status == 200
                *events, last = [event.removeprefix(b"data: ") for event in got.split(b"\n\n") if event]
                assert last == b"[DONE]" or json.loads(last)["error"]["code"] == "upstream_invalid_response", name
                assert not any("error" in json.loads(event) for event in events), name
                assert not before or b'"content":"a"' in events[0], name

    run(scene())


ENDLESS = {
    "an event": (b"text/event-stream", b"data: ", b"x" * 65_536, 8),
    "lines of an event": (b"text/event-stream", b"", b"data: %b\n" % (b"x" * 200) * 300, 8),
    "a comment": (b"text/event-stream", b":", b"x" * 65_536, 8),
    "a body": (b"application/json", b'{"x":"', b"x" * 262_144, 64),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_an_endless_response_is_aborted_at_its_limit_and_its_connection_closed(what: str) -> None:
    kind, start, again, limit = ENDLESS[what]
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b"\r\n\r\n" + start)
        while sent < 200 * MIB:
            writer.write(again)
            await writer.drain()
            sent += len(again)

    async def scene() -> int:
        async with serving(endless) as running:
            tracemalloc.start()
            judged(*await response_of(running, stream=kind == b"text/event-stream"))
            return tracemalloc.get_traced_memory()[1]

    try:
        assert run(scene()) < 3.2 * limit * MIB
    finally:
        tracemalloc.stop()
    assert limit * MIB * 0.9 < sent < (limit + 16) * MIB


ENCODINGS = [b"gzip", b"x-gzip", b"deflate", b"br", b"zstd", b"compress", b"gzip, gzip", b"identity, br", b"aes128gcm"]


@pytest.mark.parametrize("status", [200, 400, 500])
def test_no_encoding_of_a_vendor_is_undone_whatever_the_status(status: int) -> None:
    """The request accepts identity only. A decompression bomb is never unpacked, not even for errors."""

    async def scene() -> int:
        vendor = Scripted()
        vendor.body, vendor.status = gzip.compress(ANSWER + bytes(64 * MIB)), status
        async with serving(vendor) as running:
            tracemalloc.start()
            for encoding in ENCODINGS:
                vendor.more = b"content-encoding: " + encoding + b"\r\n"
                got, body = await response_of(running)
                code = Answer(got, b"", body).error["code"]
                assert (got, code) == (502, "upstream_invalid_response"), encoding
            return tracemalloc.get_traced_memory()[1]

    try:
        assert run(scene()) < 4 * MIB
    finally:
        tracemalloc.stop()


def test_a_transfer_that_is_encoded_is_no_answer_either() -> None:
    bomb = gzip.compress(bytes(4 * MIB))

    async def encoded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: gzip, chunked\r\n\r\n")
        writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(bomb), bomb))

    async def scene() -> None:
        async with serving(encoded) as running:
            status, body = await response_of(running)
            assert status == 502
            assert Answer(status, b"", body).error["code"] in ("upstream_invalid_response", "upstream_error")

    run(scene())
