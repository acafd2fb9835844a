"""The counts that decide on further attempts, and on replays."""

import pytest

from proxy.attempts.counts import MOST_EARLIER, AttemptCounts
from proxy.routing.retry_budget import RESERVE, RetryBudget


@pytest.mark.parametrize(
    ("retry_count", "earlier"),
    [(None, 0), (b"0", 0), (b"2", 2), (b"-1", 0), (b"two", 0), (b"", 0), (b"9" * 5000, MOST_EARLIER)],
)
def test_the_clients_earlier_requests_count_as_it_sends_them(retry_count: bytes | None, earlier: int) -> None:
    counts = AttemptCounts(RetryBudget(), 0.0, retry_count)
    counts.made = 1
    assert (counts.earlier, counts.total) == (earlier, earlier + 1)


def test_a_call_is_replayed_once_in_a_request_as_one_of_its_attempts() -> None:
    counts = AttemptCounts(RetryBudget(), 0.0)
    counts.made = 1
    assert [counts.replay(), counts.replay()] == [True, False]
    assert (counts.made, counts.replays) == (2, 0)


def test_a_replay_is_charged_to_the_retry_budget_and_refused_if_that_is_used_up() -> None:
    retries = RetryBudget()
    for _ in range(RESERVE):
        assert AttemptCounts(retries, 0.0).replay()
    counts = AttemptCounts(retries, 0.0)
    assert not counts.replay()
    assert (counts.made, counts.replays) == (0, 1)


def test_the_elapsed_time_is_that_since_the_request_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.attempts.counts.perf_counter", lambda: 107.5)
    assert AttemptCounts(RetryBudget(), 100.0).elapsed_s() == 7.5
