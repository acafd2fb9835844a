"""The queues of a key as a state machine: whatever callers and vendor do, at any time, the figures are kept to."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.limiter.adaptive import FORGET_S, by_the_minute
from proxy.limiter.limiter import Pacer
from proxy.limiter.scheduler import Figures, Outcome, Pace, Ticket

MINUTE_S = 60.0
FREE = Figures()
MODEL = "m"


@dataclass
class Play:
    """A key under play: time passes, calls come, start, end and are given up."""

    figures: Figures
    pace: Pace = field(init=False)
    now: float = 0.0
    waiting: list[Ticket] = field(default_factory=list)
    under_way: list[Ticket] = field(default_factory=list)
    starts: list[Ticket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pace = Pace(self.figures, MINUTE_S, 0.0)

    def come(self, model: str = MODEL, tokens: int = 0, **more: Any) -> Ticket:
        ticket = Ticket(model, self.now, tokens, **more)
        self.waiting.append(ticket)
        self.pace.enter(ticket, self.now)
        self.look()
        return ticket

    def look(self) -> None:
        self.pace.grant(self.now)
        placed = [ticket for ticket in self.waiting if ticket.state == "placed"]
        for ticket in placed:
            self.waiting.remove(ticket)
            ticket.sent = True
            self.under_way.append(ticket)
            self.starts.append(ticket)

    def end(
        self, ticket: Ticket, outcome: Outcome = "answered", retry_after_s: float | None = None, words: str = ""
    ) -> None:
        self.under_way.remove(ticket)
        if outcome == "refused":
            self.starts.remove(ticket)
        self.pace.over(ticket, self.now, outcome, retry_after_s, by_minute=by_the_minute(words))
        self.look()

    def leave(self, ticket: Ticket) -> None:
        (self.waiting if ticket in self.waiting else self.under_way).remove(ticket)
        self.pace.over(ticket, self.now)
        self.look()

    def pass_(self, seconds: float) -> None:
        """Time passes; whoever may start by time alone does so as soon as he may."""
        end = self.now + seconds
        while (at := self.pace.next_at(self.now)) is not None and at <= end:
            before = len(self.waiting)
            self.now = max(at, self.now)
            self.look()
            told = self.pace.next_at(self.now)
            assert len(self.waiting) < before or told is None or told > self.now, "a timer would spin"
        self.now = end


def most_in_a_minute(starts: Sequence[Ticket]) -> int:
    """The most starts that any window of a minute has, as a vendor counts."""
    return max((sum(first.at <= one.at < first.at + MINUTE_S for one in starts) for first in starts), default=0)


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
figures = st.builds(
    Figures, st.none() | st.integers(1, 4), st.none() | st.integers(1, 6), st.none() | st.integers(300, 2000)
)


@settings(max_examples=400, deadline=None)
@given(figures, steps)
def test_the_figures_are_kept_to_and_everybody_gets_his_turn(figures: Figures, steps: list[Any]) -> None:
    play = Play(figures)
    for step in steps:
        match step:
            case "come", model, tokens:
                play.come(model, tokens)
            case "pass", seconds:
                play.pass_(seconds)
            case "end", number, outcome if play.under_way:
                play.end(play.under_way[number % len(play.under_way)], outcome)
            case "leave", number if play.waiting or play.under_way:
                everybody = play.waiting + play.under_way
                play.leave(everybody[number % len(everybody)])
            case "settle", number, tokens if play.under_way:
                play.pace.settle(play.under_way[number % len(play.under_way)], tokens)

        assert play.pace.placed == len(play.under_way)
        assert play.pace.waiting == len(play.waiting)
        assert figures.concurrency is None or len(play.under_way) <= figures.concurrency
        assert figures.rpm is None or most_in_a_minute(play.starts) <= figures.rpm
        if play.waiting and not play.under_way:
            assert play.pace.next_at(play.now) is not None, "nobody is under way, and nobody is told to come on"

    for _ in range(1000):
        while play.under_way:
            play.end(play.under_way[0])
        if not play.waiting:
            break
        play.pass_(4000)
    assert not play.waiting, "somebody waits for ever"
    assert (play.pace.placed, play.pace.waiting) == (0, 0)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 3), st.lists(st.integers(0, 9), max_size=10), st.integers(1, 10))
def test_who_came_first_goes_first_whoever_leaves(concurrency: int, leavers: list[int], count: int) -> None:
    play = Play(FREE._replace(concurrency=concurrency))
    for _ in range(count):
        play.come()
        play.now += 0.01
    for number in leavers:
        if play.waiting:
            play.leave(play.waiting[number % len(play.waiting)])
    expected = play.under_way + play.waiting
    while play.under_way:
        play.end(play.under_way[0])
    assert play.starts == expected


def test_a_caller_who_asks_again_keeps_his_turn() -> None:
    play = Play(FREE._replace(concurrency=1))
    first = play.come()
    play.now = 1.0
    later = play.come()
    again = Ticket(MODEL, first.since)
    play.waiting.append(again)
    play.pace.enter(again, play.now)
    play.end(first, "lost")

    assert (again.state, later.state) == ("placed", "waiting")


def test_a_place_that_was_never_used_is_not_counted() -> None:
    play = Play(FREE._replace(rpm=1))
    play.pace.enter(given_up := Ticket(MODEL, 0.0), 0.0)
    play.pace.over(given_up, 0.0)

    assert play.come().state == "placed"


def test_tokens_are_estimated_then_settled_at_what_was_spent() -> None:
    play = Play(FREE._replace(tpm=1000))
    first, second = play.come(tokens=800), play.come(tokens=800)
    assert second in play.waiting
    play.pace.settle(first, 100)
    play.look()
    assert second in play.under_way


def test_no_timer_spins_while_a_small_call_waits_behind_a_large_one() -> None:
    play = Play(FREE._replace(tpm=300))
    play.come("a", tokens=1)
    large, small = play.come("a", tokens=300), play.come("b", tokens=0)
    assert (large.state, small.state) == ("waiting", "waiting")
    assert play.pace.next_at(play.now) == MINUTE_S


def test_a_call_larger_than_the_minute_goes_alone_instead_of_never() -> None:
    play = Play(FREE._replace(tpm=1000))
    first, huge = play.come(tokens=10), play.come(tokens=5000)
    assert huge in play.waiting
    play.end(first)
    play.pass_(60)
    assert huge in play.under_way


# --- what refusals teach ------------------------------------------------------------------------------------------


def burst(play: Play, size: int, let_in: int, words: str = "") -> list[Ticket]:
    """So many calls at once, of which the vendor lets some in; its refusals come one after another."""
    calls = [play.come() for _ in range(size)]
    for call in calls[let_in:]:
        play.end(call, "refused", 1.0, words)
    return calls[:let_in]


def test_of_a_burst_the_figure_learned_is_what_was_let_in() -> None:
    play = Play(FREE)
    burst(play, 20, let_in=5)
    for _ in range(15):
        play.come()
    assert not play.under_way[5:], "nobody starts before retry-after has passed"
    play.end(play.under_way[0])
    play.pass_(1.0)
    assert len(play.under_way) == 5


def test_a_refusal_holds_calls_back_for_as_long_as_the_vendor_says() -> None:
    play = Play(FREE)
    play.end(play.come(), "refused", 7.0)
    waiting = play.come()
    play.pass_(6.9)
    assert waiting in play.waiting
    play.pass_(0.2)
    assert waiting in play.under_way


def test_lone_refusals_that_follow_each_other_double_the_hold() -> None:
    play = Play(FREE)
    waits = []
    for _ in range(8):
        call = play.come()
        came = play.now
        play.pass_(100)
        waits.append(call.at - came)
        play.now = call.at
        play.end(call, "refused", None)
    assert waits == pytest.approx([0, 1, 2, 4, 8, 16, 32, 60])


def test_a_hold_that_is_a_guess_is_none_for_those_with_another_target() -> None:
    play = Play(FREE)
    play.end(play.come(), "refused", None)
    assert play.come(elsewhere=True).state == "placed"
    play.end(play.under_way[0], "refused", 5.0)
    assert play.come(elsewhere=True).state == "waiting"


def test_who_has_waited_out_his_own_refusal_is_not_held_for_it_again() -> None:
    play = Play(FREE)
    play.end(play.come(), "refused", 7.0)
    assert play.come(served=play.pace.held_until(MODEL)).state == "placed"


def test_a_lesson_about_one_model_leaves_the_others_alone() -> None:
    play = Play(FREE)
    play.end(play.come("a"), "refused", 30.0)
    held, free = play.come("a"), play.come("b")
    assert (held.state, free.state) == ("waiting", "placed")


def test_calls_a_minute_are_learned_where_the_vendor_names_them() -> None:
    play = Play(FREE)
    for _ in range(3):
        play.end(play.come())
        play.now += 1
    play.end(play.come(), "refused", 1.0, "request reached max organization RPM: 3, please try again after 1 seconds")
    for _ in range(9):
        play.come()
    for _ in range(3):
        play.pass_(59)
        for call in play.under_way[:]:
            play.end(call)
    assert most_in_a_minute(play.starts) <= 4, "three, and half as many more once as a try"
    assert len(play.starts) >= 9


def closed_loop(play: Play, limit: int, rounds: int) -> int:
    """Twenty callers without a pause at a vendor that lets in so many at once. How often it had to refuse."""
    refused = 0
    while len(play.waiting) + len(play.under_way) < 20:
        play.come()
    for _ in range(rounds):
        for call in play.under_way[limit:]:
            play.end(call, "refused", 1.0)
            play.come()
            refused += 1
        play.now += 5
        play.pass_(0)
        for call in play.under_way[:limit]:
            if call in play.under_way:
                play.end(call)
                play.come()
    return refused


def test_a_limit_that_is_really_there_is_touched_ever_more_seldom() -> None:
    play = Play(FREE)
    closed_loop(play, 1, 10)
    assert closed_loop(play, 1, 400) <= 20
    assert closed_loop(play, 1, 400) <= 4


def test_a_limit_that_was_lifted_is_found_in_rounds_not_in_hours() -> None:
    play = Play(FREE)
    closed_loop(play, 1, 30)
    closed_loop(play, 1000, 60)
    assert len(play.under_way) == 20


def test_one_refusal_among_few_calls_holds_nobody_back_for_long() -> None:
    """Two calls that take a minute, and one of them is refused for a reason of that moment; then twenty more come."""
    play = Play(FREE)
    first, second = play.come(), play.come()
    play.end(second, "refused", 1.0)
    for _ in range(20):
        play.come()
    assert play.under_way == [first]
    play.pass_(6)
    assert len(play.under_way) == 21


def test_a_refusal_at_a_level_that_was_answered_just_before_leaves_the_figure_as_it_is() -> None:
    play = Play(FREE)
    for call in burst(play, 8, let_in=4):
        play.end(call)
    lesson = play.pace._lessons[MODEL]
    for _ in range(3):
        play.now += 1.1
        calls = [play.come() for _ in range(4)]
        assert [call.state for call in calls] == ["placed"] * 4
        for call in calls:
            play.end(call)
    play.now += 0.1
    *others, odd = [play.come() for _ in range(3)]
    known = lesson.concurrency.value
    play.end(odd, "refused", 0.1)
    assert lesson.concurrency.value == known
    for call in others:
        play.end(call)
    play.now += 1.1
    again = [play.come() for _ in range(3)]
    play.end(again[2], "refused", 0.1)
    assert lesson.concurrency.value == 2, "a second one, with nothing answered there in between, is believed"


def test_what_made_nobody_wait_for_ten_minutes_is_forgotten() -> None:
    play = Play(FREE)
    for call in burst(play, 20, let_in=1):
        play.end(call)
    play.now += FORGET_S + 5
    assert all(play.come().state == "placed" for _ in range(20))


def test_calls_that_began_before_anything_was_known_count_too() -> None:
    play = Play(FREE)
    play.pace.strays(MODEL, 3)
    play.pace.stray_over(MODEL, 0.0, "refused", 1.0)
    play.now = 1.5
    first, second = play.come(), play.come()
    assert (first.state, second.state) == ("waiting", "waiting"), "two are in flight, as many as were let in"
    play.pace.stray_over(MODEL, play.now, "answered")
    play.look()
    assert (first.state, second.state) == ("placed", "waiting")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("Your account org-x<ak-y> request reached max organization concurrency: 1, please try again after 1 seconds", False),
        ("request reached organization max RPM: 3, please try again after 1 seconds", True),
        ("requests per minute exceeded", True),
        ("rpm_rate_limit_exceeded", True),
        ("TPM rate limit, current: 1410, limit: 100", False),
    ],
)  # fmt: skip
def test_only_the_vendors_own_words_tell_that_it_was_the_minute(words: str, named: bool) -> None:
    assert by_the_minute(words) is named


def test_whose_turn_has_come_is_told_also_where_a_newcomer_is_the_first_to_notice() -> None:
    async def main() -> None:
        pacer = Pacer(Figures(rpm=1), minute_s=0.05, slack_s=0.0)
        first, second, newcomer = (Ticket(MODEL, since) for since in (0.0, 1.0, 2.0))
        assert pacer.enter(first)
        first.sent = True
        assert not pacer.enter(second)
        turn = asyncio.create_task(pacer.turn(second, 5.0))
        await asyncio.sleep(0)
        time.sleep(0.06)
        assert not pacer.enter(newcomer)
        async with asyncio.timeout(1):
            await turn

    asyncio.run(main())
