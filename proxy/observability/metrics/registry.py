"""Metrics: whoever counts keeps plain numbers, and says here under which name they are read when somebody looks.

Nothing is done for a metric before it is read: a family is a name and a function that gives the figures of the moment.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

Labels = tuple[str, ...]
"""The values of a family's labels, in their order."""

QUICK_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Buckets for what should not be noticed, in seconds."""
LONG_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""Buckets for what a vendor takes, in seconds."""


class Histogram:
    """How many figures fell into each bucket, and their sum. The last bucket has no bound."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one figure."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def observe_all(self, values: list[float]) -> None:
        """Count many figures: sorted, a look-up for each bound is enough."""
        values.sort()
        below = 0
        for at, bound in enumerate(self.bounds):
            if below == len(values):
                break
            upto = bisect_right(values, bound, below)
            self.counts[at] += upto - below
            below = upto
        self.counts[-1] += len(values) - below
        self.sum += sum(values)

    def add(self, other: "Histogram") -> None:
        """Count what another one has counted; both have the same bounds."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.sum += other.sum


class Family(NamedTuple):
    """One metric: what is read gives a number, or a Histogram, for each set of label values."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    labels: Labels
    read: Callable[[], Mapping[Labels, Any]]


class Metrics:
    """The families of one server. Label values come from the configuration and from closed lists, never from callers."""

    def __init__(self) -> None:
        self.families: dict[str, Family] = {}

    def gauge(self, name: str, help_: str, labels: Labels, read: Callable[[], Mapping[Labels, float]]) -> None:
        """A figure that goes up and down, read when somebody looks."""
        self._add(Family(name, "gauge", help_, labels, read))

    def counter(self, name: str, help_: str, labels: Labels, read: Callable[[], Mapping[Labels, float]]) -> None:
        """A count that only grows. Its name ends in ``_total``."""
        self._add(Family(name, "counter", help_, labels, read))

    def histogram(self, name: str, help_: str, labels: Labels, read: Callable[[], Mapping[Labels, Histogram]]) -> None:
        """Figures by size."""
        self._add(Family(name, "histogram", help_, labels, read))

    def _add(self, family: Family) -> None:
        if family.name in self.families:
            raise ValueError(f"two metrics with the name {family.name}")
        self.families[family.name] = family
