"""Make attempts until one succeeds or the retry policy gives up."""

import random
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_never

from adapters.core.failures import Failure, Refused
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan
from adapters.planning import plan, plan_without
from proxy._types import Caller, Route
from proxy.app_state import AppState, ConfigSnapshot
from proxy.attempts.context import RequestContext
from proxy.attempts.counts import AttemptCounts
from proxy.attempts.cursor import Cursor
from proxy.attempts.hedge import Hedge
from proxy.attempts.rate_limited_runner import RateLimitedRunner
from proxy.attempts.retry_policy import AttemptState, GiveUp, NextKey, NextTarget, Retry, RetryWithoutFields, decide
from proxy.attempts.runner import AttemptRunner
from proxy.attempts.target_order import order_targets
from proxy.credentials.pool import VendorKey
from proxy.errors import NotSupported, UpstreamFailed
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.writer import Writer


def begin_attempts(
    request: ApiRequest,
    route: Route,
    out: Writer,
    state: AppState,
    snapshot: ConfigSnapshot,
    record: RequestRecord,
    counts: AttemptCounts,
    caller: Caller,
) -> "RetryLoop":
    """Return the attempts of a request at the route's targets, best first, with the first one planned.

    Raises NotSupported if no target supports the request.
    """
    context = RequestContext(request, route, state, snapshot, record, counts, caller)
    targets = route.targets
    hedge_s = 0.0  # after how long a second target is called too; 0: never
    if len(targets) > 1:
        if route.strategy != "failover":
            targets = order_targets(route, request, state)
            context.timed = route.strategy == "fastest"
        if route.policy.hedge_s != "off" and not request.stream:
            hedge_s = route.policy.hedge_s
    cursor: Cursor[VendorKey] = Cursor(targets)
    # Planned directly, unless a vendor has refused fields that banjia adds.
    planner = context.plan if state.refused_fields.known else partial(plan, request)
    first = cursor.look_ahead(planner, context.is_ready)
    if first is None:
        assert cursor.refusal is not None  # a route has at least one target, and each one plans or refuses
        raise NotSupported.of(cursor.refusal)
    account = snapshot.accounts[first.target.entry]
    only_one = len(account.keys) == 1
    cursor.advance(account.keys if only_one else account.candidates(model=first.target.model.id))
    return RetryLoop(context, cursor, out, Hedge(context, cursor, out, hedge_s, make_runner) if hedge_s else None)


def make_runner(
    context: RequestContext, cursor: Cursor[VendorKey], out: Writer, record: RequestRecord
) -> AttemptRunner:
    """Return the runner of an attempt at the cursor's position: a rate-limited one if the key has a limiter."""
    limiter = cursor.position.keys[0].limiter
    if limiter is None:
        return AttemptRunner(context, cursor.position, out, record)
    elsewhere = cursor.look_ahead(context.plan, context.is_ready) is not None
    return RateLimitedRunner(context, cursor.position, out, record, limiter, elsewhere=elsewhere)


class RetryLoop:
    """The attempts of a request: the first one, and what follows its failure.

    The policy decides, the cursor moves, tenacity waits. Entering tenacity costs as much as the rest of an attempt, so
    :meth:`run` is for requests whose first attempt failed. ``hedge`` makes the attempts in place of single runners.
    """

    __slots__ = ("_context", "_cursor", "_hedge", "_out", "_runner", "_wait_s")

    def __init__(self, context: RequestContext, cursor: Cursor[VendorKey], out: Writer, hedge: Hedge | None) -> None:
        self._context = context
        self._cursor = cursor
        self._out = out
        self._hedge = hedge
        self._runner: AttemptRunner | None = None
        self._wait_s = 0.0

    def attempt(self) -> Coroutine[Any, Any, Failure | None]:
        """Make one attempt at the cursor's position. Returns None for a complete response, else the failure.

        Raises Overloaded if the target's vendor has too many requests in progress. Not a coroutine itself: each one on
        the way costs time whenever a response continues.
        """
        if self._hedge is not None:
            return self._hedge.attempt()
        self._runner = make_runner(self._context, self._cursor, self._out, self._context.record)
        return self._runner.run()

    async def run(self, failure: Failure) -> None:
        """Continue after the failure of the first attempt, until an attempt succeeds.

        Raises UpstreamFailed with the last failure if none does, and Overloaded. The response may have begun by then.
        """
        first = [failure]

        async def next_attempt() -> Failure | None:
            return first.pop() if first else await self.attempt()

        retrying = AsyncRetrying(
            retry=retry_if_result(self.should_continue),
            wait=self.wait,
            stop=stop_never,
            sleep=self._context.state.sleep,
        )
        try:
            last: Failure | None = await retrying(next_attempt)
        finally:
            retrying.iter_state.reset()  # breaks a reference cycle that would wait for the garbage collector
        if last is not None:
            counts, most = self._context.counts, self._context.route.policy.attempts
            raise UpstreamFailed(
                last,
                attempts=counts.made + counts.refused,
                spent=counts.total >= most,
                in_stream=self._out.head_sent,
            )

    def wait(self, state: RetryCallState) -> float:
        """Return the decided wait before the next attempt (seconds), for tenacity."""
        return self._wait_s

    def should_continue(self, failure: Failure | None) -> bool:
        """Decide what follows a failure, and move to the next key or target. False: the client receives the failure."""
        if failure is None:
            return False
        context, cursor, position = self._context, self._cursor, self._cursor.position
        counts, retries = context.counts, context.state.retries
        if self._runner is not None:
            counts.waited_s += self._runner.waited_s
        upcoming = cursor.look_ahead(context.plan, context.is_ready)
        keys = self._keys_after(failure)
        if keys or upcoming is not None:  # never cool down the only key that is left
            context.cool_down(position.keys[0], failure)
        if failure.phase in ("reset", "write"):
            counts.replays = 0  # other kept connections are likely to be dead too
        without = self._plan_without(failure) if failure.fields else None
        attempt_state = AttemptState(
            attempts=counts.total,
            on_target=position.attempts,
            on_key=position.attempts_with_key,
            content_sent=self._out.content_sent,
            more_keys=bool(keys),
            more_targets=upcoming is not None,
            rerouted=failure.kind in context.route.policy.reroute,
            # After a rate limit error the call waits for a slot on its key, which the retry budget does not limit.
            budget_left=(failure.fault == "rate" or retries.left())
            and not (upcoming is not None and not context.is_ready(position.plan.target)),
            left_s=self._total_s() - counts.elapsed_s() + counts.waited_s,
            jitter=random.random(),  # noqa: S311 - jitter, not a secret
            queues=failure.fault == "rate" and self._queues(),
            can_omit=without is not None,
        )
        self._wait_s = 0.0
        match decide(failure, attempt_state, context.route.policy):
            case GiveUp():
                return False
            case Retry(wait_s):
                self._wait_s = wait_s
                if failure.fault != "rate":
                    retries.spend()
                elif attempt_state.queues:
                    self._back_to_queue()
            case NextKey():
                position.use(keys)
            case NextTarget():
                assert upcoming is not None
                target = upcoming.target
                cursor.advance(context.account(target).candidates(model=target.model.id))
            case RetryWithoutFields():
                assert without is not None
                position.plan, position.omitted = without, failure.fields
                context.record.omitted(failure.fields)
        self._out.discard_held()
        return True

    def _total_s(self) -> float:
        """Return the total time limit of an attempt at the current target."""
        plan = self._cursor.position.plan
        streams = plan.request.stream or "stream" in plan.emulations
        return self._context.times(plan, streams=streams).total_s

    def _plan_without(self, failure: Failure) -> Plan | None:
        """Return the plan without the added fields that the refusal names; None if tried before or not possible."""
        context, position = self._context, self._cursor.position
        if position.omitted:
            return None
        target = position.plan.target
        known = context.state.refused_fields.at(target.label)
        try:
            return plan_without(context.request, target, {*known, *failure.fields})
        except Refused:
            return None

    def _keys_after(self, failure: Failure) -> list[VendorKey]:
        """Return the current target's keys to try after this failure, best first."""
        if failure.fault != "credential":
            return self._cursor.position.keys[1:]
        target, now = self._cursor.position.plan.target, time.monotonic()
        keys, model = self._context.account(target).keys, target.model.id
        ready = [key for key in keys if key.cools_until <= now]
        ready.sort(key=lambda key: self._context.slot_in_s(key, model, now))
        cooling_down = [key for key in keys if key.cools_until > now]
        cooling_down.sort(key=lambda key: key.cools_until)
        return self._cursor.keys_after_failed_key(ready, cooling_down)

    def _queues(self) -> bool:
        """Whether the current key has a queue in which a rate limited call can wait for a slot."""
        limiter = self._cursor.position.keys[0].limiter
        return limiter is not None and limiter.limits.learn

    def _back_to_queue(self) -> None:
        """Queue a rate limited call on the key whose slot comes soonest. The refused call was no attempt."""
        context, position = self._context, self._cursor.position
        position.retract_attempt()
        context.counts.made -= 1
        context.counts.refused += 1
        context.record.rate_limited(context.counts.refused)
        target, now = position.plan.target, time.monotonic()
        account, model = context.account(target), target.model.id
        if len(account.keys) > 1:
            position.queue_on(account.candidates(now, model), lambda key: context.slot_in_s(key, model, now))
