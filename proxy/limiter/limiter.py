"""Waiting for a place on a vendor key: the queues of ``proxy/limiter/scheduler.py`` with a clock, and where they are kept.

A key has a pacer where limits are set for it, or once the vendor has refused a call on it by rate; else it has none, and
calls on it cost nothing here.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from adapters.core.failures import Failure
from config.schema import Limits, VendorEntry
from proxy.limiter.adaptive import by_the_minute
from proxy.limiter.scheduler import Figures, Outcome, Pace, Ticket

MINUTE_S = 60.0
SLACK_S = 1.0
"""How much longer than a minute a start counts: for what a call may take to arrive (seconds)."""
SOON_S = 0.001
"""A timer may ring a little before its time; it is set again no closer than this (seconds)."""


class Key(Protocol):
    """A vendor key, as far as it is looked at here; see :class:`proxy.services.keys.VendorKey`."""

    calls: int
    pacer: "Pacer | None"

    @property
    def digest(self) -> bytes:
        """What it is known by."""
        ...


class Account(Protocol):
    """A configured vendor, as far as it is looked at here; see :class:`proxy.services.keys.Account`."""

    @property
    def entry(self) -> VendorEntry:
        """Its configuration."""
        ...

    @property
    def keys(self) -> Sequence[Key]:
        """Its keys."""
        ...


class NoPlace(Exception):
    """No place came in time, or none can: ``retry_after_s`` is about what the queue would take."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


class Pacer:
    """The places of one key. Its callers are told by futures; one timer sees to what time alone brings."""

    def __init__(self, figures: Figures, minute_s: float = MINUTE_S, slack_s: float = SLACK_S) -> None:
        self._pace = Pace(figures, minute_s, slack_s)
        self._turns: dict[Ticket, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def figures(self) -> Figures:
        """What the operator has set."""
        return self._pace.figures

    @figures.setter
    def figures(self, figures: Figures) -> None:
        self._pace.figures = figures
        if self._turns:
            self._grant(time.monotonic())

    @property
    def waiting(self) -> int:
        """How many calls wait for their place."""
        return self._pace.waiting

    @property
    def idle(self) -> bool:
        """Whether no call waits or is under way."""
        return not self._turns and not self._pace.placed

    def enter(self, ticket: Ticket) -> bool:
        """Take the place that is free, else stand in the queue. Whether the call may start at once."""
        self._tell(self._pace.enter(ticket, time.monotonic()))
        return ticket.state == "placed"

    async def turn(self, ticket: Ticket, wait_s: float) -> None:
        """Wait until the call may start. Raises NoPlace after ``wait_s``, or at once if it would be in vain."""
        if ticket.state == "waiting":
            now = time.monotonic()
            ends_for_others = ticket.elsewhere and self._pace.held_back(ticket, now)
            if ends_for_others or now + wait_s < self._pace.certain(ticket, now):
                raise self._no_place(ticket, now)
            loop = asyncio.get_running_loop()
            self._turns[ticket] = turn = loop.create_future()
            late = loop.call_later(wait_s, self._late, ticket)
            self._set_timer(now)
            try:
                await turn
            finally:
                late.cancel()
                self._turns.pop(ticket, None)

    def over(
        self, ticket: Ticket, outcome: Outcome = "lost", retry_after_s: float | None = None, words: str = ""
    ) -> None:
        """The call has ended, or is not wanted any more. ``words``: what the vendor said to a refusal."""
        now = time.monotonic()
        self._pace.over(ticket, now, outcome, retry_after_s, by_minute=by_the_minute(words))
        self._settled(now, refused=outcome == "refused")

    def settle(self, ticket: Ticket, tokens: int) -> None:
        """What the call has cost."""
        self._pace.settle(ticket, tokens)

    def strays(self, model: str, count: int) -> None:
        """So many calls without a ticket are in flight."""
        self._pace.strays(model, count)

    def stray_over(self, model: str, outcome: Outcome, retry_after_s: float | None = None, words: str = "") -> None:
        """A call without a ticket has ended."""
        now = time.monotonic()
        self._pace.stray_over(model, now, outcome, retry_after_s, by_minute=by_the_minute(words))
        self._settled(now, refused=outcome == "refused")

    def held_until(self, model: str) -> float:
        """Until when the vendor asked us to wait, on the monotonic clock."""
        return self._pace.held_until(model)

    def others(self, model: str) -> bool:
        """Whether calls of this model are under way or wait."""
        return self._pace.others(model)

    def wait_s(self, model: str) -> float:
        """About how long a call that comes now would wait."""
        return self._pace.wait_s(model, time.monotonic())

    # --- inside -------------------------------------------------------------------------------------------------

    def _settled(self, now: float, *, refused: bool) -> None:
        if not self._turns:
            return
        if refused:  # those who have somewhere else to go do so at once, as they would after a 429 of their own
            for ticket in self._pace.queued():
                if ticket.elsewhere and self._pace.held_back(ticket, now):
                    self._deny(ticket, now)
        self._grant(now)

    def _grant(self, now: float) -> None:
        self._tell(self._pace.grant(now))
        self._set_timer(now)

    def _tell(self, granted: Iterable[Ticket]) -> None:
        for ticket in granted:
            turn = self._turns.get(ticket)
            if turn is not None and not turn.done():  # one who was cancelled gives his place back himself
                turn.set_result(None)

    def _set_timer(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._pace.next_at(now) if self._turns else None
        if at is not None:
            self._timer = asyncio.get_running_loop().call_later(max(SOON_S, at - now), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._grant(time.monotonic())

    def _late(self, ticket: Ticket) -> None:
        self._deny(ticket, time.monotonic())

    def _deny(self, ticket: Ticket, now: float) -> None:
        turn = self._turns.get(ticket)
        if ticket.state == "waiting" and turn is not None and not turn.done():
            turn.set_exception(self._no_place(ticket, now))

    def _no_place(self, ticket: Ticket, now: float) -> NoPlace:
        self._pace.over(ticket, now)
        return NoPlace(max(1.0, self._pace.wait_s(ticket.model, now)))


class Pacers:
    """Every pacer there is, by vendor entry and key: they outlive a reload, whose figures they then take."""

    def __init__(self, minute_s: float = MINUTE_S, slack_s: float = SLACK_S) -> None:
        """``minute_s``: what the vendors call a minute; shorter in tests."""
        self.minute_s = minute_s
        self.slack_s = slack_s
        self._pacers: dict[tuple[str, bytes], Pacer] = {}

    def attach(self, accounts: Iterable[tuple[str, Account]]) -> None:
        """Give the keys of a configuration their pacers, with its figures. Those that it does not name are let go."""
        named = set()
        for name, account in accounts:
            figures = figures_of(account.entry.limits)
            for key in account.keys:
                place = (name, key.digest)
                named.add(place)
                pacer = self._pacers.get(place)
                if pacer is not None:
                    pacer.figures = figures
                elif figures.limit:
                    pacer = self._pacers[place] = Pacer(figures, self.minute_s, self.slack_s)
                key.pacer = pacer
        # Calls in flight on a key that is gone keep its pacer themselves.
        self._pacers = {place: pacer for place, pacer in self._pacers.items() if place in named}

    def waiting(self) -> dict[str, int]:
        """How many calls wait, by vendor entry; of those with a key that is paced."""
        found: dict[str, int] = {}
        for (name, _), pacer in self._pacers.items():
            found[name] = found.get(name, 0) + pacer.waiting
        return found

    def stray_over(
        self, name: str, account: Account, key: Key, model: str, outcome: Outcome, failure: Failure | None
    ) -> None:
        """A call that began without a pacer has ended. A refusal by rate gives its key one.

        ``key.calls`` are then the others in flight there without a pacer.
        """
        if key.pacer is None:
            if outcome != "refused":
                return
            place = (name, key.digest)
            if place not in self._pacers:
                self._pacers[place] = Pacer(figures_of(account.entry.limits), self.minute_s, self.slack_s)
            key.pacer = self._pacers[place]
            key.pacer.strays(model, key.calls + 1)
        if failure is None:
            key.pacer.stray_over(model, outcome)
        else:
            key.pacer.stray_over(model, outcome, failure.retry_after_s, failure.message)


def figures_of(limits: Limits) -> Figures:
    """What is set, as the queues want it."""
    return Figures(limits.concurrency, limits.rpm, limits.tpm, limits.wait_s)
