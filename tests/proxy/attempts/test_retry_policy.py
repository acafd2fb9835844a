"""The retry decision as a pure function of all its inputs."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.core.failures import ERROR_TABLE, Cause, Failure, Kind
from adapters.core.message import Message
from adapters.core.wire import Phase
from config.schema import RETRY_ON, Policy
from proxy.attempts.retry_policy import (
    GIVE_UP,
    NEXT_KEY,
    NEXT_TARGET,
    RETRY_WITHOUT_FIELDS,
    AttemptState,
    Decision,
    Retry,
    decide,
    retried,
)

FRESH = AttemptState(1, 1, 1, False, False, True, False, True, 600.0, 0.5)
KINDS: tuple[Kind, ...] = get_args(Kind)
standings = st.builds(
    AttemptState, st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), st.booleans(), st.booleans(), st.booleans(),
    st.booleans(), st.booleans(), st.floats(0, 600), st.floats(0, 1), queues=st.booleans(), can_omit=st.booleans(),
)  # fmt: skip
failures = st.builds(
    lambda kind, wait, cause: Failure.of(kind, Message("x"), retry_after_s=wait, cause=cause),
    st.sampled_from(KINDS), st.none() | st.floats(0, 1e6), st.none() | st.sampled_from(RETRY_ON),
)  # fmt: skip
policies = st.builds(
    Policy, attempts=st.integers(1, 5), attempts_per_target=st.integers(1, 3), max_wait_s=st.floats(0, 60),
    retry_on=st.lists(st.sampled_from(RETRY_ON), unique=True),
)  # fmt: skip


@given(failures, standings, policies)
def test_the_rules_that_always_hold(f: Failure, s: AttemptState, policy: Policy) -> None:
    decision = decide(f, s, policy)

    if s.content_sent:
        assert decision == GIVE_UP, "two answers would be mixed"
    if decision == NEXT_TARGET:
        assert s.more_targets
    if decision == NEXT_KEY:
        assert s.more_keys
    if f.fault == "caller" and not s.content_sent:
        rest = NEXT_TARGET if s.rerouted and s.more_targets else GIVE_UP
        assert decision == (RETRY_WITHOUT_FIELDS if s.can_omit else rest)
    else:
        assert decision != RETRY_WITHOUT_FIELDS
    if f.fault == "credential":
        assert not isinstance(decision, Retry), "a refused key is not tried twice"
    if f.fault == "rate" and s.queues and f.phase is None and not s.content_sent:
        assert decision in (NEXT_KEY, NEXT_TARGET, Retry(0.0)), (
            "another one is called at once, or it waits in the queue"
        )
        assert decision == Retry(0.0) or s.attempts < policy.attempts, "the queue is no attempt"
    elif isinstance(decision, Retry):
        assert s.attempts < policy.attempts
        assert s.on_target < policy.attempts_per_target
        assert s.budget_left
        assert 0 <= decision.wait_s < s.left_s
        assert f.fault != "rate" or decision.wait_s <= policy.max_wait_s
    if f.fault == "vendor" and s.attempts >= policy.attempts:
        assert decision == GIVE_UP


def test_a_refusal_of_what_banjia_added_is_answered_by_the_same_call_without_it() -> None:
    """It is repeated once regardless of the limits; otherwise every such call would fail."""
    refused, names_ours = Failure.of("bad_request", Message("x")), FRESH._replace(can_omit=True)
    assert decide(refused, names_ours, Policy()) == RETRY_WITHOUT_FIELDS
    assert (
        decide(refused, names_ours._replace(attempts=9, on_target=9, budget_left=False), Policy())
        == RETRY_WITHOUT_FIELDS
    )
    assert decide(refused, names_ours._replace(content_sent=True), Policy()) == GIVE_UP
    assert decide(refused, FRESH, Policy()) == GIVE_UP


def test_an_untrusted_certificate_is_never_tried_twice_on_the_same_target() -> None:
    untrusted = Failure.of("tls", Message("x"), phase="tls")
    assert decide(untrusted, FRESH, Policy()) == NEXT_TARGET
    assert decide(untrusted, FRESH._replace(more_targets=False), Policy()) == GIVE_UP


def test_a_connection_that_failed_is_retried_regardless_of_retry_on() -> None:
    refused = Failure.of("connect", Message("x"), phase="connect")
    assert isinstance(decide(refused, FRESH, Policy(retry_on=[])), Retry)


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_waits_double_and_are_fully_jittered(attempts: int) -> None:
    policy = Policy(attempts=5, attempts_per_target=5)
    for draw in (0.0, 0.25, 1.0):
        standing = FRESH._replace(attempts=attempts, on_target=attempts, jitter=draw)
        assert decide(Failure.of("vendor_error", Message("x"), cause="5xx"), standing, policy) == Retry(
            draw * 0.25 * 2 ** (attempts - 1)
        )


def test_without_budget_no_target_is_called_twice_but_another_one_still_is() -> None:
    broke = FRESH._replace(budget_left=False, more_keys=True)
    for kind in KINDS:
        if ERROR_TABLE[kind].fault in ("vendor", "rate"):
            assert decide(Failure.of(kind, Message("x")), broke, Policy()) == NEXT_TARGET
            assert decide(Failure.of(kind, Message("x")), broke._replace(more_targets=False), Policy()) == GIVE_UP


@pytest.mark.parametrize(
    ("asks_s", "left_s", "decision"),
    [
        (None, 600.0, Retry(0.125)),
        (0.0, 600.0, Retry(0.125)),
        (7.0, 600.0, Retry(7.0)),
        (21.0, 600.0, GIVE_UP),  # over max_wait_s
        (7.0, 5.0, GIVE_UP),  # over what is left of the request's time
        (None, 0.1, GIVE_UP),
    ],
)
def test_a_failing_vendor_that_requests_a_wait_gets_it_if_it_fits(
    asks_s: float | None, left_s: float, decision: Decision
) -> None:
    alone = FRESH._replace(more_targets=False, left_s=left_s)
    assert (
        decide(Failure.of("overloaded", Message("x"), retry_after_s=asks_s, cause="5xx"), alone, Policy()) == decision
    )


def test_a_rate_limit_that_outlasts_the_request_is_passed_on_now() -> None:
    alone = FRESH._replace(more_targets=False, left_s=5.0)
    assert decide(Failure.of("rate_limited", Message("x"), retry_after_s=6.0), alone, Policy()) == GIVE_UP


def test_a_call_that_was_refused_by_rate_waits_in_the_queue_which_is_no_attempt() -> None:
    refused = Failure.of("rate_limited", Message("x"), retry_after_s=300.0)
    queues = FRESH._replace(more_targets=False, queues=True)
    assert decide(refused, queues, Policy()) == Retry(0.0)
    assert decide(refused, queues._replace(attempts=3, on_target=3), Policy()) == Retry(0.0)
    assert decide(refused, queues, Policy(attempts=1, attempts_per_target=1)) == Retry(0.0)
    assert decide(refused, queues._replace(more_targets=True), Policy()) == NEXT_TARGET
    assert decide(refused, queues._replace(more_targets=True, attempts=3), Policy()) == Retry(0.0)
    denied = refused._replace(phase="pool")
    assert decide(denied, queues, Policy()) == GIVE_UP


def test_a_wait_before_a_retry_is_at_most_four_seconds() -> None:
    policy = Policy(attempts=10, attempts_per_target=10)
    for attempts, longest_s in ((4, 2.0), (5, 4.0), (6, 4.0), (9, 4.0)):
        standing = FRESH._replace(attempts=attempts, on_target=attempts, jitter=1.0)
        assert decide(Failure.of("vendor_error", Message("x"), cause="5xx"), standing, policy) == Retry(longest_s)


@pytest.mark.parametrize(
    ("changed", "decision"),
    [
        ({}, Retry(1.0)),
        ({"retry_after_s": 7.0}, Retry(7.0)),
        ({"retry_after_s": 20.0}, Retry(20.0)),
        ({"retry_after_s": 20.5}, GIVE_UP),
        ({"left_s": 1.0}, GIVE_UP),
        ({"left_s": 1.5}, Retry(1.0)),
        ({"on_target": 2}, GIVE_UP),
        ({"attempts": 3}, GIVE_UP),
        ({"attempts": 2}, Retry(1.0)),
        ({"budget_left": False}, GIVE_UP),
        ({"more_keys": True}, NEXT_KEY),
        ({"more_keys": True, "budget_left": False}, GIVE_UP),
        ({"more_keys": True, "more_targets": True}, NEXT_KEY),
        ({"more_keys": True, "more_targets": True, "attempts": 3}, GIVE_UP),
        ({"more_targets": True}, NEXT_TARGET),
        ({"more_targets": True, "attempts": 3}, GIVE_UP),
    ],
)
def test_a_rate_limit_goes_to_another_key_or_target_before_it_waits(
    changed: dict[str, Any], decision: Decision
) -> None:
    limited = Failure.of("rate_limited", Message("x"), retry_after_s=changed.get("retry_after_s"))
    rest = {name: value for name, value in changed.items() if name != "retry_after_s"}
    standing = FRESH._replace(more_targets=False)._replace(**rest)
    assert decide(limited, standing, Policy()) == decision


@pytest.mark.parametrize(
    ("more_keys", "more_targets", "decision"),
    [(True, True, NEXT_KEY), (True, False, NEXT_KEY), (False, True, NEXT_TARGET), (False, False, GIVE_UP)],
)
def test_a_refused_key_and_a_slot_that_did_not_come_go_on_whatever_was_tried(
    more_keys: bool, more_targets: bool, decision: Decision
) -> None:
    spent = FRESH._replace(attempts=9, on_target=9, budget_left=False, more_keys=more_keys, more_targets=more_targets)
    for failure in (Failure.of("key_refused", Message("x")), Failure.of("rate_limited", Message("x"), phase="pool")):
        assert decide(failure, spent, Policy()) == decision


@pytest.mark.parametrize(
    ("kind", "phase", "cause", "named"),
    [
        ("vendor_error", None, "5xx", "5xx"),
        ("invalid_response", None, "html", "html"),
        ("vendor_error", None, "error_in_200", "error_in_200"),
        ("reset", "reset", None, "reset"),
        ("truncated", None, "reset", "reset"),
        ("first_token_timeout", "first_token", None, "timeout"),
        ("idle_timeout", "idle", None, "timeout"),
        ("total_timeout", "total", None, "timeout"),
    ],
)
def test_a_fault_of_the_vendors_is_tried_again_where_retry_on_names_it(
    kind: Kind, phase: Phase | None, cause: Cause | None, named: str
) -> None:
    failure = Failure.of(kind, Message("x"), phase=phase, cause=cause)
    for one in RETRY_ON:
        assert retried(failure, Policy(retry_on=[one])) == (one == named)


@pytest.mark.parametrize("phase", ["dns", "connect", "pool", "tls"])
def test_a_call_that_was_never_sent_is_retried_regardless_of_retry_on(phase: Phase) -> None:
    assert retried(Failure.of("connect", Message("x"), phase=phase), Policy(retry_on=[]))
    assert not retried(Failure.of("connect", Message("x"), phase="write"), Policy(retry_on=[]))
