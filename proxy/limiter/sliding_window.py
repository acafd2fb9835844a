"""The calls of the last minute, and when the next one may start without ever being one too many."""

from collections import deque
from typing import Protocol

NEVER = float("inf")
"""The time of what does not come by waiting alone."""


class Mark(Protocol):
    """A call as it is counted: when it started, and its tokens."""

    at: float
    tokens: int


class Minute:
    """A sliding window of starts.

    Vendors count in different ways: by a sliding minute, by the minute of the clock, or by a bucket that refills. At most
    R starts in *any* window of a minute keep to all three; a bucket of our own would let 2 R through in the minute after a
    pause, and a count by the clock's minutes 2 R around its turn. ``span_s`` is a minute and a little more, for a call
    is counted when it arrives there, and two calls need not take the same time on their way.
    """

    __slots__ = ("_marks", "_span_s", "_tokens")

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._marks: deque[Mark] = deque()
        self._tokens = 0

    def __len__(self) -> int:
        return len(self._marks)

    def add(self, mark: Mark) -> None:
        """A call starts; later than all that are here."""
        self.forget(mark.at)
        self._marks.append(mark)
        self._tokens += mark.tokens

    def remove(self, mark: Mark) -> None:
        """A call is not to be counted."""
        if mark in self._marks:
            self._marks.remove(mark)
            self._tokens -= mark.tokens

    def settle(self, mark: Mark, tokens: int) -> None:
        """A call has cost so many tokens."""
        if mark in self._marks:
            self._tokens += tokens - mark.tokens
        mark.tokens = tokens

    def forget(self, now: float) -> None:
        """Let go of what is older than the window."""
        marks = self._marks
        while marks and marks[0].at + self._span_s <= now:
            self._tokens -= marks.popleft().tokens

    def free_at(self, most: int) -> float:
        """When a start would not be the ``most + 1``-th of a window; in the past if that is so now."""
        over = len(self._marks) - most
        return self._marks[over].at + self._span_s if over >= 0 else 0.0

    def tokens_free_at(self, most: int, tokens: int) -> float:
        """When so many tokens more would fit. A call that is larger than the limit waits until nothing else counts."""
        left = self._tokens + min(tokens, most) - most
        if left <= 0:
            return 0.0
        for mark in self._marks:
            left -= mark.tokens
            if left <= 0:
                return mark.at + self._span_s
        return 0.0
