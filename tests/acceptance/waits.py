"""How long clients and operators wait, and the processor time of hostile input, each with its limit.

The core tests assert order and state in the same situations, without time limits. The limits here are for an otherwise
idle machine with two cores.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import emulators
from tests.acceptance.conftest import Figure
from tests.adapters.core.test_sse import JUST_UNDER, MANY_LINES, dripped, fed
from tests.project.pages.terminal import vendors_to_call
from tests.project.pages.test_quickstart import follow_the_page
from tests.proxy.attempts.test_disconnects import HUNDRED, LEAVING, a_hundred_leave, request_sent
from tests.proxy.body_limits import test_json
from tests.proxy.body_limits import test_large_vendor_bodies as test_vendor_bombs
from tests.proxy.lifecycle import test_shutdown as test_drain
from tests.proxy.server import test_slow_clients as test_slow
from tests.proxy.server.raw_client import Line, answers_hello, chat, line, run, serving
from tests.support.harness import vendor

MIB = 2**20


class Watch:
    """Records the times of its calls."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def __call__(self) -> None:
        self.at.append(time.monotonic())

    def since(self) -> list[float]:
        """Return the seconds from the first call to each of the others, sorted."""
        return sorted(at - self.at[0] for at in self.at[1:])


def cpu_s(work: Callable[[], object]) -> float:
    """Return the processor time that this process spends on it (seconds)."""
    before = time.process_time()
    work()
    return time.process_time() - before


# --- disconnecting clients, and stopping -------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "streamed", "before"), LEAVING, ids=[row[0] for row in LEAVING])
def test_of_a_hundred_clients_that_disconnect_each_ends_its_vendor_call(
    what: str, streamed: bool, before: bytes, figure: Figure
) -> None:
    watch = Watch()
    asyncio.run(a_hundred_leave(what, streamed, before, watch))
    figure(f"a vendor's call ends after its caller left, 99th of {HUNDRED} ({what})", watch.since()[98], 0.5, "s")


def test_a_process_stops_as_it_promises(figure: Figure, tmp_path: Path) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        writer.write(test_drain.FIRST)
        await reader.read(1)
        raise ConnectionError

    async def scene() -> None:
        watch = Watch()
        async with (
            vendor(never) as base_url,
            test_drain.serving(tmp_path, base_url, drain_delay_s=0.6, grace_s=30) as served,
            request_sent(served.url, stream=True) as reader,
        ):
            await reader.readuntil(b'"content":"a"')
            watch()
            served.signal(signal.SIGTERM)
            while (await test_drain.get(served.url, "/readyz"))[0] == 200:
                await asyncio.sleep(0.001)
            watch()
            await test_drain.closed(served.url)
            watch()
            begun = time.monotonic()
            served.signal(signal.SIGINT)
            await served.ended()
            ended_s = time.monotonic() - begun
        not_ready_s, closed_s = watch.since()
        figure("not ready after SIGTERM", not_ready_s, 0.1, "s")
        assert closed_s > 0.5
        figure("no new connection after SIGTERM and a delay of 0.6 s", closed_s, 0.9, "s")
        figure("ended after a second signal", ended_s, 0.5, "s")

    asyncio.run(scene())


# --- too many, and too slow --------------------------------------------------------------------------------------


def test_over_the_limit_clients_are_refused_at_once_and_the_others_served_as_before(figure: Figure) -> None:
    room = 20

    async def takes_a_while(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await asyncio.sleep(0.1)
        await answers_hello(reader, writer, body)

    async def scene() -> None:
        took: dict[int, list[float]] = {200: [], 503: []}
        async with serving(takes_a_while, max_concurrency=room) as running:
            until = time.monotonic() + 1.0

            async def caller() -> None:
                async with line(running.url) as to:
                    while time.monotonic() < until:
                        begun = time.monotonic()
                        await to.send(chat())
                        answer = await to.answer()
                        assert answer is not None
                        took[answer.status].append(time.monotonic() - begun)
                        if answer.status == 503:
                            await asyncio.sleep(0.05)

            await asyncio.gather(*(caller() for _ in range(2 * room)))
        served, refused = sorted(took[200]), sorted(took[503])
        figure("refused at twice the load, nine of ten", refused[len(refused) * 9 // 10], 0.05, "s")
        figure("served at twice the load by a vendor of 0.1 s, median", served[len(served) // 2], 0.3, "s")

    run(scene())


def test_slow_clients_are_disconnected_in_time(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.server.protocol.HEAD_TIMEOUT_S", test_slow.LIMIT_S)

    async def one(url: str, way: Callable[[Line], Coroutine[Any, Any, None]], watch: Watch) -> None:
        async with line(url) as caller:
            talking = asyncio.create_task(way(caller))
            assert await caller.ended()
            watch()
            talking.cancel()

    async def scene() -> None:
        ways = [
            test_slow.SLOW[name] for name in ("sends nothing", "sends half a head", "drips a head", "drips line breaks")
        ]
        watch = Watch()
        async with serving() as running:
            watch()
            await asyncio.gather(*(one(running.url, ways[at % 4], watch) for at in range(200)))
        figure(f"the last of 200 slow callers is gone, of a limit of {test_slow.LIMIT_S} s", watch.since()[-1], 6, "s")
        assert watch.since()[0] > test_slow.LIMIT_S - 0.05

    run(scene())


# --- hostile input -----------------------------------------------------------------------------------------------


def test_hostile_json_costs_little(figure: Figure) -> None:
    async def scene() -> tuple[float, str]:
        worst = (0.0, "")
        async with serving() as running:
            for name, make in test_json.HOSTILE.items():
                body = make()
                async with line(running.url) as caller:
                    before = time.process_time()
                    await caller.send(chat(body=body))
                    answer = await caller.answer()
                    spent = time.process_time() - before
                assert answer is not None
                assert answer.status == 400, name
                worst = max(worst, (spent / max(1.0, len(body) / MIB), name))
        return worst

    spent, name = run(scene())
    figure(f"hostile JSON, the worst ({name})", spent, 0.2, "s of CPU a MiB")


def test_an_odd_answer_costs_little(figure: Figure) -> None:
    async def scene() -> tuple[float, str]:
        worst = (0.0, "")
        scripted = test_vendor_bombs.Scripted()
        async with serving(scripted) as running:
            for name, make in test_vendor_bombs.ODD.items():
                scripted.body = make()
                before = time.process_time()
                test_vendor_bombs.judged(*await test_vendor_bombs.response_of(running), name)
                spent = time.process_time() - before
                worst = max(worst, (spent / max(1.0, len(scripted.body) / MIB), name))
        return worst

    spent, name = run(scene())
    figure(f"a vendor's odd answer, the worst ({name})", spent, 0.5, "s of CPU a MiB")


def test_long_events_and_texts_cost_little(figure: Figure) -> None:
    drip, lines = dripped(b"data: " + JUST_UNDER + b"\n\n"), dripped(MANY_LINES * 400_000)
    figure("an event of 8 MiB in reads of 4 KiB", cpu_s(lambda: fed(drip)), 1, "s of CPU")
    figure("an event of 400,000 lines", cpu_s(lambda: fed(lines)), 3, "s of CPU")


# --- starting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", emulators.NAMES)
def test_an_emulator_listens_at_once(name: str, figure: Figure) -> None:
    async def scene() -> float:
        begun = time.monotonic()
        emulator = await emulators.start(name, environ={})
        took_s = time.monotonic() - begun
        await emulator.aclose()
        return took_s

    figure(f"the emulator of {name} listens", asyncio.run(scene()), 0.05, "s")


@pytest.mark.timeout(300)
def test_a_newcomer_is_through_the_page_in_half_a_minute(figure: Figure, tmp_path: Path) -> None:
    begun = time.monotonic()
    with vendors_to_call() as vendors:
        follow_the_page(vendors, tmp_path)
    figure("docs/quickstart.md, every command", time.monotonic() - begun, 30, "s")
