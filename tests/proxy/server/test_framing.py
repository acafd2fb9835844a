"""Ambiguous requests are refused, and the rest of the connection is never read."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.proxy.body_limits.corpus import REFUSED, SERVED, Case, post
from tests.proxy.server.raw_client import LIVEZ, Line, chat, line, run, serving

SPLITS: dict[str, Callable[[Line, bytes], Awaitable[None]]] = {}


def split(way: Callable[[Line, bytes], Awaitable[None]]) -> Callable[[Line, bytes], Awaitable[None]]:
    SPLITS[way.__name__] = way
    return way


@split
async def in_one_piece(to: Line, data: bytes) -> None:
    await to.send(data)


@split
async def in_two_pieces(to: Line, data: bytes) -> None:
    await to.send(data[: len(data) // 2])
    await asyncio.sleep(0.002)
    await to.send(data[len(data) // 2 :])


@split
async def after_a_good_request(to: Line, data: bytes) -> None:
    await to.send(LIVEZ)
    before = await to.answer()
    assert before is not None
    assert before.status == 200
    await to.send(data)


async def outcome(url: str, case: Case, way: str) -> str:
    """Return the violation of a case, or an empty string."""
    async with line(url) as caller, asyncio.timeout(30):
        try:
            await SPLITS[way](caller, case.sent)
            answer = await caller.answer()
            if (answer.status if answer else 0) != case.status:
                return f"answered by {answer and answer.head!r}"
            assert answer is not None
            if case in REFUSED:
                assert answer.error["type"] == "invalid_request_error"
                assert b"\r\nconnection: close\r\n" in answer.head
                assert b"\r\nx-request-id: req_" in answer.head
            if not case.stays:
                return "" if await caller.ended() else "left open"
            await caller.send(LIVEZ)
            then = await caller.answer()
            return "" if then is not None and then.status == 200 else "of no more use"
        except (ConnectionError, TimeoutError, AssertionError) as error:
            return repr(error)


@pytest.mark.parametrize("way", SPLITS)
def test_every_request_of_the_corpus_has_one_reading_or_is_refused(way: str) -> None:
    async def scene() -> dict[str, str]:
        wrong: dict[str, str] = {}
        async with serving(hosts=["x", "api.example.com", "my_proxy", "xn--fiq228c.example"]) as running:
            gate = asyncio.Semaphore(20)

            async def one(case: Case) -> None:
                async with gate:
                    if problem := await outcome(running.url, case, way):
                        wrong[case.name] = problem

            await asyncio.gather(*(one(case) for case in REFUSED + SERVED))
            assert running.state.active == 0
        return wrong

    assert run(scene()) == {}


SMUGGLED = b"GET /v1/models/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_a_request_after_a_refused_one_is_never_served() -> None:
    async def scene() -> None:
        async with serving() as running:
            for case in REFUSED:
                async with line(running.url) as caller, asyncio.timeout(30):
                    await caller.send(case.sent + SMUGGLED)
                    answer = await caller.answer()
                    assert answer is not None, case.name
                    assert answer.status == case.status, case.name
                    assert await caller.ended(), case.name

    run(scene())


def test_requests_before_a_bad_one_are_answered_first_and_in_order() -> None:
    async def scene() -> None:
        async with serving() as running, line(running.url) as caller:
            await caller.send(chat() + LIVEZ + b"GARBAGE\r\n\r\n" + SMUGGLED)
            first, second = await caller.answer(), await caller.answer()
            assert first is not None
            assert second is not None
            assert b"hello" in first.body
            assert b"ok" in second.body
            assert await caller.ended()

    run(scene())


def test_a_waiting_request_with_a_broken_body_is_refused_in_its_turn() -> None:
    async def scene() -> None:
        async with serving() as running, line(running.url) as caller:
            await caller.send(chat() + post(b"Transfer-Encoding: chunked", body=b"zz\r\n") + SMUGGLED)
            first, second = await caller.answer(), await caller.answer()
            assert first is not None
            assert second is not None
            assert b"hello" in first.body
            assert second.status == 400
            assert second.error["type"] == "invalid_request_error"
            assert await caller.ended()

    run(scene())


def test_pipelined_requests_are_answered_in_order_wherever_they_are_cut() -> None:
    sent = (
        chat() + LIVEZ + chat(body=b"{no}") + post(b"Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n") + LIVEZ
    )

    async def scene() -> None:
        async with serving() as running:
            for at in range(1, len(sent), 7):
                async with line(running.url) as caller, asyncio.timeout(30):
                    await caller.send(sent[:at])
                    await asyncio.sleep(0.001)
                    await caller.send(sent[at:])
                    answers = [await caller.answer() for _ in range(5)]
                    assert [answer and answer.status for answer in answers] == [200, 200, 400, 400, 200], at

    run(scene())


def test_a_connection_with_too_many_waiting_requests_ends_after_those_that_were_taken() -> None:
    async def scene() -> None:
        async with serving() as running, line(running.url) as caller:
            await caller.send(LIVEZ * 5000)
            served = 0
            while (answer := await caller.answer()) is not None:
                assert answer.status == 200
                served += 1
            assert 1 <= served <= 40

    run(scene())


def test_trailers_are_never_taken_for_headers() -> None:
    trailing = b"2\r\n{}\r\n0\r\nAuthorization: Bearer sk-client-00000001\r\n\r\n"

    async def scene() -> None:
        async with serving(client_keys=["sk-client-00000001"]) as running, line(running.url) as caller:
            await caller.send(post(b"Transfer-Encoding: chunked", body=trailing))
            answer = await caller.answer()
            assert answer is not None
            assert answer.status == 401
            assert answer.error["code"] is None

    run(scene())


def test_a_body_after_an_upgrade_header_belongs_to_the_request() -> None:
    """Java's client requests HTTP/2 with its first request, and httptools treats the rest as that protocol."""
    wish: Any = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")

    async def scene() -> None:
        async with serving() as running, line(running.url) as caller:
            for _ in range(2):
                await caller.send(chat(*wish))
                answer = await caller.answer()
                assert answer is not None
                assert b"hello" in answer.body

    run(scene())
