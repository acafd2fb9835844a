"""Whole responses use the fast path, which differs from uvicorn's path only in its cost."""

import asyncio
import json
from asyncio import run
from weakref import ref

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from proxy.server.fast_path import FastPath
from tests.support.harness import hang_up, proxy, vendor

BODY = json.dumps({"model": "kimi/kimi-k2.6", "messages": [{"role": "user", "content": "hi"}]}).encode()
ANSWER = json.dumps({
    "id": "1", "object": "chat.completion", "created": 1, "model": "kimi-k2.6",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
}).encode()  # fmt: skip


async def answers_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER))
    writer.write(ANSWER)


def request(*headers: bytes, version: bytes = b"1.1", body: bytes = BODY) -> bytes:
    lines = [
        b"POST /v1/chat/completions HTTP/" + version,
        b"host: localhost",
        b"content-length: %d" % len(body),
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The next answer on a connection: its head in lower case, and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
    return head, await reader.readexactly(size)


async def talk(sent: bytes, answers: int, patience_s: float = 0.1) -> tuple[list[tuple[bytes, bytes]], bool]:
    """Return the data received over one connection, and whether the server closed it within ``patience_s``."""
    async with (
        vendor(answers_hello) as url,
        proxy({"vendors": {"kimi": {"api_key": "sk", "base_url": url}}}) as running,
    ):
        host, port = running.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        got = [await answer(reader) for _ in range(answers)]
        try:
            closed = await asyncio.wait_for(reader.read(1), patience_s) == b""
        except TimeoutError:
            closed = False
        await hang_up(writer)
        return got, closed


def test_one_connection_carries_one_answer_after_another() -> None:
    got, closed = run(talk(request() + request() + request(body=b"no json") + request(), 4))

    assert [head.split(b" ")[1] for head, _ in got] == [b"200", b"200", b"400", b"200"]
    assert [b"hello" in body for _, body in got] == [True, True, False, True]
    assert all(head.count(b"\r\ndate: ") == 1 for head, _ in got)
    assert not closed


@pytest.mark.parametrize("sent", [request(b"connection: close"), request(version=b"1.0")], ids=["asked", "HTTP/1.0"])
def test_a_client_that_requests_connection_close_is_served_and_gets_the_header(sent: bytes) -> None:
    ((head, body),), closed = run(talk(sent, 1, patience_s=30))

    assert b"\r\nconnection: close\r\n" in head
    assert b"hello" in body
    assert closed


def test_a_client_that_expects_100_continue_gets_it() -> None:
    run(_expecting())


async def _expecting() -> None:
    async with (
        vendor(answers_hello) as url,
        proxy({"vendors": {"kimi": {"api_key": "sk", "base_url": url}}}) as running,
    ):
        host, port = running.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head, _, body = request(b"expect: 100-continue").partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert b"hello" in (await answer(reader))[1]
        await hang_up(writer)


class Cycle(RequestResponseCycle):
    """A request that no client sent."""

    def __init__(self) -> None:
        self.response_started = self.disconnected = False
        self.scope = {"method": "POST"}  # type: ignore[typeddict-item]
        self.default_headers = []
        self.keep_alive = True
        self.flow = type("Flow", (), {"write_paused": False})()


class NoDoor:
    """A connection that no client opened."""


def way(cycle: Cycle) -> FastPath:
    return FastPath(ref(NoDoor()), cycle, {})  # type: ignore[arg-type]


def test_a_header_with_a_line_break_is_never_sent() -> None:
    cycle = Cycle()
    with pytest.raises(ValueError, match="line break"):
        way(cycle).send(200, [(b"content-length", b"0"), (b"x-said", b"a\r\nx-more: b")], b"")


@pytest.mark.parametrize("why", ["response_started", "disconnected", "paused", "head"])
def test_what_is_not_simple_is_left_to_the_server(why: str) -> None:
    cycle = Cycle()
    if why == "paused":
        cycle.flow.write_paused = True
    elif why == "head":
        cycle.scope["method"] = "HEAD"
    else:
        setattr(cycle, why, True)

    assert not way(cycle).send(200, [(b"content-length", b"0")], b"")


def test_nothing_is_done_for_a_request_that_the_server_has_released() -> None:
    let_go = way(Cycle())

    assert not let_go.send(200, [(b"content-length", b"0")], b"")
    assert let_go.take_body() is None
    assert not let_go.on_disconnect(lambda: None)
    let_go.stop_watching()


def test_a_disconnect_ends_both_requests_of_one_connection() -> None:
    """The second waits for the first response; when the client disconnects, the first upstream call is closed."""
    run(_leaving_two())


async def _leaving_two() -> None:
    reached, closed = asyncio.Event(), asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        reached.set()
        await reader.read(1)
        closed.set()

    async with vendor(never) as url, proxy({"vendors": {"kimi": {"api_key": "sk", "base_url": url}}}) as running:
        host, port = running.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(request() + request())
        await reached.wait()
        await hang_up(writer)
        async with asyncio.timeout(30):
            await closed.wait()
