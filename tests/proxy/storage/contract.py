"""What every store must do. The tests of a store subclass :class:`StoreContract` and make one with a clock."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.storage.interface import KeyValueStore
from tests.support.effort import examples

Clock = Callable[[], float]


class Time:
    """A clock that a test sets (seconds)."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class StoreContract:
    """The tests. ``make`` returns an empty store with room for a hundred entries of 1,000 bytes."""

    def make(self, clock: Clock) -> KeyValueStore:
        raise NotImplementedError

    def run(self, work: Callable[[KeyValueStore, Time], Coroutine[Any, Any, None]]) -> None:
        """Run a test on a new store, and close it."""

        async def main() -> None:
            time = Time()
            store = self.make(time)
            try:
                await work(store, time)
            finally:
                await store.aclose()

        asyncio.run(main())

    def test_a_value_is_found_under_each_of_its_keys(self) -> None:
        async def work(store: KeyValueStore, time: Time) -> None:
            await store.put("k", "t", ["a", "b"], b"one", 60)
            await store.put("k", "t", ["c"], b"two", 60)
            assert await store.get("k", "t", ["a", "b", "c", "d"]) == {"a": b"one", "b": b"one", "c": b"two"}
            assert await store.get("k", "t", ["d"]) == {}
            assert await store.get("k", "t", []) == {}

        self.run(work)

    def test_another_tenant_or_kind_does_not_find_it(self) -> None:
        async def work(store: KeyValueStore, time: Time) -> None:
            await store.put("k", "t", ["a"], b"one", 60)
            assert await store.get("k", "u", ["a"]) == {}
            assert await store.get("l", "t", ["a"]) == {}
            await store.put("k", "u", ["a"], b"two", 60)
            assert await store.get("k", "t", ["a"]) == {"a": b"one"}
            assert await store.get("k", "u", ["a"]) == {"a": b"two"}

        self.run(work)

    def test_kind_tenant_and_key_are_told_apart_whatever_they_contain(self) -> None:
        async def work(store: KeyValueStore, time: Time) -> None:
            places = [
                ("k", "t", "a"),
                ("k", "t/a", ""),
                ("k/t", "a", ""),
                ("k", "ta", ""),
                ("k", "t", "a\0"),
                ("k", "t", "A"),
            ]
            for number, (kind, tenant, key) in enumerate(places):
                await store.put(kind, tenant, [key], b"%d" % number, 60)
            for number, (kind, tenant, key) in enumerate(places):
                assert await store.get(kind, tenant, [key]) == {key: b"%d" % number}

        self.run(work)

    def test_a_later_value_takes_the_place_of_an_earlier_one_under_its_keys_only(self) -> None:
        async def work(store: KeyValueStore, time: Time) -> None:
            await store.put("k", "t", ["a", "b"], b"one", 60)
            await store.put("k", "t", ["b"], b"two", 60)
            assert await store.get("k", "t", ["a", "b"]) == {"a": b"one", "b": b"two"}

        self.run(work)

    def test_a_value_is_not_found_once_its_time_is_over(self) -> None:
        async def work(store: KeyValueStore, time: Time) -> None:
            await store.put("k", "t", ["a"], b"short", 10)
            await store.put("k", "t", ["b"], b"long", 100)
            time.now += 9
            assert await store.get("k", "t", ["a", "b"]) == {"a": b"short", "b": b"long"}
            time.now += 2
            assert await store.get("k", "t", ["a", "b"]) == {"b": b"long"}

        self.run(work)

    def test_reading_a_value_does_not_prolong_its_time(self) -> None:
        async def work(store: KeyValueStore, time: Time) -> None:
            await store.put("k", "t", ["a"], b"one", 10)
            for _ in range(3):
                time.now += 4
                found = await store.get("k", "t", ["a"])
            assert found == {}

        self.run(work)

    def test_storing_a_value_again_begins_its_time_again(self) -> None:
        async def work(store: KeyValueStore, time: Time) -> None:
            await store.put("k", "t", ["a"], b"one", 10)
            time.now += 8
            await store.put("k", "t", ["a"], b"one", 10)
            time.now += 8
            assert await store.get("k", "t", ["a"]) == {"a": b"one"}

        self.run(work)

    def test_values_and_keys_may_hold_any_bytes_and_any_text(self) -> None:
        @settings(max_examples=examples(60), deadline=None)
        @given(st.text(max_size=50), st.binary(max_size=200))
        def check(key: str, value: bytes) -> None:
            async def work(store: KeyValueStore, time: Time) -> None:
                await store.put("k", "t", [key], value, 60)
                assert await store.get("k", "t", [key]) == {key: value}

            self.run(work)

        check()

    def test_a_hundred_values_of_a_thousand_bytes_fit(self) -> None:
        async def work(store: KeyValueStore, time: Time) -> None:
            for number in range(100):
                await store.put("k", "t", [str(number)], b"x" * 1000, 60)
            assert len(await store.get("k", "t", [str(number) for number in range(100)])) == 100

        self.run(work)
