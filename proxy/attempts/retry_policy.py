"""Decide what follows a failed attempt: one pure function, without clock, randomness or state.

The decision depends on whose fault the failure was (docs/architecture.md): the client's is never retried, the API key's
moves to the next key, the vendor's is retried within limits, a rate limit moves to another target before it waits.
"""

from dataclasses import dataclass
from typing import NamedTuple

from adapters.core.failures import Failure
from config.schema import Policy

BASE_WAIT_S = 0.25
MAX_WAIT_S = 4.0
DEFAULT_RATE_WAIT_S = 1.0
"""The wait after a rate limit error without ``retry-after`` (seconds)."""


class AttemptState(NamedTuple):
    """The state of a request after a failed attempt. Counts are of calls made.

    ``attempts`` includes those of the client's earlier requests for the same call. ``budget_left``: the retry budget
    allows another attempt at the current target; other targets are always allowed.

    ``rerouted``: the policy's ``reroute`` lists this kind of client error. ``left_s``: seconds to the deadline.
    ``jitter``: a random number in 0..1. ``queues``: a rate limited call waits for a slot on this key, which does not
    count as an attempt. ``can_omit``: the refusal names fields that banjia added, and the call was not yet repeated
    without them.
    """

    attempts: int
    on_target: int
    on_key: int
    content_sent: bool
    more_keys: bool
    more_targets: bool
    rerouted: bool
    budget_left: bool
    left_s: float
    jitter: float
    queues: bool = False
    can_omit: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """The same target again, after a wait."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class NextKey:
    """The same target with its next key, at once."""


@dataclass(frozen=True, slots=True)
class NextTarget:
    """The next target of the route, at once."""


@dataclass(frozen=True, slots=True)
class RetryWithoutFields:
    """The same call with the same key, without the fields that banjia added and the vendor refuses, at once."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Return the failure to the client."""


Decision = Retry | NextKey | NextTarget | RetryWithoutFields | GiveUp
GIVE_UP, NEXT_KEY, NEXT_TARGET, RETRY_WITHOUT_FIELDS = GiveUp(), NextKey(), NextTarget(), RetryWithoutFields()


def decide(f: Failure, s: AttemptState, policy: Policy) -> Decision:
    """Decide what to do next.

    Args:
        f: the failure of the last attempt.
        s: the state of the request.
        policy: the operator's limits (``attempts``, ``attempts_per_target``, ``max_wait_s``, ``retry_on``).

    Returns:
        A retry after a full-jitter wait of up to ``min(4, 0.25 * 2**n)`` seconds, or the vendor's ``retry-after`` if
        that is longer and within the limits; the next key or target; the call without the fields that banjia added;
        or giving up.
    """
    if s.content_sent:
        return GIVE_UP  # the client has part of this answer; another one cannot follow it
    if f.fault == "caller":
        if s.can_omit:
            return RETRY_WITHOUT_FIELDS
        return NEXT_TARGET if s.rerouted and s.more_targets else GIVE_UP
    if f.fault == "credential":
        return NEXT_KEY if s.more_keys else NEXT_TARGET if s.more_targets else GIVE_UP
    if f.kind == "rate_limited" and f.phase == "pool":  # not sent: no slot within limits.wait_s
        return NEXT_KEY if s.more_keys else NEXT_TARGET if s.more_targets else GIVE_UP
    if f.fault == "rate":
        return _after_rate_limit(f, s, policy)
    if s.attempts >= policy.attempts:
        return GIVE_UP
    if f.cause == "content":  # the same model had its repair call; another one may answer as requested
        return NEXT_TARGET if s.more_targets else GIVE_UP
    if not retried(f, policy):
        return GIVE_UP
    if s.budget_left and s.on_target < policy.attempts_per_target and f.kind != "tls":
        retry_after_s = f.retry_after_s or 0.0
        wait_s = max(retry_after_s, s.jitter * min(MAX_WAIT_S, BASE_WAIT_S * 2 ** (s.attempts - 1)))
        if wait_s < s.left_s and retry_after_s <= policy.max_wait_s:
            return Retry(wait_s)
    return NEXT_TARGET if s.more_targets else GIVE_UP


def _after_rate_limit(f: Failure, s: AttemptState, policy: Policy) -> Decision:
    """Another key or target at once; else the queue, for up to ``limits.wait_s``; without a queue, ``retry-after``."""
    attempt_left = s.attempts < policy.attempts
    if attempt_left and s.more_keys and s.budget_left:
        return NEXT_KEY
    if attempt_left and s.more_targets:
        return NEXT_TARGET
    if s.queues:
        return Retry(0.0)
    wait_s = DEFAULT_RATE_WAIT_S if f.retry_after_s is None else f.retry_after_s
    fits = attempt_left and s.budget_left and wait_s <= policy.max_wait_s and wait_s < s.left_s
    return Retry(wait_s) if fits and s.on_target < policy.attempts_per_target else GIVE_UP


def retried(f: Failure, policy: Policy) -> bool:
    """Whether the policy's ``retry_on`` covers this vendor failure. A failed connection is always covered."""
    if f.phase in ("dns", "connect", "pool", "tls"):
        return True
    if f.kind.endswith("timeout"):
        return "timeout" in policy.retry_on
    cause = f.cause or "reset"
    return cause in policy.retry_on
