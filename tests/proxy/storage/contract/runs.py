"""What every store must do with background responses: their events, and their recovery after a crash."""

import asyncio

from proxy.storage.interface import Store
from tests.proxy.storage.contract.base import START, Contract, Time, response, running

T = "tenant"


class RunsContract(Contract):
    """The tests."""

    def test_events_are_read_from_any_number_on(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.responses.put(T, running("a"))
            assert await store.runs.events(T, "a", 0) is None
            assert await store.runs.append_events(T, "a", 0, [b"0", b"1\n\n", b""])
            assert await store.runs.append_events(T, "a", 3, [b"3" * 5000])
            assert await store.runs.append_events(T, "a", 4, [b"4"])
            logged = [b"0", b"1\n\n", b"", b"3" * 5000, b"4"]
            for first in range(6):
                assert await store.runs.events(T, "a", first) == logged[first:]

        self.run(work)

    def test_a_log_has_no_gaps_and_no_event_twice(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.responses.put(T, running("a"))
            assert not await store.runs.append_events(T, "a", 1, [b"1"])
            assert await store.runs.append_events(T, "a", 0, [b"0"])
            assert not await store.runs.append_events(T, "a", 0, [b"0"])
            assert not await store.runs.append_events(T, "a", 2, [b"2"])
            assert not await store.runs.append_events(T, "unknown", 0, [b"0"])
            assert await store.runs.events(T, "a", 0) == [b"0"]
            assert await store.runs.events(T, "unknown", 0) is None

        self.run(work)

    def test_events_stay_when_the_response_is_updated_until_they_are_dropped(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.responses.put(T, running("a"))
            await store.runs.append_events(T, "a", 0, [b"0"])
            await store.responses.put(T, response("a", background=True), replaces={"queued"})
            assert await store.runs.events(T, "a", 0) == [b"0"]
            await store.runs.drop_events(T, "a")
            assert await store.runs.events(T, "a", 0) is None
            assert await store.responses.get(T, "a") is not None

        self.run(work)

    def test_the_unfinished_background_responses_of_an_ended_process_are_taken_over_once(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.runs.keep_alive("dead", 30)
            await store.runs.keep_alive("alive", 300)
            await store.responses.put(T, running("queued", "dead"))
            await store.responses.put("u", running("started", "dead", status="in_progress"))
            await store.responses.put(T, running("other", "alive"))
            await store.responses.put(T, running("own", "me"))
            await store.responses.put(T, response("done", owner="dead", background=True))
            await store.runs.keep_alive("me", 300)
            assert await store.runs.take_over("me", 10) == []
            time.now += 31
            taken = [*await store.runs.take_over("me", 1), *await store.runs.take_over("me", 10)]
            assert {(run.tenant, run.response.id, run.response.status) for run in taken} == {
                (T, "queued", "queued"), ("u", "started", "in_progress"),
            }  # fmt: skip
            assert {(run.response.owner, run.response.run) for run in taken} == {("me", b"{}")}
            assert await store.runs.take_over("me", 10) == []
            found = await store.responses.get(T, "queued")
            assert found is not None
            assert found.owner == "me"

        self.run(work)

    def test_two_processes_never_take_over_the_same_response(self) -> None:
        async def work(store: Store, time: Time) -> None:
            for number in range(12):
                await store.responses.put(T, running(f"r{number}", "dead"))
            for owner in ("one", "two"):
                await store.runs.keep_alive(owner, 30)
            taken = await asyncio.gather(*(store.runs.take_over(owner, 3) for owner in ("one", "two") * 3))
            ids = [run.response.id for runs in taken for run in runs]
            assert sorted(ids) == sorted(f"r{number}" for number in range(12))

        self.run(work)

    def test_an_expired_response_is_not_taken_over(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.responses.put(T, running("a", "dead", expires_at=START + 10))
            time.now += 10
            assert await store.runs.take_over("me", 10) == []

        self.run(work)
