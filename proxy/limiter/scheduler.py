"""Decide which call starts next on one API key: a state machine without a clock; every method takes the time.

Two kinds of limits delay calls. The operator's limits (``KeyLimits``) are hard and apply to the whole key. Limits
learned from the vendor's 429s (``proxy/limiter/adaptive.py``) apply to one model on the key: several vendors count each
model separately, and calls of one model must not wait for the limit of another.
"""

from bisect import insort
from typing import Literal, NamedTuple

from adapters.core.failures import RateLimit
from proxy.limiter.adaptive import AdaptiveLimit
from proxy.limiter.figures import Figure
from proxy.limiter.sliding_window import NEVER, SlidingWindow

Outcome = Literal["answered", "refused", "lost"]
"""How a call ended: answered; refused with a rate limit; anything else, from which nothing is learned."""
MOST_MODELS = 64
"""The most models with remembered limits; beyond that, only those in use are kept."""
MEAN_OF = 8
"""The mean duration of a call is averaged over about this many calls."""


class KeyLimits(NamedTuple):
    """The operator's limits for each key; None: no limit.

    ``wait_s``: how long a call may wait for a slot. ``learn``: whether adaptive limits are on.
    """

    concurrency: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    wait_s: float = 300.0
    learn: bool = True

    @property
    def limited(self) -> bool:
        """Whether any limit is set."""
        return not (self.concurrency is self.rpm is self.tpm is None)


class Ticket:
    """One call that requests a slot, waits for it, or has it.

    ``since``: when its request arrived; earlier requests go first, also when they return after a refusal. ``retry_at``:
    the call was refused and must not start before. ``elsewhere``: another target can serve it, so it does not wait for
    a learned limit.
    """

    __slots__ = (
        "accepted", "adaptive", "elsewhere", "model", "others", "queued", "refusals", "retry_at", "sent", "since", "started_at", "state", "tested",
        "tokens", "tracked",
    )  # fmt: skip

    def __init__(
        self,
        model: str,
        since: float,
        tokens: int = 0,
        *,
        retry_at: float = 0.0,
        refusals: int = 0,
        elsewhere: bool = False,
    ) -> None:
        self.model = model
        self.since = since
        self.tokens = tokens
        self.retry_at = retry_at
        self.refusals = refusals
        self.elsewhere = elsewhere
        self.state: Literal["waiting", "started", "ended"] = "waiting"
        self.sent = False
        self.queued = False
        self.started_at = 0.0
        self.accepted: bool | None = None
        self.tracked = True
        self.adaptive: AdaptiveLimit | None = None
        self.tested: Figure | None = None
        self.others = 0


def _since(ticket: Ticket) -> float:
    return ticket.since


class Scheduler:
    """Assigns the slots of one key. Times are in seconds of a monotonic clock."""

    def __init__(self, limits: KeyLimits, window_s: float = 60.0, slack_s: float = 1.0) -> None:
        """``slack_s``: how much longer than the window a start is counted, because a call takes time to arrive."""
        self.limits = limits
        self.mean_s = 0.0  # mean duration of a call; 0: not known yet
        self._span_s = window_s + slack_s
        self._window = SlidingWindow(self._span_s)
        self._in_flight = 0
        self._queues: dict[str, list[Ticket]] = {}
        self._adaptive: dict[str, AdaptiveLimit] = {}

    # --- the life of a call -------------------------------------------------------------------------------------

    def enter(self, ticket: Ticket, now: float) -> list[Ticket]:
        """Start a call now if no limit delays it, else add it to the queue.

        Return the calls that start now, which may include others that have become due.
        """
        if not self._queues and ticket.retry_at <= now:
            at, tested = self._free_at(ticket, now)
            if at <= now:
                self._start(ticket, now, tested)
                return [ticket]
        insort(self._queues.setdefault(ticket.model, []), ticket, key=_since)
        granted = self.grant(now)
        ticket.queued = ticket.state == "waiting"
        return granted

    def grant(self, now: float) -> list[Ticket]:
        """Start the calls that are due, earliest request first, and return them."""
        for adaptive in self._adaptive.values():
            adaptive.update(now)
        granted = []
        while (first := self._first(now)) is not None:
            ticket, tested = first
            if self._key_free_at(ticket, now) > now:
                break
            self._unqueue(ticket)
            self._start(ticket, now, tested)
            granted.append(ticket)
        return granted

    def accepted(self, ticket: Ticket, now: float) -> None:
        """The vendor accepted the call: its response has begun."""
        if ticket.adaptive is not None and ticket.state == "started":
            ticket.adaptive.accepted(ticket, now)

    def refused(
        self, ticket: Ticket, now: float, retry_after_s: float | None = None, limit: RateLimit | None = None
    ) -> None:
        """The vendor refused the call with a rate limit. It is not counted any more, as vendors do not bill it.

        ``retry_after_s``: the vendor's value; ``limit``: the limit that the vendor named. Sets ``ticket.retry_at``.
        """
        if self._end(ticket):
            self._window.remove(ticket)
            if ticket.adaptive is not None:
                ticket.adaptive.refused(ticket, now, retry_after_s, limit)

    def ended(self, ticket: Ticket, now: float, *, answered: bool = False) -> None:
        """The call has ended, or its client disconnected, in any state. A second call of this method has no effect.

        A slot that was not used is not counted.
        """
        if answered:
            self.accepted(ticket, now)
        if self._end(ticket):
            if ticket.sent:
                took_s = now - ticket.started_at
                self.mean_s += (took_s - self.mean_s) / (MEAN_OF if self.mean_s else 1)
            else:
                self._window.remove(ticket)
            if ticket.adaptive is not None:
                ticket.adaptive.ended(ticket, now, counted=ticket.sent)

    def _end(self, ticket: Ticket) -> bool:
        """End the call; return whether it had a slot."""
        state, ticket.state = ticket.state, "ended"
        if state == "waiting":
            self._unqueue(ticket)
        elif state == "started":
            self._in_flight -= 1
        return state == "started"

    def settle(self, ticket: Ticket, tokens: int) -> None:
        """Replace the call's estimated tokens by those it used."""
        if ticket.state != "waiting":
            self._window.settle(ticket, tokens)

    # --- calls that began before there was a scheduler ----------------------------------------------------------

    def add_untracked(self, model: str, count: int) -> None:
        """Add ``count`` calls in flight without a ticket: they began before the key had a limiter.

        They may include calls of other models on the key, which were not counted separately.
        """
        adaptive = self._limit(model)
        if adaptive is not None:
            adaptive.untracked += count

    def untracked_ended(
        self,
        model: str,
        now: float,
        outcome: Outcome,
        retry_after_s: float | None = None,
        limit: RateLimit | None = None,
    ) -> Ticket:
        """A call without a ticket has ended. It counts as if it had started now. Return a ticket for it."""
        ticket = Ticket(model, now)
        adaptive = self._limit(model)
        if adaptive is not None:
            adaptive.untracked = max(0, adaptive.untracked - 1)
            if outcome != "lost":
                ticket.started_at = now
                adaptive.started(ticket, now, None, tracked=False)
            if outcome == "refused":
                adaptive.refused(ticket, now, retry_after_s, limit)
            elif outcome == "answered":
                adaptive.accepted(ticket, now)
                adaptive.ended(ticket, now, counted=True)
        ticket.state = "ended"
        return ticket

    # --- what is known ------------------------------------------------------------------------------------------

    def next_at(self, now: float) -> float | None:
        """Return when a waiting call may start by time alone; None if only the end of another call can start one."""
        times = [adaptive.accepted_at() for model, adaptive in self._adaptive.items() if model in self._queues]
        first = self._first(now)
        if first is not None:  # later requests wait behind it, even if a slot is free for them
            times.append(self._key_free_at(first[0], now))
        for queue in self._queues.values():
            for ticket in queue:
                at = max(ticket.retry_at, self._adaptive_free_at(ticket, now)[0])
                if at > now:
                    times.append(max(at, self._key_free_at(ticket, now)))
                if ticket.retry_at <= now:
                    break
        at = min(times, default=NEVER)
        return None if at == NEVER else at

    def held_back(self, ticket: Ticket, now: float) -> bool:
        """Whether a learned limit or the call's own refusal delays it, as opposed to the operator's limits."""
        return ticket.retry_at > now or self._adaptive_free_at(ticket, now)[0] > now

    def wait_s(self, model: str, now: float, ahead: int | None = None) -> float:
        """Estimate how long a new call waits (seconds), from the limits and the mean duration of calls.

        ``ahead``: how many calls are before it; by default all that wait.
        """
        ahead = self.waiting if ahead is None else ahead
        concurrency, rpm, tpm = self.limits.concurrency, self.limits.rpm, self.limits.tpm
        waits = [0.0]
        self._window.expire(now)
        if concurrency is not None:
            waits.append(self.mean_s * (self._in_flight + ahead + 1 - concurrency) / concurrency)
        if rpm is not None:
            windows, behind = divmod(ahead, rpm)
            waits.append(self._window.free_at(rpm - behind) + windows * self._span_s - now)
        if tpm is not None:
            waits.append(self._window.tokens_free_at(tpm, 1) - now)
        adaptive = self._adaptive.get(model) if self.limits.learn else None
        if adaptive is not None:
            waits.append(adaptive.wait_s(now, min(ahead, len(self._queues.get(model, ()))), self.mean_s))
        return max(waits)

    def hopeless(self, ticket: Ticket, now: float, within_s: float) -> bool:
        """Whether a waiting call is not expected to start within ``within_s``."""
        if ticket.retry_at - now > within_s:
            return True
        ahead = sum(other.since < ticket.since for queue in self._queues.values() for other in queue)
        return self.wait_s(ticket.model, now, ahead) > within_s

    def by_day(self, model: str) -> bool:
        """Whether a daily quota holds this model: named by the vendor, or inferred from a hold of over two windows."""
        adaptive = self._adaptive.get(model) if self.limits.learn else None
        return adaptive is not None and adaptive.hold is not None and adaptive.hold.by_day

    def retry_after_s(self, ticket: Ticket, now: float) -> float:
        """Return after how many seconds a client without a slot should retry, at least 1."""
        adaptive = self._adaptive.get(ticket.model)
        hold_s = 0.0 if adaptive is None else adaptive.retry_after_s(now)
        if hold_s > 0:
            return max(1.0, hold_s, ticket.retry_at - now)
        return max(1.0, ticket.retry_at - now, self.wait_s(ticket.model, now))

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return sum(map(len, self._queues.values()))

    @property
    def in_flight(self) -> int:
        """How many calls have a slot."""
        return self._in_flight

    def queued(self) -> list[Ticket]:
        """Return the waiting calls, earliest request first."""
        return sorted((ticket for queue in self._queues.values() for ticket in queue), key=_since)

    # --- internals ----------------------------------------------------------------------------------------------

    def _limit(self, model: str) -> AdaptiveLimit | None:
        """Return the adaptive limit of a model, created if needed; None if adaptive limits are off."""
        if not self.limits.learn:
            self._adaptive.clear()
            return None
        adaptive = self._adaptive.get(model)
        if adaptive is None:
            if len(self._adaptive) >= MOST_MODELS:  # clients may send any model name: keep those in use
                self._adaptive = {name: known for name, known in self._adaptive.items() if not known.idle}
            adaptive = self._adaptive[model] = AdaptiveLimit(self._span_s)
        return adaptive

    def _start(self, ticket: Ticket, now: float, tested: Figure | None) -> None:
        ticket.state, ticket.started_at = "started", now
        self._in_flight += 1
        self._window.add(ticket)
        ticket.adaptive = self._limit(ticket.model)
        if ticket.adaptive is not None:
            ticket.adaptive.started(ticket, now, tested)

    def _adaptive_free_at(self, ticket: Ticket, now: float) -> tuple[float, Figure | None]:
        adaptive = self._adaptive.get(ticket.model)
        return (now, None) if adaptive is None or not self.limits.learn else adaptive.free_at(now)

    def _unqueue(self, ticket: Ticket) -> None:
        queue = self._queues[ticket.model]
        queue.remove(ticket)
        if not queue:
            del self._queues[ticket.model]

    def _first(self, now: float) -> tuple[Ticket, Figure | None] | None:
        """Return the earliest waiting call that no learned limit delays, and the figure that its start would test."""
        best: tuple[Ticket, Figure | None] | None = None
        for queue in self._queues.values():
            for ticket in queue:
                if ticket.retry_at > now:
                    continue
                at, tested = self._adaptive_free_at(ticket, now)
                if at <= now and (best is None or ticket.since < best[0].since):
                    best = ticket, tested
                break
        return best

    def _free_at(self, ticket: Ticket, now: float) -> tuple[float, Figure | None]:
        at, tested = self._adaptive_free_at(ticket, now)
        return max(at, self._key_free_at(ticket, now)), tested

    def _key_free_at(self, ticket: Ticket, now: float) -> float:
        limits = self.limits
        if limits.concurrency is not None and self._in_flight >= limits.concurrency:
            return NEVER
        self._window.expire(now)
        at = now
        if limits.rpm is not None:
            at = max(at, self._window.free_at(limits.rpm))
        if limits.tpm is not None:
            at = max(at, self._window.tokens_free_at(limits.tpm, ticket.tokens))
        return at
