"""Calls over a key's limits wait for their slot in order, whatever else happens."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from config.schema import Settings
from proxy.app_state import AppState, ConfigSnapshot
from proxy.limiter.scheduler import Ticket
from proxy.openai_api.chat.handler import ChatHandler
from proxy.openai_api.embeddings import EmbeddingsHandler
from proxy.openai_api.handler import OperationHandler
from proxy.pipeline import serve
from proxy.upstream.client import Upstream
from tests.proxy.play import BOTH, HOSTS, Played, Request, chunk, error, stream, whole
from tests.support.loops import UnhurriedLoop

KEY = "sk-kimi-0000000000000001"
TWO_KEYS = ["sk-kimi-000000000000000a", "sk-kimi-000000000000000b"]
FIRST = [{"role": "user", "content": "hi"}]


def one(**limits: Any) -> dict[str, Any]:
    """Kimi alone, with these limits."""
    return {"vendors": {"kimi": {"api_key": KEY, "limits": limits}}}


def both(**limits: Any) -> dict[str, Any]:
    """Kimi with these limits, then Qwen."""
    return {**BOTH, "vendors": {**BOTH["vendors"], "kimi": {"api_key": KEY, "limits": limits}}}


@dataclass
class Vendors:
    """Vendors that answer when they are released, and count calls in flight by key."""

    call_s: float = 0.0
    at_once: int | None = None
    refusing: str = ""
    gate: asyncio.Event | None = None
    calls: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    most: Counter[str] = field(default_factory=Counter)
    flying: Counter[str] = field(default_factory=Counter)

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        key = request.headers["authorization"].removeprefix("Bearer ")
        body = json.loads(await request.aread())
        self.calls.append(HOSTS[request.url.host])
        self.keys.append(key)
        if self.calls[-1] == self.refusing:
            return error(429, "rate_limit_reached_error", "max organization RPM: 3", **{"retry-after": "30"})
        if self.at_once is not None and self.flying[key] >= self.at_once:
            message = f"request reached max organization concurrency: {self.at_once}"
            return error(429, "rate_limit_reached_error", message, **{"retry-after": "0.1"})
        if "messages" in body:
            self.texts.append(body["messages"][-1]["content"])
        self.flying[key] += 1
        self.most[key] = max(self.most[key], self.flying[key])
        try:
            await asyncio.sleep(self.call_s)
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.flying[key] -= 1
        if "input" in body:
            vectors = [{"index": at, "embedding": [0.5]} for at in range(len(body["input"]))]
            usage = {"prompt_tokens": 1, "total_tokens": 1}
            return httpx2.Response(200, json={"object": "list", "data": vectors, "model": "m", "usage": usage})
        if body.get("stream"):
            return stream(chunk({"content": "ok"}), chunk({}, "stop"), b"data: [DONE]\n\n")
        return whole("ok")


class Stage:
    """An app state with scripted vendors, and its clients."""

    def __init__(self, settings: Mapping[str, Any], vendors: Vendors) -> None:
        self.vendors = vendors
        self.lines: list[dict[str, Any]] = []
        self.upstream = Upstream(httpx2.MockTransport(vendors))
        self.state = AppState(
            Settings.model_validate(settings), self.upstream, lambda ending: self.lines.append(ending.line())
        )

    async def send(self, text: str = "hi", front: OperationHandler | None = None, **requested: Any) -> Played:
        played = Played()
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **requested}
        await serve(Request(body), front or ChatHandler(), self.state, played)
        played.judge(body)
        return played

    def call(self, text: str = "hi", **requested: Any) -> "asyncio.Task[Played]":
        return asyncio.create_task(self.send(text, **requested))

    def reload(self, settings: Mapping[str, Any]) -> None:
        self.state.use(ConfigSnapshot(Settings.model_validate(settings), self.upstream))


def run(scene: Coroutine[Any, Any, None]) -> None:
    async def timed() -> None:
        async with asyncio.timeout(60):
            await scene

    asyncio.run(timed())


def run_unhurried(scene: Coroutine[Any, Any, None]) -> None:
    """For settings with timeouts that must not end a call: on a loop on which nothing is late."""
    with asyncio.Runner(loop_factory=UnhurriedLoop) as runner:
        runner.run(scene)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.002)


def statuses(answers: Sequence[Played]) -> list[int]:
    return [answer.status for answer in answers]


# --- limits that are set ------------------------------------------------------------------------------------------


def test_calls_over_the_limit_wait_and_are_answered_in_order() -> None:
    async def scene() -> None:
        stage = Stage(one(concurrency=2), Vendors(call_s=0.005))
        answers = await asyncio.gather(*(stage.send(str(number)) for number in range(20)))
        assert statuses(answers) == [200] * 20
        assert stage.vendors.most == {KEY: 2}
        assert stage.vendors.texts == [str(number) for number in range(20)]
        assert {answer.headers["x-banjia-attempts"] for answer in answers} == {"1"}
        last = stage.lines[-1]
        assert last["queued_ms"] > 30
        assert last["added_ms"] + last["vendor_ms"] < last["queued_ms"], "the queue's time is nobody else's"

    run(scene())


def test_calls_that_wait_are_a_metric() -> None:
    async def scene() -> None:
        gate = asyncio.Event()
        stage = Stage(one(concurrency=1), Vendors(gate=gate))
        calls = [stage.call() for _ in range(4)]
        read = stage.state.metrics.families["banjia_waiting_calls"].read
        await until(lambda: read() == {("kimi",): 3})
        gate.set()
        await asyncio.gather(*calls)
        assert read() == {("kimi",): 0}

    run(scene())


def test_keys_without_limits_have_no_limiter_and_calls_do_not_wait() -> None:
    async def scene() -> None:
        stage = Stage(one(), Vendors(call_s=0.005))
        answers = await asyncio.gather(*(stage.send() for _ in range(20)))
        assert statuses(answers) == [200] * 20
        key = stage.state.snapshot.accounts["kimi"].keys[0]
        assert (key.limiter, key.calls) == (None, 0)
        assert stage.vendors.most == {KEY: 20}

    run(scene())


def test_two_keys_share_the_load() -> None:
    async def scene() -> None:
        settings = {"vendors": {"kimi": {"api_keys": TWO_KEYS, "limits": {"concurrency": 1}}}}
        stage = Stage(settings, Vendors(call_s=0.005))
        answers = await asyncio.gather(*(stage.send() for _ in range(20)))
        assert statuses(answers) == [200] * 20
        assert Counter(stage.vendors.keys) == dict.fromkeys(TWO_KEYS, 10)
        assert stage.vendors.most == dict.fromkeys(TWO_KEYS, 1)

    run(scene())


def test_a_call_that_waits_too_long_goes_to_the_next_target() -> None:
    async def scene() -> None:
        stage = Stage(both(concurrency=1, wait_s=0.1), Vendors(gate=asyncio.Event()))
        first = stage.call("first")
        await until(lambda: stage.vendors.flying.total() == 1)
        second = stage.call("second")
        await until(lambda: stage.vendors.calls == ["kimi", "qwen"])
        assert stage.vendors.gate is not None
        stage.vendors.gate.set()
        assert (await first).headers["x-banjia-target"].startswith("kimi/")
        answer = await second
        assert answer.headers["x-banjia-target"].startswith("qwen/")
        assert answer.headers["x-banjia-attempts"] == "1", "what was never sent is no attempt"

    run(scene())


def test_without_another_target_it_is_a_429_with_retry_after() -> None:
    async def scene() -> None:
        stage = Stage(one(concurrency=1, wait_s=0.1), Vendors(gate=asyncio.Event()))
        first = stage.call()
        await until(lambda: stage.vendors.flying.total() == 1)
        refused = await stage.send()
        assert refused.status == 429
        assert refused.json["error"]["code"] == "rate_limit_exceeded"
        assert "concurrency 1" in refused.json["error"]["message"]
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["x-should-retry"] == "true"
        assert "x-banjia-attempts" not in refused.headers
        assert stage.lines[-1]["attempts"] == 0
        assert stage.lines[-1]["queued_ms"] >= 90
        assert len(stage.vendors.calls) == 1
        first.cancel()
        await asyncio.wait([first])

    run(scene())


def test_a_request_does_not_wait_if_the_wait_would_exceed_wait_s() -> None:
    async def scene() -> None:
        stage = Stage(one(rpm=1, wait_s=30), Vendors())
        assert (await stage.send()).status == 200
        refused = await stage.send()
        assert refused.status == 429
        assert "queued_ms" not in stage.lines[-1], "it did not wait"
        assert 55 <= int(refused.headers["retry-after"]) <= 62

    run(scene())


def test_tokens_a_minute_are_counted_by_estimate_and_settled_by_what_was_spent() -> None:
    async def scene() -> None:
        stage = Stage(one(tpm=1000, wait_s=0.1), Vendors())
        # Each is estimated at more than 900; what comes of it is 5 tokens, so the next one fits.
        for _ in range(5):
            assert (await stage.send(max_tokens=900)).status == 200
        stage.vendors.gate = asyncio.Event()
        running = stage.call(max_tokens=900)
        await until(lambda: stage.vendors.flying.total() == 1)
        assert (await stage.send(max_tokens=900)).status == 429
        assert (await stage.send(max_tokens=900)).status == 429
        stage.vendors.gate.set()
        assert (await running).status == 200

    run(scene())


def test_a_client_that_disconnects_while_waiting_blocks_no_other() -> None:
    async def scene() -> None:
        stage = Stage(one(concurrency=1), Vendors(gate=asyncio.Event()))
        first, leaver, last = stage.call("first"), stage.call("leaver"), stage.call("last")
        await until(lambda: stage.vendors.flying.total() == 1)
        leaver.cancel()
        await asyncio.wait([leaver])
        assert stage.vendors.gate is not None
        stage.vendors.gate.set()
        assert (await first).status == (await last).status == 200
        assert stage.vendors.texts == ["first", "last"]
        assert [line["attempts"] for line in stage.lines if line["status"] != 200] == [0]

    run(scene())


def test_whenever_clients_disconnect_every_slot_is_released() -> None:
    async def scene() -> None:
        stage = Stage(one(concurrency=3), Vendors(call_s=0.002))
        tasks = [stage.call(str(number), stream=number % 2 == 0) for number in range(120)]
        for number, task in enumerate(tasks):
            if number % 3:
                asyncio.get_running_loop().call_later(0.0007 * number, task.cancel)
        await asyncio.wait(tasks)
        assert statuses([task.result() for task in tasks[::3]]) == [200] * 40
        assert stage.vendors.flying.total() == 0
        pacer = stage.state.snapshot.accounts["kimi"].keys[0].limiter
        assert pacer is not None
        assert pacer.idle
        assert (await stage.send()).status == 200

    run(scene())


def test_the_time_in_the_queue_is_not_the_vendors() -> None:
    async def scene() -> None:
        settings = one(concurrency=1)
        settings["vendors"]["kimi"]["timeouts"] = {"total_s": 0.25, "first_token_s": 0.25}
        stage = Stage(settings, Vendors(call_s=0.1))
        answers = await asyncio.gather(*(stage.send(stream=number % 2 == 0) for number in range(6)))
        assert statuses(answers) == [200] * 6

    run_unhurried(scene())


def test_calls_of_one_request_wait_for_each_other_and_for_others() -> None:
    async def scene() -> None:
        settings = {
            "vendors": {"qwen": {"api_key": KEY, "limits": {"concurrency": 1}, "timeouts": {"total_s": 0.3}}},
            "models": {"small": "qwen/text-embedding-v4"},
        }
        stage = Stage(settings, Vendors(call_s=0.02))
        texts = [str(number) for number in range(55)]
        answers = await asyncio.gather(
            *(stage.send(front=EmbeddingsHandler(), model="small", input=texts, messages=None) for _ in range(2))
        )
        assert statuses(answers) == [200] * 2
        assert [len(answer.json["data"]) for answer in answers] == [55, 55]
        assert stage.vendors.most == {KEY: 1}

    run_unhurried(scene())


def test_a_second_target_called_meanwhile_counts_only_sent_content() -> None:
    async def scene() -> None:
        stage = Stage({**both(concurrency=1), "policy": {"hedge_s": 0.05}}, Vendors())
        gate = asyncio.Event()

        async def slow_kimi(request: httpx2.Request) -> httpx2.Response:
            if HOSTS[request.url.host] == "kimi":
                await gate.wait()
            return await stage.vendors(request)

        stage.state.snapshot.accounts["kimi"].upstream = Upstream(httpx2.MockTransport(slow_kimi))
        busy = stage.call(stream=True)
        pacer = stage.state.snapshot.accounts["kimi"].keys[0].limiter
        assert pacer is not None
        await until(lambda: not pacer.idle)
        hedged = await stage.send()
        assert hedged.headers["x-banjia-target"].startswith("qwen/")
        assert hedged.headers["x-banjia-attempts"] == "1"
        assert stage.lines[-1]["attempts"] == 1
        gate.set()
        assert (await busy).status == 200
        assert pacer.idle
        assert (await stage.send()).headers["x-banjia-target"].startswith("kimi/")

    run(scene())


def test_a_reload_changes_the_limits_of_waiting_requests() -> None:
    async def scene() -> None:
        stage = Stage(one(concurrency=1), Vendors(gate=asyncio.Event()))
        calls = [stage.call() for _ in range(5)]
        await until(lambda: stage.vendors.flying.total() == 1)
        stage.reload(one(concurrency=3))
        await until(lambda: stage.vendors.flying.total() == 3)
        stage.reload(one())
        await until(lambda: stage.vendors.flying.total() == 5)
        assert stage.vendors.gate is not None
        stage.vendors.gate.set()
        assert statuses(await asyncio.gather(*calls)) == [200] * 5

    run(scene())


def test_rotating_a_key_under_load_fails_no_call() -> None:
    async def scene() -> None:
        stage = Stage(one(concurrency=2), Vendors(call_s=0.002))
        old, new = KEY, "sk-kimi-0000000000000002"
        rotated = {"vendors": {"kimi": {"api_key": new, "limits": {"concurrency": 2}}}}
        calls = [stage.call() for _ in range(50)]
        await until(lambda: len(stage.vendors.calls) > 20)
        stage.reload(rotated)
        calls += [stage.call() for _ in range(50)]
        assert statuses(await asyncio.gather(*calls)) == [200] * 100
        assert Counter(stage.vendors.keys) == {old: 50, new: 50}
        assert stage.vendors.most == {old: 2, new: 2}

    run(scene())


def test_a_slow_vendor_with_many_waiting_does_not_slow_another() -> None:
    async def scene() -> None:
        stage = Stage(both(concurrency=5), Vendors())
        gate = asyncio.Event()

        async def slow_kimi(request: httpx2.Request) -> httpx2.Response:
            if HOSTS[request.url.host] == "kimi":
                await gate.wait()
            return await stage.vendors(request)

        for account in stage.state.snapshot.accounts.values():
            account.upstream = Upstream(httpx2.MockTransport(slow_kimi))
        waiting = [stage.call() for _ in range(500)]
        await until(lambda: stage.state.limiters.waiting()["kimi"] == 495)
        kimi = stage.state.snapshot.accounts["kimi"].keys[0].limiter
        assert kimi is not None
        looks: list[float] = []

        def look(now: float) -> list[Ticket]:
            looks.append(now)
            return []

        if kimi._timer is not None:
            kimi._timer.cancel()  # a look that is due by time is no change
        kimi._scheduler.grant = look  # type: ignore[method-assign]
        for _ in range(50):
            assert (await stage.send(model="qwen/qwen3.6-plus")).status == 200
        assert not looks, "a queue is looked at only when something changes on its own key"
        del kimi._scheduler.grant
        assert not any(call.done() for call in waiting)
        gate.set()
        assert statuses(await asyncio.gather(*waiting)) == [200] * 500

    run(scene())


# --- limits that are learned --------------------------------------------------------------------------------------


def test_a_burst_on_a_small_account_is_answered_without_any_limit_set() -> None:
    async def scene() -> None:
        stage = Stage(one(), Vendors(call_s=0.005, at_once=1))
        answers = await asyncio.gather(*(stage.send(str(number)) for number in range(20)))
        assert statuses(answers) == [200] * 20
        assert len(stage.vendors.calls) <= 20 + 19 + 2
        calls = len(stage.vendors.calls)
        assert statuses(await asyncio.gather(*(stage.send() for _ in range(8)))) == [200] * 8
        assert len(stage.vendors.calls) - calls <= 8 + 2, "the second burst knows"

    run(scene())


def test_waiting_for_a_slot_after_a_refusal_is_no_attempt_and_the_log_counts_the_refusals() -> None:
    async def scene() -> None:
        short = {**one(), "policy": {"max_wait_s": 0.01, "attempts": 1}}
        stage = Stage(short, Vendors(call_s=0.005, at_once=1))
        answers = await asyncio.gather(*(stage.send(str(number)) for number in range(20)))
        assert statuses(answers) == [200] * 20
        assert {answer.headers["x-banjia-attempts"] for answer in answers} == {"1"}
        assert {line["attempts"] for line in stage.lines} == {1}
        refused = sum(line.get("refused_calls", 0) for line in stage.lines)
        assert refused == len(stage.vendors.calls) - 20 > 0

    run(scene())


def test_a_call_that_both_keys_refused_waits_as_long_as_each_requested() -> None:
    async def scene() -> None:
        settings = {"vendors": {"kimi": {"api_keys": TWO_KEYS, "limits": {"wait_s": 10}}}, "policy": {"attempts": 1}}
        stage = Stage(settings, Vendors(refusing="kimi"))
        answer = await stage.send()
        assert (answer.status, answer.headers["retry-after"]) == (429, "30")
        assert sorted(stage.vendors.keys) == TWO_KEYS, "each key was called once"

    run(scene())


def test_a_refusal_that_outlasts_wait_s_is_passed_on_at_once_in_the_vendors_words() -> None:
    async def scene() -> None:
        stage = Stage(one(wait_s=10), Vendors(refusing="kimi"))
        answer = await stage.send()
        assert (answer.status, answer.headers["retry-after"], len(stage.vendors.calls)) == (429, "30", 1)
        assert "RPM: 3" in answer.json["error"]["message"]
        assert answer.headers["x-should-retry"] == "true"

    run(scene())


def test_with_learning_off_a_refusal_is_the_retry_policys() -> None:
    async def scene() -> None:
        stage = Stage(one(learn=False), Vendors(refusing="kimi"))
        assert [(await stage.send()).status for _ in range(5)] == [429] * 5
        assert stage.state.snapshot.accounts["kimi"].keys[0].limiter is None
        assert len(stage.vendors.calls) == 5, "retry-after: 30 is longer than policy.max_wait_s"

    run(scene())


def test_switching_learning_off_ends_a_hold() -> None:
    async def scene() -> None:
        stage = Stage(one(), Vendors(refusing="kimi"))
        held = [stage.call() for _ in range(5)]
        await until(lambda: stage.state.limiters.waiting() == {"kimi": 5})
        stage.vendors.refusing = ""
        stage.reload(one(learn=False))
        assert (await stage.send()).status == 200
        for call in held:
            call.cancel()
        await asyncio.wait(held)

    run(scene())


def test_waiting_after_a_rate_limit_spends_no_retry_budget() -> None:
    async def scene() -> None:
        stage = Stage(one(), Vendors(call_s=0.005, at_once=1))
        await asyncio.gather(*(stage.send() for _ in range(20)))
        assert stage.state.retries._retries.total() == 0

    run(scene())


def test_a_target_that_requested_a_wait_is_skipped_while_there_is_another() -> None:
    async def scene() -> None:
        stage = Stage(both(), Vendors(refusing="kimi"))
        for _ in range(3):  # one refusal says nothing about the next call, three in a row do
            assert (await stage.send()).headers["x-banjia-attempts"] == "2"
        again = await stage.send()
        assert stage.vendors.calls == ["kimi", "qwen"] * 3 + ["qwen"], "kimi was not called before its time"
        assert again.headers["x-banjia-target"].startswith("qwen/")
        assert again.headers["x-banjia-attempts"] == "1"

    run(scene())


def test_calls_that_wait_when_their_target_is_held_go_to_the_next_at_once() -> None:
    async def scene() -> None:
        stage = Stage(both(concurrency=1), Vendors(call_s=0.05, refusing="kimi"))
        answers = await asyncio.wait_for(asyncio.gather(*(stage.send() for _ in range(10))), 60)
        assert statuses(answers) == [200] * 10
        assert Counter(stage.vendors.calls) == {"kimi": 3, "qwen": 10}

    run(scene())


def test_a_refused_model_does_not_hold_back_the_others_on_the_key() -> None:
    async def scene() -> None:
        stage = Stage({"vendors": {"kimi": {"api_key": KEY}}}, Vendors(at_once=0))
        held = [stage.call(model="kimi/kimi-k2.6") for _ in range(5)]
        await until(lambda: stage.state.limiters.waiting() == {"kimi": 5})
        stage.vendors.at_once = None
        assert (await stage.send(model="kimi/kimi-k3")).status == 200
        assert statuses(await asyncio.gather(*held)) == [200] * 5

    run(scene())
