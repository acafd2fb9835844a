"""The cursor over targets and credentials: pure, so it is tested with names in place of targets, plans and keys."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.core.failures import Refused
from adapters.core.message import Message
from proxy.attempts.cursor import Cursor, Position


def plan(target: Any) -> Any:
    """Return the plan for a target; a target in capitals does not support the request."""
    if target.isupper():
        raise Refused(target, Message("no"))
    return f"plan for {target}"


def always(target: Any) -> bool:
    return True


def ready(*targets: str) -> Callable[[Any], bool]:
    return lambda target: target in targets


def cursor_over(*targets: Any) -> Cursor[str]:
    return Cursor(targets)


def at(keys: list[str], *later: Any) -> Cursor[str]:
    """Return a cursor at its first target, with these keys."""
    cursor = cursor_over("a", *later)
    cursor.look_ahead(plan, always)
    cursor.advance(keys)
    return cursor


def visited(cursor: Cursor[str], is_ready: Callable[[Any], bool] = always) -> list[Any]:
    """Advance to the end and return the plans."""
    plans = []
    while cursor.look_ahead(plan, is_ready) is not None:
        plans.append(cursor.advance([]).plan)
    return plans


def test_targets_are_visited_in_order() -> None:
    assert visited(cursor_over("a", "b", "c")) == ["plan for a", "plan for b", "plan for c"]


def test_a_target_that_is_not_ready_comes_after_the_others_and_is_not_left_out() -> None:
    assert visited(cursor_over("a", "b", "c"), ready("b", "c")) == ["plan for b", "plan for c", "plan for a"]


def test_if_no_target_is_ready_they_are_visited_in_order() -> None:
    assert visited(cursor_over("a", "b"), ready()) == ["plan for a", "plan for b"]


def test_the_only_target_is_not_asked_whether_it_is_ready() -> None:
    def never(target: Any) -> bool:
        raise AssertionError(target)

    cursor_over("a").look_ahead(plan, never)


def test_a_target_that_does_not_support_the_request_is_skipped_and_its_refusal_kept() -> None:
    cursor = cursor_over("A", "B", "c")
    assert visited(cursor) == ["plan for c"]
    assert cursor.refusal is not None
    assert cursor.refusal.param == "A", "the first refusal"


def test_without_a_target_that_supports_the_request_there_is_no_plan() -> None:
    assert cursor_over("A").look_ahead(plan, always) is None


def test_looking_ahead_twice_plans_once() -> None:
    planned: list[Any] = []

    def counted(target: Any) -> Any:
        planned.append(target)
        return plan(target)

    cursor = cursor_over("a", "b")
    first: Any = cursor.look_ahead(counted, always)
    again: Any = cursor.look_ahead(counted, always)
    assert first == again == "plan for a"
    assert planned == ["a"]


def test_a_new_position_has_no_attempts() -> None:
    position: Any = at(["k1"]).position
    assert (position.plan, position.keys, position.attempts, position.attempts_with_key) == ("plan for a", ["k1"], 0, 0)


def test_the_next_key_has_no_attempts_and_the_target_keeps_its_own() -> None:
    position = at(["k1", "k2"]).position
    position.attempts = position.attempts_with_key = 2
    position.use(["k2"])
    assert (position.keys, position.attempts, position.attempts_with_key) == (["k2"], 2, 0)


def test_an_attempt_that_does_not_count_is_retracted() -> None:
    position = at(["k1"]).position
    position.attempts, position.attempts_with_key = 2, 1
    position.retract_attempt()
    assert (position.attempts, position.attempts_with_key) == (1, 0)


def test_after_a_failed_key_the_remaining_ones_are_tried() -> None:
    assert at(["k1", "k2", "k3"]).keys_after_failed_key(["k2", "k3"], ["k1"]) == ["k2", "k3"]


def test_with_another_target_a_key_that_is_cooling_down_is_not_tried() -> None:
    cursor = at(["k1"], "b")
    cursor.look_ahead(plan, always)
    assert cursor.keys_after_failed_key([], ["k2"]) == []


def test_without_another_target_keys_given_up_before_are_tried_again_but_not_failed_ones() -> None:
    cursor = at(["k2"])
    cursor.position.failed = ("k1",)
    assert cursor.keys_after_failed_key(["k1", "k2", "k3"], []) == ["k3"]


def test_of_the_keys_that_are_cooling_down_a_single_one_is_tried() -> None:
    cursor = at(["k1"])
    again = cursor.keys_after_failed_key([], ["k2", "k3"])
    assert again == ["k2"]
    cursor.position.use(again)
    assert cursor.keys_after_failed_key([], ["k2", "k3"]) == []


def test_a_rate_limited_call_waits_for_the_key_with_the_shortest_wait() -> None:
    position = at(["k1"]).position
    position.queue_on(["k1", "k2"], {"k1": 3.0, "k2": 1.0}.__getitem__)
    assert position.keys == ["k2"]


def test_a_rate_limited_call_does_not_wait_for_a_failed_key() -> None:
    position = at(["k1"]).position
    position.failed = ("k2",)
    position.queue_on(["k1", "k2"], {"k1": 3.0, "k2": 1.0}.__getitem__)
    assert position.keys == ["k1"]


def test_if_every_key_has_failed_the_call_waits_for_the_current_one() -> None:
    position: Position[str] = at(["k1"]).position
    position.failed = ("k1", "k2")
    position.queue_on(["k2"], {"k1": 3.0, "k2": 1.0}.__getitem__)
    assert position.keys == ["k1"]


names = st.text("abAB", min_size=1, max_size=2)


@given(
    targets=st.lists(names, min_size=1, max_size=6),
    pool=st.integers(1, 5),
    data=st.data(),
)
def test_every_walk_visits_each_target_once_tries_no_failed_key_again_and_ends(
    targets: list[str], pool: int, data: st.DataObject
) -> None:
    """A walk over all targets and keys, in which every attempt fails: by its key's fault, or by another."""

    def is_ready(target: Any) -> bool:
        return data.draw(st.booleans())

    def draw_keys() -> list[str]:
        return data.draw(st.permutations(keys))[: data.draw(st.integers(1, pool))]

    keys = [f"k{number}" for number in range(pool)]
    cursor, seen, steps = cursor_over(*targets), [], 0
    while cursor.look_ahead(plan, is_ready) is not None:
        position = cursor.advance(draw_keys())
        seen.append(position.plan)
        failed: set[str] = set()
        while position.keys:
            steps += 1
            assert steps < 200, "the walk does not end"
            assert position.keys[0] not in failed, "a failed key is tried again"
            assert len(set(position.keys)) == len(position.keys)
            if data.draw(st.booleans()):
                failed.add(position.keys[0])
                resting = [key for key in keys if data.draw(st.booleans())]
                cursor.look_ahead(plan, is_ready)
                position.use(cursor.keys_after_failed_key([key for key in keys if key not in resting], resting))
            else:
                position.use(position.keys[1:])
    assert sorted(map(str, seen)) == sorted(f"plan for {target}" for target in targets if not target.isupper())
    assert (cursor.refusal is not None) == any(target.isupper() for target in targets)


def test_advancing_without_an_upcoming_target_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        cursor_over("a").advance([])
