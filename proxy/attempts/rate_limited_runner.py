"""Run an attempt whose upstream calls each wait for a slot of the API key's limiter, and release it at the end."""

import time
from time import perf_counter

import orjson

from adapters.core.exchange import Close, Do, Exchange, Fail, Send, Spent
from adapters.core.failures import Failure
from adapters.core.message import Message
from adapters.core.tokens import estimate_call
from adapters.core.vendor import Target
from adapters.core.wire import Call, End, Got, Head, Id, Lost
from proxy.attempts.context import RateLimitRefusal, RequestContext
from proxy.attempts.cursor import Position
from proxy.attempts.runner import AttemptRunner
from proxy.credentials.pool import VendorKey
from proxy.limiter.adaptive import LONGEST_WAIT_S
from proxy.limiter.limiter import Limiter, NoSlot
from proxy.limiter.scheduler import KeyLimits, Ticket
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.writer import Writer
from proxy.upstream.client import Upstream, UpstreamCall
from proxy.upstream.errors import DESCRIPTIONS

SHORT_S = 0.001
"""Shorter times without a call at the vendor are not counted as waiting (seconds)."""


class RateLimitedRunner(AttemptRunner):
    """A runner that sends each call once it has a slot of the key's limiter.

    ``denied`` is set if a call got no slot in time, ``refused`` to the ticket of a call that the vendor refused with a
    rate limit; either way the attempt has failed. Time during which no call is at the vendor is recorded as waiting,
    and excluded from the vendor's time.
    """

    __slots__ = (
        "_at_vendor",
        "_before",
        "_elsewhere",
        "_idle_since",
        "_limiter",
        "_slots",
        "_wait_s",
        "denied",
        "refused",
    )

    def __init__(
        self,
        context: RequestContext,
        position: Position[VendorKey],
        out: Writer,
        record: RequestRecord,
        limiter: Limiter,
        *,
        elsewhere: bool,
    ) -> None:
        """``limiter``: that of the key in use; ``elsewhere``: another target can serve the request."""
        super().__init__(context, position, out, record)
        self._limiter = limiter
        self._elsewhere = elsewhere
        self._wait_s = max(0.0, limiter.limits.wait_s - position.waited_s)
        self._before = context.refusals.get(self._key)
        self._slots: dict[Id, Ticket] = {}
        self._at_vendor: set[Id] = set()
        self._idle_since: float | None = time.monotonic()
        self.denied: NoSlot | None = None
        self.refused: Ticket | None = None
        self.sent = False

    async def _run(self, exchange: Exchange) -> Failure | None:
        """Run the exchange to its end. No slot is kept."""
        try:
            failure = await super()._run(ReportingExchange(exchange, self))
        finally:
            for id_ in list(self._slots):
                self.release_slot(id_)
            self._resume_clock()
        # Without the phase, an optional call got no slot, and the Exchange decided on the failure.
        if failure is not None and self.denied is not None and failure.phase == "pool":
            refusal = None if self._before is None else self._before.failure
            return no_slot(self._attempt.target, self._limiter.limits, self.denied, refusal)
        if failure is not None and self.refused is not None:
            self._context.refusals[self._key] = RateLimitRefusal(self.refused, failure)
        return failure

    def _perform(self, do: Do) -> None:
        if type(do) is not Send:
            super()._perform(do)
            return
        if do.optional and self._declines(do.id):
            return
        tokens = 0
        if self._limiter.limits.tpm is not None:
            tokens = estimate_call(orjson.loads(do.call.body))
        ticket = self._slots[do.id] = self._ticket(tokens)
        call = RateLimitedCall(self._account.upstream, do.id, do.call, self._times.connect_s, self)
        self._calls[do.id] = call
        if self._limiter.enter(ticket):
            call.begin()

    def _ticket(self, tokens: int) -> Ticket:
        """Return the ticket of a call with these estimated tokens. After a refusal it waits as the vendor asked."""
        retry_at, refusals = 0.0, 0
        if self._before is not None:
            retry_at, refusals = self._before.ticket.retry_at, self._before.ticket.refusals
        return Ticket(
            self._attempt.target.model.id,
            self._context.counts.started,
            tokens,
            retry_at=retry_at,
            refusals=refusals,
            elsewhere=self._elsewhere,
        )

    # --- called by RateLimitedCall ------------------------------------------------------------------------------

    async def wait_for_slot(self, id_: Id) -> bool:
        """Wait for this call's slot. Return False if there is none in time."""
        try:
            await self._limiter.wait(self._slots[id_], self._wait_s)
        except NoSlot as denied:
            self.denied = denied
            return False
        return True

    def begin_call(self, id_: Id, call: Call) -> Call:
        """The call is about to be sent: start its deadline and return it signed."""
        self._resume_clock()
        self._at_vendor.add(id_)
        self._slots[id_].sent = True
        if not self.sent:
            self.sent = True
            if self._record.sent_at is None:
                self._record.sent_at = perf_counter()
            self._record.attempt(self._attempt)
        self._deadline.start()
        return self._sign(call)

    # --- called by ReportingExchange ----------------------------------------------------------------------------

    def settle(self, id_: Id, tokens: int) -> None:
        """Replace a call's estimated tokens by those it used."""
        ticket = self._slots.get(id_)
        if ticket is not None:
            self._limiter.settle(ticket, tokens)

    def accepted(self, id_: Id) -> None:
        """The vendor accepted a call: its response has begun."""
        ticket = self._slots.get(id_)
        if ticket is not None:
            self._limiter.accepted(ticket)

    def release_slot(self, id_: Id, *, answered: bool = False, refusal: Failure | None = None) -> None:
        """Release the slot of a call that has ended. ``refusal``: the vendor's rate limit error."""
        ticket = self._slots.pop(id_, None)
        if ticket is None:
            return
        self._at_vendor.discard(id_)
        if self._slots and not self._at_vendor and self._idle_since is None:
            self._idle_since = time.monotonic()
            self._deadline.pause()
        if refusal is None:
            self._limiter.ended(ticket, answered=answered)
        else:
            self._limiter.refused(ticket, refusal)
            self.refused = ticket

    def _resume_clock(self) -> None:
        """Record the time without a call at the vendor as waiting, and resume the deadline."""
        if self._idle_since is not None:
            waited_s = time.monotonic() - self._idle_since
            self._idle_since = None
            if waited_s >= SHORT_S:
                self._record.waited(waited_s)
                self._position.waited_s += waited_s
                self.waited_s += waited_s
            self._deadline.resume()


class ReportingExchange:
    """Wraps an Exchange and reports to the runner which calls are accepted, refused and ended, and their usage."""

    __slots__ = ("_accepted", "_exchange", "_runner")

    def __init__(self, exchange: Exchange, runner: RateLimitedRunner) -> None:
        self._exchange = exchange
        self._runner = runner
        self._accepted: set[Id] = set()

    def start(self) -> list[Do]:
        return self._exchange.start()

    def feed(self, got: Got) -> list[Do]:
        actions = self._exchange.feed(got)
        id_ = got.id
        if type(got) is Head and got.status < 400:
            self._accepted.add(id_)
            self._runner.accepted(id_)
        failure = None
        for do in actions:
            if type(do) is Spent:
                self._runner.settle(do.id, do.usage.prompt + do.usage.completion)
            elif type(do) is Close:
                self._runner.release_slot(do.id)
            elif type(do) is Fail:
                failure = do.failure
        if failure is not None and failure.kind == "rate_limited" and self._runner.denied is None:
            self._runner.release_slot(id_, refusal=failure)
        elif type(got) is End or type(got) is Lost:
            answered = id_ in self._accepted and failure is None and type(got) is End
            self._runner.release_slot(id_, answered=answered)
        return actions


class RateLimitedCall(UpstreamCall):
    """An upstream call that waits for its slot before it is sent. After that it adds no work to reading."""

    __slots__ = ("_runner", "_sent")

    def __init__(self, upstream: Upstream, id_: Id, call: Call, connect_s: float, runner: RateLimitedRunner) -> None:
        super().__init__(upstream.transport_for(call.url), id_, call, connect_s, runner)
        self._runner = runner
        self._sent = False

    def begin(self) -> None:
        """Mark the call as sent; it has its slot."""
        self._sent = True
        self.call = self._runner.begin_call(self._id, self.call)

    async def _begin(self) -> Got:
        if not self._sent:
            if not await self._runner.wait_for_slot(self._id):
                return Lost(self._id, "pool", DESCRIPTIONS["pool"])
            self.begin()
        return await super()._begin()


def no_slot(target: Target, limits: KeyLimits, denied: NoSlot, refusal: Failure | None) -> Failure:
    """Return the failure of a call without a slot: the vendor's earlier refusal of it, else the configured limits."""
    if refusal is not None:
        asked_s, left_s = refusal.retry_after_s or 0.0, denied.retry_after_s
        if 0 <= min(asked_s, LONGEST_WAIT_S) - left_s < 1:  # refused just now: forward the vendor's exact value
            left_s = asked_s
        return refusal._replace(retry_after_s=left_s, phase="pool")
    configured = {"concurrency": limits.concurrency, "rpm": limits.rpm, "tpm": limits.tpm}
    figures = ", ".join(f"{name} {figure}" for name, figure in configured.items() if figure is not None)
    about = {"vendor": target.vendor.title, "wait": f"{limits.wait_s:g}", "entry": target.entry}
    if figures:
        message = Message(
            "{vendor} was not called: the configured limits ({limits}) leave no slot within {wait} s (vendor '{entry}', limits.wait_s).",
            limits=figures,
            **about,
        )
    else:
        message = Message(
            "{vendor} was not called: its rate limits leave no slot within {wait} s (vendor '{entry}', limits.wait_s).",
            **about,
        )
    return Failure.of("rate_limited", message, retry_after_s=denied.retry_after_s, phase="pool")
