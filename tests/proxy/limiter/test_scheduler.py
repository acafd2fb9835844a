"""The slots of one key on a virtual clock: limits hold and every call is served, whatever clients and vendor do."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.failures import RateLimit
from proxy.limiter.adaptive import DAY_GAP_S, RUN
from proxy.limiter.limiter import Limiter
from proxy.limiter.scheduler import KeyLimits, Outcome, Scheduler, Ticket

WINDOW_S = 60.0
FREE = KeyLimits()
MODEL = "m"


@dataclass
class Play:
    """A key in a state machine: time passes; calls arrive, start, end and are abandoned."""

    limits: KeyLimits = FREE
    scheduler: Scheduler = field(init=False)
    now: float = 0.0
    waiting: list[Ticket] = field(default_factory=list)
    in_flight: list[Ticket] = field(default_factory=list)
    starts: list[Ticket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.limits, WINDOW_S, 0.0)

    def come(self, model: str = MODEL, tokens: int = 0, **more: Any) -> Ticket:
        ticket = Ticket(model, self.now, tokens, **more)
        self.waiting.append(ticket)
        self.scheduler.enter(ticket, self.now)
        self.look()
        return ticket

    def look(self) -> None:
        self.scheduler.grant(self.now)
        started = [ticket for ticket in self.waiting if ticket.state == "started"]
        for ticket in started:
            self.waiting.remove(ticket)
            ticket.sent = True
            self.in_flight.append(ticket)
            self.starts.append(ticket)

    def end(
        self,
        ticket: Ticket,
        outcome: Outcome = "answered",
        retry_after_s: float | None = None,
        limit: RateLimit | None = None,
    ) -> None:
        self.in_flight.remove(ticket)
        if outcome == "refused":
            self.starts.remove(ticket)
            self.scheduler.refused(ticket, self.now, retry_after_s, limit)
        else:
            self.scheduler.ended(ticket, self.now, answered=outcome == "answered")
        self.look()

    def leave(self, ticket: Ticket) -> None:
        (self.waiting if ticket in self.waiting else self.in_flight).remove(ticket)
        self.scheduler.ended(ticket, self.now)
        self.look()

    def pass_(self, seconds: float) -> None:
        """Advance the time; calls that wait only for time start as soon as they may."""
        end = self.now + seconds
        while (at := self.scheduler.next_at(self.now)) is not None and at <= end:
            before = len(self.waiting)
            self.now = max(at, self.now)
            self.look()
            later = self.scheduler.next_at(self.now)
            assert len(self.waiting) < before or later is None or later > self.now - 1e-5, "a timer would spin"
            if later is not None and later <= self.now:
                self.now += 1e-3
        self.now = max(end, self.now)


def most_in_a_window(starts: Sequence[Ticket]) -> int:
    """The most starts that any minute has, as a vendor counts."""
    return max(
        (sum(first.started_at <= one.started_at < first.started_at + WINDOW_S for one in starts) for first in starts),
        default=0,
    )


steps = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.sampled_from("ab"), st.integers(0, 900)),
        st.tuples(st.just("pass"), st.floats(0, 90)),
        st.tuples(st.just("end"), st.integers(0, 9), st.sampled_from(["answered", "refused", "lost"])),
        st.tuples(st.just("leave"), st.integers(0, 19)),
        st.tuples(st.just("settle"), st.integers(0, 9), st.integers(0, 900)),
    ),
    max_size=60,
)
key_limits = st.builds(
    KeyLimits, st.none() | st.integers(1, 4), st.none() | st.integers(1, 6), st.none() | st.integers(300, 2000)
)


@settings(max_examples=400, deadline=None)
@given(key_limits, steps)
def test_the_limits_that_are_set_are_kept_and_every_call_gets_its_turn(limits: KeyLimits, steps: list[Any]) -> None:
    play = Play(limits)
    for step in steps:
        match step:
            case "come", model, tokens:
                play.come(model, tokens)
            case "pass", seconds:
                play.pass_(seconds)
            case "end", number, outcome if play.in_flight:
                play.end(play.in_flight[number % len(play.in_flight)], outcome)
            case "leave", number if play.waiting or play.in_flight:
                calls = play.waiting + play.in_flight
                play.leave(calls[number % len(calls)])
            case "settle", number, tokens if play.in_flight:
                play.scheduler.settle(play.in_flight[number % len(play.in_flight)], tokens)

        assert play.scheduler.in_flight == len(play.in_flight)
        assert play.scheduler.waiting == len(play.waiting)
        assert limits.concurrency is None or len(play.in_flight) <= limits.concurrency
        assert limits.rpm is None or most_in_a_window(play.starts) <= limits.rpm
        if play.waiting and not play.in_flight:
            assert play.scheduler.next_at(play.now) is not None, "calls wait, none is in flight, and no timer is set"

    for _ in range(1000):
        while play.in_flight:
            play.end(play.in_flight[0])
        if not play.waiting:
            break
        play.pass_(4000)
    assert not play.waiting, "a call waits for ever"
    assert (play.scheduler.in_flight, play.scheduler.waiting) == (0, 0)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 3), st.lists(st.integers(0, 9), max_size=10), st.integers(1, 10))
def test_earlier_requests_go_first_whichever_leave(concurrency: int, leavers: list[int], count: int) -> None:
    play = Play(FREE._replace(concurrency=concurrency))
    for _ in range(count):
        play.come()
        play.now += 0.01
    for number in leavers:
        if play.waiting:
            play.leave(play.waiting[number % len(play.waiting)])
    expected = play.in_flight + play.waiting
    while play.in_flight:
        play.end(play.in_flight[0])
    assert play.starts == expected


def test_a_request_that_comes_back_keeps_its_turn() -> None:
    play = Play(FREE._replace(concurrency=1))
    first = play.come()
    play.now = 1.0
    later = play.come()
    again = Ticket(MODEL, first.since)
    play.waiting.append(again)
    play.scheduler.enter(again, play.now)
    play.end(first, "lost")

    assert (again.state, later.state) == ("started", "waiting")


def test_a_slot_that_was_never_used_is_not_counted() -> None:
    play = Play(FREE._replace(rpm=1))
    play.scheduler.enter(given_up := Ticket(MODEL, 0.0), 0.0)
    play.scheduler.ended(given_up, 0.0)

    assert play.come().state == "started"


def test_tokens_are_estimated_then_settled_at_what_was_used() -> None:
    play = Play(FREE._replace(tpm=1000))
    first, second = play.come(tokens=800), play.come(tokens=800)
    assert second in play.waiting
    play.scheduler.settle(first, 100)
    play.look()
    assert second in play.in_flight


def test_no_timer_spins_while_a_small_call_waits_behind_a_large_one() -> None:
    play = Play(FREE._replace(tpm=300, learn=False))
    play.come("a", tokens=1)
    large, small = play.come("a", tokens=300), play.come("b", tokens=0)
    assert (large.state, small.state) == ("waiting", "waiting")
    assert play.scheduler.next_at(play.now) == WINDOW_S


def test_a_call_larger_than_the_limit_goes_alone_instead_of_never() -> None:
    play = Play(FREE._replace(tpm=1000))
    first, huge = play.come(tokens=10), play.come(tokens=5000)
    assert huge in play.waiting
    play.end(first)
    play.pass_(60)
    assert huge in play.in_flight


# --- refusals -----------------------------------------------------------------------------------------------------


def refused(play: Play, retry_after_s: float | None = None, limit: RateLimit | None = None, **more: Any) -> Ticket:
    """A call that starts and is refused 0.05 s later."""
    call = play.come(**more)
    assert call.state == "started"
    play.now += 0.05
    play.end(call, "refused", retry_after_s, limit)
    return call


def held(play: Play, retry_after_s: float | None = None) -> None:
    """The key is held: RUN starts in a row were refused."""
    for _ in range(RUN):
        refused(play, retry_after_s)
    assert play.come().state == "waiting"


@pytest.mark.parametrize(("retry_after_s", "waits_s"), [(None, 1.0), (7.0, 7.0), (0.0, 0.1), (1e9, 3600.0)])
def test_one_refusal_holds_only_the_call_that_was_refused(retry_after_s: float | None, waits_s: float) -> None:
    play = Play()
    call = refused(play, retry_after_s)
    assert call.retry_at == pytest.approx(play.now + waits_s)
    assert play.come().state == "started"
    again = play.come(retry_at=call.retry_at, refusals=call.refusals)
    assert again in play.waiting
    assert play.come().state == "started", "the others pass it"
    play.pass_(waits_s)
    assert again in play.in_flight


def test_a_run_of_refusals_holds_the_key_and_the_first_answer_ends_the_hold() -> None:
    play = Play()
    held(play)
    others = [play.come() for _ in range(5)]
    play.pass_(1.0)
    assert len(play.in_flight) == 1, "one probe"
    assert all(call.state == "waiting" for call in others)
    play.end(play.in_flight[0])
    play.pass_(0.3)
    assert all(call.state == "started" for call in others)


def test_probes_come_after_1_2_and_then_every_few_seconds_for_as_long_as_the_vendor_refuses() -> None:
    play = Play()
    held(play)
    probes = []
    for _ in range(12):
        play.pass_(11.0)
        [probe] = play.in_flight
        probes.append(probe.started_at)
        play.now = probe.started_at
        play.end(probe, "refused")
        play.come()
    gaps = [round(later - earlier, 1) for earlier, later in pairwise(probes)]
    assert gaps[:3] == [2.0, 2.5, 2.5]
    assert max(gaps) == 10.0


def test_a_call_in_between_that_is_accepted_breaks_the_run() -> None:
    play = Play()
    for _ in range(3):
        for _ in range(RUN - 1):
            refused(play)
        play.end(play.come())
    assert play.come().state == "started"


def test_where_single_refusals_are_usual_a_longer_run_is_needed() -> None:
    play = Play()
    for _ in range(100):
        refused(play)
        play.end(play.come())
        play.end(play.come())
    for _ in range(RUN):
        refused(play)
    assert play.come().state == "started"


def test_a_hold_of_one_model_leaves_the_others_alone() -> None:
    play = Play()
    held(play)
    assert play.come("other").state == "started"


def test_calls_with_another_target_are_told_that_the_key_is_held() -> None:
    play = Play()
    held(play)
    call = play.come(elsewhere=True)
    assert play.scheduler.held_back(call, play.now)


def test_a_named_limit_of_which_half_is_used_holds_the_key_at_once_and_less_does_not() -> None:
    named = RateLimit("requests_per_minute", 6)
    play = Play()
    play.end(play.come())
    refused(play, None, named)
    assert play.come().state == "started"
    play = Play()
    for _ in range(3):
        play.end(play.come())
    refused(play, None, named)
    assert play.come().state == "waiting"


def test_a_named_figure_is_kept_to_and_tested_by_single_calls() -> None:
    play = Play()
    for _ in range(6):
        play.end(play.come())
    refused(play, None, RateLimit("requests_per_minute", 6))
    for _ in range(4):
        play.come()
    assert len(play.in_flight) == 1, "the test of the figure"
    play.end(play.in_flight[0], "refused")
    play.pass_(5)
    assert not play.in_flight
    play.pass_(60)
    assert len(play.in_flight) >= 3


def test_a_named_figure_that_the_vendor_does_not_keep_to_is_exceeded_within_seconds() -> None:
    play = Play()
    for _ in range(50):
        play.end(play.come())
    refused(play, None, RateLimit("requests_per_minute", 60))
    play.pass_(1.5)
    answered = 0
    for _ in range(400):
        play.come()
        for call in list(play.in_flight):
            play.end(call)
            answered += 1
        play.pass_(0.05)
    assert answered > 350


def test_calls_at_once_are_learned_where_none_is_accepted_beside_as_many() -> None:
    play = Play()
    calls = [play.come() for _ in range(20)]
    play.now = 0.05
    for call in calls[5:]:
        play.end(call, "refused")
    for _ in range(20):
        play.come()
    assert len(play.in_flight) == 5
    play.pass_(1.0)
    play.end(play.in_flight[0])
    assert len(play.in_flight) == 5


def test_the_quota_of_a_day_is_told_at_once_and_probed_now_and_then() -> None:
    play = Play()
    refused(play, None, RateLimit("day"))
    call = play.come()
    assert call.state == "waiting"
    assert play.scheduler.hopeless(call, play.now, within_s=300.0)
    assert play.scheduler.retry_after_s(call, play.now) == pytest.approx(DAY_GAP_S)
    play.leave(call)
    play.pass_(DAY_GAP_S)
    assert play.come().state == "started", "the first call after that is the probe"


def test_a_call_that_the_pace_seen_cannot_serve_in_time_is_hopeless() -> None:
    play = Play(FREE._replace(rpm=2))
    calls = []
    for _ in range(8):
        calls.append(play.come())
        play.now += 0.01
    hopeless = [play.scheduler.hopeless(call, play.now, within_s=130.0) for call in calls[2:]]
    assert hopeless == [False] * 4 + [True] * 2


def test_what_delayed_no_call_for_a_window_is_forgotten() -> None:
    play = Play()
    test_limit = RateLimit("requests_per_minute", 6)
    for _ in range(6):
        play.end(play.come())
    refused(play, None, test_limit)
    play.pass_(3 * WINDOW_S)
    play.look()
    for _ in range(20):
        assert play.come().state == "started"


def test_with_learning_off_refusals_hold_no_call() -> None:
    play = Play(FREE._replace(learn=False))
    for _ in range(20):
        refused(play)
    assert play.come().state == "started"


def test_calls_that_began_before_anything_was_known_count_too() -> None:
    play = Play()
    play.scheduler.add_untracked(MODEL, 10)
    for _ in range(RUN):
        play.scheduler.untracked_ended(MODEL, 0.0, "refused", 1.0)
    first, second = play.come(), play.come()
    assert (first.state, second.state) == ("waiting", "waiting")
    play.pass_(1.0)
    assert (first.state, second.state) == ("started", "waiting"), "the first is the probe"


def test_names_of_models_that_clients_make_up_are_not_kept() -> None:
    play = Play()
    for number in range(640):
        play.end(play.come(str(number)))
        assert len(play.scheduler._adaptive) <= 64


def test_a_call_whose_turn_has_come_is_woken_also_where_a_newcomer_is_the_first_to_notice() -> None:
    async def main() -> None:
        limiter = Limiter(KeyLimits(rpm=1), window_s=0.05, slack_s=0.0)
        first, second, newcomer = (Ticket(MODEL, since) for since in (0.0, 1.0, 2.0))
        assert limiter.enter(first)
        first.sent = True
        assert not limiter.enter(second)
        turn = asyncio.create_task(limiter.wait(second, 5.0))
        await asyncio.sleep(0)
        time.sleep(0.06)
        assert not limiter.enter(newcomer)
        async with asyncio.timeout(30):
            await turn

    asyncio.run(main())


def test_limits_that_no_longer_learn_forget_what_they_have_learned() -> None:
    play = Play()
    for _ in range(3):
        refused(play)
    play.scheduler.limits = FREE._replace(learn=False)
    assert play.come().state == "started"
    play.scheduler.limits = FREE
    assert play.come().state == "started", "nothing is left of the hold"
