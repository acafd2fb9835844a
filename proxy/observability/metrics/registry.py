"""The registry of metrics: modules keep plain numbers and register a name and a function that reads them.

A metric costs nothing until it is read: a family is a name and a function that returns the current values.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

Labels = tuple[str, ...]
"""The values of a family's labels, in order."""

QUICK_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Buckets for delays that should not be noticeable, in seconds."""
LONG_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""Buckets for vendor times, in seconds."""


class Histogram:
    """The number of values in each bucket, and their sum. The last bucket has no bound."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def observe_all(self, values: list[float]) -> None:
        """Count many values. Sorts them, so that one lookup per bound is enough."""
        values.sort()
        below = 0
        for index, bound in enumerate(self.bounds):
            if below == len(values):
                break
            upto = bisect_right(values, bound, below)
            self.counts[index] += upto - below
            below = upto
        self.counts[-1] += len(values) - below
        self.sum += sum(values)

    def add(self, other: "Histogram") -> None:
        """Add the counts of another histogram, which must have the same bounds."""
        self.counts = [own + added for own, added in zip(self.counts, other.counts, strict=True)]
        self.sum += other.sum


class Family(NamedTuple):
    """One metric; ``read`` returns a number, or a Histogram, for each set of label values."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    labels: Labels
    read: Callable[[], Mapping[Labels, Any]]


class Metrics:
    """The metrics of one server. Label values come from the configuration and from fixed lists, never from clients."""

    def __init__(self) -> None:
        self.families: dict[str, Family] = {}

    def gauge(self, name: str, help_: str, labels: Labels, read: Callable[[], Mapping[Labels, float]]) -> None:
        """Register a value that goes up and down."""
        self._add(Family(name, "gauge", help_, labels, read))

    def counter(self, name: str, help_: str, labels: Labels, read: Callable[[], Mapping[Labels, float]]) -> None:
        """Register a count that only grows. Its name ends in ``_total``."""
        self._add(Family(name, "counter", help_, labels, read))

    def histogram(self, name: str, help_: str, labels: Labels, read: Callable[[], Mapping[Labels, Histogram]]) -> None:
        """Register a histogram."""
        self._add(Family(name, "histogram", help_, labels, read))

    def _add(self, family: Family) -> None:
        if family.name in self.families:
            raise ValueError(f"two metrics with the name {family.name}")
        self.families[family.name] = family
