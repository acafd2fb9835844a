"""What the attempts of one request share, and the state of the server as their cursor asks for it."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from adapters.core.exchange import Keep
from adapters.core.failures import Failure
from adapters.core.message import COMMA, Message, joined
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan, Target
from adapters.planning import plan, plan_without
from proxy._types import Caller, Route
from proxy.app_state import AppState, ConfigSnapshot, random_bits
from proxy.attempts.counts import AttemptCounts
from proxy.credentials.pool import Times, VendorAccount, VendorKey
from proxy.limiter.scheduler import Ticket
from proxy.observability.request_record import RequestRecord
from proxy.storage.interface import StoreUnavailable


class RateLimitRefusal(NamedTuple):
    """The last call that the vendor refused with a rate limit on one key: its ticket and the failure."""

    ticket: Ticket
    failure: Failure


class RequestContext:
    """The request with its route, its configuration, its counts and its record.

    ``response_id`` and ``created`` are those of the response, if the vendor sends none. ``timed``: the route's strategy
    needs the latency of each attempt. ``refusals``: rate limit refusals in this request, by key.
    """

    __slots__ = (
        "caller", "counts", "created", "record", "refusals", "request", "response_id", "route", "snapshot", "state", "timed",
    )  # fmt: skip

    def __init__(
        self,
        request: ApiRequest,
        route: Route,
        state: AppState,
        snapshot: ConfigSnapshot,
        record: RequestRecord,
        counts: AttemptCounts,
        caller: Caller,
    ) -> None:
        self.request = request
        self.route = route
        self.state = state
        self.snapshot = snapshot
        self.record = record
        self.counts = counts
        self.caller = caller
        self.response_id = f"{random_bits(96):024x}"
        self.created = int(time.time())
        self.timed = False
        self.refusals: dict[VendorKey, RateLimitRefusal] = {}

    def plan(self, target: Target) -> Plan:
        """Return the plan for a target, without the added fields that it refused recently. Raises Refused."""
        refused = self.state.refused_fields
        fields = refused.at(target.label) if refused.known else ()
        return plan_without(self.request, target, fields) if fields else plan(self.request, target)

    def times(self, plan: Plan, *, streams: bool) -> Times:
        """Return the time limits of an attempt. ``streams``: whether the vendor's response is a stream."""
        times = self.account(plan.target).times[plan.thinks, streams]
        factor = self.counts.time_factor
        return times if factor == 1 else times._replace(total_s=times.total_s * factor)

    def is_ready(self, target: Target) -> bool:
        """Whether the target's vendor has a free slot and a key, and the target is not cooling down."""
        account = self.snapshot.accounts[target.entry]
        if account.in_flight >= self.snapshot.max_requests_per_vendor or account.cooling_down():
            return False
        breaker = self.state.breaker
        return target.label not in breaker.failing or not breaker.is_cooling_down(target.label, time.monotonic())

    def remember_omitted(self, target: Target, fields: Sequence[str]) -> None:
        """A call succeeded without these fields: leave them out of later calls, and notify the operator once."""
        if self.state.refused_fields.remember(target.label, fields):
            self.state.notify(
                Message(
                    "{target} refuses {fields}, which banjia adds to requests; omitted for one hour",
                    target=target.label,
                    fields=joined(COMMA, fields),
                )
            )

    async def keep(self, do: Keep) -> None:
        """Store a value for later requests of the same client. Without a store it is lost, and the request continues."""
        tenant = self.state.tenant(self.caller)
        with suppress(StoreUnavailable):
            await self.state.store.values.put(do.kind, tenant, do.keys, do.value, do.ttl_s)

    def account(self, target: Target) -> VendorAccount:
        """Return the account that calls to a target use."""
        return self.snapshot.accounts[target.entry]

    def cool_down(self, key: VendorKey, failure: Failure) -> None:
        """Start the cooldown of a key if the failure is the key's fault."""
        if failure.fault == "credential" and failure.kind != "model_not_found":
            key.cools_until = time.monotonic() + self.state.key_cool_down_s

    def slot_in_s(self, key: VendorKey, model: str, now: float) -> float:
        """Estimate after how many seconds a key has a slot, from its queue and this request's own refusal there."""
        refusal = self.refusals.get(key)
        own_s = 0.0 if refusal is None else refusal.ticket.retry_at - now
        return own_s if key.limiter is None else max(own_s, key.limiter.wait_s(model))
