"""A vendor that hangs takes part of the slots, and leaves the rest to the others."""

import asyncio
from typing import Any

from tests.proxy.attempts.test_rate_limited_calls import Stage, Vendors, both, one, run, statuses, until

KIMI, QWEN = "kimi/kimi-k2.6", "qwen/qwen3.6-plus"


def ten_places(settings: dict[str, Any]) -> dict[str, Any]:
    return {**settings, "server": {"max_concurrency": 10}}


def hanging() -> tuple[Vendors, asyncio.Event]:
    gate = asyncio.Event()
    return Vendors(gate=gate), gate


async def filled(stage: Stage, count: int) -> "list[asyncio.Task[Any]]":
    calls = [stage.call(model=KIMI) for _ in range(count)]
    await until(lambda: sum(stage.vendors.flying.values()) == count)
    return calls


def test_of_ten_slots_one_of_two_vendors_takes_eight() -> None:
    async def scene() -> None:
        vendors, gate = hanging()
        stage = Stage(ten_places(both()), vendors)
        waiting = await filled(stage, 8)
        refused = await stage.send(model=KIMI)
        assert (refused.status, refused.json["error"]["code"]) == (503, "server_is_overloaded")
        assert refused.headers["x-should-retry"] == "true"
        assert "retry-after" in refused.headers
        other = stage.call(model=QWEN)
        await until(lambda: stage.vendors.calls[-1] == "qwen")
        gate.set()
        assert statuses(await asyncio.gather(*waiting, other)) == [200] * 9
        assert [account.in_flight for account in stage.state.snapshot.accounts.values()] == [0, 0]

    run(scene())


def test_a_route_goes_to_the_vendor_with_free_slots() -> None:
    async def scene() -> None:
        vendors, gate = hanging()
        stage = Stage(ten_places(both()), vendors)
        waiting = await filled(stage, 8)
        call = stage.call()  # gpt-4o: kimi, then qwen
        await until(lambda: stage.vendors.calls[-1] == "qwen")
        gate.set()
        assert statuses(await asyncio.gather(*waiting, call)) == [200] * 9

    run(scene())


def test_the_only_vendor_there_is_has_all_places() -> None:
    async def scene() -> None:
        vendors, gate = hanging()
        stage = Stage(ten_places(one()), vendors)
        waiting = await filled(stage, 10)
        gate.set()
        assert statuses(await asyncio.gather(*waiting)) == [200] * 10

    run(scene())


def test_clients_that_disconnect_release_their_slots_of_the_vendor() -> None:
    async def scene() -> None:
        vendors, _ = hanging()
        stage = Stage(ten_places(both()), vendors)
        waiting = await filled(stage, 8)
        for call in waiting:
            call.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert stage.state.snapshot.accounts["kimi"].in_flight == 0

    run(scene())
