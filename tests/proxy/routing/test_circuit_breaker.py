"""The breaker's states against a separate model: every order of attempts, outcomes and waits."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from config.schema import Breaker as Wishes
from proxy.routing.circuit_breaker import MOST, CircuitBreaker, Trial, cool_down_s

WISHES = Wishes()
LABEL = "kimi/kimi-k2.6"


class Model:
    """A model of the breaker: numbered periods, each closed or cooling down; an attempt has its period."""

    def __init__(self) -> None:
        self.era, self.streak, self.rests = 0, 0, 0
        self.until: float | None = None
        self.prober: int | None = None
        self.eras: dict[int, tuple[int, bool]] = {}

    def begin(self, attempt: int, now: float) -> None:
        resting = self.until is not None
        if self.until is not None and self.prober is None and now >= self.until:
            self.prober = attempt
        self.eras[attempt] = (self.era, resting)

    def good(self, attempt: int) -> None:
        era, _ = self.eras.pop(attempt)
        if self.until is None or era == self.era:
            if self.until is not None:
                self.era += 1
            self.streak, self.rests, self.until, self.prober = 0, 0, None, None
        elif self.prober == attempt:
            self.prober = None

    def bad(self, attempt: int, now: float, draw: float) -> None:
        self.eras.pop(attempt)
        self.streak += self.until is None
        if (self.until is None and self.streak == 5) or attempt == self.prober:
            self.era, self.streak, self.prober, self.rests = self.era + 1, 0, None, self.rests + 1
            self.until = now + min(300, 30 * self.rests) * (1 - 0.2 * draw)

    def gone(self, attempt: int) -> None:
        self.eras.pop(attempt)
        self.prober = None if self.prober == attempt else self.prober


class BreakerMachine(RuleBasedStateMachine):
    """One target, any number of concurrent attempts, and passing time."""

    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.model, self.now, self.number = CircuitBreaker(), Model(), 1000.0, 0

    @rule(s=st.sampled_from([0.1, 5.0, 24.0, 30.0, 61.0, 301.0]))
    def time_passes(self, s: float) -> None:
        self.now += s

    @rule(target=attempts)
    def begins(self) -> tuple[int, Trial | None]:
        self.number += 1
        trial = self.breaker.enter(LABEL, self.now)
        self.model.begin(self.number, self.now)
        assert (trial is not None) == self.model.eras[self.number][1]
        assert (trial is not None and trial.probes) == (self.model.prober == self.number)
        return self.number, trial

    @rule(attempt=consumes(attempts))
    def answers(self, attempt: tuple[int, Trial | None]) -> None:
        self.model.good(attempt[0])
        self.breaker.succeeded(LABEL, attempt[1])

    @rule(attempt=consumes(attempts), draw=st.floats(0, 1))
    def fails(self, attempt: tuple[int, Trial | None], draw: float) -> None:
        self.model.bad(attempt[0], self.now, draw)
        self.breaker.failed(LABEL, attempt[1], self.now, draw, WISHES)

    @rule(draw=st.floats(0, 1))
    def fails_five_times(self, draw: float) -> None:
        for _ in range(5):
            self.fails(self.begins(), draw)

    @rule(attempt=consumes(attempts))
    def leaves(self, attempt: tuple[int, Trial | None]) -> None:
        self.model.gone(attempt[0])
        if attempt[1] is not None:
            attempt[1].abandon()

    @invariant()
    def they_agree(self) -> None:
        until = self.model.until
        resting = until is not None and (self.model.prober is not None or self.now < until)
        assert self.breaker.is_cooling_down(LABEL, self.now) == resting
        trouble = self.breaker.failing.get(LABEL)
        if trouble is None:
            assert (self.model.streak, until) == (0, None)
        elif trouble.cool_down is None:
            assert (trouble.failures, until) == (self.model.streak, None)
        else:
            assert until is not None
            assert trouble.cool_down.number == self.model.rests
            assert trouble.cool_down.until == pytest.approx(until)


TestBreaker: Any = BreakerMachine.TestCase


def failed(
    breaker: CircuitBreaker, times: int, now: float = 0.0, trial: Trial | None = None, draw: float = 0.0
) -> None:
    for _ in range(times):
        breaker.failed(LABEL, trial, now, draw, WISHES)


def test_five_failures_in_a_row_put_a_target_in_cooldown_for_thirty_seconds() -> None:
    breaker = CircuitBreaker()
    failed(breaker, 4)
    breaker.succeeded(LABEL, None)
    failed(breaker, 4)
    assert not breaker.is_cooling_down(LABEL, 0.0)

    failed(breaker, 1)
    assert breaker.is_cooling_down(LABEL, 29.9)
    assert not breaker.is_cooling_down(LABEL, 30.0)
    assert not breaker.is_cooling_down("kimi/another", 0.0)


def test_cooldowns_grow_by_thirty_seconds_to_three_hundred_and_a_success_resets_them() -> None:
    breaker, now, lengths = CircuitBreaker(), 0.0, []
    failed(breaker, 5)
    for _ in range(12):
        rest = breaker.failing[LABEL].cool_down
        assert rest is not None
        lengths.append(rest.until - now)
        now = rest.until
        failed(breaker, 1, now, breaker.enter(LABEL, now))
    assert lengths == [30.0 * n for n in range(1, 11)] + [300.0, 300.0]

    now += 300
    breaker.succeeded(LABEL, breaker.enter(LABEL, now))
    failed(breaker, 5, now)
    assert breaker.is_cooling_down(LABEL, now + 29)
    assert not breaker.is_cooling_down(LABEL, now + 30)


@pytest.mark.parametrize(("draw", "shorter"), [(0.0, 1.0), (0.5, 0.9), (1.0, 0.8)])
def test_jitter_only_shortens_a_cooldown_and_by_a_fifth_at_most(draw: float, shorter: float) -> None:
    for number in (1, 3, 10, 99):
        assert cool_down_s(number, draw, WISHES) == pytest.approx(min(300, 30 * number) * shorter)


def test_of_a_hundred_attempts_after_a_cooldown_exactly_one_probes() -> None:
    breaker = CircuitBreaker()
    failed(breaker, 5)
    trials = [breaker.enter(LABEL, 30.0) for _ in range(100)]
    assert [trial.probes for trial in trials if trial] == [True] + [False] * 99
    assert breaker.is_cooling_down(LABEL, 30.0)


def test_a_call_that_began_before_a_cooldown_neither_ends_nor_lengthens_it() -> None:
    breaker = CircuitBreaker()
    failed(breaker, 5)
    failed(breaker, 20, 10.0)
    breaker.succeeded(LABEL, None)
    assert breaker.is_cooling_down(LABEL, 29.9)
    assert not breaker.is_cooling_down(LABEL, 30.0)


def test_the_names_that_are_remembered_are_bounded() -> None:
    breaker = CircuitBreaker()
    for number in range(MOST + 100):
        breaker.failed(f"kimi/{number}", None, 0.0, 0.0, WISHES)
    assert len(breaker.failing) == MOST
