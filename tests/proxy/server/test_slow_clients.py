"""Clients that are slow on purpose are disconnected in time, without effect on others.

A dripping client would be served if it could finish, so an ended connection shows that the limit works.
``tests/acceptance/waits.py`` judges how long it takes.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.proxy.server.raw_client import LIVEZ, Line, answers_hello, chat, line, run, serving

LIMIT_S = 0.3

SLOW: dict[str, Callable[[Line], Coroutine[Any, Any, None]]] = {}


def slow(way: Callable[[Line], Coroutine[Any, Any, None]]) -> Callable[[Line], Coroutine[Any, Any, None]]:
    SLOW[way.__name__.replace("_", " ")] = way
    return way


async def drip(to: Line, data: bytes) -> None:
    for at in range(len(data)):
        try:
            await to.send(data[at : at + 1])
        except ConnectionError:
            return
        await asyncio.sleep(0.02)


@slow
async def sends_nothing(to: Line) -> None:
    pass


@slow
async def sends_half_a_head(to: Line) -> None:
    await to.send(chat()[:40])


@slow
async def drips_a_head(to: Line) -> None:
    await drip(to, chat())


@slow
async def drips_headers_without_end(to: Line) -> None:
    await to.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
    await drip(to, b"X-Y: z\r\n" * 100)


@slow
async def drips_line_breaks(to: Line) -> None:
    await drip(to, b"\r\n" * 200)


@slow
async def is_served_then_sends_half_a_head(to: Line) -> None:
    await to.send(LIVEZ[:30])


@slow
async def is_served_then_drips_line_breaks(to: Line) -> None:
    await drip(to, b"\r\n" * 200)


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.server.protocol.HEAD_TIMEOUT_S", LIMIT_S)
    monkeypatch.setattr("proxy.openai_api.endpoint.BODY_TIMEOUT_S", LIMIT_S)
    monkeypatch.setattr("proxy.server.lingering_close.LINGER_S", 0.2)


@pytest.mark.parametrize("way", SLOW)
def test_a_head_that_is_not_whole_in_time_ends_the_connection_without_an_answer(way: str) -> None:
    async def scene() -> None:
        async with serving() as running, line(running.url) as caller:
            if way.startswith("is served"):
                await caller.send(LIVEZ)
                assert await caller.answer()
            talking = asyncio.create_task(SLOW[way](caller))
            assert await caller.ended()
            talking.cancel()

    run(scene())


@pytest.mark.parametrize("sent", [chat()[:-5], chat()[: chat().index(b"\r\n\r\n") + 4]], ids=["cut short", "missing"])
def test_a_body_that_is_not_complete_in_time_gets_an_error_and_ends_the_connection(sent: bytes) -> None:
    async def scene() -> None:
        async with serving() as running, line(running.url) as caller:
            await caller.send(sent)
            answer = await caller.answer()
            assert answer is not None
            assert (answer.status, answer.error["code"]) == (408, "request_timeout")
            assert b"\r\nconnection: close\r\n" in answer.head
            assert b"\r\nx-should-retry: true\r\n" in answer.head
            assert await caller.ended()

    run(scene())


def test_a_dripped_body_does_not_move_its_deadline() -> None:
    async def scene() -> None:
        async with serving() as running, line(running.url) as caller:
            head, _, body = chat(body=b"x" * 500).partition(b"\r\n\r\n")
            await caller.send(head + b"\r\n\r\n")
            talking = asyncio.create_task(drip(caller, body))
            answer = await caller.answer()
            assert answer is not None
            assert answer.status == 408
            talking.cancel()

    run(scene())


def test_an_idle_connection_is_kept_longer_than_a_head_may_take() -> None:
    async def scene() -> None:
        async with serving() as running, line(running.url) as caller:
            for _ in range(2):
                await caller.send(chat())
                answer = await caller.answer()
                assert answer is not None
                assert answer.status == 200
                await asyncio.sleep(LIMIT_S + 0.1)

    run(scene())


def test_half_a_head_behind_a_request_never_cuts_its_answer() -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await asyncio.sleep(LIMIT_S * 2)
        await answers_hello(reader, writer, body)

    async def scene() -> None:
        async with serving(late) as running, line(running.url) as caller:
            await caller.send(chat() + LIVEZ[:20])
            answer = await caller.answer()
            assert answer is not None
            assert b"hello" in answer.body
            assert await caller.ended()

    run(scene())


def test_an_answer_that_takes_longer_than_a_head_may_is_not_cut() -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await asyncio.sleep(LIMIT_S * 2)
        await answers_hello(reader, writer, body)

    async def scene() -> None:
        async with serving(late) as running, line(running.url) as caller:
            await caller.send(chat())
            answer = await caller.answer()
            assert answer is not None
            assert b"hello" in answer.body

    run(scene())


def test_two_hundred_slow_clients_are_disconnected_in_time_and_delay_no_other() -> None:
    async def scene() -> None:
        async with serving() as running, asyncio.timeout(45):
            ended = 0

            async def one(way: Callable[[Line], Coroutine[Any, Any, None]]) -> None:
                nonlocal ended
                async with line(running.url) as caller:
                    talking = asyncio.create_task(way(caller))
                    assert await caller.ended(30)
                    ended += 1
                    talking.cancel()

            ways = [SLOW["sends nothing"], SLOW["sends half a head"], SLOW["drips a head"], SLOW["drips line breaks"]]
            crowd = [asyncio.create_task(one(ways[at % 4])) for at in range(200)]
            served = 0
            async with line(running.url) as caller:
                while ended < len(crowd):
                    await caller.send(chat())
                    answer = await caller.answer()
                    assert answer is not None
                    assert answer.status == 200
                    served += 1
                    await asyncio.sleep(0.01)
            await asyncio.gather(*crowd)
            assert served > 0

    run(scene())
