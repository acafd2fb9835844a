"""The deadline of an attempt, on a loop whose clock the test moves."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from proxy.attempts.deadline import RECHECK_S, AttemptDeadline
from proxy.credentials.pool import Times

TIMES = Times(connect_s=1.0, first_token_s=10.0, idle_s=5.0, total_s=100.0)


class Handle:
    """A timer of the clock."""

    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at = at
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Stands in for the event loop: time, and one timer."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Handle] = []

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, call: Callable[[], None]) -> Handle:
        self.timers.append(Handle(at, call))
        return self.timers[-1]

    @property
    def due(self) -> float:
        """When the next timer is due."""
        [timer] = [timer for timer in self.timers if not timer.cancelled]
        return timer.at

    def advance(self) -> None:
        """Move to the next timer and let it ring."""
        [timer] = [timer for timer in self.timers if not timer.cancelled]
        self.timers.clear()
        self.now = timer.at
        timer.call()


class Task:
    """Counts how often it is cancelled."""

    cancelled = 0

    def cancel(self) -> None:
        self.cancelled += 1


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Task:
    one = Task()
    monkeypatch.setattr(asyncio, "current_task", lambda: one)
    return one


def waiting(*, streams: bool) -> tuple[AttemptDeadline, Clock]:
    """Return the deadline of a call that was just sent and is waited for."""
    clock: Any = Clock()
    deadline = AttemptDeadline(TIMES, clock, streams=streams)
    deadline.start()
    deadline.waiting_since = clock.now
    return deadline, clock


def test_a_whole_response_has_only_the_total_limit(task: Task) -> None:
    deadline, clock = waiting(streams=False)
    assert clock.due == 100.0
    clock.advance()
    assert (task.cancelled, deadline.expired()) == (1, "total")
    assert deadline.expired() is None, "it is reset"


def test_a_stream_has_a_limit_for_its_first_content(task: Task) -> None:
    deadline, clock = waiting(streams=True)
    clock.advance()
    assert (clock.now, deadline.expired()) == (10.0, "first_token")


def test_after_the_head_a_stream_has_an_idle_limit(task: Task) -> None:
    deadline, clock = waiting(streams=True)
    clock.now = 1.0
    deadline.waiting_since = None
    deadline.head_received()
    deadline.head_received()  # a second call of the attempt changes nothing
    deadline.waiting_since = 1.0
    clock.advance()
    assert (clock.now, deadline.expired()) == (6.0, "idle")


def test_after_content_the_first_token_limit_does_not_apply(task: Task) -> None:
    deadline, clock = waiting(streams=True)
    deadline.content_sent = True
    clock.advance()
    assert (clock.now, task.cancelled) == (10.0, 0)
    clock.advance()
    assert (clock.now, deadline.expired()) == (100.0, "total")


def test_while_the_client_does_not_read_it_checks_again(task: Task) -> None:
    deadline, clock = waiting(streams=False)
    deadline.waiting_since = None
    clock.advance()
    assert (task.cancelled, clock.due) == (0, 100.0 + RECHECK_S)


def test_time_without_a_call_at_the_vendor_does_not_count(task: Task) -> None:
    deadline, clock = waiting(streams=True)
    clock.now = 2.0
    deadline.pause()
    clock.now = 32.0
    deadline.resume()
    deadline.resume()  # it runs already
    assert clock.due == 40.0
    assert deadline.waiting_since == 30.0
    deadline.waiting_since = None
    deadline.pause()
    deadline.resume()
    assert deadline.waiting_since is None


def test_a_second_call_does_not_start_the_limits_again(task: Task) -> None:
    deadline, clock = waiting(streams=True)
    clock.now = 3.0
    deadline.start()
    assert clock.due == 10.0


def test_the_wait_for_a_slot_before_the_first_call_does_not_count(task: Task) -> None:
    clock: Any = Clock()
    deadline = AttemptDeadline(TIMES, clock, streams=True)
    deadline.waiting_since = 0.0
    deadline.pause()
    deadline.resume()
    clock.now = 50.0
    deadline.start()
    assert (deadline.waiting_since, clock.due) == (50.0, 60.0)


def test_a_stopped_deadline_never_rings(task: Task) -> None:
    deadline, clock = waiting(streams=False)
    deadline.stop()
    deadline.stop()
    assert all(timer.cancelled for timer in clock.timers)


def test_without_a_task_nothing_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "current_task", lambda: None)
    deadline, clock = waiting(streams=False)
    clock.advance()
    assert deadline.expired() == "total"
