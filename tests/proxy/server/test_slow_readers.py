"""Clients that do not read their response, and vendors that send it in tiny pieces, do not slow the others down."""

import asyncio
import contextlib
import tracemalloc

import pytest

from proxy.server.write_timeout import WriteStallTimer
from tests.proxy.play import DONE, chunk
from tests.proxy.server.raw_client import ANSWER, answers_hello, chat, line, run, serving

MIB = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
PIECE = chunk({"content": "x" * 4000})


def test_a_client_that_does_not_read_pauses_its_vendor_and_its_answer_is_not_buffered() -> None:
    """The system's sockets hold the waiting data; banjia holds one read of each stream, in each of its forms."""
    sent = 0

    async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        nonlocal sent
        writer.write(HEAD)
        while True:
            writer.write(PIECE)
            await writer.drain()
            sent += len(PIECE)

    async def scene() -> int:
        async with serving(floods) as running:
            tracemalloc.start()
            callers = [line(running.url) for _ in range(5)]
            for caller in callers:
                await (await caller.__aenter__()).send(chat(stream=True))
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.15)
            held = tracemalloc.get_traced_memory()[0]
            for caller in callers:
                await caller.__aexit__(None, None, None)
            return held

    try:
        held = run(scene())
    finally:
        tracemalloc.stop()
    assert 0 < sent < 5 * 16 * MIB
    assert held < 5 * 5 * MIB  # orjson is counted with what it gave back: two thirds of it


@pytest.mark.parametrize("streamed", [True, False])
def test_a_client_that_has_stopped_reading_is_disconnected_and_its_vendor_call_is_closed(
    streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.server.write_timeout.WRITE_STALL_S", 0.1)
    closed, given_up = asyncio.Event(), asyncio.Event()

    class Watched(WriteStallTimer):
        def _check(self) -> None:
            super()._check()
            if self._transport.is_closing():
                given_up.set()

    monkeypatch.setattr("proxy.server.protocol.WriteStallTimer", Watched)

    async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        try:
            if not streamed:
                writer.write(large(16 * MIB))
                await writer.drain()
                return
            writer.write(HEAD)
            while True:
                writer.write(PIECE)
                await writer.drain()
        finally:
            closed.set()

    async def scene() -> None:
        async with serving(floods) as running, line(running.url) as caller:
            await caller.send(chat(stream=streamed))
            await caller.reader.readuntil(b"\r\n\r\n")
            await asyncio.wait_for(closed.wait(), 30)
            await running.settled(1)
            assert running.lines[0]["ending"] == ("client_closed" if streamed else "complete")
            await asyncio.wait_for(given_up.wait(), 30)
            read = 0
            with contextlib.suppress(ConnectionError):
                while data := await asyncio.wait_for(caller.reader.read(MIB), 30):
                    read += len(data)
            assert read < 16 * MIB
            assert running.state.active == 0

    run(scene())


def test_a_client_that_reads_slowly_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.server.write_timeout.WRITE_STALL_S", 1.0)
    body = large(12 * MIB)

    async def sends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requested: bytes) -> None:
        writer.write(body)

    async def scene() -> int:
        async with serving(sends) as running, line(running.url) as caller:
            await caller.send(chat())
            head = await caller.reader.readuntil(b"\r\n\r\n")
            size = next(int(x[15:]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:"))
            read = 0
            while read < size and (data := await caller.reader.read(512 * 1024)):
                read += len(data)
                await asyncio.sleep(0.1)
            return size - read

    assert run(scene()) == 0


def large(size: int) -> bytes:
    """A vendor's answer with a text of this size."""
    data = ANSWER.replace(b"hello", b"x" * size)
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(data) + data


def test_a_flood_of_crumbs_does_not_hold_up_the_others() -> None:
    """Both take turns: while one client is served, only a limited part of the flood is forwarded."""
    enough = False

    async def either(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        if b'"stream":true' not in body:
            await answers_hello(reader, writer, body)
            return
        writer.write(HEAD)
        while not enough:
            writer.write(chunk({"content": "x"}) * 100)
            await writer.drain()
        writer.write(chunk({}, "stop") + DONE)
        raise ConnectionError

    async def scene() -> tuple[list[int], int]:
        nonlocal enough
        meanwhile: list[int] = []
        crumbs = 0

        async def read() -> None:
            nonlocal crumbs
            while data := await flooded.reader.read(65_536):
                crumbs += data.count(b"chat.completion.chunk")
                if b"data: [DONE]" in data:
                    return

        async with serving(either) as running, line(running.url) as flooded, line(running.url) as other:
            await flooded.send(chat(stream=True))
            reading = asyncio.create_task(read())
            while crumbs < 100:
                await asyncio.sleep(0)
            for _ in range(10):
                before = crumbs
                await other.send(chat())
                answer = await other.answer()
                assert answer is not None
                assert answer.status == 200
                meanwhile.append(crumbs - before)
            enough = True
            await reading
        return meanwhile, crumbs

    meanwhile, crumbs = run(scene())
    assert crumbs > 2000
    assert sorted(meanwhile)[5] < 20_000
