"""Failover state of one request: the current target and API key, and which ones remain."""

import copy
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import NamedTuple

from tenacity import RetryCallState

from adapters.core.exchange import Exchange
from adapters.core.failures import Failure, Refused
from adapters.core.message import COMMA, Message, joined
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.vendor import Plan, Target
from adapters.core.wire import Call
from adapters.emulations import wrapped
from adapters.planning import plan, plan_without
from proxy._types import Attempt, Route
from proxy.app_state import AppState, ConfigSnapshot
from proxy.attempts.rate_limited_runner import RateLimitedRunner, no_slot, outcome_of
from proxy.attempts.retry_policy import AttemptState, GiveUp, NextKey, NextTarget, Retry, RetryWithoutFields, decide
from proxy.attempts.runner import AttemptRunner, Sign
from proxy.attempts.target_order import order_targets
from proxy.credentials.pool import VendorAccount, VendorKey
from proxy.credentials.redaction import without_parts_of
from proxy.errors import BadRequest, NotSupported, Overloaded
from proxy.limiter.limiter import Limiter
from proxy.limiter.scheduler import Outcome, Ticket
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.writer import Writer
from proxy.routing.circuit_breaker import Trial

CURSOR_FIELDS = (
    "_plan",
    "_keys",
    "_times",
    "_on_target",
    "_on_key",
    "_refusals",
    "_waited_before",
    "_omitted",
    "_failed_keys",
)
"""The attributes that a hedge copies back from the branch it adopts."""


class RateLimitRefusal(NamedTuple):
    """The last call that the vendor refused with a rate limit on one key: its ticket and the failure."""

    ticket: Ticket
    failure: Failure


class Failover:
    """Runs the attempts of one request: holds the current target and API key, and moves on to the next after a failure.

    Raises NotSupported or BadRequest when no target can serve the request.
    """

    def __init__(
        self,
        request: ApiRequest,
        route: Route,
        state: AppState,
        snapshot: ConfigSnapshot,
        record: RequestRecord,
        out: Writer,
    ) -> None:
        self.state = state
        self._snapshot = snapshot
        self._request = request
        self._route = route
        self.record = record
        record.retries = state.retries
        self.writer = out
        self._response_id = state.fresh_id(12)
        self._created = int(time.time())
        self._wait_s = 0.0
        self._on_target = 0
        self._on_key = 0
        self._waited_before = 0.0
        self._refusals: dict[int, RateLimitRefusal] = {}
        self._refusal: Refused | None = None
        self._omitted: tuple[str, ...] = ()  # fields that the vendor refused and the current plan leaves out
        self._failed_keys: frozenset[int] = frozenset()  # ids of the current target's keys that failed in this request
        self._targets = list(route.targets)
        self._timed = False
        self.hedge_s = 0.0  # after how long a second target is called too; 0: never
        if len(self._targets) > 1:
            self._prepare_choice()
        first = self._plan_next()
        if first is None:
            raise self._not_supported()
        self._plan: Plan = first
        self._keys: list[VendorKey] = snapshot.accounts[first.target.entry].candidates(model=first.target.model.id)
        self._upcoming: Plan | None = None

    def _prepare_choice(self) -> None:
        """Set up load balancing and hedging, which only matter if there are several targets."""
        route, hedge_s = self._route, self._route.policy.hedge_s
        if route.strategy != "failover":
            self._targets = order_targets(route, self._request, self.state)
            self._timed = route.strategy == "fastest"
        if hedge_s != "off" and not self._request.stream:
            self.hedge_s = hedge_s

    def _not_supported(self) -> BadRequest:
        assert self._refusal is not None  # a route has at least one target, and each one plans or refuses
        return NotSupported.of(self._refusal)

    def _plan_next(self) -> Plan | None:
        """Return the plan of the next target that supports the request; skip the others, keep the first refusal."""
        while self._targets:
            target = self._targets.pop(0 if len(self._targets) == 1 else self._first_ready())
            try:
                return self._planned(target)
            except Refused as refusal:
                self._refusal = self._refusal or refusal
        return None

    def _planned(self, target: Target) -> Plan:
        """Return the plan for a target, without the added fields that it refused recently. Raises Refused."""
        refused = self.state.refused_fields
        fields = refused.at(target.label) if refused.known else ()
        return plan_without(self._request, target, fields) if fields else plan(self._request, target)

    def _first_ready(self) -> int:
        """Return the index of the next target. Those that are cooling down come last, and are never left out."""
        return next((index for index, target in enumerate(self._targets) if not self._is_cooling_down(target)), 0)

    def _is_cooling_down(self, target: Target) -> bool:
        account = self._snapshot.accounts[target.entry]
        if account.in_flight >= self._snapshot.max_requests_per_vendor or account.cooling_down():
            return True
        breaker = self.state.breaker
        return target.label in breaker.failing and breaker.is_cooling_down(target.label, time.monotonic())

    async def attempt(self) -> Failure | None:
        """Make one attempt with the current target and key. Return None for a complete response. Raises Overloaded."""
        current, key = self._plan, self._keys[0]
        account = self._snapshot.accounts[current.target.entry]
        if account.in_flight >= self._snapshot.max_requests_per_vendor:
            raise self._vendor_overloaded(account.in_flight)
        label, breaker = current.target.label, self.state.breaker
        trial = breaker.enter(label, time.monotonic()) if label in breaker.failing else None
        began_s, replayed = self.record.elapsed_s() if self._timed else 0.0, self.record.replayed
        attempt = Attempt(current.target, self.record.attempts + 1, current.adaptations, {}, account.secrets[key])
        self._on_target += 1
        self._on_key += 1
        self.writer.discard_held()
        ids = AttemptIds(count(1), self._response_id, self._created)
        self._times = account.times(current.thinks, self._request.stream)

        def sign(call: Call) -> Call:
            if account.headers:
                call = replace(call, headers=(*call.headers, *account.headers))
            return current.target.vendor.auth.sign(call, key.credential, time.time())

        exchange, limiter, sent = wrapped(current)(current.request, ids), key.limiter, True
        account.in_flight += 1
        try:
            if limiter is None:
                self.record.attempt(attempt)
                key.calls += 1
                runner = AttemptRunner(
                    attempt, self.writer, account.upstream, sign, self._times, self.record, self.state.budget
                )
                failure = await runner.run(exchange)
            else:
                failure, sent = await self._with_slots(limiter, key, attempt, account, sign, exchange)
        except BaseException:  # the client disconnected, or a bug: nothing is learned about the target
            if limiter is None:
                self._untracked_ended(key, current.target, "lost", None)
            if trial is not None:
                trial.abandon()
            if self._timed:
                self.state.latencies.left(label, self._request.stream, self.record.elapsed_s() - began_s)
            raise
        finally:
            account.in_flight -= 1
            self._on_target += self.record.replayed - replayed
            key.calls -= limiter is None
        if limiter is None and (failure is not None or key.limiter is not None):
            self._untracked_ended(key, current.target, outcome_of(failure), failure)
        if failure is not None:
            if sent:
                self.record.attempt_failed(current.target.label, failure.kind)
            failure = self._describe(failure, current.target, key)
            self._report_to_breaker(failure, label, trial)
        else:
            key.cools_until = 0.0
            if label in breaker.failing:
                breaker.succeeded(label, trial)
            if self._omitted:
                self._remember_omitted(current.target)
        if self._timed and sent:
            self._time(label, began_s, failure)
        return failure

    def _vendor_overloaded(self, in_flight: int) -> Overloaded:
        overloaded = Overloaded(
            Message(
                "{vendor} has {count} requests in progress, the limit for one vendor if several are configured (80% of server.max_concurrency). Try again in a moment.",
                vendor=self._plan.target.vendor.title,
                count=in_flight,
            )
        )
        overloaded.should_retry = not self.record.attempts
        overloaded.retry_after_s = 1.0
        return overloaded

    def _report_to_breaker(self, failure: Failure, label: str, trial: Trial | None) -> None:
        """Report the failure to the circuit breaker, unless it was a wait for a free connection in the pool."""
        if failure.fault == "vendor" and failure.phase != "pool":
            draw = random.random()  # noqa: S311 - jitter, not a secret
            self.state.breaker.failed(label, trial, time.monotonic(), draw, self._snapshot.settings.breaker)
        elif trial is not None:
            trial.abandon()

    def _time(self, label: str, began_s: float, failure: Failure | None) -> None:
        """Record the time to the first content, or to a failure that is not the client's fault."""
        latencies, stream, now_s = self.state.latencies, self._request.stream, self.record.elapsed_s()
        if failure is None:
            latencies.record(label, stream, (self.record.first_content_s or now_s) - began_s)
        elif failure.fault != "caller":
            latencies.failed(label, stream, now_s - began_s)

    async def _with_slots(
        self, limiter: Limiter, key: VendorKey, attempt: Attempt, account: VendorAccount, sign: Sign, exchange: Exchange
    ) -> tuple[Failure | None, bool]:
        """Make one attempt whose calls wait for slots. Return the failure, and whether any call was sent."""
        if self._upcoming is None:
            self._upcoming = self._plan_next()
        model, elsewhere = attempt.target.model.id, self._upcoming is not None
        wait_s = limiter.limits.wait_s - (self.record.waited_s - self._waited_before)
        before = self._refusals.get(id(key))
        retry_at, refusals = (0.0, 0) if before is None else (before.ticket.retry_at, before.ticket.refusals)

        def ticket(tokens: int) -> Ticket:
            return Ticket(model, self.record.started, tokens, retry_at=retry_at, refusals=refusals, elsewhere=elsewhere)

        runner = RateLimitedRunner(
            attempt, self.writer, account.upstream, sign, self._times, self.record, self.state.budget, limiter, ticket,
            max(0.0, wait_s),
        )  # fmt: skip
        failure = await runner.run(exchange)
        if failure is not None and runner.denied is not None:
            if not runner.sent:
                self._on_target -= 1
                self._on_key -= 1
            refusal = None if before is None else before.failure
            return no_slot(attempt.target, limiter.limits, runner.denied, refusal), runner.sent
        if failure is not None and runner.refused is not None:
            self._refusals[id(key)] = RateLimitRefusal(runner.refused, failure)
        return failure, True

    def _untracked_ended(self, key: VendorKey, target: Target, outcome: Outcome, failure: Failure | None) -> None:
        """Report the end of a call that began without a limiter. The first rate limit error creates one for its key."""
        account, model = self._snapshot.accounts[target.entry], target.model.id
        ticket = self.state.limiters.untracked_ended(target.entry, account, key, model, outcome, failure)
        if outcome == "refused" and ticket is not None and failure is not None:
            self._refusals[id(key)] = RateLimitRefusal(ticket, failure)

    def _describe(self, failure: Failure, target: Target, key: VendorKey) -> Failure:
        message = self.state.redact_message(failure.message)
        if failure.param is not None:
            failure = failure._replace(param=self.state.redact(failure.param))
        if failure.fault == "credential":
            message = message.with_texts(partial(without_parts_of, key.secret.get_secret_value()))
        if failure.kind in ("key_refused", "forbidden"):
            region = self._snapshot.settings.vendors[target.entry].region
            title = target.vendor.title
            if target.vendor.base_urls:
                message = Message(
                    "{vendor} refused the key ending in {tail} (vendor '{entry}'). Check the key, and that it belongs to this region ({region}): a key works in one region only. {reply}",
                    vendor=title,
                    tail=key.tail,
                    entry=target.entry,
                    region=region,
                    reply=message,
                )
            else:
                message = Message(
                    "{vendor} refused the key ending in {tail} (vendor '{entry}'). Check the key. {reply}",
                    vendor=title,
                    tail=key.tail,
                    entry=target.entry,
                    reply=message,
                )
        return failure._replace(message=message)

    # --- after a failure ----------------------------------------------------------------------------------------

    def should_continue(self, failure: Failure | None) -> bool:
        """Decide what follows a failure, and move to the next key or target. False: the client receives the failure."""
        if failure is None:
            return False
        if self._upcoming is None:
            self._upcoming = self._plan_next()
        next_keys = self._next_keys(failure)
        if next_keys or self._upcoming is not None:  # never cool down the only key that is left
            self.cool_down_key(failure)
        if failure.phase in ("reset", "write"):
            self.record.replays = 0  # other kept connections are likely to be dead too
        without = self._without(failure) if failure.fields else None
        attempt_state = AttemptState(
            attempts=self.record.attempts + self.record.earlier_requests,
            on_target=self._on_target,
            on_key=self._on_key,
            content_sent=self.writer.content_sent,
            more_keys=bool(next_keys),
            more_targets=self._upcoming is not None,
            rerouted=failure.kind in self._route.policy.reroute,
            # After a rate limit error the call waits for a slot on its key, which the retry budget does not limit.
            budget_left=(failure.fault == "rate" or self.state.retries.left())
            and not (self._upcoming is not None and self._is_cooling_down(self._plan.target)),
            left_s=self._times.total_s - self.record.elapsed_s() + self.record.waited_s,
            jitter=random.random(),  # noqa: S311 - jitter, not a secret
            queues=failure.fault == "rate" and self._queues(),
            can_omit=without is not None,
        )
        self._wait_s = 0.0
        match decide(failure, attempt_state, self._route.policy):
            case GiveUp():
                return False
            case Retry(wait_s):
                self._wait_s = wait_s
                if failure.fault != "rate":
                    self.state.retries.spend()
                elif attempt_state.queues:
                    self._back_to_queue()
            case NextKey():
                self._keys = next_keys
                self._on_key = 0
            case NextTarget():
                self._move_on()
            case RetryWithoutFields():
                assert without is not None
                self._plan = without
                self._omitted = failure.fields
                self.record.omitted(failure.fields)
        return True

    def _without(self, failure: Failure) -> Plan | None:
        """Return the plan without the added fields that the refusal names; None if tried before or not possible."""
        if self._omitted:
            return None
        known = self.state.refused_fields.at(self._plan.target.label)
        try:
            return plan_without(self._request, self._plan.target, {*known, *failure.fields})
        except Refused:
            return None

    def _remember_omitted(self, target: Target) -> None:
        """The call succeeded without these fields: leave them out of later calls, and notify the operator once."""
        fields, self._omitted = self._omitted, ()
        if self.state.refused_fields.remember(target.label, fields):
            self.state.notify(
                Message(
                    "{target} refuses {fields}, which banjia adds to requests; omitted for one hour",
                    target=target.label,
                    fields=joined(COMMA, fields),
                )
            )

    def _queues(self) -> bool:
        """Whether the current key has a queue in which a rate limited call can wait for a slot."""
        limiter = self._keys[0].limiter
        return limiter is not None and limiter.limits.learn

    def _back_to_queue(self) -> None:
        """Queue a rate limited call on the key whose slot comes soonest. The refused call was no attempt."""
        self._on_target -= 1
        self._on_key -= 1
        self.record.rate_limited()
        account, now, model = (
            self._snapshot.accounts[self._plan.target.entry],
            time.monotonic(),
            self._plan.target.model.id,
        )
        if len(account.keys) > 1:
            usable = [key for key in account.candidates(now, model) if id(key) not in self._failed_keys]
            self._keys = [min(usable or self._keys, key=lambda key: self._slot_in_s(key, model, now))]

    def _slot_in_s(self, key: VendorKey, model: str, now: float) -> float:
        """Estimate after how many seconds a key has a slot, from its queue and this request's own refusal there."""
        refusal = self._refusals.get(id(key))
        own_s = 0.0 if refusal is None else refusal.ticket.retry_at - now
        return own_s if key.limiter is None else max(own_s, key.limiter.wait_s(model))

    def _move_on(self) -> None:
        """Move to the next target, which is already planned."""
        assert self._upcoming is not None
        self._plan, self._upcoming = self._upcoming, None
        self._keys = self._snapshot.accounts[self._plan.target.entry].candidates(model=self._plan.target.model.id)
        self._on_target = self._on_key = 0
        self._omitted = ()
        self._failed_keys = frozenset()
        self._waited_before = self.record.waited_s

    def cool_down_key(self, failure: Failure) -> None:
        """Start the cooldown of the current key if the failure is the key's fault."""
        if failure.fault == "credential" and failure.kind != "model_not_found":
            self._keys[0].cools_until = time.monotonic() + self.state.key_cool_down_s

    def _next_keys(self, failure: Failure) -> list[VendorKey]:
        """Return the current target's keys to try after this failure, best first.

        A key that failed by its own fault is not used again in this request. If no other key and no target is left,
        return the keys that the vendor rate limited before, which wait for their slots; else a single key that is
        cooling down, since each of those may fail again.
        """
        left = self._keys[1:]
        if failure.fault != "credential":
            return left
        self._failed_keys |= {id(self._keys[0])}
        account = self._snapshot.accounts[self._plan.target.entry]
        if left or self._upcoming is not None or len(account.keys) == 1:
            return left
        now, model = time.monotonic(), self._plan.target.model.id
        others = [key for key in account.keys if id(key) not in self._failed_keys]
        ready = [key for key in others if key.cools_until <= now]
        if ready:
            return sorted(ready, key=lambda key: self._slot_in_s(key, model, now))
        self._failed_keys |= {id(key) for key in others}
        return sorted(others, key=lambda key: key.cools_until)[:1]

    def wait(self, state: RetryCallState) -> float:
        """Return the decided wait before the next attempt (seconds), for tenacity."""
        return self._wait_s

    # --- for proxy/attempts/hedge.py ----------------------------------------------------------------------------

    @property
    def label(self) -> str:
        """The label of the current target."""
        return self._plan.target.label

    @property
    def reroute(self) -> Sequence[str]:
        """The kinds of client errors that another target is tried for (``policy.reroute``)."""
        return self._route.policy.reroute

    def branch(self, out: Writer) -> "Failover":
        """Return a copy for the next attempt, with its own writer and record."""
        if self._upcoming is None:
            self._upcoming = self._plan_next()  # now, because the copy shares the remaining targets
        branch = copy.copy(self)
        branch.writer = out
        branch.record = self.record.branch(self.label)
        return branch

    def branch_to_next_target(self, out: Writer) -> "Failover | None":
        """Return a branch at the next target; None if it is missing or cooling down, or no attempt is left."""
        attempts, state = self.record.attempts + self.record.earlier_requests, self.state
        if attempts >= self._route.policy.attempts or not state.retries.left():
            return None
        if self._upcoming is None:
            self._upcoming = self._plan_next()
        if self._upcoming is None or self._is_cooling_down(self._upcoming.target):
            return None
        state.retries.spend()
        self._move_on()
        return self.branch(out)

    def adopt(self, branch: "Failover") -> None:
        """Continue from the state in which this branch ended."""
        vars(self).update({name: getattr(branch, name) for name in CURSOR_FIELDS})
