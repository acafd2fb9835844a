"""The retry budget on a test clock: a fifth of the current requests, and always three."""

import pytest

from proxy.routing.retry_budget import RESERVE, SHARE, SLOT_S, WINDOW_S, RetryBudget


class Clock:
    """A clock that the test advances (seconds)."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("proxy.routing.retry_budget.time", clock)
    return clock


def wants_a_retry(budget: RetryBudget) -> int:
    """The calls of one request to a vendor that fails each of them."""
    budget.request()
    if not budget.left():
        return 1
    budget.spend()
    return 2


@pytest.mark.parametrize("per_second", [1, 20, 200])
def test_a_minute_of_failures_makes_a_fifth_more_calls_and_the_reserve_at_most(per_second: int, clock: Clock) -> None:
    budget, calls, requests = RetryBudget(), 0, 60 * per_second
    for _ in range(requests):
        calls += wants_a_retry(budget)
        clock.now += 1 / per_second
    assert requests < calls
    reserve = RESERVE
    if per_second == 20:
        reserve += 6  # retries are whole: each ten seconds may round one up
    elif per_second == 1:
        reserve *= 7  # three in any ten seconds is more than a fifth here
    assert calls <= (1 + SHARE) * requests + reserve


def test_a_single_request_may_be_retried_three_times_and_again_ten_seconds_later(clock: Clock) -> None:
    budget = RetryBudget()
    assert [wants_a_retry(budget) for _ in range(5)] == [2, 2, 2, 1, 1]
    clock.now += WINDOW_S + 0.1
    assert wants_a_retry(budget) == 2


def test_it_remembers_no_more_than_its_window(clock: Clock) -> None:
    budget = RetryBudget()
    for _ in range(5000):
        wants_a_retry(budget)
        clock.now += 0.01
    assert len(budget._requests._slots) <= WINDOW_S / SLOT_S + 1
    assert len(budget._retries._slots) <= WINDOW_S / SLOT_S + 1


def test_requests_without_a_failure_take_no_memory(clock: Clock) -> None:
    budget = RetryBudget()
    for _ in range(5000):
        budget.request()
        clock.now += 0.01
    assert len(budget._requests._slots) <= WINDOW_S / SLOT_S + 1
