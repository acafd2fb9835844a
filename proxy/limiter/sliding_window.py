"""The calls of the last minute, and when the next one may start without exceeding a limit in any minute."""

from collections import deque
from typing import Protocol

NEVER = float("inf")
"""The time of an event that does not come by waiting alone."""


class Started(Protocol):
    """A call as it is counted: when it started (seconds, monotonic), and its tokens."""

    started_at: float
    tokens: int


class SlidingWindow:
    """Starts within the last ``span_s`` seconds.

    Vendors count by a sliding minute, by the minute of the clock, or by a bucket that refills. At most R starts in *any*
    window of a minute satisfy all three; a bucket of our own would let 2 R through in the minute after a pause, and a
    count by the clock's minutes 2 R around their turn. ``span_s`` is a little more than a minute, because the vendor
    counts a call when it arrives and two calls need not take the same time to get there.
    """

    __slots__ = ("_calls", "_span_s", "_tokens")

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._calls: deque[Started] = deque()
        self._tokens = 0

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: Started) -> None:
        """Count a call that starts now, later than all that are here."""
        self.expire(call.started_at)
        self._calls.append(call)
        self._tokens += call.tokens

    def remove(self, call: Started) -> None:
        """Do not count a call; vendors do not count what they refuse."""
        if call in self._calls:
            self._calls.remove(call)
            self._tokens -= call.tokens

    def settle(self, call: Started, tokens: int) -> None:
        """Replace the estimate of a call's tokens by what it really used."""
        if call in self._calls:
            self._tokens += tokens - call.tokens
        call.tokens = tokens

    def expire(self, now: float) -> None:
        """Drop the calls that are older than the window."""
        calls = self._calls
        while calls and calls[0].started_at + self._span_s <= now:
            self._tokens -= calls.popleft().tokens

    def count_since(self, time: float) -> int:
        """How many calls started after this time."""
        count = 0
        for call in reversed(self._calls):
            if call.started_at <= time:
                break
            count += 1
        return count

    def free_at(self, limit: int) -> float:
        """When a start would not be the ``limit + 1``-th of a window; 0 if that is so now."""
        excess = len(self._calls) - limit
        return self._calls[excess].started_at + self._span_s if excess >= 0 else 0.0

    def tokens_free_at(self, limit: int, tokens: int) -> float:
        """When so many more tokens fit; 0 if they fit now. A call larger than the limit waits for an empty window."""
        excess = self._tokens + min(tokens, limit) - limit
        if excess <= 0:
            return 0.0
        for call in self._calls:
            excess -= call.tokens
            if excess <= 0:
                return call.started_at + self._span_s
        return 0.0
