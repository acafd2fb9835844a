"""Make attempts until one succeeds or the retry policy gives up."""

import random
import time
from collections.abc import Awaitable, Callable

from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_never

from adapters.core.failures import Failure, Refused
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan
from adapters.planning import plan_without
from proxy._types import Route
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


async def send_with_retries(
    request: ApiRequest,
    route: Route,
    out: Writer,
    state: AppState,
    snapshot: ConfigSnapshot,
    record: RequestRecord,
    counts: AttemptCounts,
) -> None:
    """Serve the request from the route's targets, best first.

    Raises NotSupported if no target supports it, Overloaded if the target's vendor has too many requests in progress,
    UpstreamFailed if every attempt failed. The response may have begun by then.
    """
    context = RequestContext(request, route, state, snapshot, record, counts)
    targets = route.targets
    hedge_s = 0.0  # after how long a second target is called too; 0: never
    if len(targets) > 1:
        if route.strategy != "failover":
            targets = order_targets(route, request, state)
            context.timed = route.strategy == "fastest"
        if route.policy.hedge_s != "off" and not request.stream:
            hedge_s = route.policy.hedge_s
    cursor: Cursor[VendorKey] = Cursor(targets)
    first = cursor.look_ahead(context.plan, context.is_ready)
    if first is None:
        assert cursor.refusal is not None  # a route has at least one target, and each one plans or refuses
        raise NotSupported.of(cursor.refusal)
    cursor.advance(context.keys(first.target))
    if hedge_s:
        hedge = Hedge(context, cursor, out, hedge_s, make_runner)
        failure = await hedge.attempt()
    else:
        runner = make_runner(context, cursor, out, record)
        failure = await runner.run()
        counts.waited_s += runner.waited_s
    if failure is not None:  # not before: entering tenacity costs as much as the rest of an attempt
        loop = RetryLoop(context, cursor, out)
        failure = await loop.run(hedge.attempt if hedge_s else loop.attempt, failure)
    if failure is not None:
        spent = counts.total >= route.policy.attempts
        raise UpstreamFailed(failure, attempts=counts.made + counts.refused, spent=spent, in_stream=out.head_sent)


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
    """Continues after the first failure of a request: the policy decides, the cursor moves, tenacity waits."""

    __slots__ = ("_context", "_cursor", "_out", "_wait_s")

    def __init__(self, context: RequestContext, cursor: Cursor[VendorKey], out: Writer) -> None:
        self._context = context
        self._cursor = cursor
        self._out = out
        self._wait_s = 0.0

    async def run(self, attempt: Callable[[], Awaitable[Failure | None]], failure: Failure) -> Failure | None:
        """Continue after ``failure``. Return the last failure, or None if an attempt succeeded."""
        first = [failure]

        async def next_attempt() -> Failure | None:
            return first.pop() if first else await attempt()

        retrying = AsyncRetrying(
            retry=retry_if_result(self.should_continue),
            wait=self.wait,
            stop=stop_never,
            sleep=self._context.state.sleep,
        )
        try:
            return await retrying(next_attempt)
        finally:
            retrying.iter_state.reset()  # breaks a reference cycle that would wait for the garbage collector

    async def attempt(self) -> Failure | None:
        """Make one attempt at the cursor's position. Return None for a complete response. Raises Overloaded."""
        context = self._context
        runner = make_runner(context, self._cursor, self._out, context.record)
        failure = await runner.run()
        context.counts.waited_s += runner.waited_s
        return failure

    def wait(self, state: RetryCallState) -> float:
        """Return the decided wait before the next attempt (seconds), for tenacity."""
        return self._wait_s

    def should_continue(self, failure: Failure | None) -> bool:
        """Decide what follows a failure, and move to the next key or target. False: the client receives the failure."""
        if failure is None:
            return False
        context, cursor, position = self._context, self._cursor, self._cursor.position
        counts, retries = context.counts, context.state.retries
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
            left_s=context.times(position.plan).total_s - counts.elapsed_s() + counts.waited_s,
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
                cursor.advance(context.keys(upcoming.target))
            case RetryWithoutFields():
                assert without is not None
                position.plan, position.omitted = without, failure.fields
                context.record.omitted(failure.fields)
        self._out.discard_held()
        return True

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
