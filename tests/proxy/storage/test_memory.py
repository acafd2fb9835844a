"""The store in memory: the contract of all stores, and its bounds."""

import asyncio
import random
import tracemalloc

import pytest

from proxy.storage.interface import Store, StoreUnavailable
from proxy.storage.memory import conversations, responses
from proxy.storage.memory.store import MemoryStore
from proxy.storage.memory.values import VALUE_SHARE
from proxy.storage.records import UNFINISHED, WriteResult
from tests.proxy.storage.contract import Clock, StoreContract, Time
from tests.proxy.storage.contract.base import added, conversation, item, items, response, running

MIB = 1024 * 1024


class TestMemoryStore(StoreContract):
    """The contract."""

    modules_with_limits = (conversations,)

    def make(self, clock: Clock) -> Store:
        return MemoryStore(MIB, clock)


def test_the_entry_that_has_been_unused_for_longest_is_evicted_first() -> None:
    async def main() -> None:
        store = MemoryStore(19_000)
        for name in "abcdefgh":
            await store.values.put("k", "t", [name], b"x" * 1200, 60)
        await store.values.get("k", "t", ["a"])
        assert store.metrics.removed["evicted"] == 0
        await store.values.put("k", "t", ["i"], b"x" * 1200, 60)
        assert sorted(await store.values.get("k", "t", list("abcdefghi"))) == list("acdefghi")
        assert store.metrics.removed == {"evicted": 1, "expired": 0, "too_large": 0}

    asyncio.run(main())


def test_an_entry_above_its_bound_is_dropped_with_the_earlier_value_of_its_keys() -> None:
    async def main() -> None:
        store = MemoryStore(16_000)
        await store.values.put("k", "t", ["a"], b"x" * 100, 60)
        await store.values.put("k", "t", ["b"], b"x" * 100, 60)
        await store.values.put("k", "t", ["a"], b"x" * (16_000 // VALUE_SHARE), 60)
        assert sorted(await store.values.get("k", "t", ["a", "b"])) == ["b"]
        assert store.metrics.removed["too_large"] == 1

    asyncio.run(main())


def test_an_evicted_entry_is_found_under_none_of_its_keys() -> None:
    async def main() -> None:
        store = MemoryStore(MIB)
        await store.values.put("k", "t", ["a", "b"], b"one", 60)
        store.metrics.limit = 0
        store.space.make_room()
        assert await store.values.get("k", "t", ["a", "b"]) == {}
        assert (store.metrics.size, len(store.values), store.values.by_address) == (0, 0, {})

    asyncio.run(main())


def test_expired_entries_leave_the_memory_whichever_time_they_had() -> None:
    async def main() -> None:
        time = Time()
        store = MemoryStore(MIB, time)
        for number in range(10):
            await store.values.put("k", "t", [str(number)], b"x", 100 if number % 2 else 10)
        time.now += 50
        assert (len(store.values), store.metrics.removed["expired"]) == (5, 5)
        time.now += 51
        assert (len(store.values), store.metrics.removed["expired"], store.metrics.size, store.values.by_address) == (
            0,
            10,
            0,
            {},
        )

    asyncio.run(main())


def test_no_order_of_calls_breaks_the_bound_or_the_bookkeeping() -> None:
    async def main() -> None:
        draw = random.Random(7)
        time = Time()
        store = MemoryStore(20_000, time)
        for _ in range(5000):
            keys = [str(draw.randrange(30)) for _ in range(draw.randint(1, 4))]
            if draw.random() < 0.6:
                await store.values.put("k", draw.choice("tu"), keys, b"x" * draw.randrange(3000), draw.choice([5, 50]))
            else:
                await store.values.get("k", draw.choice("tu"), keys)
            time.now += draw.random()
            assert store.metrics.size <= store.space.limit
            assert store.metrics.size == sum(held.size for held in store.space.by_use)
            assert set(store.values.by_address.values()) == set(store.space.by_use)
            assert sum(map(len, store.values.by_age.values())) == len(store.space.by_use)
        assert all(store.metrics.removed.values())

    asyncio.run(main())


def test_ten_thousand_turns_stay_within_the_bound_as_measured() -> None:
    """10,000 turns of 16 KiB are 160 MiB; the store has 8."""

    async def main() -> None:
        store = MemoryStore(8 * MIB)
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for number in range(10_000):
                text = b"%016d" % number * 1024
                await store.values.put(
                    "reasoning", f"tenant{number % 7}", [f"call_{number}_{at}" for at in range(3)], text, 60
                )
            held = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert store.metrics.size <= store.space.limit
        assert held <= store.space.limit * 1.05
        assert len(store.values) + store.metrics.removed["evicted"] == 10_000

    asyncio.run(main())


def test_small_entries_are_counted_at_least_at_their_memory() -> None:
    """An entry of one byte takes hundreds: the bound holds for those, too."""

    async def main() -> None:
        store = MemoryStore(MIB)
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for number in range(20_000):
                await store.values.put("k", "t", [f"call_{number:032d}"], b"%d" % number, 60)
            held = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert store.metrics.removed["evicted"] > 10_000
        assert held <= store.space.limit * 1.05

    asyncio.run(main())


def test_the_longest_unused_responses_and_conversations_are_evicted_whole() -> None:
    async def main() -> None:
        store = MemoryStore(60_000)
        await store.conversations.create("t", conversation("conv"), items("c1"))
        await store.responses.put("t", response("a"))
        await store.responses.put("t", response("b", "a"))
        await store.responses.get("t", "a")
        await store.conversations.get("t", "conv")
        for number in range(30):
            await store.responses.put("t", response(f"r{number}"))
            await store.responses.get("t", "a")
        assert await store.responses.get("t", "a") is not None
        assert await store.responses.get("t", "b") is None
        assert await store.conversations.get("t", "conv") is None
        assert await store.responses.items("t", ["a-in", "b-in", "c1"]) == {"a-in": item("a-in").body}
        assert store.metrics.removed["evicted"] >= 2
        assert len(store.responses.index) == 2 * len(store.responses.held)

    asyncio.run(main())


def test_no_unfinished_response_is_evicted_and_no_more_are_accepted_than_fit() -> None:
    async def main() -> None:
        store = MemoryStore(60_000)
        count = 0
        trouble = ""
        while not trouble:
            try:
                await store.responses.put("t", running(f"run{count}"))
                count += 1
            except StoreUnavailable as error:
                trouble = error.trouble
        assert trouble == "full"
        for number in range(50):
            await store.responses.put("t", response(f"r{number}"))
            await store.values.put("k", "t", [str(number)], b"x", 60)
        assert len([held for held in store.responses.held.values() if held.response.is_unfinished]) == count > 5
        with pytest.raises(StoreUnavailable):
            await store.runs.append_events("t", "run0", 0, [b"x" * 10_000])
        assert await store.runs.events("t", "run0", 0) is None
        await store.responses.put("t", response("run0", background=True), replaces=UNFINISHED)
        await store.responses.put("t", running("another"))
        assert store.metrics.size <= store.space.limit

    asyncio.run(main())


def test_there_are_at_most_so_many_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        store = MemoryStore(MIB)
        await store.responses.put("t", running("run"))
        for number in range(30):
            await store.responses.put("t", response(f"r{number}"))
        assert list(store.responses.held) == [("t", "run"), *(("t", f"r{number}") for number in range(21, 30))]

    monkeypatch.setattr(responses, "MAX_RESPONSES", 10)
    asyncio.run(main())


def test_what_is_larger_than_half_of_the_store_is_not_stored() -> None:
    async def main() -> None:
        store = MemoryStore(MIB)
        large = item("x", "x" * (MIB // 2))
        assert await store.responses.put("t", response("a", input=[large])) is WriteResult.TOO_LARGE
        assert await store.conversations.create("t", conversation("c"), [large]) is WriteResult.TOO_LARGE
        await store.conversations.create("t", conversation("c"), [])
        append = added("c")._replace(items=[large])
        assert await store.responses.put("t", response("a"), append) is WriteResult.TOO_LARGE
        assert (await store.responses.get("t", "a"), await store.responses.items("t", ["x"])) == (None, {})

    asyncio.run(main())


def test_responses_and_conversations_are_counted_at_least_at_their_memory() -> None:
    async def main() -> None:
        store = MemoryStore(4 * MIB)
        await store.responses.put("t", response("first"))
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for number in range(3_000):
                name = f"resp_{number:032d}"
                inputs = [item(f"msg_{number:028d}", f"{number}")]
                outputs = [item(f"msg_{number:029d}", f"{number}")]
                body = b'{"id":"%s","of":"%d"}' % (name.encode(), number)
                await store.responses.put("t", response(name, body=body, input=inputs, output=outputs))
                await store.conversations.create("t", conversation(f"conv_{number:032d}"), [item(f"item_{number:32d}")])
            held = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert store.metrics.removed["evicted"] > 1_000
        assert held <= store.space.limit * 1.05

    asyncio.run(main())
