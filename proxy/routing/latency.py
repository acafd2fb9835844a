"""How fast targets have answered: a moving average for each, apart for streams and whole answers."""

WEIGHT = 0.3
"""How much the latest answer counts against all those before it."""
FAILED_S = 10.0
"""What a failed attempt counts as, if it did not take longer (seconds)."""

MOST = 4096
"""How many targets are remembered: their names may come from callers."""

Which = tuple[str, bool]
"""A target's label, and whether the answer is a stream."""


class LatencyTracker:
    """Seconds to the first content of a stream, or to a whole answer, by target."""

    def __init__(self) -> None:
        self._known: dict[Which, float] = {}

    def of(self, label: str, stream: bool) -> float | None:
        """The average; None for a target that was not asked yet."""
        return self._known.get((label, stream))

    def record(self, label: str, stream: bool, s: float) -> None:
        """An answer came after this time."""
        if (label, stream) not in self._known and len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        before = self._known.get((label, stream), s)
        self._known[label, stream] = before + WEIGHT * (s - before)

    def failed(self, label: str, stream: bool, s: float) -> None:
        """An attempt failed after this time: however quickly, nobody was served by it."""
        self.record(label, stream, max(s, FAILED_S))

    def left(self, label: str, stream: bool, s: float) -> None:
        """An attempt was broken off after this time, without an answer: it would have taken longer still."""
        if s > self._known.get((label, stream), 0.0):
            self.record(label, stream, s)
