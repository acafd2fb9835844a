"""The store in memory: the contract of all stores, and its bounds."""

import asyncio
import random
import tracemalloc

from proxy.storage.interface import KeyValueStore
from proxy.storage.memory import ENTRY_SHARE, MemoryStore
from tests.proxy.storage.contract import Clock, StoreContract, Time

MIB = 1024 * 1024


class TestMemoryStore(StoreContract):
    """The contract."""

    def make(self, clock: Clock) -> KeyValueStore:
        return MemoryStore(MIB, clock)


def test_the_entry_that_has_been_unused_for_longest_is_evicted_first() -> None:
    async def main() -> None:
        store = MemoryStore(19_000)
        for name in "abcdefgh":
            await store.put("k", "t", [name], b"x" * 1200, 60)
        await store.get("k", "t", ["a"])
        assert store.removed["evicted"] == 0
        await store.put("k", "t", ["i"], b"x" * 1200, 60)
        assert sorted(await store.get("k", "t", list("abcdefghi"))) == list("acdefghi")
        assert store.removed == {"evicted": 1, "expired": 0, "too_large": 0}

    asyncio.run(main())


def test_an_entry_above_its_bound_is_dropped_with_the_earlier_value_of_its_keys() -> None:
    async def main() -> None:
        store = MemoryStore(16_000)
        await store.put("k", "t", ["a"], b"x" * 100, 60)
        await store.put("k", "t", ["b"], b"x" * 100, 60)
        await store.put("k", "t", ["a"], b"x" * (16_000 // ENTRY_SHARE), 60)
        assert sorted(await store.get("k", "t", ["a", "b"])) == ["b"]
        assert store.removed["too_large"] == 1

    asyncio.run(main())


def test_an_evicted_entry_is_found_under_none_of_its_keys() -> None:
    async def main() -> None:
        store = MemoryStore(MIB)
        await store.put("k", "t", ["a", "b"], b"one", 60)
        store.resize(0)
        assert await store.get("k", "t", ["a", "b"]) == {}
        assert (store.size, len(store), store._entries) == (0, 0, {})

    asyncio.run(main())


def test_expired_entries_leave_the_memory_whichever_time_they_had() -> None:
    async def main() -> None:
        time = Time()
        store = MemoryStore(MIB, time)
        for number in range(10):
            await store.put("k", "t", [str(number)], b"x", 100 if number % 2 else 10)
        time.now += 50
        assert (len(store), store.removed["expired"]) == (5, 5)
        time.now += 51
        assert (len(store), store.removed["expired"], store.size, store._entries) == (0, 10, 0, {})

    asyncio.run(main())


def test_no_order_of_calls_breaks_the_bound_or_the_bookkeeping() -> None:
    async def main() -> None:
        draw = random.Random(7)
        time = Time()
        store = MemoryStore(20_000, time)
        for _ in range(5000):
            keys = [str(draw.randrange(30)) for _ in range(draw.randint(1, 4))]
            if draw.random() < 0.6:
                await store.put("k", draw.choice("tu"), keys, b"x" * draw.randrange(3000), draw.choice([5, 50]))
            else:
                await store.get("k", draw.choice("tu"), keys)
            time.now += draw.random()
            assert store.size <= store.limit
            assert store.size == sum(entry.size for entry in store._by_use)
            assert set(store._entries.values()) == set(store._by_use)
            assert sum(map(len, store._by_age.values())) == len(store._by_use)
        assert all(store.removed.values())

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
                await store.put(
                    "reasoning", f"tenant{number % 7}", [f"call_{number}_{at}" for at in range(3)], text, 60
                )
            held = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert store.size <= store.limit
        assert held <= store.limit * 1.05
        assert len(store) + store.removed["evicted"] == 10_000

    asyncio.run(main())


def test_small_entries_are_counted_at_least_at_their_memory() -> None:
    """An entry of one byte takes hundreds: the bound holds for those, too."""

    async def main() -> None:
        store = MemoryStore(MIB)
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for number in range(20_000):
                await store.put("k", "t", [f"call_{number:032d}"], b"%d" % number, 60)
            held = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert store.removed["evicted"] > 10_000
        assert held <= store.limit * 1.05

    asyncio.run(main())
