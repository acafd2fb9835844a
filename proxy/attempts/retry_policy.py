"""What to do after a failed attempt: one pure function. No clock, no randomness, no state.

The rule is whose fault it was (docs/architecture.md): the caller's is never tried again, the credential's goes to the
next key, the vendor's is tried again within limits, a rate limit goes to another target before it waits.
"""

from dataclasses import dataclass
from typing import NamedTuple

from adapters.core.failures import Failure
from config.schema import Policy

BASE_WAIT_S = 0.25
MAX_WAIT_S = 4.0
DEFAULT_RATE_WAIT_S = 1.0
"""What a rate limit without a ``retry-after`` is taken to ask for, in seconds."""


class AttemptState(NamedTuple):
    """How a request stands when an attempt has failed. Counts are of calls made; ``draw`` is a random number in 0..1.

    ``attempts`` counts those of the caller's earlier requests for the same call too. ``budget_left``: the target in use
    may be asked once more; another target may be in any case.

    ``other_named``: the policy's ``reroute`` names this kind of caller's error. ``left_s``: seconds to the deadline.
    ``queues``: a call that was refused by rate waits for a slot on this key; that is no attempt. ``can_omit``: the refusal
    names fields that banjia added by itself, and the call was not repeated without them yet.
    """

    attempts: int
    on_target: int
    on_key: int
    content_sent: bool
    more_keys: bool
    more_targets: bool
    other_named: bool
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
    """Hand the failure to the caller."""


Decision = Retry | NextKey | NextTarget | RetryWithoutFields | GiveUp
GIVE_UP, NEXT_KEY, NEXT_TARGET, RETRY_WITHOUT_FIELDS = GiveUp(), NextKey(), NextTarget(), RetryWithoutFields()


def decide(f: Failure, s: AttemptState, policy: Policy) -> Decision:
    """What to do next.

    Args:
        f: the failure of the last attempt.
        s: how the request stands.
        policy: the operator's limits (``attempts``, ``attempts_per_target``, ``max_wait_s``, ``retry_on``).

    Returns:
        A retry after a full-jitter wait of up to ``min(4, 0.25 * 2**n)`` seconds, or as long as the vendor asks for, if
        that fits; the next key or target; the call without what banjia added to it; or giving up.
    """
    if s.content_sent:
        return GIVE_UP  # the caller has part of this answer: another one can't be put behind it
    if f.fault == "caller":
        if s.can_omit:
            return RETRY_WITHOUT_FIELDS
        return NEXT_TARGET if s.other_named and s.more_targets else GIVE_UP
    if f.fault == "credential":
        return NEXT_KEY if s.more_keys else NEXT_TARGET if s.more_targets else GIVE_UP
    if f.kind == "rate_limited" and f.phase == "pool":  # never sent: it has waited for its slot as long as it may
        return NEXT_KEY if s.more_keys else NEXT_TARGET if s.more_targets else GIVE_UP
    if f.fault == "rate":
        return _after_rate_limit(f, s, policy)
    if s.attempts >= policy.attempts:
        return GIVE_UP
    if not retried(f, policy):
        return GIVE_UP
    if s.budget_left and s.on_target < policy.attempts_per_target and f.kind != "tls":
        asked_s = f.retry_after_s or 0.0
        wait_s = max(asked_s, s.jitter * min(MAX_WAIT_S, BASE_WAIT_S * 2 ** (s.attempts - 1)))
        if wait_s < s.left_s and asked_s <= policy.max_wait_s:
            return Retry(wait_s)
    return NEXT_TARGET if s.more_targets else GIVE_UP


def _after_rate_limit(f: Failure, s: AttemptState, policy: Policy) -> Decision:
    """Another key or target at once; else the queue, which ends after ``limits.wait_s``; without one, ``retry-after``."""
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
    """Whether the policy's ``retry_on`` covers this fault of the vendor's; a failed connection always is."""
    if f.phase in ("dns", "connect", "pool", "tls"):
        return True
    if f.kind.endswith("timeout"):
        return "timeout" in policy.retry_on
    cause = f.cause or "reset"
    return cause in policy.retry_on
