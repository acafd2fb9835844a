"""The driver of an attempt whose calls need places on their key: each waits for its own, and gives it back."""

import time
from collections.abc import Callable
from time import perf_counter

import orjson

from adapters.core.exchange import Close, Do, Exchange, Fail, Send, Spent
from adapters.core.failures import Failure
from adapters.core.tokens import estimate_call
from adapters.core.vendor import Target
from adapters.core.wire import Call, End, Got, Head, Id, Lost
from proxy.fronts.writer import Writer
from proxy.limiter.limiter import NoPlace, Pacer
from proxy.limiter.scheduler import Figures, Outcome, Ticket
from proxy.nouns import Attempt
from proxy.observability.memory_budget import MemoryBudget
from proxy.services.keys import Times
from proxy.services.upstream import WHY, Line, Upstream
from proxy.stages.drive import Drive, Sign
from proxy.tally import Tally

SHORT_S = 0.001
"""What is no wait but the time that things take (seconds)."""

MakeTicket = Callable[[int], Ticket]
"""A ticket for a call of so many tokens."""


class PacedDrive(Drive):
    """A driver that sends when there is a place. An attempt of which nothing was sent is none: ``sent`` tells.

    ``denied`` is set once a call got no place in time; the attempt has then failed. What an attempt waits while nothing of
    it is at the vendor counts as waited, and is left out of the vendor's time.
    """

    __slots__ = ("_at_vendor", "_idle_since", "_make_ticket", "_pacer", "_places", "_wait_s", "denied", "sent")

    def __init__(
        self, attempt: Attempt, out: Writer, upstream: Upstream, sign: Sign, times: Times, tally: Tally,
        budget: MemoryBudget, pacer: Pacer, make_ticket: MakeTicket, wait_s: float,
    ) -> None:  # fmt: skip
        super().__init__(attempt, out, upstream, sign, times, tally, budget)
        self._pacer = pacer
        self._make_ticket = make_ticket
        self._wait_s = wait_s
        self._places: dict[Id, Ticket] = {}
        self._at_vendor: set[Id] = set()
        self._idle_since: float | None = time.monotonic()
        self.denied: NoPlace | None = None
        self.sent = False

    async def run(self, exchange: Exchange) -> Failure | None:
        """Drive it to its end; no line is left open and no place is kept."""
        try:
            return await super().run(Placed(exchange, self))
        finally:
            for id_ in list(self._places):
                self.over(id_, "lost")
            self._awake()

    def _take(self, do: Do) -> None:
        if type(do) is not Send:
            super()._take(do)
            return
        tokens = 0
        if self._pacer.figures.tpm is not None:
            tokens = estimate_call(orjson.loads(do.call.body))
        ticket = self._places[do.id] = self._make_ticket(tokens)
        line = PacedLine(self._upstream, do.id, do.call, self._times.connect_s, self)
        self._lines[do.id] = line
        if self._pacer.enter(ticket):
            line.leaves()

    # --- what the lines ask for ---------------------------------------------------------------------------------

    async def turn(self, id_: Id) -> bool:
        """Wait for this call's place. False if there is none in time."""
        try:
            await self._pacer.turn(self._places[id_], self._wait_s)
        except NoPlace as denied:
            self.denied = denied
            return False
        return True

    def leaves(self, id_: Id, call: Call) -> Call:
        """This call goes out now: signed now, timed from now on."""
        self._awake()
        self._at_vendor.add(id_)
        self._places[id_].sent = True
        if not self.sent:
            self.sent = True
            if self._tally.sent_at is None:
                self._tally.sent_at = perf_counter()
            self._tally.attempt(self._attempt)
        self._watch.start(streams=call.streams)
        return self._sign(call)

    # --- what the exchange tells --------------------------------------------------------------------------------

    def spent(self, id_: Id, tokens: int) -> None:
        """What a call has cost."""
        ticket = self._places.get(id_)
        if ticket is not None:
            self._pacer.settle(ticket, tokens)

    def over(self, id_: Id, outcome: Outcome, failure: Failure | None = None) -> None:
        """A call has ended: its place is free."""
        ticket = self._places.pop(id_, None)
        if ticket is None:
            return
        self._at_vendor.discard(id_)
        if self._places and not self._at_vendor and self._idle_since is None:
            self._idle_since = time.monotonic()
            self._watch.pause()
        if failure is None:
            self._pacer.over(ticket, outcome)
        else:
            self._pacer.over(ticket, outcome, failure.retry_after_s, failure.message)

    def _awake(self) -> None:
        """The time with nothing at the vendor is over."""
        if self._idle_since is not None:
            waited_s = time.monotonic() - self._idle_since
            self._idle_since = None
            if waited_s >= SHORT_S:
                self._tally.waited(waited_s)
            self._watch.resume()


class Placed:
    """An Exchange, and around it the eyes of the driver: whose call has ended, how, and at what cost."""

    __slots__ = ("_drive", "_exchange", "_good")

    def __init__(self, exchange: Exchange, drive: PacedDrive) -> None:
        self._exchange = exchange
        self._drive = drive
        self._good: set[Id] = set()

    def start(self) -> list[Do]:
        return self._exchange.start()

    def feed(self, got: Got) -> list[Do]:
        dos = self._exchange.feed(got)
        id_ = got.id
        if type(got) is Head and got.status < 400:
            self._good.add(id_)
        failure = None
        for do in dos:
            if type(do) is Spent:
                self._drive.spent(do.id, do.usage.prompt + do.usage.completion)
            elif type(do) is Close:
                self._drive.over(do.id, "lost")
            elif type(do) is Fail:
                failure = do.failure
        if failure is not None and failure.kind == "rate_limited" and self._drive.denied is None:
            self._drive.over(id_, "refused", failure)
        elif type(got) is End or type(got) is Lost:
            answered = id_ in self._good and failure is None and type(got) is End
            self._drive.over(id_, "answered" if answered else "lost")
        return dos


class PacedLine(Line):
    """A call that waits for its place before it leaves. Once it has left there is nothing between it and its reader."""

    __slots__ = ("_drive", "_left")

    def __init__(self, upstream: Upstream, id_: Id, call: Call, connect_s: float, drive: PacedDrive) -> None:
        super().__init__(upstream.transport_for(call.url), id_, call, connect_s, drive)
        self._drive = drive
        self._left = False

    def leaves(self) -> None:
        """It has its place."""
        self._left = True
        self.call = self._drive.leaves(self._id, self.call)

    async def _begin(self) -> Got:
        if not self._left:
            if not await self._drive.turn(self._id):
                return Lost(self._id, "pool", WHY["pool"])
            self.leaves()
        return await super()._begin()


def outcome_of(failure: Failure | None) -> Outcome:
    """What an attempt's end says about its key's limits."""
    if failure is None:
        return "answered"
    return "refused" if failure.kind == "rate_limited" else "lost"


def no_place(target: Target, figures: Figures, denied: NoPlace) -> Failure:
    """What a caller is told for whom there was no place: a rate limit, with what the queue would take."""
    set_ = {"concurrency": figures.concurrency, "rpm": figures.rpm, "tpm": figures.tpm}
    limits = ", ".join(f"{name} {figure}" for name, figure in set_.items() if figure is not None)
    of = f"its limits ({limits})" if limits else "the rate limits that it has told us"
    message = (
        f"{target.vendor.title} was not called: {of} left no place within {figures.wait_s:g} s "
        f"(vendor '{target.entry}', limits.wait_s)."
    )
    return Failure.of("rate_limited", message, retry_after_s=denied.retry_after_s, phase="pool")
