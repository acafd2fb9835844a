"""The adaptive limit: when a call counts as accepted, how long a refused one waits, and when outages hold the key."""

import pytest

from adapters.core.failures import RateLimit
from proxy.limiter.adaptive import AdaptiveLimit
from proxy.limiter.scheduler import Ticket


def started(limit: AdaptiveLimit, now: float) -> Ticket:
    call = Ticket("m", now)
    call.started_at = now
    limit.started(call, now, None)
    return call


def refused(limit: AdaptiveLimit, now: float, after_s: float = 0.0, asked_s: float | None = None) -> Ticket:
    call = started(limit, now)
    limit.refused(call, now + after_s, asked_s, None)
    return call


@pytest.mark.parametrize(("took_s", "counts_after_s"), [(0.0, 0.25), (0.05, 0.25), (1.0, 4.0), (40.0, 20.0)])
def test_a_call_counts_as_accepted_after_a_few_times_the_time_that_refusals_take(
    took_s: float, counts_after_s: float
) -> None:
    limit, now = AdaptiveLimit(61.0), 0.0
    for _ in range(200):
        refused(limit, now, took_s)
        now += took_s + 10.0
    call = started(limit, now)
    assert limit.accepted_at() == pytest.approx(now + counts_after_s, rel=1e-6)
    known = []
    for at in (now + counts_after_s - 0.01, now + counts_after_s):
        limit.update(at)
        known.append(call.accepted)
    assert known == [None, True]
    assert limit.accepted_at() == float("inf")


@pytest.mark.parametrize(
    ("asked_s", "waits_s"),
    [(None, 1.0), (0.0, 0.1), (0.05, 0.1), (0.1, 0.1), (7.0, 7.0), (3600.0, 3600.0), (9e9, 3600.0)],
)
def test_a_refused_call_waits_for_what_the_vendor_asked_within_a_tenth_of_a_second_and_an_hour(
    asked_s: float | None, waits_s: float
) -> None:
    call = refused(AdaptiveLimit(61.0), 100.0, 0.5, asked_s)
    assert call.retry_at == pytest.approx(100.5 + waits_s)
    assert (call.refusals, call.accepted) == (1, False)


def test_three_refusals_in_a_row_hold_the_key_and_an_accepted_call_between_them_breaks_the_run() -> None:
    limit, held = AdaptiveLimit(61.0), []
    for at in (0.0, 1.0):
        refused(limit, at)
        held.append(limit.hold is not None)
    limit.accepted(started(limit, 2.0), 2.1)
    for at in (3.0, 4.0, 5.0):
        refused(limit, at, asked_s=4.0)
        held.append(limit.hold is not None)
    assert held == [False] * 4 + [True]
    assert limit.retry_after_s(6.0) == 3.0


def test_probes_are_twice_as_far_apart_each_time_up_to_2_5_s_and_after_22_s_up_to_10_s() -> None:
    limit = AdaptiveLimit(61.0)
    for at in range(3):
        refused(limit, float(at), asked_s=0.5)
    now, gaps = 2.0, []
    for _ in range(16):
        assert limit.hold is not None
        gaps.append(round(limit.hold.probe_at - now, 3))
        now = limit.hold.probe_at
        refused(limit, now)
    assert gaps == [0.5, 1.0, 2.0, *[2.5] * 8, 5.0, 10.0, 10.0, 10.0, 10.0]


def test_a_probe_waits_longer_where_the_vendor_asks_for_more() -> None:
    limit = AdaptiveLimit(61.0)
    for at in range(3):
        refused(limit, float(at), asked_s=0.5)
    assert limit.hold is not None
    refused(limit, limit.hold.probe_at, asked_s=30.0)
    assert limit.hold.probe_at == 32.5


def test_the_quota_of_a_day_is_probed_every_minute_and_its_calls_wait_an_hour() -> None:
    limit = AdaptiveLimit(61.0)
    limit.refused(started(limit, 0.0), 0.0, 5.0, RateLimit("day", None))
    assert limit.hold is not None
    assert (limit.hold.by_day, limit.hold.probe_at) == (True, 60.0)
    assert limit.wait_s(0.0, 0, 1.0) == 3600.0
    refused(limit, 60.0, asked_s=5.0)
    assert limit.hold.probe_at == 120.0


@pytest.mark.parametrize(("after_s", "by_day"), [(122.0, False), (122.1, True)])
def test_a_hold_of_more_than_two_windows_is_taken_for_the_quota_of_a_day(after_s: float, by_day: bool) -> None:
    limit = AdaptiveLimit(61.0)
    for _ in range(3):
        refused(limit, 0.0, asked_s=after_s)
    refused(limit, after_s)
    assert limit.hold is not None
    assert limit.hold.by_day == by_day


@pytest.mark.parametrize(
    ("figure", "calls", "learned", "holds"),
    [
        (0.5, 3, None, False),
        (6, 1, 6, False),
        (6, 2, 6, True),
        (6, 6, 6, False),
        (6, 7, None, True),
        (6, 12, None, False),
    ],
)
def test_a_named_figure_is_taken_unless_the_vendor_let_more_through_and_holds_a_key_where_half_is_used(
    figure: float, calls: int, learned: float | None, holds: bool
) -> None:
    limit = AdaptiveLimit(61.0)
    for at in range(calls):
        limit.accepted(started(limit, 0.1 * at), 0.1 * at)
    limit.refused(started(limit, 5.0), 5.1, None, RateLimit("requests_per_minute", figure))
    assert (limit.per_window and limit.per_window.value) == learned
    assert limit.concurrency is None
    assert (limit.hold is not None) == holds


def test_a_call_that_ends_without_an_answer_leaves_no_trace() -> None:
    """Its client has disconnected: it neither breaks a run of refusals nor delays later calls."""
    limit = AdaptiveLimit(61.0)
    for at in (0.0, 1.0):
        refused(limit, at)
    left = started(limit, 1.5)
    limit.ended(left, 1.6, counted=False)
    assert (limit.in_flight, limit.accepted_at()) == (0, float("inf"))
    refused(limit, 2.0)
    assert limit.hold is not None


def test_a_limit_of_tokens_holds_no_key_by_its_figure() -> None:
    """The number of calls that it admits is not known."""
    limit = AdaptiveLimit(61.0)
    limit.refused(started(limit, 0.0), 0.1, None, RateLimit("tokens_per_minute", 1.0))
    assert limit.hold is None


def test_where_nothing_is_known_nothing_waits() -> None:
    assert AdaptiveLimit(61.0).wait_s(0.0, 0, 1.0) == 0.0
