"""Latency of targets: a moving average for each, separately for streaming and non-streaming responses."""

WEIGHT = 0.3
"""The weight of the latest response in the average."""
FAILED_S = 10.0
"""The least latency that a failed attempt counts as (seconds)."""

MOST = 4096
"""The most targets that are remembered: clients may send any model name."""

_Key = tuple[str, bool]
"""A target's label, and whether the response is a stream."""


class LatencyTracker:
    """Tracks the seconds to the first content of a stream, or to a complete response, by target."""

    def __init__(self) -> None:
        self._known: dict[_Key, float] = {}

    def of(self, label: str, stream: bool) -> float | None:
        """Return the average (seconds); None for a target that was not called yet."""
        return self._known.get((label, stream))

    def record(self, label: str, stream: bool, s: float) -> None:
        """Record a response after ``s`` seconds."""
        if (label, stream) not in self._known and len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        before = self._known.get((label, stream), s)
        self._known[label, stream] = before + WEIGHT * (s - before)

    def failed(self, label: str, stream: bool, s: float) -> None:
        """Record a failure after ``s`` seconds. A quick failure must not look like a fast response."""
        self.record(label, stream, max(s, FAILED_S))

    def left(self, label: str, stream: bool, s: float) -> None:
        """Record an attempt cancelled after ``s`` seconds, if that is over its average: it would have taken longer."""
        if s > self._known.get((label, stream), 0.0):
            self.record(label, stream, s)
