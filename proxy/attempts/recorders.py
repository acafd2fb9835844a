"""Recorders report an attempt to the services that learn from it: the breaker, the latency tracker, the limiters.

Exactly one method of each is called: ``ended``, or ``abandoned`` if nothing was learned about the target, because the
client disconnected or banjia has a bug. A usual attempt, which succeeds at a target without failures, needs none.
"""

import random
import time
from typing import Protocol

from adapters.core.failures import Failure
from adapters.core.vendor import Target
from proxy.attempts.context import RateLimitRefusal, RequestContext
from proxy.credentials.pool import VendorKey
from proxy.limiter.scheduler import Outcome
from proxy.observability.request_record import RequestRecord
from proxy.routing.circuit_breaker import Trial


class Recorder(Protocol):
    """Records one attempt."""

    def ended(self, failure: Failure | None, *, sent: bool) -> None:
        """Record the result: None for a complete response. ``sent``: whether any call was sent."""
        ...

    def abandoned(self) -> None:
        """Record that the attempt ended without a result."""
        ...


def begin_recording(
    context: RequestContext, target: Target, key: VendorKey, record: RequestRecord, *, untracked: bool
) -> list[Recorder]:
    """Return the recorders of an attempt that begins. In a cooldown it may be the attempt that probes the target.

    ``untracked``: the key has no limiter.
    """
    breaker = context.state.breaker
    trial = breaker.enter(target.label, time.monotonic()) if target.label in breaker.failing else None
    recorders = usual_recorders(context, target, key, trial, untracked=untracked)
    if context.timed:
        recorders.append(LatencyRecorder(context, target, record))
    return recorders


def usual_recorders(
    context: RequestContext, target: Target, key: VendorKey, trial: Trial | None = None, *, untracked: bool
) -> list[Recorder]:
    """Return the recorders that need to know nothing of the attempt's beginning, except for ``trial``."""
    recorders: list[Recorder] = [BreakerRecorder(context, target, trial)]
    if untracked:
        recorders.append(LimiterRecorder(context, target, key))
    return recorders


class BreakerRecorder:
    """Reports the attempt to the circuit breaker. ``trial``: set if the attempt probes the target."""

    __slots__ = ("_context", "_label", "_trial")

    def __init__(self, context: RequestContext, target: Target, trial: Trial | None = None) -> None:
        self._context = context
        self._label = target.label
        self._trial = trial

    def ended(self, failure: Failure | None, *, sent: bool) -> None:
        breaker = self._context.state.breaker
        if failure is None:
            if self._label in breaker.failing:
                breaker.succeeded(self._label, self._trial)
        # pool: banjia's own connections are in use. content: the service works, and clients choose what is checked.
        elif failure.fault == "vendor" and failure.phase != "pool" and failure.cause != "content":
            draw = random.random()  # noqa: S311 - jitter, not a secret
            breaker.failed(self._label, self._trial, time.monotonic(), draw, self._context.snapshot.settings.breaker)
        else:
            self.abandoned()

    def abandoned(self) -> None:
        if self._trial is not None:
            self._trial.abandon()


class LatencyRecorder:
    """Reports the time to the first content, or to a failure that is not the client's fault."""

    __slots__ = ("_began_s", "_context", "_label", "_record")

    def __init__(self, context: RequestContext, target: Target, record: RequestRecord) -> None:
        self._context = context
        self._label = target.label
        self._record = record
        self._began_s = context.counts.elapsed_s()

    def ended(self, failure: Failure | None, *, sent: bool) -> None:
        if not sent:
            return
        latencies, stream = self._context.state.latencies, self._context.request.stream
        now_s = self._context.counts.elapsed_s()
        if failure is None:
            latencies.record(self._label, stream, (self._record.first_content_s or now_s) - self._began_s)
        elif failure.fault != "caller":
            latencies.failed(self._label, stream, now_s - self._began_s)

    def abandoned(self) -> None:
        elapsed_s = self._context.counts.elapsed_s() - self._began_s
        self._context.state.latencies.left(self._label, self._context.request.stream, elapsed_s)


class LimiterRecorder:
    """Reports an attempt on a key that had no limiter when it began. Its first rate limit error creates one."""

    __slots__ = ("_context", "_key", "_target")

    def __init__(self, context: RequestContext, target: Target, key: VendorKey) -> None:
        self._context = context
        self._target = target
        self._key = key

    def ended(self, failure: Failure | None, *, sent: bool) -> None:
        if failure is not None or self._key.limiter is not None:
            self._report(outcome_of(failure), failure)

    def abandoned(self) -> None:
        self._report("lost", None)

    def _report(self, outcome: Outcome, failure: Failure | None) -> None:
        context, target, key = self._context, self._target, self._key
        account = context.snapshot.accounts[target.entry]
        ticket = context.state.limiters.untracked_ended(target.entry, account, key, target.model.id, outcome, failure)
        if outcome == "refused" and ticket is not None and failure is not None:
            context.refusals[key] = RateLimitRefusal(ticket, failure)


def outcome_of(failure: Failure | None) -> Outcome:
    """Return the outcome of an attempt, as the limiter counts it."""
    if failure is None:
        return "answered"
    return "refused" if failure.kind == "rate_limited" else "lost"
