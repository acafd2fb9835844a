"""The limits of an account: too many concurrent calls or calls a minute get the vendor's own 429."""

import asyncio
from types import SimpleNamespace

import pytest

import emulators
from emulators import Emulator
from emulators.core.limits import Limits
from tests.emulators.helpers import Raw, chat, send, with_emulator


async def put(emulator: Emulator, limits: object) -> Raw:
    return await send(emulator, limits, "//_emulator/limits", method="PUT")


def test_more_calls_at_once_than_allowed_get_the_vendors_429() -> None:
    async def main(emulator: Emulator) -> list[Raw]:
        assert (await put(emulator, {"concurrency": 2})).json["limits"]["concurrency"] == 2
        emulator.set_faults(["delay=50"])
        together = await asyncio.gather(*(send(emulator, chat("kimi")) for _ in range(5)))
        return [*together, await send(emulator, chat("kimi"))]

    answers = with_emulator("kimi", main)
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 429, 429, 429]
    assert answers[-1].status == 200, "the places are free again"
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.headers["retry-after"] == "1"
    assert refused.json["error"]["type"] == "rate_limit_reached_error"
    assert "concurrency" in refused.json["error"]["message"]


@pytest.mark.parametrize("vendor", emulators.NAMES)
def test_more_calls_in_the_window_than_allowed_get_the_vendors_429(
    vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=lambda: 100.0)
    monkeypatch.setattr("emulators.core.emulator.time", clock)

    async def main(emulator: Emulator) -> list[int]:
        await put(emulator, {"rpm": 2, "window_s": 2})
        first = [(await send(emulator, chat(vendor))).status for _ in range(3)]
        clock.monotonic = lambda: 102.0
        return [*first, (await send(emulator, chat(vendor))).status]

    assert with_emulator(vendor, main) == [200, 200, 429, 200]


def test_a_refused_or_abandoned_request_releases_its_slot() -> None:
    limits = Limits()
    limits.set({"concurrency": 1, "rpm": 2, "window_s": 10})
    assert limits.begin(0.0) is None
    assert limits.begin(0.1) == 1.0
    limits.end()
    assert limits.begin(0.2) is None
    limits.end()
    assert limits.begin(3.0) == 7.0, "when the first of two leaves the window"
    assert limits.begin(10.0) is None


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        ({"rps": 1}, "unknown limit 'rps'"),
        ({"rpm": 0}, "rpm: 0 is not an integer"),
        ({"concurrency": "2"}, "concurrency: '2'"),
        ({"window_s": -1}, "window_s: -1"),
        ([], "send {"),
    ],
)
def test_limits_that_cannot_be_kept_to_are_refused(limits: object, complaint: str) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await put(emulator, limits)

    answer = with_emulator("kimi", main)
    assert answer.status == 400
    assert complaint in answer.json["error"]
