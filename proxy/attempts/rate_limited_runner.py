"""The driver of an attempt whose calls need slots on their key: each waits for its own, and gives it back."""

import time
from collections.abc import Callable
from time import perf_counter

import orjson

from adapters.core.exchange import Close, Do, Exchange, Fail, Send, Spent
from adapters.core.failures import Failure
from adapters.core.message import Message
from adapters.core.tokens import estimate_call
from adapters.core.vendor import Target
from adapters.core.wire import Call, End, Got, Head, Id, Lost
from proxy._types import Attempt
from proxy.attempts.runner import AttemptRunner, Sign
from proxy.credentials.pool import Times
from proxy.limiter.adaptive import LONGEST_WAIT_S
from proxy.limiter.limiter import Limiter, NoSlot
from proxy.limiter.scheduler import KeyLimits, Outcome, Ticket
from proxy.observability.memory_budget import MemoryBudget
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.writer import Writer
from proxy.upstream.client import Upstream, UpstreamCall
from proxy.upstream.errors import DESCRIPTIONS

SHORT_S = 0.001
"""What is no wait but the time that things take (seconds)."""

MakeTicket = Callable[[int], Ticket]
"""A ticket for a call of so many tokens."""


class RateLimitedRunner(AttemptRunner):
    """A driver that sends a call when it has a slot. ``sent`` tells whether any was: else it was no attempt.

    ``denied`` is set once a call got no slot in time, and ``refused`` to the ticket of a call that the vendor refused by
    rate; the attempt has then failed. Time in which an attempt has nothing at the vendor counts as waited, and is left
    out of the vendor's time.
    """

    __slots__ = (
        "_at_vendor",
        "_idle_since",
        "_limiter",
        "_make_ticket",
        "_slots",
        "_wait_s",
        "denied",
        "refused",
        "sent",
    )

    def __init__(
        self, attempt: Attempt, out: Writer, upstream: Upstream, sign: Sign, times: Times, record: RequestRecord,
        budget: MemoryBudget, limiter: Limiter, make_ticket: MakeTicket, wait_s: float,
    ) -> None:  # fmt: skip
        super().__init__(attempt, out, upstream, sign, times, record, budget)
        self._limiter = limiter
        self._make_ticket = make_ticket
        self._wait_s = wait_s
        self._slots: dict[Id, Ticket] = {}
        self._at_vendor: set[Id] = set()
        self._idle_since: float | None = time.monotonic()
        self.denied: NoSlot | None = None
        self.refused: Ticket | None = None
        self.sent = False

    async def run(self, exchange: Exchange) -> Failure | None:
        """Drive it to its end; no line is left open and no slot is kept."""
        try:
            return await super().run(ReportingExchange(exchange, self))
        finally:
            for id_ in list(self._slots):
                self.release_slot(id_)
            self._resume_clock()

    def _take(self, do: Do) -> None:
        if type(do) is not Send:
            super()._take(do)
            return
        tokens = 0
        if self._limiter.limits.tpm is not None:
            tokens = estimate_call(orjson.loads(do.call.body))
        ticket = self._slots[do.id] = self._make_ticket(tokens)
        line = RateLimitedCall(self._upstream, do.id, do.call, self._times.connect_s, self)
        self._calls[do.id] = line
        if self._limiter.enter(ticket):
            line.begin()

    # --- what the lines ask for ---------------------------------------------------------------------------------

    async def wait_for_slot(self, id_: Id) -> bool:
        """Wait for this call's slot. False if there is none in time."""
        try:
            await self._limiter.wait(self._slots[id_], self._wait_s)
        except NoSlot as denied:
            self.denied = denied
            return False
        return True

    def begin_call(self, id_: Id, call: Call) -> Call:
        """This call goes out now: signed now, timed from now on."""
        self._resume_clock()
        self._at_vendor.add(id_)
        self._slots[id_].sent = True
        if not self.sent:
            self.sent = True
            if self._record.sent_at is None:
                self._record.sent_at = perf_counter()
            self._record.attempt(self._attempt)
        self._deadline.start(streams=call.streams)
        return self._sign(call)

    # --- what the exchange tells --------------------------------------------------------------------------------

    def settle(self, id_: Id, tokens: int) -> None:
        """What a call has cost."""
        ticket = self._slots.get(id_)
        if ticket is not None:
            self._limiter.settle(ticket, tokens)

    def accepted(self, id_: Id) -> None:
        """The vendor has begun to answer a call."""
        ticket = self._slots.get(id_)
        if ticket is not None:
            self._limiter.accepted(ticket)

    def release_slot(self, id_: Id, *, answered: bool = False, refusal: Failure | None = None) -> None:
        """A call has ended: its slot is free."""
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
        """The time with nothing at the vendor is over."""
        if self._idle_since is not None:
            waited_s = time.monotonic() - self._idle_since
            self._idle_since = None
            if waited_s >= SHORT_S:
                self._record.waited(waited_s)
            self._deadline.resume()


class ReportingExchange:
    """An Exchange that reports to its driver which calls are accepted, refused and ended, and what they cost."""

    __slots__ = ("_exchange", "_good", "_runner")

    def __init__(self, exchange: Exchange, drive: RateLimitedRunner) -> None:
        self._exchange = exchange
        self._runner = drive
        self._good: set[Id] = set()

    def start(self) -> list[Do]:
        return self._exchange.start()

    def feed(self, got: Got) -> list[Do]:
        dos = self._exchange.feed(got)
        id_ = got.id
        if type(got) is Head and got.status < 400:
            self._good.add(id_)
            self._runner.accepted(id_)
        failure = None
        for do in dos:
            if type(do) is Spent:
                self._runner.settle(do.id, do.usage.prompt + do.usage.completion)
            elif type(do) is Close:
                self._runner.release_slot(do.id)
            elif type(do) is Fail:
                failure = do.failure
        if failure is not None and failure.kind == "rate_limited" and self._runner.denied is None:
            self._runner.release_slot(id_, refusal=failure)
        elif type(got) is End or type(got) is Lost:
            answered = id_ in self._good and failure is None and type(got) is End
            self._runner.release_slot(id_, answered=answered)
        return dos


class RateLimitedCall(UpstreamCall):
    """A call that waits for its slot before it is sent. Once it is sent there is nothing between it and its reader."""

    __slots__ = ("_left", "_runner")

    def __init__(self, upstream: Upstream, id_: Id, call: Call, connect_s: float, drive: RateLimitedRunner) -> None:
        super().__init__(upstream.transport_for(call.url), id_, call, connect_s, drive)
        self._runner = drive
        self._left = False

    def begin(self) -> None:
        """It has its slot."""
        self._left = True
        self.call = self._runner.begin_call(self._id, self.call)

    async def _begin(self) -> Got:
        if not self._left:
            if not await self._runner.wait_for_slot(self._id):
                return Lost(self._id, "pool", DESCRIPTIONS["pool"])
            self.begin()
        return await super()._begin()


def outcome_of(failure: Failure | None) -> Outcome:
    """What an attempt's end says about its key's limits."""
    if failure is None:
        return "answered"
    return "refused" if failure.kind == "rate_limited" else "lost"


def no_slot(target: Target, limits: KeyLimits, denied: NoSlot, refusal: Failure | None) -> Failure:
    """Why a call was not made: the vendor's own refusal of it if there was one, else the limits that left no slot."""
    if refusal is not None:
        asked_s, left_s = refusal.retry_after_s or 0.0, denied.retry_after_s
        if (
            0 <= min(asked_s, LONGEST_WAIT_S) - left_s < 1
        ):  # it was refused just now: what the vendor asked for, exactly
            left_s = asked_s
        return refusal._replace(retry_after_s=left_s, phase="pool")
    set_ = {"concurrency": limits.concurrency, "rpm": limits.rpm, "tpm": limits.tpm}
    figures = ", ".join(f"{name} {figure}" for name, figure in set_.items() if figure is not None)
    about = {"vendor": target.vendor.title, "wait": f"{limits.wait_s:g}", "entry": target.entry}
    if figures:
        message = Message(
            "{vendor} was not called: its limits ({limits}) leave no slot within {wait} s (vendor '{entry}', limits.wait_s).",
            limits=figures,
            **about,
        )
    else:
        message = Message(
            "{vendor} was not called: the rate limits that it enforces leave no slot within {wait} s (vendor '{entry}', limits.wait_s).",
            **about,
        )
    return Failure.of("rate_limited", message, retry_after_s=denied.retry_after_s, phase="pool")
