"""What the sweep of every store must delete, and what it must not."""

from proxy.storage.interface import Store
from proxy.storage.records import EVENTS_KEPT_S
from tests.proxy.storage.contract.base import DAY, START, Contract, Time, added, conversation, items, response, running

T = "tenant"


async def sweep(store: Store, conversations_s: float | None = None) -> int:
    """Sweep until nothing is left; return how many objects were deleted."""
    count = 0
    while deleted := await store.sweep(conversations_s):
        count += deleted
    return count


class SweepingContract(Contract):
    """The tests."""

    def test_what_has_expired_is_deleted_and_nothing_else(self) -> None:
        async def work(store: Store, time: Time) -> None:
            for number in range(15):
                await store.responses.put(T, response(f"old{number}", expires_at=START + 10))
            await store.responses.put(T, response("new"))
            await store.values.put("k", T, ["a", "b"], b"old", 10)
            await store.values.put("k", T, ["c"], b"new", 100)
            await store.conversations.create(T, conversation("c"), items("1"))
            assert await sweep(store) == 0
            time.now += 11
            assert await sweep(store) >= 16
            assert await sweep(store) == 0
            time.now = START  # what is deleted is not found at any time
            assert await store.responses.get(T, "old0") is None
            assert set(await store.responses.items(T, ["old0-in", "new-in", "1"])) == {"new-in", "1"}
            assert await store.values.get("k", T, ["a", "b", "c"]) == {"c": b"new"}
            assert await store.conversations.get(T, "c") is not None

        self.run(work)

    def test_conversations_are_deleted_only_if_untouched_for_so_long(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.conversations.create(T, conversation("old"), items("1"))
            await store.conversations.create(T, conversation("appended"), [])
            await store.conversations.create(T, conversation("changed"), [])
            time.now += DAY
            await store.conversations.append(T, added("appended", "2"))
            await store.conversations.update(T, "changed", b"{}")
            time.now += DAY
            assert await sweep(store) == 0
            assert await sweep(store, 1.5 * DAY) == 1
            assert await store.conversations.get(T, "old") is None
            assert await store.responses.items(T, ["1", "2"]) == {"2": items("2")[0].body}
            assert await store.conversations.get(T, "appended") is not None
            assert await store.conversations.get(T, "changed") is not None

        self.run(work)

    def test_events_are_deleted_ten_minutes_after_the_end_of_their_response(self) -> None:
        async def work(store: Store, time: Time) -> None:
            for id_ in ("ended", "running"):
                await store.responses.put(T, running(id_))
                await store.runs.append_events(T, id_, 0, [b"0"])
            time.now += EVENTS_KEPT_S
            await store.responses.put(T, response("ended", background=True))
            await sweep(store)
            assert await store.runs.events(T, "ended", 0) == [b"0"]
            time.now += EVENTS_KEPT_S
            await sweep(store)
            assert await store.runs.events(T, "ended", 0) is None
            assert await store.runs.events(T, "running", 0) == [b"0"]
            assert await store.responses.get(T, "ended") is not None

        self.run(work)
