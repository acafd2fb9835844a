"""The way of one request through its route: which target and key are in use, and which are next."""

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
"""What says where a course stands."""


class RateLimitRefusal(NamedTuple):
    """The last refusal by rate with one key: the ticket of the call, and what the vendor said."""

    ticket: Ticket
    failure: Failure


class Failover:
    """The way of one request through its route: the target and key in use, and those still to come."""

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
        self._answer_id = state.fresh_id(12)
        self._created = int(time.time())
        self._wait_s = 0.0
        self._on_target = 0
        self._on_key = 0
        self._waited_before = 0.0
        self._refusals: dict[int, RateLimitRefusal] = {}
        self._refusal: Refused | None = None
        self._omitted: tuple[str, ...] = ()  # what the vendor refused and the call in use leaves out
        self._failed_keys: frozenset[int] = frozenset()  # those of the target in use that can't serve this request
        self._targets = list(route.targets)
        self._timed = False
        self.hedge_s = 0.0  # after how long a second target is asked too; 0 for not at all
        if len(self._targets) > 1:
            self._prepare_choice()
        first = self._plan_next()
        if first is None:
            raise self._not_supported()
        self._plan: Plan = first
        self._keys: list[VendorKey] = snapshot.accounts[first.target.entry].candidates(model=first.target.model.id)
        self._upcoming: Plan | None = None

    def _prepare_choice(self) -> None:
        """What only matters where there is a choice."""
        route, hedge_s = self._route, self._route.policy.hedge_s
        if route.strategy != "failover":
            self._targets = order_targets(route, self._request, self.state)
            self._timed = route.strategy == "fastest"
        if hedge_s != "off" and not self._request.stream:
            self.hedge_s = hedge_s

    def _not_supported(self) -> BadRequest:
        assert self._refusal is not None  # a route has a target, and each one plans or refuses
        return NotSupported.of(self._refusal)

    def _plan_next(self) -> Plan | None:
        """The next target that can serve the ask; the others are passed over, and the first reason is kept."""
        while self._targets:
            target = self._targets.pop(0 if len(self._targets) == 1 else self._first_ready())
            try:
                return self._planned(target)
            except Refused as refusal:
                self._refusal = self._refusal or refusal
        return None

    def _planned(self, target: Target) -> Plan:
        """The plan for a target, without what it has refused lately. Raises Refused."""
        refused = self.state.refused_fields
        fields = refused.at(target.label) if refused.known else ()
        return plan_without(self._request, target, fields) if fields else plan(self._request, target)

    def _first_ready(self) -> int:
        """The place of the next target: one that rests, or whose keys all do, is tried after the others, never left out."""
        return next((place for place, target in enumerate(self._targets) if not self._is_cooling_down(target)), 0)

    def _is_cooling_down(self, target: Target) -> bool:
        account = self._snapshot.accounts[target.entry]
        if account.in_flight >= self._snapshot.max_requests_per_vendor or account.cooling_down():
            return True
        breaker = self.state.breaker
        return target.label in breaker.failing and breaker.is_cooling_down(target.label, time.monotonic())

    async def attempt(self) -> Failure | None:
        """One attempt with the target and key in use. None for a whole answer. Raises Overloaded."""
        chosen, key = self._plan, self._keys[0]
        account = self._snapshot.accounts[chosen.target.entry]
        if account.in_flight >= self._snapshot.max_requests_per_vendor:
            raise self._vendor_overloaded(account.in_flight)
        label, breaker = chosen.target.label, self.state.breaker
        trial = breaker.enter(label, time.monotonic()) if label in breaker.failing else None
        began_s, replayed = self.record.elapsed_s() if self._timed else 0.0, self.record.replayed
        attempt = Attempt(chosen.target, self.record.attempts + 1, chosen.adaptations, {}, account.secrets[id(key)])
        self._on_target += 1
        self._on_key += 1
        self.writer.discard_held()
        seed = AttemptIds(count(1), self._answer_id, self._created)
        self._times = account.times(chosen.thinks, self._request.stream)

        def sign(call: Call) -> Call:
            if account.headers:
                call = replace(call, headers=(*call.headers, *account.headers))
            return chosen.target.vendor.auth.sign(call, key.secret.get_secret_value(), time.time())

        exchange, limiter, sent = wrapped(chosen)(chosen.request, seed), key.limiter, True
        account.in_flight += 1
        try:
            if limiter is None:
                self.record.attempt(attempt)
                key.calls += 1
                drive = AttemptRunner(
                    attempt, self.writer, account.upstream, sign, self._times, self.record, self.state.budget
                )
                failure = await drive.run(exchange)
            else:
                failure, sent = await self._with_slots(limiter, key, attempt, account, sign, exchange)
        except BaseException:  # the caller has left, or a bug: nothing is known of the target
            if limiter is None:
                self._untracked_ended(key, chosen.target, "lost", None)
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
            self._untracked_ended(key, chosen.target, outcome_of(failure), failure)
        if failure is not None:
            if sent:
                self.record.attempt_failed(chosen.target.label, failure.kind)
            failure = self._describe(failure, chosen.target, key)
            self._report_to_breaker(failure, label, trial)
        else:
            key.cools_until = 0.0
            if label in breaker.failing:
                breaker.succeeded(label, trial)
            if self._omitted:
                self._remember_omitted(chosen.target)
        if self._timed and sent:
            self._time(label, began_s, failure)
        return failure

    def _vendor_overloaded(self, under_way: int) -> Overloaded:
        crowded = Overloaded(
            Message(
                "{vendor} has {count} requests under way, as many as one of several vendors may have (four fifths of server.max_concurrency). Try again in a moment.",
                vendor=self._plan.target.vendor.title,
                count=under_way,
            )
        )
        crowded.should_retry = not self.record.attempts
        crowded.retry_after_s = 1.0
        return crowded

    def _report_to_breaker(self, failure: Failure, label: str, trial: Trial | None) -> None:
        """Tell the breaker. A wait for a connection that never came free is no fault of the target's."""
        if failure.fault == "vendor" and failure.phase != "pool":
            draw = random.random()  # noqa: S311 - jitter, not a secret
            self.state.breaker.failed(label, trial, time.monotonic(), draw, self._snapshot.settings.breaker)
        elif trial is not None:
            trial.abandon()

    def _time(self, label: str, began_s: float, failure: Failure | None) -> None:
        """Remember how long it took to the first content, or to the failure; the caller's own error tells nothing."""
        latencies, stream, now_s = self.state.latencies, self._request.stream, self.record.elapsed_s()
        if failure is None:
            latencies.record(label, stream, (self.record.first_content_s or now_s) - began_s)
        elif failure.fault != "caller":
            latencies.failed(label, stream, now_s - began_s)

    async def _with_slots(
        self, limiter: Limiter, key: VendorKey, attempt: Attempt, account: VendorAccount, sign: Sign, exchange: Exchange
    ) -> tuple[Failure | None, bool]:
        """One attempt whose calls wait for slots, and whether any was sent: without a slot there was no attempt."""
        if self._upcoming is None:
            self._upcoming = self._plan_next()
        model, elsewhere = attempt.target.model.id, self._upcoming is not None
        wait_s = limiter.limits.wait_s - (self.record.waited_s - self._waited_before)
        before = self._refusals.get(id(key))
        retry_at, refusals = (0.0, 0) if before is None else (before.ticket.retry_at, before.ticket.refusals)

        def ticket(tokens: int) -> Ticket:
            return Ticket(model, self.record.started, tokens, retry_at=retry_at, refusals=refusals, elsewhere=elsewhere)

        drive = RateLimitedRunner(
            attempt, self.writer, account.upstream, sign, self._times, self.record, self.state.budget, limiter, ticket,
            max(0.0, wait_s),
        )  # fmt: skip
        failure = await drive.run(exchange)
        if failure is not None and drive.denied is not None:
            if not drive.sent:
                self._on_target -= 1
                self._on_key -= 1
            refusal = None if before is None else before.failure
            return no_slot(attempt.target, limiter.limits, drive.denied, refusal), drive.sent
        if failure is not None and drive.refused is not None:
            self._refusals[id(key)] = RateLimitRefusal(drive.refused, failure)
        return failure, True

    def _untracked_ended(self, key: VendorKey, target: Target, outcome: Outcome, failure: Failure | None) -> None:
        """A call that began without a limiter has ended; the first that is refused by rate gives its key one."""
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
            title, words = target.vendor.title, message
            if target.vendor.base_urls:
                message = Message(
                    "{vendor} refused the key ending in {tail} (vendor '{entry}'). Check the key, and that it belongs to this region ({region}): a key works at one of the vendor's hosts only. {said}",
                    vendor=title,
                    tail=key.tail,
                    entry=target.entry,
                    region=region,
                    said=words,
                )
            else:
                message = Message(
                    "{vendor} refused the key ending in {tail} (vendor '{entry}'). Check the key. {said}",
                    vendor=title,
                    tail=key.tail,
                    entry=target.entry,
                    said=words,
                )
        return failure._replace(message=message)

    # --- after a failure ----------------------------------------------------------------------------------------

    def should_continue(self, failure: Failure | None) -> bool:
        """Decide, and move to the key or target that is next. False: the failure is handed to the caller."""
        if failure is None:
            return False
        if self._upcoming is None:
            self._upcoming = self._plan_next()
        next_keys = self._next_keys(failure)
        if next_keys or self._upcoming is not None:  # the last key of the last target is what is left to try
            self.cool_down_key(failure)
        if failure.phase in ("reset", "write"):
            self.record.replays = 0  # other kept connections are likely to be dead too
        without = self._without(failure) if failure.fields else None
        standing = AttemptState(
            attempts=self.record.attempts + self.record.earlier_requests,
            on_target=self._on_target,
            on_key=self._on_key,
            content_sent=self.writer.content_sent,
            more_keys=bool(next_keys),
            more_targets=self._upcoming is not None,
            other_named=failure.kind in self._route.policy.reroute,
            # A call that was refused by rate waits for its slot on the key: the retry budget is not for it.
            budget_left=(failure.fault == "rate" or self.state.retries.left())
            and not (self._upcoming is not None and self._is_cooling_down(self._plan.target)),
            left_s=self._times.total_s - self.record.elapsed_s() + self.record.waited_s,
            jitter=random.random(),  # noqa: S311 - jitter, not a secret
            queues=failure.fault == "rate" and self._queues(),
            can_omit=without is not None,
        )
        self._wait_s = 0.0
        match decide(failure, standing, self._route.policy):
            case GiveUp():
                return False
            case Retry(wait_s):
                self._wait_s = wait_s
                if failure.fault != "rate":
                    self.state.retries.spend()
                elif standing.queues:
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
        """The plan without the fields of ours that the refusal names; None where that was tried, or can't be planned."""
        if self._omitted:
            return None
        known = self.state.refused_fields.at(self._plan.target.label)
        try:
            return plan_without(self._request, self._plan.target, {*known, *failure.fields})
        except Refused:
            return None

    def _remember_omitted(self, target: Target) -> None:
        """The call was answered without these fields: leave them out of later calls, and say so once."""
        fields, self._omitted = self._omitted, ()
        if self.state.refused_fields.remember(target.label, fields):
            self.state.notify(
                Message(
                    "{target} refuses {fields}, which banjia adds to requests: left out for an hour",
                    target=target.label,
                    fields=joined(COMMA, fields),
                )
            )

    def _queues(self) -> bool:
        """Whether the key in use has a queue in which a refused call waits for its slot."""
        limiter = self._keys[0].limiter
        return limiter is not None and limiter.limits.learn

    def _back_to_queue(self) -> None:
        """The refused call waits for a slot, on the key where that comes soonest: it was no attempt."""
        self._on_target -= 1
        self._on_key -= 1
        self.record.rate_limited()
        account, now, model = (
            self._snapshot.accounts[self._plan.target.entry],
            time.monotonic(),
            self._plan.target.model.id,
        )
        if len(account.keys) > 1:
            able = [key for key in account.candidates(now, model) if id(key) not in self._failed_keys]
            self._keys = [min(able or self._keys, key=lambda key: self._slot_in_s(key, model, now))]

    def _slot_in_s(self, key: VendorKey, model: str, now: float) -> float:
        """In about how many seconds this request can have a slot on a key: by its queue, and by its own refusal there."""
        refusal = self._refusals.get(id(key))
        own_s = 0.0 if refusal is None else refusal.ticket.retry_at - now
        return own_s if key.limiter is None else max(own_s, key.limiter.wait_s(model))

    def _move_on(self) -> None:
        """To the next target, which has been planned."""
        assert self._upcoming is not None
        self._plan, self._upcoming = self._upcoming, None
        self._keys = self._snapshot.accounts[self._plan.target.entry].candidates(model=self._plan.target.model.id)
        self._on_target = self._on_key = 0
        self._omitted = ()
        self._failed_keys = frozenset()
        self._waited_before = self.record.waited_s

    def cool_down_key(self, failure: Failure) -> None:
        """Let the key in use rest, if it is what failed."""
        if failure.fault == "credential" and failure.kind != "model_not_found":
            self._keys[0].cools_until = time.monotonic() + self.state.key_cool_down_s

    def _next_keys(self, failure: Failure) -> list[VendorKey]:
        """The keys of the target in use to try after this failure, best first.

        One that failed by itself is not asked again for this request. Where no other key and no target is left, these are
        the keys that the vendor refused by rate before, which wait for their slots; else one that rests. Of those that rest
        only one is asked, since each may be as bad as it was.
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
        awake = [key for key in others if key.cools_until <= now]
        if awake:
            return sorted(awake, key=lambda key: self._slot_in_s(key, model, now))
        self._failed_keys |= {id(key) for key in others}
        return sorted(others, key=lambda key: key.cools_until)[:1]

    def wait(self, state: RetryCallState) -> float:
        """How long to wait before the next attempt, in seconds: what was decided."""
        return self._wait_s

    # --- two attempts side by side, for stages/hedge.py -----------------------------------------------------------

    @property
    def label(self) -> str:
        """The target in use."""
        return self._plan.target.label

    @property
    def reroute(self) -> Sequence[str]:
        """The caller's errors that still go on to another target."""
        return self._route.policy.reroute

    def branch(self, out: Writer) -> "Failover":
        """The attempt that is next, apart: with a writer and an account of its own."""
        if self._upcoming is None:
            self._upcoming = self._plan_next()  # here, since the targets still to come are shared with the copy
        leg = copy.copy(self)
        leg.writer = out
        leg.record = self.record.branch(self.label)
        return leg

    def branch_to_next_target(self, out: Writer) -> "Failover | None":
        """The same at the next target. None if there is none that is awake, or no attempt is left for it."""
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

    def adopt(self, leg: "Failover") -> None:
        """Go on from where this attempt has ended."""
        vars(self).update({name: getattr(leg, name) for name in CURSOR_FIELDS})
