"""A sliding window over the calls of the last minute: when the next one may start without exceeding a limit."""

from collections import deque
from typing import Protocol

NEVER = float("inf")
"""The time of an event that does not happen by waiting alone."""


class Started(Protocol):
    """A counted call: when it started (seconds, monotonic), and its tokens."""

    started_at: float
    tokens: int


class SlidingWindow:
    """The calls that started within the last ``span_s`` seconds.

    Vendors use a sliding minute, fixed minutes of the clock, or a token bucket. At most R starts in *any* window of a
    minute satisfy all three; a token bucket would allow 2 R in the minute after a pause, and fixed minutes 2 R around
    the turn of a minute. ``span_s`` is slightly more than a minute, because the vendor counts a call when it arrives,
    and transit times vary.
    """

    __slots__ = ("_calls", "_span_s", "_tokens")

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._calls: deque[Started] = deque()
        self._tokens = 0

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: Started) -> None:
        """Add a call that starts now; it must be later than all others in the window."""
        self.expire(call.started_at)
        self._calls.append(call)
        self._tokens += call.tokens

    def remove(self, call: Started) -> None:
        """Remove a call; vendors do not count the calls that they refuse."""
        if call in self._calls:
            self._calls.remove(call)
            self._tokens -= call.tokens

    def settle(self, call: Started, tokens: int) -> None:
        """Replace a call's estimated tokens by those it used."""
        if call in self._calls:
            self._tokens += tokens - call.tokens
        call.tokens = tokens

    def expire(self, now: float) -> None:
        """Remove the calls that are older than the window."""
        calls = self._calls
        while calls and calls[0].started_at + self._span_s <= now:
            self._tokens -= calls.popleft().tokens

    def count_since(self, time: float) -> int:
        """Return how many calls started after this time."""
        count = 0
        for call in reversed(self._calls):
            if call.started_at <= time:
                break
            count += 1
        return count

    def free_at(self, limit: int) -> float:
        """Return when a call may start without exceeding ``limit`` calls in a window; 0 for now."""
        excess = len(self._calls) - limit
        return self._calls[excess].started_at + self._span_s if excess >= 0 else 0.0

    def tokens_free_at(self, limit: int, tokens: int) -> float:
        """Return when ``tokens`` more fit in the limit; 0 for now. A larger call waits for an empty window."""
        excess = self._tokens + min(tokens, limit) - limit
        if excess <= 0:
            return 0.0
        for call in self._calls:
            excess -= call.tokens
            if excess <= 0:
                return call.started_at + self._span_s
        return 0.0
