"""Waiting for a slot on a vendor key: the scheduler (``proxy/limiter/scheduler.py``) with a clock, and where it is kept.

A key has a limiter where limits are set for it, or once the vendor has refused a call on it by rate; else it has none, and
calls on it cost nothing here.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from adapters.core.failures import Failure
from config.schema import Limits, VendorEntry
from proxy.limiter.scheduler import KeyLimits, Outcome, Scheduler, Ticket

WINDOW_S = 60.0
SLACK_S = 1.0
"""How much longer than a minute a start counts: for the time that a call takes to arrive (seconds)."""
SHORTEST_TIMER_S = 0.001
"""A timer may ring a little before its time; it is set again no closer than this (seconds)."""


class LimitedKey(Protocol):
    """A vendor key, as far as it is looked at here; see :class:`proxy.credentials.pool.VendorKey`."""

    calls: int
    limiter: "Limiter | None"

    @property
    def digest(self) -> bytes:
        """What it is known by."""
        ...


class LimitedAccount(Protocol):
    """A configured vendor, as far as it is looked at here; see :class:`proxy.credentials.pool.Account`."""

    @property
    def entry(self) -> VendorEntry:
        """Its configuration."""
        ...

    @property
    def keys(self) -> Sequence[LimitedKey]:
        """Its keys."""
        ...


class NoSlot(Exception):
    """No slot came in time, or none can. ``retry_after_s``: when to come back, in so many seconds."""

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s


class Limiter:
    """The slots of one key. Waiting calls are woken by futures; one timer starts the calls that time alone lets start."""

    def __init__(self, limits: KeyLimits, window_s: float = WINDOW_S, slack_s: float = SLACK_S) -> None:
        self._scheduler = Scheduler(limits, window_s, slack_s)
        self._waiters: dict[Ticket, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def limits(self) -> KeyLimits:
        """What the operator has set."""
        return self._scheduler.limits

    @limits.setter
    def limits(self, limits: KeyLimits) -> None:
        self._scheduler.limits = limits
        if self._waiters:
            self._grant(time.monotonic())

    @property
    def waiting(self) -> int:
        """How many calls wait for their slot."""
        return self._scheduler.waiting

    @property
    def idle(self) -> bool:
        """Whether no call waits or is under way."""
        return not self._waiters and not self._scheduler.in_flight

    def enter(self, ticket: Ticket) -> bool:
        """Take the slot that is free, else join the queue. Whether the call may start at once."""
        self._wake(self._scheduler.enter(ticket, time.monotonic()))
        return ticket.state == "started"

    async def wait(self, ticket: Ticket, wait_s: float) -> None:
        """Wait until the call may start. Raises NoSlot after ``wait_s``, or at once if it cannot start in that time."""
        if ticket.state == "waiting":
            now = time.monotonic()
            goes_elsewhere = ticket.elsewhere and self._scheduler.held_back(ticket, now)
            if goes_elsewhere or self._scheduler.hopeless(ticket, now, wait_s):
                raise self._no_slot(ticket, now)
            loop = asyncio.get_running_loop()
            self._waiters[ticket] = waiter = loop.create_future()
            late = loop.call_later(wait_s, self._deny, ticket)
            self._set_timer(now)
            try:
                await waiter
            finally:
                late.cancel()
                self._waiters.pop(ticket, None)

    def accepted(self, ticket: Ticket) -> None:
        """The vendor has begun to answer the call."""
        now = time.monotonic()
        self._scheduler.accepted(ticket, now)
        if self._waiters:
            self._grant(now)

    def refused(self, ticket: Ticket, failure: Failure) -> None:
        """The vendor refused the call by rate. ``ticket.retry_at`` is when it may start again."""
        now = time.monotonic()
        self._scheduler.refused(ticket, now, failure.retry_after_s, failure.limit)
        self._after_refusal(now)

    def ended(self, ticket: Ticket, *, answered: bool = False) -> None:
        """The call has ended in another way, or is not wanted any more."""
        now = time.monotonic()
        self._scheduler.ended(ticket, now, answered=answered)
        if self._waiters:
            self._grant(now)

    def settle(self, ticket: Ticket, tokens: int) -> None:
        """What the call has used."""
        self._scheduler.settle(ticket, tokens)

    def add_untracked(self, model: str, count: int) -> None:
        """So many calls without a ticket are in flight."""
        self._scheduler.add_untracked(model, count)

    def untracked_ended(self, model: str, outcome: Outcome, failure: Failure | None = None) -> Ticket:
        """A call without a ticket has ended. Returns the ticket made for it."""
        now = time.monotonic()
        if failure is None or outcome != "refused":
            ticket = self._scheduler.untracked_ended(model, now, outcome)
        else:
            ticket = self._scheduler.untracked_ended(model, now, outcome, failure.retry_after_s, failure.limit)
        self._after_refusal(now)
        return ticket

    def wait_s(self, model: str) -> float:
        """About how long a call that comes now would wait."""
        return self._scheduler.wait_s(model, time.monotonic())

    # --- inside -------------------------------------------------------------------------------------------------

    def _after_refusal(self, now: float) -> None:
        """Start those that may start. Those that another target can serve go there; nothing waits for another day."""
        if self._waiters:
            for ticket in self._scheduler.queued():
                goes_elsewhere = ticket.elsewhere and self._scheduler.held_back(ticket, now)
                if goes_elsewhere or self._scheduler.by_day(ticket.model):
                    self._deny(ticket)
            self._grant(now)

    def _grant(self, now: float) -> None:
        self._wake(self._scheduler.grant(now))
        self._set_timer(now)

    def _wake(self, granted: Iterable[Ticket]) -> None:
        for ticket in granted:
            waiter = self._waiters.get(ticket)
            if waiter is not None and not waiter.done():  # one that was cancelled gives its slot back by itself
                waiter.set_result(None)

    def _set_timer(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._scheduler.next_at(now) if self._waiters else None
        if at is not None:
            self._timer = asyncio.get_running_loop().call_later(max(SHORTEST_TIMER_S, at - now), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._grant(time.monotonic())

    def _deny(self, ticket: Ticket) -> None:
        waiter = self._waiters.get(ticket)
        if ticket.state == "waiting" and waiter is not None and not waiter.done():
            waiter.set_exception(self._no_slot(ticket, time.monotonic()))

    def _no_slot(self, ticket: Ticket, now: float) -> NoSlot:
        self._scheduler.ended(ticket, now)
        return NoSlot(self._scheduler.retry_after_s(ticket, now))


class Limiters:
    """Every limiter there is, by vendor entry and key. They outlive a reload, and take the limits of the new settings."""

    def __init__(self, window_s: float = WINDOW_S, slack_s: float = SLACK_S) -> None:
        """``window_s``: what the vendors call a minute; shorter in tests."""
        self.window_s = window_s
        self.slack_s = slack_s
        self._limiters: dict[tuple[str, bytes], Limiter] = {}

    def attach(self, accounts: Iterable[tuple[str, LimitedAccount]]) -> None:
        """Give the keys of a configuration their limiters, with its limits. Those of keys that are gone are dropped."""
        named = set()
        for name, account in accounts:
            limits = key_limits(account.entry.limits)
            for key in account.keys:
                place = (name, key.digest)
                named.add(place)
                limiter = self._limiters.get(place)
                if limiter is not None:
                    limiter.limits = limits
                elif limits.limited:
                    limiter = self._limiters[place] = Limiter(limits, self.window_s, self.slack_s)
                key.limiter = limiter
        # Calls in flight on a key that is gone keep its limiter themselves.
        self._limiters = {place: limiter for place, limiter in self._limiters.items() if place in named}

    def waiting(self) -> dict[str, int]:
        """How many calls wait, by vendor entry; of those with a key that has a limiter."""
        found: dict[str, int] = {}
        for (name, _), limiter in self._limiters.items():
            found[name] = found.get(name, 0) + limiter.waiting
        return found

    def untracked_ended(
        self, name: str, account: LimitedAccount, key: LimitedKey, model: str, outcome: Outcome, failure: Failure | None
    ) -> Ticket | None:
        """A call that began without a limiter has ended. A refusal by rate gives its key one, if ``limits.learn`` is on.

        ``key.calls`` are then the other calls in flight there without a limiter. Returns the call's ticket, if there is
        a limiter now.
        """
        if key.limiter is None:
            limits = key_limits(account.entry.limits)
            if outcome != "refused" or not limits.learn:
                return None
            place = (name, key.digest)
            if place not in self._limiters:
                self._limiters[place] = Limiter(limits, self.window_s, self.slack_s)
            key.limiter = self._limiters[place]
            key.limiter.add_untracked(model, key.calls + 1)
        return key.limiter.untracked_ended(model, outcome, failure)


def key_limits(limits: Limits) -> KeyLimits:
    """What is set, as the scheduler takes it."""
    return KeyLimits(limits.concurrency, limits.rpm, limits.tpm, limits.wait_s, limits.learn)
