"""The circuit breaker: a failing target moves behind the others, is probed by one request, and recovers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx2
import pytest

from config.schema import Settings
from proxy.app_state import AppState, ConfigSnapshot
from proxy.openai_api.chat.handler import ChatHandler
from proxy.pipeline import serve
from proxy.upstream.client import Upstream
from tests.proxy.play import BOTH, HOSTS, Played, Request, chunk, error, play, stream, whole

ONE = {**BOTH, "models": {"gpt-4o": "kimi/kimi-k2.6"}}
KIMI, QWEN = "kimi/kimi-k2.6", "qwen/qwen3.6-plus"


class Scene:
    """Vendors that work or fail, and any number of requests to them with one app state."""

    def __init__(self, settings: Mapping[str, Any] = BOTH) -> None:
        self.calls: list[str] = []
        self.answers: dict[str, Callable[[], Awaitable[httpx2.Response]]] = {"kimi": well, "qwen": well}
        self.state = AppState(
            Settings.model_validate(settings), Upstream(httpx2.MockTransport(self._answer)), lambda end: None
        )
        self.state.sleep = _no_wait

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        vendor = HOSTS[request.url.host]
        self.calls.append(vendor)
        return await self.answers[vendor]()

    async def send(self) -> Played:
        played = Played()
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
        await serve(Request(body), ChatHandler(), self.state, played)
        played.judge(body)
        return played

    def later(self, s: float) -> None:
        """Let time pass for targets that are cooling down."""
        for trouble in self.state.breaker.failing.values():
            if trouble.cool_down is not None:
                trouble.cool_down.until -= s

    def called(self) -> list[str]:
        """Return the vendors called since the last time."""
        calls, self.calls = self.calls, []
        return calls


async def _no_wait(seconds: float) -> None:
    """No wait before a retry."""


async def well() -> httpx2.Response:
    return whole("hello")


async def dead() -> httpx2.Response:
    raise httpx2.ConnectError("refused")


async def rested(scene: Scene) -> None:
    """Kimi has failed five times, and is cooling down."""
    scene.answers["kimi"] = dead
    while not scene.state.breaker.is_cooling_down(KIMI, 0.0):
        await scene.send()
    scene.called()


def test_with_one_of_two_targets_killed_no_request_fails_and_from_the_sixth_failure_on_it_is_left_alone() -> None:
    async def main() -> None:
        scene = Scene()
        scene.answers["kimi"] = dead
        statuses = [(await scene.send()).status for _ in range(1000)]
        assert statuses == [200] * 1000
        assert scene.called().count("kimi") == 5

    asyncio.run(main())


def test_targets_in_cooldown_are_in_the_metrics() -> None:
    async def main() -> None:
        scene = Scene()
        assert resting(scene) == {}
        await rested(scene)
        assert resting(scene) == {(KIMI,): 1}
        scene.later(30)
        assert resting(scene) == {}

    asyncio.run(main())


def resting(scene: Scene) -> Mapping[Any, Any]:
    return scene.state.metrics.families["banjia_cooling_down_targets"].read()


def test_a_target_that_recovers_during_its_first_cooldown_is_used_again_within_31_seconds() -> None:
    async def main() -> None:
        scene = Scene()
        await rested(scene)
        scene.answers["kimi"] = well
        scene.later(23.9)
        await scene.send()
        assert scene.called() == ["qwen"]
        scene.later(7.1)
        for _ in range(3):
            await scene.send()
        assert scene.called() == ["kimi"] * 3
        assert not scene.state.breaker.failing

    asyncio.run(main())


def test_after_a_cooldown_exactly_one_of_fifty_requests_probes() -> None:
    async def main() -> None:
        scene = Scene()
        await rested(scene)
        scene.later(30)
        held = asyncio.Event()

        async def slow() -> httpx2.Response:
            await held.wait()
            return whole("hello")

        scene.answers["kimi"] = slow
        asking = [asyncio.create_task(scene.send()) for _ in range(50)]
        while len(scene.calls) < 50:
            await asyncio.sleep(0)
        assert scene.called().count("kimi") == 1
        held.set()
        assert {(await task).status for task in asking} == {200}

    asyncio.run(main())


def test_a_probe_that_fails_is_answered_by_the_other_target_and_the_next_cooldown_is_longer() -> None:
    async def main() -> None:
        scene = Scene()
        await rested(scene)
        scene.later(30)
        assert (await scene.send()).status == 200
        assert scene.called() == ["kimi", "qwen"]
        scene.later(47.9)
        await scene.send()
        assert scene.called() == ["qwen"]
        scene.later(12.1)
        await scene.send()
        assert scene.called()[0] == "kimi"

    asyncio.run(main())


def test_a_client_that_disconnects_while_probing_releases_the_probe() -> None:
    async def main() -> None:
        scene = Scene()
        await rested(scene)
        scene.later(30)

        async def never() -> httpx2.Response:
            await asyncio.sleep(60)
            raise AssertionError

        scene.answers["kimi"] = never
        probing = asyncio.create_task(scene.send())
        while not scene.calls:
            await asyncio.sleep(0)
        await scene.send()
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probing
        assert scene.called() == ["kimi", "qwen"]

        scene.answers["kimi"] = well
        await scene.send()
        assert scene.called() == ["kimi"]

    asyncio.run(main())


@pytest.mark.parametrize(
    "answer", [lambda: error(429, "rate_limit_reached_error"), lambda: error(400, "invalid_request_error")]
)
def test_a_probe_without_evidence_about_the_target_is_followed_by_another(
    answer: Callable[[], httpx2.Response],
) -> None:
    async def main() -> None:
        scene = Scene()
        await rested(scene)
        scene.later(30)

        async def other() -> httpx2.Response:
            return answer()

        scene.answers["kimi"] = other
        for _ in range(2):
            await scene.send()
        assert scene.called().count("kimi") == 2

    asyncio.run(main())


def test_the_last_target_of_a_route_is_never_taken_away() -> None:
    first = play({"kimi": [error(500, "x")] * 2}, ONE)
    for _ in range(5):
        assert play({"kimi": [error(500, "x")] * 2}, state=first.state).status == 502
    assert first.state
    assert first.state.breaker.is_cooling_down(KIMI, 0.0)

    assert play({"kimi": [whole("hello")]}, state=first.state).status == 200
    assert not first.state.breaker.failing


def test_when_all_targets_are_in_cooldown_each_is_called_once_in_their_order() -> None:
    async def main() -> None:
        scene = Scene()
        scene.answers |= {"kimi": dead, "qwen": dead}
        for _ in range(6):
            assert (await scene.send()).status == 502
        scene.called()
        await scene.send()
        assert scene.called() == ["kimi", "qwen"]
        scene.answers["qwen"] = well
        assert (await scene.send()).status == 200

    asyncio.run(main())


@pytest.mark.parametrize(
    ("what", "make"),
    [
        ("a bad request", lambda: error(400, "invalid_request_error")),
        ("inspected text", lambda: error(400, "content_filter")),
        ("a rate limit", lambda: error(429, "rate_limit_reached_error", **{"retry-after": "3600"})),
        ("a refused key", lambda: error(401, "invalid_authentication_error")),
        ("a retired model", lambda: error(404, "resource_not_found_error")),
    ],
)
def test_only_the_vendors_fault_counts(what: str, make: Callable[[], httpx2.Response]) -> None:
    state = None
    for _ in range(6):
        state = play({"kimi": [make()]}, ONE, state=state).state
    assert state
    assert not state.breaker.failing


def test_a_stream_that_breaks_off_counts_and_one_that_ends_well_resets_the_count() -> None:
    state = None
    for _ in range(4):
        half = stream(chunk({"content": "half"}), error=httpx2.ReadError("reset"))
        state = play({"kimi": [half]}, ONE, state=state, stream=True).state
    assert state
    assert state.breaker.failing[KIMI].failures == 4

    play({"kimi": [stream(chunk({"content": "a"}), chunk({}, "stop"), b"data: [DONE]\n\n")]}, state=state, stream=True)
    assert not state.breaker.failing


def test_cooldowns_survive_a_reload_and_follow_the_new_settings() -> None:
    async def main() -> None:
        scene = Scene({**BOTH, "breaker": {"failures": 2, "cooldown_s": 10, "cap_s": 15}})
        scene.answers["kimi"] = dead
        await scene.send()
        assert scene.called() == ["kimi", "kimi", "qwen"]

        changed = Settings.model_validate({**BOTH, "breaker": {"failures": 1, "cooldown_s": 100}})
        scene.state.use(ConfigSnapshot(changed, scene.state.upstream))
        await scene.send()
        assert scene.called() == ["qwen"]

        scene.later(10)
        await scene.send()
        assert scene.called() == ["kimi", "qwen"]
        scene.later(159)
        await scene.send()
        assert scene.called() == ["qwen"]

    asyncio.run(main())
