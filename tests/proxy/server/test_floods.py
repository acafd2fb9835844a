"""Excessive input ends early, in bounded memory, and the client can read why."""

import asyncio
import gc
import gzip
import tracemalloc

import pytest

from tests.proxy.body_limits.corpus import post
from tests.proxy.server.raw_client import ANSWER, LIVEZ, Line, chat, line, run, serving

MIB = 1024 * 1024


async def pour(to: Line, start: bytes, again: bytes, size: int) -> int:
    """Send ``again`` until ``size`` bytes are sent or the server closes. Returns the number of bytes it accepted."""
    sent = 0
    try:
        await to.send(start)
        while sent < size:
            await to.send(again)
            sent += len(again)
    except ConnectionError:
        pass
    return sent


FLOODS = {
    "one header": (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ", b"y" * 16_384, 431),
    "one name": (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n", b"y" * 16_384, 431),
    "many headers": (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n" * 1000, 431),
    "the target": (b"GET /livez?", b"y" * 16_384, 431),
    "a chunk's extension": (post(b"Transfer-Encoding: chunked", body=b"1;"), b"y" * 16_384, 400),
    "one trailer": (post(b"Transfer-Encoding: chunked", body=b"1\r\nx\r\n0\r\nX: "), b"y" * 16_384, 400),
    "many trailers": (post(b"Transfer-Encoding: chunked", body=b"1\r\nx\r\n0\r\n"), b"X: y\r\n" * 1000, 400),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_refused_while_it_comes_and_never_held(name: str) -> None:
    start, again, status = FLOODS[name]

    async def scene() -> int:
        async with serving() as running, line(running.url) as caller, asyncio.timeout(40):
            gc.collect()
            tracemalloc.start()
            pouring = asyncio.create_task(pour(caller, start, again, 5 * MIB))
            answer = await caller.answer()
            assert answer is not None
            assert answer.status == status
            assert answer.error["code"] == ("headers_too_large" if status == 431 else None)
            await pouring
            peak = tracemalloc.get_traced_memory()[1]
            assert await caller.ended()
            return peak

    try:
        assert run(scene()) < 2 * MIB
    finally:
        tracemalloc.stop()


def test_a_body_that_is_too_large_by_its_length_is_refused_before_it_comes() -> None:
    async def scene() -> None:
        async with serving(max_body_mb=1) as running, line(running.url) as caller:
            await caller.send(post(b"Content-Length: 900000000"))
            answer = await caller.answer()
            assert answer is not None
            assert (answer.status, answer.error["code"]) == (413, "request_too_large")
            assert b"\r\nconnection: close\r\n" in answer.head
            assert await caller.ended()

    run(scene())


def test_a_client_that_keeps_sending_can_still_read_the_reason_of_the_refusal() -> None:
    async def scene() -> None:
        async with serving(max_body_mb=1) as running, line(running.url) as caller, asyncio.timeout(40):
            await pour(caller, post(b"Content-Length: 900000000"), b"x" * 65_536, 3 * MIB)
            answer = await caller.answer()
            assert answer is not None
            assert answer.status == 413

    run(scene())


def test_a_chunked_body_is_refused_where_it_crosses_the_limit() -> None:
    async def scene() -> int:
        async with serving(max_body_mb=1) as running, line(running.url) as caller, asyncio.timeout(40):
            tracemalloc.start()
            piece = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
            pouring = asyncio.create_task(pour(caller, post(b"Transfer-Encoding: chunked"), piece, 20 * MIB))
            answer = await caller.answer()
            assert answer is not None
            assert (answer.status, answer.error["code"]) == (413, "request_too_large")
            assert await caller.ended()
            pouring.cancel()
            return tracemalloc.get_traced_memory()[1]

    try:
        assert run(scene()) < 6 * MIB
    finally:
        tracemalloc.stop()


def test_an_early_answer_keeps_the_connection_where_little_is_missing() -> None:
    """Many clients write head and body separately: a wrong key must not close their connection."""

    async def scene() -> None:
        async with serving(client_keys=["sk-client-00000001"]) as running, line(running.url) as caller:
            head, _, body = chat().partition(b"\r\n\r\n")
            for _ in range(2):
                await caller.send(head + b"\r\n\r\n")
                answer = await caller.answer()
                assert answer is not None
                assert answer.status == 401
                await caller.send(body)
            await caller.send(LIVEZ)
            answer = await caller.answer()
            assert answer is not None
            assert answer.status == 200

    run(scene())


@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/v1/files", b"/v1/models"])
def test_an_early_answer_ends_the_connection_where_much_is_missing(path: bytes) -> None:
    async def scene() -> None:
        async with serving(client_keys=["sk-client-00000001"]) as running, line(running.url) as caller:
            await caller.send(
                b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n" + b"x" * 9000
            )
            answer = await caller.answer()
            assert answer is not None
            assert answer.status in (401, 404, 405)
            assert b"\r\nconnection: close\r\n" in answer.head
            assert await caller.ended()

    run(scene())


def test_a_large_body_that_comes_whole_keeps_its_connection() -> None:
    async def scene() -> None:
        async with serving() as running, line(running.url) as caller:
            for _ in range(2):
                await caller.send(chat(user="x" * 300_000))
                answer = await caller.answer()
                assert answer is not None
                assert answer.status == 200
                assert b"connection: close" not in answer.head

    run(scene())


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"zstd", b"deflate, gzip", b"identity, gzip"])
def test_a_compressed_request_is_refused_unread(encoding: bytes) -> None:
    bomb = gzip.compress(bytes(8 * MIB))

    async def scene() -> None:
        async with serving() as running, line(running.url) as caller:
            await caller.send(chat(b"Content-Encoding: " + encoding, body=bomb))
            answer = await caller.answer()
            assert answer is not None
            assert (answer.status, answer.error["code"]) == (415, "unsupported_encoding")

    run(scene())


@pytest.mark.parametrize("streamed", [False, True])
def test_an_encoded_answer_of_a_vendor_is_no_answer_and_is_never_decoded(streamed: bool) -> None:
    bomb = gzip.compress(ANSWER + bytes(64 * MIB))

    async def encoded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        kind = b"text/event-stream" if streamed else b"application/json"
        head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % (kind, len(bomb)) + bomb)

    async def scene() -> int:
        async with serving(encoded) as running, line(running.url) as caller, asyncio.timeout(40):
            tracemalloc.start()
            await caller.send(chat(stream=streamed))
            answer = await caller.answer()
            assert answer is not None
            assert (answer.status, answer.error["code"]) == (502, "upstream_invalid_response")
            return tracemalloc.get_traced_memory()[1]

    try:
        assert run(scene()) < 4 * MIB
    finally:
        tracemalloc.stop()
