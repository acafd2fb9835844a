"""The memory budget: bodies reserve memory as they arrive, and all of it is released."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest

from config.schema import Settings
from proxy.observability.memory_budget import (
    BUDGET_SHARE,
    MIB,
    UNLIMITED,
    Lease,
    MemoryBudget,
    max_body,
    warnings,
)
from proxy.observability.memory_guard import MemoryGuard, limit_of_this_machine
from tests.proxy.body_limits.test_memory_guard import TREES
from tests.proxy.server.raw_client import ANSWER, Line, chat, line, run, serving

LIMIT = 64 * MIB


def memory(share: Callable[[], float | None] = lambda: 0.1) -> MemoryGuard:
    return MemoryGuard(share, LIMIT)


def overloaded(answer: Any) -> bool:
    assert answer is not None
    return answer.status == 503 and answer.error["code"] == "server_is_overloaded" and b"retry-after: 1" in answer.head


def test_a_lease_holds_what_fits_and_gives_all_of_it_back() -> None:
    budget = MemoryBudget(1000)
    one, other = Lease(budget), Lease(budget)
    one.grow(300)
    other.grow_to(200)
    assert budget.held == 1000 * BUDGET_SHARE
    with pytest.raises(MemoryError):
        other.grow(1)
    one.end()
    other.grow(1)
    other.end()
    assert budget.held == 0


def test_if_no_limit_is_known_nothing_is_refused() -> None:
    assert MemoryBudget(None).limit == UNLIMITED


@pytest.mark.parametrize(
    ("limit", "wished", "taken"),
    [
        (None, None, 64),
        (8192, None, 64),
        (1024, None, 64),
        (512, None, 32),
        (128, None, 8),
        (128, 64, 64),
        (None, 1.5, 1.5),
    ],
)
def test_the_largest_body_is_a_part_of_the_memory_unless_it_is_set(
    limit: int | None, wished: float | None, taken: float
) -> None:
    settings = Settings.model_validate({"server": {"max_body_mb": wished}} if wished else {})
    assert max_body(settings, limit * MIB if limit else None) == taken * MIB


def test_a_body_limit_that_the_memory_never_allows_is_warned_of() -> None:
    settings = Settings.model_validate({"server": {"max_body_mb": 64}})
    assert warnings(settings, 1024 * MIB) == []
    assert warnings(settings, None) == []
    (warning,) = warnings(settings, 256 * MIB)
    assert "bodies over 32 MiB always get status 503" in warning


@pytest.mark.parametrize("name", [name for name in TREES if name.startswith("v")])
def test_the_limit_is_that_of_the_tightest_group_or_of_the_machine(name: str, tmp_path: Any) -> None:
    files, _ = TREES[name]
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert limit_of_this_machine(tmp_path) == (8 * 1024**3 if "without" in name else 1024**3)


def test_many_halves_of_bodies_do_not_fill_the_memory_and_small_requests_are_served_beside_them() -> None:
    async def scene() -> None:
        async with serving(memory=memory(), max_body_mb=4) as running, AsyncExitStack() as stack:
            half = chat(body=b'{"x":"' + b"a" * (3 * MIB))[: 2 * MIB]
            callers: list[Line] = []
            for _ in range(12):
                callers.append(await stack.enter_async_context(line(running.url)))
            for caller in callers:
                await caller.send(half)
                await asyncio.sleep(0.05)
                assert running.state.budget.held <= running.state.budget.limit
            answers = [asyncio.create_task(caller.answer()) for caller in callers]
            while sum(coming.done() for coming in answers) < 8:
                await asyncio.sleep(0.01)
            for coming in answers:
                assert not coming.done() or overloaded(coming.result())
                coming.cancel()
            async with line(running.url) as caller:
                await caller.send(chat())
                answer = await caller.answer()
                assert answer is not None
                assert answer.status == 200
            for caller in callers:
                caller.writer.transport.abort()
            async with asyncio.timeout(20):
                while running.state.budget.held:
                    await asyncio.sleep(0.01)

    run(scene())


def test_the_memory_guard_is_consulted_while_a_body_arrives() -> None:
    share = 0.1

    async def scene() -> None:
        nonlocal share
        guard = MemoryGuard(lambda: share, 8 * 1024 * MIB)
        async with serving(memory=guard) as running, line(running.url) as caller:
            sent = chat(body=b'{"x":"' + b"a" * MIB + b'"}')
            await caller.send(sent[: MIB // 2])
            await asyncio.sleep(0.1)
            share = 0.97
            guard.check()
            await caller.send(sent[MIB // 2 :])
            assert overloaded(await caller.answer())
            assert running.state.budget.held == 0

    run(scene())


def test_an_answer_that_is_not_read_counts_until_it_is() -> None:
    large = ANSWER.replace(b"hello", b"a" * (24 * MIB))

    async def says_much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(large) + large
        )

    async def scene() -> None:
        guard = MemoryGuard(lambda: 0.1, 1024 * MIB)
        async with serving(says_much, memory=guard) as running, line(running.url) as caller:
            await caller.send(chat())
            await running.settled(1)
            assert running.state.budget.held > MIB  # the rest is in the sockets' buffers
            answer = await caller.answer()
            assert answer is not None
            assert answer.status == 200
            async with asyncio.timeout(20):
                while running.state.budget.held:
                    await asyncio.sleep(0.01)

    run(scene())


def test_a_vendors_answer_that_does_not_fit_is_503_and_the_call_is_not_made_again() -> None:
    calls = 0

    async def says_too_much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        nonlocal calls
        calls += 1
        large = ANSWER.replace(b"hello", b"a" * (8 * MIB))
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(large) + large
        )

    async def scene() -> None:
        async with serving(says_too_much, memory=memory()) as running, line(running.url) as caller:
            await caller.send(chat())
            answer = await caller.answer()
            assert overloaded(answer)
            assert answer is not None
            assert b"x-should-retry: false" in answer.head
            assert running.state.budget.held == 0

    run(scene())
    assert calls == 1


@pytest.mark.parametrize("reported", ["the parser's error", "Python's"])
def test_memory_that_runs_out_while_a_body_is_read_is_503(reported: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(body: bytes) -> Any:
        if reported == "Python's":
            raise MemoryError
        raise orjson.JSONDecodeError("Not enough memory to allocate buffer for parsing", "", 0)

    async def scene() -> None:
        async with serving() as running, line(running.url) as caller:
            monkeypatch.setattr("proxy.openai_api.json_body.json_limits.parse", fails)
            await caller.send(chat(messages=[{"role": "user", "content": "a" * 300_000}]))
            assert overloaded(await caller.answer())

    run(scene())
