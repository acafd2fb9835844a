"""An optional call is declined when no attempt, call or third of the time is left; an allowed one is an attempt."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.planning import MOST_CALLS
from proxy.attempts.counts import AttemptCounts
from proxy.attempts.runner import AttemptRunner
from proxy.routing.retry_budget import RetryBudget


class Repaired:
    """Records what the runner reports."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def repaired(self, attempt: Any) -> None:
        self.numbers.append(attempt.number)


class CountsAfter(AttemptCounts):
    """Counts of a request that arrived ``started`` seconds ago."""

    def elapsed_s(self) -> float:
        return self.started


def runner(*, made: int = 1, attempts: int = 3, elapsed_s: float = 0.0, waited_s: float = 0.0) -> AttemptRunner:
    """A runner that has what the decision needs: 90 seconds in total, of which ``elapsed_s`` have passed."""
    counts = CountsAfter(RetryBudget(), elapsed_s)
    counts.made = made
    made_runner = object.__new__(AttemptRunner)
    made_runner._context = SimpleNamespace(
        counts=counts, route=SimpleNamespace(policy=SimpleNamespace(attempts=attempts))
    )  # type: ignore[assignment]
    made_runner._times = SimpleNamespace(total_s=90.0)  # type: ignore[assignment]
    made_runner._attempt = SimpleNamespace(number=made)  # type: ignore[assignment]
    made_runner._position = SimpleNamespace(attempts=made)  # type: ignore[assignment]
    made_runner._record = Repaired()  # type: ignore[assignment]
    made_runner._calls = {}
    made_runner.waited_s = waited_s
    return made_runner


def test_an_allowed_call_counts_as_an_attempt_and_as_a_retry() -> None:
    allowed = runner()
    assert not allowed._declines(2)
    counts: AttemptCounts = allowed._context.counts
    assert (counts.made, allowed._position.attempts, allowed._record.numbers) == (2, 2, [2])  # type: ignore[attr-defined]
    counts.retries.spend()
    counts.retries.spend()
    assert not counts.retries.left(), "the call was the first of three retries that are always allowed"
    assert allowed._calls == {}


@pytest.mark.parametrize(
    ("state", "id_", "why"),
    [
        ({"made": 3}, 2, "policy.attempts"),
        ({"attempts": 1}, 2, "policy.attempts"),
        ({}, MOST_CALLS + 1, "maximum number of calls"),
        ({"elapsed_s": 61.0}, 2, "total_s"),
    ],
)
def test_a_declined_call_is_lost_without_being_sent(state: dict[str, Any], id_: int, why: str) -> None:
    declining = runner(**state)
    assert declining._declines(id_)
    lost: Any
    [lost] = asyncio.run(declining._calls[id_].next())
    assert (lost.id, lost.phase) == (id_, "declined")
    assert why in lost.why
    assert declining._calls[id_].closed
    assert declining._context.counts.made == state.get("made", 1)


def test_the_last_attempt_call_and_third_of_the_time_are_used_and_waiting_does_not_count() -> None:
    assert not runner(made=2)._declines(2)
    assert not runner()._declines(MOST_CALLS)
    assert not runner(elapsed_s=59.0)._declines(2)
    assert not runner(elapsed_s=80.0, waited_s=30.0)._declines(2)
