"""What the key-value part of every store must do."""

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.storage.interface import Store
from tests.proxy.storage.contract.base import Contract, Time
from tests.support.effort import examples


class ValuesContract(Contract):
    """The tests."""

    def test_a_value_is_found_under_each_of_its_keys(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.values.put("k", "t", ["a", "b"], b"one", 60)
            await store.values.put("k", "t", ["c"], b"two", 60)
            assert await store.values.get("k", "t", ["a", "b", "c", "d"]) == {"a": b"one", "b": b"one", "c": b"two"}
            assert await store.values.get("k", "t", ["d"]) == {}
            assert await store.values.get("k", "t", []) == {}

        self.run(work)

    def test_another_tenant_or_kind_does_not_find_it(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.values.put("k", "t", ["a"], b"one", 60)
            assert await store.values.get("k", "u", ["a"]) == {}
            assert await store.values.get("l", "t", ["a"]) == {}
            await store.values.put("k", "u", ["a"], b"two", 60)
            assert await store.values.get("k", "t", ["a"]) == {"a": b"one"}
            assert await store.values.get("k", "u", ["a"]) == {"a": b"two"}

        self.run(work)

    def test_kind_tenant_and_key_are_told_apart_whatever_they_contain(self) -> None:
        async def work(store: Store, time: Time) -> None:
            places = [
                ("k", "t", "a"),
                ("k", "t/a", ""),
                ("k/t", "a", ""),
                ("k", "ta", ""),
                ("k", "t", "a\0"),
                ("k", "t", "A"),
            ]
            for number, (kind, tenant, key) in enumerate(places):
                await store.values.put(kind, tenant, [key], b"%d" % number, 60)
            for number, (kind, tenant, key) in enumerate(places):
                assert await store.values.get(kind, tenant, [key]) == {key: b"%d" % number}

        self.run(work)

    def test_a_later_value_takes_the_place_of_an_earlier_one_under_its_keys_only(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.values.put("k", "t", ["a", "b"], b"one", 60)
            await store.values.put("k", "t", ["b"], b"two", 60)
            assert await store.values.get("k", "t", ["a", "b"]) == {"a": b"one", "b": b"two"}

        self.run(work)

    def test_a_value_is_not_found_once_its_time_is_over(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.values.put("k", "t", ["a"], b"short", 10)
            await store.values.put("k", "t", ["b"], b"long", 100)
            time.now += 9
            assert await store.values.get("k", "t", ["a", "b"]) == {"a": b"short", "b": b"long"}
            time.now += 2
            assert await store.values.get("k", "t", ["a", "b"]) == {"b": b"long"}

        self.run(work)

    def test_reading_a_value_does_not_prolong_its_time(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.values.put("k", "t", ["a"], b"one", 10)
            for _ in range(3):
                time.now += 4
                found = await store.values.get("k", "t", ["a"])
            assert found == {}

        self.run(work)

    def test_storing_a_value_again_begins_its_time_again(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.values.put("k", "t", ["a"], b"one", 10)
            time.now += 8
            await store.values.put("k", "t", ["a"], b"one", 10)
            time.now += 8
            assert await store.values.get("k", "t", ["a"]) == {"a": b"one"}

        self.run(work)

    def test_values_and_keys_may_hold_any_bytes_and_any_text(self) -> None:
        @settings(max_examples=examples(60), deadline=None)
        @given(st.text(max_size=50), st.binary(max_size=200))
        def check(key: str, value: bytes) -> None:
            async def work(store: Store, time: Time) -> None:
                await store.values.put("k", "t", [key], value, 60)
                assert await store.values.get("k", "t", [key]) == {key: value}

            self.run(work)

        check()

    def test_a_hundred_values_of_a_thousand_bytes_fit(self) -> None:
        async def work(store: Store, time: Time) -> None:
            for number in range(100):
                await store.values.put("k", "t", [str(number)], b"x" * 1000, 60)
            assert len(await store.values.get("k", "t", [str(number) for number in range(100)])) == 100

        self.run(work)
