"""Too many at once: who is turned away hears of it at once, and those who are in are served as before.

The waits of both are judged by ``tests/acceptance/waits.py``.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.door.corpus import post
from tests.door.wire import LIVEZ, chat, line, run, says_hello, serving

ROOM = 20


def test_over_the_limit_callers_are_refused_while_the_others_are_still_served() -> None:
    """The vendor answers nobody until every refusal has come: a refusal does not wait for a place."""
    gate = asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await gate.wait()
        await says_hello(reader, writer, body)

    async def scene() -> None:
        async with serving(waits, max_concurrency=ROOM) as running:

            async def served() -> int:
                async with line(running.url) as to:
                    await to.say(chat())
                    answer = await to.answer()
                    assert answer is not None
                    return answer.status

            first = [asyncio.create_task(served()) for _ in range(ROOM)]
            while running.kit.active < ROOM:
                await asyncio.sleep(0.005)
            for _ in range(2):
                async with line(running.url) as to:
                    for _ in range(ROOM):
                        await to.say(chat())
                        answer = await to.answer()
                        assert answer is not None
                        assert answer.status == 503
                        assert answer.error["code"] == "server_is_overloaded"
                        assert answer.error["type"] == "service_unavailable_error"
                        assert b"\r\nretry-after: 1\r\n" in answer.head
                        assert b"\r\nx-should-retry: true\r\n" in answer.head
                        assert b"connection: close" not in answer.head
            assert running.kit.active == ROOM
            gate.set()
            assert await asyncio.gather(*first) == [200] * ROOM
            assert await served() == 200

    run(scene())


def test_who_is_turned_away_need_not_send_his_body() -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await asyncio.sleep(60)

    async def scene() -> None:
        async with serving(never, max_concurrency=1) as running, line(running.url) as first:
            await first.say(chat())
            while not running.kit.active:
                await asyncio.sleep(0.005)
            async with line(running.url) as second:
                await second.say(post(b"Content-Length: 30000000", b"Expect: 100-continue"))
                answer = await second.answer()
                assert answer is not None
                assert answer.status == 503  # and not 100: he is not even asked for it
                assert await second.ended()

    run(scene())


def test_bodies_that_arrive_together_still_find_no_more_places_than_there_are() -> None:
    gate = asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await gate.wait()
        await says_hello(reader, writer, body)

    async def scene() -> None:
        async with serving(waits, max_concurrency=3) as running:
            held = asyncio.Event()
            refused = 0

            async def one() -> int:
                nonlocal refused
                async with line(running.url) as caller:
                    head, _, body = chat().partition(b"\r\n\r\n")
                    await caller.say(head + b"\r\n\r\n")
                    await held.wait()
                    await caller.say(body)
                    answer = await caller.answer()
                    assert answer is not None
                    refused += answer.status == 503
                    if refused == 7:
                        gate.set()
                    return answer.status

            callers = [asyncio.create_task(one()) for _ in range(10)]
            await asyncio.sleep(0.1)  # the heads arrive
            held.set()
            assert sorted(await asyncio.gather(*callers)) == [200] * 3 + [503] * 7

    run(scene())


def test_more_connections_than_there_is_room_for_are_told_or_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.door.most_connections", lambda: 8)

    async def scene() -> None:
        async with serving() as running:
            lines = [line(running.url) for _ in range(12)]
            callers = [await one.__aenter__() for one in lines]
            told = await callers[8].answer()
            assert told is not None
            assert (told.status, told.error["code"]) == (503, "server_is_overloaded")
            assert b"\r\nretry-after: 1\r\n" in told.head
            assert await callers[11].answer() is None
            await callers[0].say(LIVEZ)
            served = await callers[0].answer()
            assert served is not None
            assert served.status == 200
            for one in lines:
                await one.__aexit__(None, None, None)
            again = None
            while again is None or again.status == 503:  # until the server has seen them leave
                async with line(running.url) as caller:
                    await caller.say(LIVEZ)
                    again = await caller.answer()
            assert again.status == 200

    run(scene())


SERVE = 'ulimit -n 64; exec "$0" -m proxy serve'


def test_without_descriptors_callers_are_refused_and_the_server_recovers(tmp_path: Path) -> None:
    """A process that may open 64 files, and 200 callers."""
    environment = {
        **os.environ,
        "KIMI_API_KEY": "sk-kimi-0000000000000001",
        "BANJIA_SERVER__LISTEN": "127.0.0.1:0",
        "BANJIA_SERVER__ADMIN_LISTEN": "off",
    }
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    said = tmp_path / "said"
    with said.open("wb") as errors:
        server = subprocess.Popen(["bash", "-c", SERVE, sys.executable], cwd=tmp_path, env=environment, stderr=errors)

    async def scene() -> None:
        async with asyncio.timeout(30):
            while b"/v1, answered by" not in said.read_bytes():
                await asyncio.sleep(0.05)
        url = said.read_text().split()[2].removesuffix("/v1,")
        outcomes: list[int] = []
        done = asyncio.Event()

        async def one() -> None:
            try:
                async with line(url) as caller:
                    await caller.say(LIVEZ)
                    answer = await asyncio.wait_for(caller.answer(), 20)
                    outcomes.append(answer.status if answer else 0)
                    if answer and answer.status == 503:
                        assert answer.error["code"] == "server_is_overloaded"
                    await done.wait()
            except (ConnectionError, TimeoutError):
                outcomes.append(0)

        crowd = [asyncio.create_task(one()) for _ in range(200)]
        while len(outcomes) < 200:
            await asyncio.sleep(0.01)
        done.set()
        await asyncio.gather(*crowd)
        assert set(outcomes) <= {200, 503, 0}
        assert outcomes.count(200) >= 20
        assert outcomes.count(503) >= 1
        async with asyncio.timeout(20):
            while True:
                async with line(url) as caller:
                    await caller.say(LIVEZ)
                    answer = await caller.answer()
                    if answer is not None and answer.status == 200:
                        return
                await asyncio.sleep(0.05)

    try:
        run(scene())
    finally:
        server.kill()
        server.wait()
    assert "Traceback" not in said.read_text()
