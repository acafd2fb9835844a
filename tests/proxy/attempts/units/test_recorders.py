"""What the breaker, the latency tracker and the limiters learn of an attempt."""

from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from adapters.core.failures import Failure, Kind
from adapters.core.message import Message
from adapters.core.request import ApiRequest
from adapters.core.wire import Phase
from config.schema import Settings
from proxy.access.authentication import ANONYMOUS
from proxy.app_state import AppState
from proxy.attempts.context import RequestContext
from proxy.attempts.counts import AttemptCounts
from proxy.attempts.recorders import (
    BreakerRecorder,
    LatencyRecorder,
    LimiterRecorder,
    Recorder,
    begin_recording,
    outcome_of,
)
from proxy.observability.request_record import RequestRecord
from proxy.routing.resolve import resolve
from proxy.upstream.client import Upstream
from tests.proxy.play import BOTH

KIMI = "kimi/kimi-k2.6"


def context(**more: Any) -> RequestContext:
    """Return the context of a request to Kimi."""
    state = AppState(
        Settings.model_validate({**BOTH, **more}), Upstream(httpx2.MockTransport(lambda _: httpx2.Response(200)))
    )
    request = ApiRequest("chat", "gpt-4o", {})
    record = RequestRecord("req_1", "chat")
    counts = AttemptCounts(state.retries, record.started)
    return RequestContext(
        request, resolve(request, state.snapshot.routing), state, state.snapshot, record, counts, ANONYMOUS
    )


def failure(kind: Kind, phase: Phase | None = None) -> Failure:
    return Failure.of(kind, Message("no"), phase=phase)


def breaker(request: RequestContext) -> Recorder:
    target = request.route.targets[0]
    recorder, *_ = begin_recording(request, target, request.account(target).keys[0], request.record, untracked=True)
    assert type(recorder) is BreakerRecorder
    return recorder


def failures(request: RequestContext) -> dict[str, int]:
    return {label: target.failures for label, target in request.state.breaker.failing.items()}


def test_a_failure_of_the_vendor_counts_for_the_breaker_and_a_response_forgets_it() -> None:
    request = context()
    breaker(request).ended(failure("vendor_error"), sent=True)
    assert failures(request) == {KIMI: 1}
    breaker(request).ended(None, sent=True)
    assert failures(request) == {}


@pytest.mark.parametrize(
    "learned_nothing", [failure("bad_request"), failure("rate_limited"), failure("connect_timeout", "pool")]
)
def test_other_failures_do_not_count_for_the_breaker(learned_nothing: Failure) -> None:
    request = context()
    breaker(request).ended(learned_nothing, sent=True)
    assert failures(request) == {}


@pytest.mark.parametrize("ends", ["abandoned", "with the client's fault"])
def test_a_probe_without_a_result_lets_the_next_attempt_probe(ends: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1e6
    monkeypatch.setattr("proxy.attempts.recorders.time", SimpleNamespace(monotonic=lambda: now))
    request = context(breaker={"failures": 1})
    request.state.breaker.failed(KIMI, None, 0.0, 0.0, request.snapshot.settings.breaker)
    probe = breaker(request)
    assert request.state.breaker.is_cooling_down(KIMI, now), "it is being probed"
    if ends == "abandoned":
        probe.abandoned()
    else:
        probe.ended(failure("bad_request"), sent=True)
    assert not request.state.breaker.is_cooling_down(KIMI, now)


def test_the_latency_is_the_time_to_the_first_content(monkeypatch: pytest.MonkeyPatch) -> None:
    request = context()
    monkeypatch.setattr("proxy.attempts.counts.perf_counter", lambda: request.counts.started + 2.0)
    recorder = LatencyRecorder(request, request.route.targets[0], request.record)
    request.record.first_content_s = 5.0
    recorder.ended(None, sent=True)
    assert request.state.latencies.of(KIMI, False) == 3.0


@pytest.mark.parametrize(("kind", "known"), [("vendor_error", True), ("bad_request", False)])
def test_a_failure_of_the_vendor_counts_as_slow_and_one_of_the_client_not(kind: Kind, known: bool) -> None:
    request = context()
    LatencyRecorder(request, request.route.targets[0], request.record).ended(failure(kind), sent=True)
    assert (request.state.latencies.of(KIMI, False) is not None) == known


def test_an_attempt_that_was_not_sent_has_no_latency() -> None:
    request = context()
    LatencyRecorder(request, request.route.targets[0], request.record).ended(failure("vendor_error"), sent=False)
    assert request.state.latencies.of(KIMI, False) is None


def test_an_abandoned_attempt_was_at_least_as_slow_as_it_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    request, now = context(), 0.0
    monkeypatch.setattr("proxy.attempts.counts.perf_counter", lambda: now)
    recorder = LatencyRecorder(request, request.route.targets[0], request.record)
    now = 40.0
    recorder.abandoned()
    assert request.state.latencies.of(KIMI, False) == 40.0


def test_a_key_without_a_limiter_gets_one_with_the_first_refusal_which_knows_the_other_calls_in_flight() -> None:
    request = context()
    target = request.route.targets[0]
    [key] = request.account(target).keys
    first, second, third = (LimiterRecorder(request, target, key) for _ in range(3))

    def untracked() -> int:
        assert key.limiter is not None
        return sum(limit.untracked for limit in key.limiter._scheduler._adaptive.values())

    first.ended(None, sent=True)
    assert [key.limiter] == [None]
    key.calls = 1  # the third; the runner counts them
    second.ended(failure("rate_limited"), sent=True)
    assert key.limiter is not None
    assert untracked() == 1
    assert list(request.refusals) == [key]
    third.abandoned()
    assert untracked() == 0


def test_without_learning_a_refusal_makes_no_limiter() -> None:
    entry = {"api_key": "sk-kimi-0000000000000001", "limits": {"learn": False}}
    request = context(vendors={**BOTH["vendors"], "kimi": entry})
    target = request.route.targets[0]
    [key] = request.account(target).keys
    LimiterRecorder(request, target, key).ended(failure("rate_limited"), sent=True)
    assert (key.limiter, request.refusals) == (None, {})


def test_the_limiter_knows_three_outcomes() -> None:
    assert [outcome_of(None), outcome_of(failure("rate_limited")), outcome_of(failure("reset"))] == [
        "answered", "refused", "lost",
    ]  # fmt: skip
