"""Wait for slots on API keys: the scheduler (``proxy/limiter/scheduler.py``) with a clock, and the limiter of each key.

A key has a limiter if limits are configured for it, or once the vendor has refused one of its calls with a rate limit.
Calls on other keys have no overhead here.
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
"""How much longer than a minute a start is counted, because a call takes time to arrive (seconds)."""
SHORTEST_TIMER_S = 0.001
"""The shortest delay of the timer, which may fire slightly early (seconds)."""


class LimitedKey(Protocol):
    """The part of a vendor's API key used here; see :class:`proxy.credentials.pool.VendorKey`."""

    calls: int
    limiter: "Limiter | None"

    @property
    def digest(self) -> bytes:
        """The hash that identifies the key."""
        ...


class LimitedAccount(Protocol):
    """The part of a configured vendor used here; see :class:`proxy.credentials.pool.VendorAccount`."""

    @property
    def entry(self) -> VendorEntry:
        """The vendor's configuration."""
        ...

    @property
    def keys(self) -> Sequence[LimitedKey]:
        """The vendor's API keys."""
        ...


class NoSlot(Exception):
    """No slot was free in time, or none can be. ``retry_after_s``: after how many seconds to retry."""

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s


class Limiter:
    """The slots of one key. A future wakes each waiting call; one timer starts calls that become due by time alone."""

    def __init__(self, limits: KeyLimits, window_s: float = WINDOW_S, slack_s: float = SLACK_S) -> None:
        self._scheduler = Scheduler(limits, window_s, slack_s)
        self._waiters: dict[Ticket, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def limits(self) -> KeyLimits:
        """The operator's limits."""
        return self._scheduler.limits

    @limits.setter
    def limits(self, limits: KeyLimits) -> None:
        self._scheduler.limits = limits
        if self._waiters:
            self._grant(time.monotonic())

    @property
    def waiting(self) -> int:
        """How many calls wait for a slot."""
        return self._scheduler.waiting

    @property
    def idle(self) -> bool:
        """Whether no call waits or is in flight."""
        return not self._waiters and not self._scheduler.in_flight

    def enter(self, ticket: Ticket) -> bool:
        """Take a free slot, else join the queue. Return whether the call may start at once."""
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
        """The vendor accepted the call: its response has begun."""
        now = time.monotonic()
        self._scheduler.accepted(ticket, now)
        if self._waiters:
            self._grant(now)

    def refused(self, ticket: Ticket, failure: Failure) -> None:
        """The vendor refused the call with a rate limit. Sets ``ticket.retry_at``, when it may start again."""
        now = time.monotonic()
        self._scheduler.refused(ticket, now, failure.retry_after_s, failure.limit)
        self._after_refusal(now)

    def ended(self, ticket: Ticket, *, answered: bool = False) -> None:
        """The call has ended in another way, or is no longer needed."""
        now = time.monotonic()
        self._scheduler.ended(ticket, now, answered=answered)
        if self._waiters:
            self._grant(now)

    def settle(self, ticket: Ticket, tokens: int) -> None:
        """Replace the call's estimated tokens by those it used."""
        self._scheduler.settle(ticket, tokens)

    def add_untracked(self, model: str, count: int) -> None:
        """Add ``count`` calls in flight without a ticket."""
        self._scheduler.add_untracked(model, count)

    def untracked_ended(self, model: str, outcome: Outcome, failure: Failure | None = None) -> Ticket:
        """A call without a ticket has ended. Return a ticket for it."""
        now = time.monotonic()
        if failure is None or outcome != "refused":
            ticket = self._scheduler.untracked_ended(model, now, outcome)
        else:
            ticket = self._scheduler.untracked_ended(model, now, outcome, failure.retry_after_s, failure.limit)
        self._after_refusal(now)
        return ticket

    def wait_s(self, model: str) -> float:
        """Estimate how long a new call would wait (seconds)."""
        return self._scheduler.wait_s(model, time.monotonic())

    # --- internals ----------------------------------------------------------------------------------------------

    def _after_refusal(self, now: float) -> None:
        """Start due calls. Deny those that another target can serve, or whose daily quota is used up."""
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
            if waiter is not None and not waiter.done():  # a cancelled one releases its slot itself
                waiter.set_result(None)

    def _set_timer(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._scheduler.next_at(now) if self._waiters else None
        if at is not None:
            self._timer = asyncio.get_running_loop().call_later(max(SHORTEST_TIMER_S, at - now), self._on_timer)

    def _on_timer(self) -> None:
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
    """All limiters, by vendor entry and key. They survive a reload and take the new configuration's limits."""

    def __init__(self, window_s: float = WINDOW_S, slack_s: float = SLACK_S) -> None:
        """``window_s``: the vendors' minute; shorter in tests."""
        self.window_s = window_s
        self.slack_s = slack_s
        self._limiters: dict[tuple[str, bytes], Limiter] = {}

    def attach(self, accounts: Iterable[tuple[str, LimitedAccount]]) -> None:
        """Set the limiters of a configuration's keys, with its limits. Drop those of removed keys."""
        current = set()
        for name, account in accounts:
            limits = key_limits(account.entry.limits)
            for key in account.keys:
                identity = (name, key.digest)
                current.add(identity)
                limiter = self._limiters.get(identity)
                if limiter is not None:
                    limiter.limits = limits
                elif limits.limited:
                    limiter = self._limiters[identity] = Limiter(limits, self.window_s, self.slack_s)
                key.limiter = limiter
        # Calls in flight on a removed key still hold its limiter.
        self._limiters = {identity: limiter for identity, limiter in self._limiters.items() if identity in current}

    def waiting(self) -> dict[str, int]:
        """Return how many calls wait, by vendor entry; only entries with a limiter."""
        counts: dict[str, int] = {}
        for (name, _), limiter in self._limiters.items():
            counts[name] = counts.get(name, 0) + limiter.waiting
        return counts

    def untracked_ended(
        self, name: str, account: LimitedAccount, key: LimitedKey, model: str, outcome: Outcome, failure: Failure | None
    ) -> Ticket | None:
        """A call that began without a limiter has ended. A rate limit error creates one if ``limits.learn`` is on.

        ``key.calls`` are then the key's other calls in flight without a limiter. Return the call's ticket, or None if
        the key has no limiter.
        """
        if key.limiter is None:
            limits = key_limits(account.entry.limits)
            if outcome != "refused" or not limits.learn:
                return None
            identity = (name, key.digest)
            if identity not in self._limiters:
                self._limiters[identity] = Limiter(limits, self.window_s, self.slack_s)
            key.limiter = self._limiters[identity]
            key.limiter.add_untracked(model, key.calls + 1)
        return key.limiter.untracked_ended(model, outcome, failure)


def key_limits(limits: Limits) -> KeyLimits:
    """Return the configured limits as the scheduler's KeyLimits."""
    return KeyLimits(limits.concurrency, limits.rpm, limits.tpm, limits.wait_s, limits.learn)
