"""Callers who do not read what they asked for, and vendors who say it in crumbs: neither costs the others anything."""

import asyncio
import time
import tracemalloc

from tests.door.wire import chat, line, run, says_hello, serving
from tests.proxy.play import DONE, chunk

MIB = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
PIECE = chunk({"content": "x" * 4000})


def test_who_does_not_read_holds_his_vendor_back_and_is_not_kept_in_memory() -> None:
    """What waits is in the sockets of the system; ours is one read of each stream, in each form that it passes through."""
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
                await (await caller.__aenter__()).say(chat(stream=True))
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


def test_a_flood_of_crumbs_does_not_hold_up_the_others() -> None:
    enough = False

    async def either(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        if b'"stream":true' not in body:
            await says_hello(reader, writer, body)
            return
        writer.write(HEAD)
        while not enough:
            writer.write(chunk({"content": "x"}) * 100)
            await writer.drain()
        writer.write(chunk({}, "stop") + DONE)
        raise ConnectionError

    async def scene() -> tuple[list[float], int]:
        nonlocal enough
        took: list[float] = []
        crumbs = 0

        async def read() -> None:
            nonlocal crumbs
            while data := await flooded.reader.read(65_536):
                crumbs += data.count(b"chat.completion.chunk")
                if b"data: [DONE]" in data:
                    return

        async with serving(either) as running, line(running.url) as flooded, line(running.url) as other:
            await flooded.say(chat(stream=True))
            reading = asyncio.create_task(read())
            while crumbs < 100:
                await asyncio.sleep(0)
            for _ in range(10):
                began = time.monotonic()
                await other.say(chat())
                answer = await other.answer()
                assert answer is not None
                assert answer.status == 200
                took.append(time.monotonic() - began)
            enough = True
            await reading
        return took, crumbs

    took, crumbs = run(scene())
    assert crumbs > 2000
    assert sorted(took)[5] < 0.5
