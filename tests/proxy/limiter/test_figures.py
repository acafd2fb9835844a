"""The learned limits and the window: how they rise, how far they fall, and when the next test is due."""

from dataclasses import dataclass

import pytest

from proxy.limiter.figures import Figure, Pace
from proxy.limiter.sliding_window import SlidingWindow


def figure(value: float = 8.0, now: float = 0.0, *, named: bool = False, rest_s: float = 3.0) -> Figure:
    return Figure(value, now, settle_s=10.0, gap_s=2.0, rest_s=rest_s, named=named)


def test_a_figure_is_first_tested_after_its_gap_and_a_named_one_at_once() -> None:
    assert (figure(now=5.0).test_at, figure(now=5.0, named=True).test_at) == (7.0, 5.0)
    assert figure(8.9).calls == 8


def test_each_test_that_passes_raises_a_figure_by_more_up_to_a_quarter_of_it() -> None:
    one, values = figure(8.0), []
    for at in range(1, 7):
        one.testing = True
        one.passed(float(at), float(at))
        values.append(one.value)
        assert (one.testing, one.test_at) == (False, at + 3.0)
    assert values == [9.0, 11.0, 13.0, 16.0, 20.0, 25.0]


def test_a_named_figure_rises_by_twice_as_much_each_time() -> None:
    one, values = figure(8.0, named=True), []
    for at in range(1, 5):
        one.passed(0.0, float(at))
        values.append(one.value)
    assert values == [9.0, 11.0, 15.0, 23.0]


def test_a_test_from_before_the_last_cut_raises_nothing() -> None:
    one = figure(8.0, 5.0)
    one.testing = True
    one.passed(5.0, 6.0)
    assert (one.value, one.testing, one.test_at) == (8.0, False, 7.0)
    one.passed(5.1, 6.0)
    assert one.value == 9.0


@pytest.mark.parametrize(
    ("passed_at", "proven", "back"), [(9.0, 0, 8.0), (10.0, 0, 8.0), (10.5, 0, 9.0), (9.0, 10, 10.0), (9.0, 99, 11.0)]
)
def test_a_failed_test_takes_a_figure_back_to_what_was_good_for_ten_seconds_or_is_proven(
    passed_at: float, proven: float, back: float
) -> None:
    one = figure(8.0)
    one.passed(1.0, 1.0)
    one.passed(2.0, passed_at)
    assert one.value == 11.0
    one.testing = True
    one.failed(proven, 20.0)
    assert (one.value, one.testing, one.cut_at) == (back, False, 20.0)


def test_each_failed_test_doubles_the_wait_for_the_next_up_to_a_minute_and_one_that_passes_ends_that() -> None:
    one, gaps = figure(8.0), []
    for _ in range(6):
        one.failed(0, 100.0)
        gaps.append(one.test_at - 100.0)
    assert gaps == [4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    one.passed(101.0, 101.0)
    assert (one.value, one.test_at) == (9.0, 104.0)
    one.failed(0, 102.0)
    assert one.test_at == 106.0


@pytest.mark.parametrize(("value", "cut"), [(8.0, 7.0), (100.0, 95.0), (20.0, 19.0), (1.5, 1.0), (1.0, 1.0)])
def test_a_cut_takes_one_call_or_a_twentieth_and_leaves_one(value: float, cut: float) -> None:
    one = figure(value)
    one.cut(0.0, 50.0)
    assert (one.value, one.cut_at, one.test_at) == (cut, 50.0, 52.0)
    one.failed(0, 51.0)
    assert one.value == cut, "that is the last good number now"


@pytest.mark.parametrize(("proven", "cut"), [(0.0, 95.0), (94.0, 95.0), (97.0, 97.0), (99.0, 99.0), (100.0, 99.0)])
def test_a_cut_leaves_what_the_vendor_has_just_accepted_but_takes_one_call(proven: float, cut: float) -> None:
    one = figure(100.0)
    one.cut(proven, 50.0)
    assert one.value == cut


def test_after_a_cut_the_next_test_comes_after_the_first_gap_however_many_tests_have_failed() -> None:
    one = figure(8.0)
    for _ in range(4):
        one.failed(0, 20.0)
    assert one.test_at == 52.0
    one.cut(0.0, 30.0)
    assert one.test_at == 32.0
    one.failed(0, 32.0)
    assert one.test_at == 36.0, "failed tests delay the next one from the start again"


@pytest.mark.parametrize(("proven", "cut"), [(0.0, 8.0), (9.0, 9.0), (99.0, 10.0)])
def test_a_cut_of_a_figure_that_has_risen_goes_back_to_the_last_good_number(proven: float, cut: float) -> None:
    one = figure(8.0)
    one.passed(1.0, 1.0)
    one.passed(2.0, 2.0)
    one.cut(proven, 50.0)
    assert one.value == cut


def test_a_figure_is_lowered_to_less_and_never_raised_so() -> None:
    one = figure(8.0)
    one.lower(9.0, 50.0)
    one.lower(8.0, 50.0)
    assert (one.value, one.cut_at) == (8.0, 0.0)
    one.lower(3.0, 50.0)
    assert (one.value, one.cut_at, one.test_at) == (3.0, 50.0, 54.0)


def test_a_pace_rises_by_a_fortieth_and_by_twice_as_much_with_every_eight_in_a_row() -> None:
    pace, rises = Pace(2.0, 0.0), []
    for _ in range(45):
        before = pace.value
        pace.accepted()
        rises.append(round(pace.value / before - 1, 6))
    assert rises == [0.025] * 7 + [0.05] * 8 + [0.1] * 8 + [0.2] * 8 + [0.4] * 8 + [0.5] * 6
    pace.refused(9.0, 1000.0, 0.1)
    before = pace.value
    pace.accepted()
    assert pace.value / before == pytest.approx(1.025)
    assert Pace(4.0, 0.0).gap_s == 0.25


@pytest.mark.parametrize(
    ("rate_s", "floor", "value"), [(100.0, 0.1, 8.5), (4.0, 0.1, 6.0), (4.0, 7.0, 7.0), (100.0, 9.0, 9.0)]
)
def test_a_refused_start_lowers_a_pace_to_most_of_it_but_not_below_what_the_vendor_lets_through(
    rate_s: float, floor: float, value: float
) -> None:
    pace = Pace(10.0, 0.0)
    pace.refused(3.0, rate_s, floor)
    assert (pace.value, pace.cut_at) == (value, 3.0)


def test_a_pace_is_pointless_when_five_refusals_more_than_a_quarter_of_the_accepted_come_at_its_floor() -> None:
    pace, pointless = Pace(1.25, 0.0), []
    for refused in (True, True, True, True, True, False, True):
        pace.refused(1.0, 100.0, 1.0) if refused else pace.accepted()
        pointless.append(pace.pointless)
    assert pointless == [False] * 4 + [True, False, True]
    above = Pace(1.2501, 0.0)
    above.refused(1.0, 100.0, 1.0)
    above.refused(1.0, 100.0, 1.0)
    assert above._at_floor == 1


@dataclass(eq=False)
class Call:
    started_at: float
    tokens: int = 0


def window(*calls: Call) -> SlidingWindow:
    made = SlidingWindow(60.0)
    for call in calls:
        made.add(call)
    return made


def test_a_window_has_the_starts_of_its_span_and_no_older_ones() -> None:
    made = window(Call(0.0), Call(1.0), Call(59.9))
    assert len(made) == 3
    made.expire(59.99)
    assert len(made) == 3
    made.expire(60.0)
    assert len(made) == 2
    made.add(Call(61.0))
    assert len(made) == 2, "adding looks at the time too"


def test_a_start_is_free_when_the_oldest_that_is_too_many_is_out_of_the_window() -> None:
    made = window(Call(1.0), Call(2.0), Call(3.0))
    assert [made.free_at(limit) for limit in (1, 2, 3, 4)] == [63.0, 62.0, 61.0, 0.0]


def test_tokens_are_free_when_enough_old_ones_are_out_of_the_window() -> None:
    made = window(Call(1.0, 400), Call(2.0, 300), Call(3.0, 300))
    assert [made.tokens_free_at(1000, tokens) for tokens in (0, 1, 400, 401, 700, 701, 5000)] == [0.0, 61.0, 61.0, 62.0, 62.0, 63.0, 63.0]  # fmt: skip
    assert made.tokens_free_at(1001, 1) == 0.0


def test_what_is_removed_or_settled_counts_as_such_and_once() -> None:
    first, second = Call(1.0, 400), Call(2.0, 300)
    made = window(first, second)
    made.settle(first, 100)
    assert (first.tokens, made.tokens_free_at(500, 100), made.tokens_free_at(500, 101)) == (100, 0.0, 61.0)
    made.remove(first)
    made.remove(first)
    assert (len(made), made.tokens_free_at(400, 100), made.tokens_free_at(400, 101)) == (1, 0.0, 62.0)
    made.settle(first, 50)
    assert made.tokens_free_at(400, 100) == 0.0
    made.expire(100.0)
    assert (len(made), made.tokens_free_at(10, 10)) == (0, 0.0)


def test_starts_since_a_time_are_those_after_it() -> None:
    made = window(Call(1.0), Call(2.0), Call(3.0))
    assert [made.count_since(time) for time in (0.0, 1.0, 1.5, 3.0)] == [3, 2, 2, 0]
