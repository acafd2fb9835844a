"""Counters of a store, for the metrics."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Literal

Removal = Literal["evicted", "expired", "too_large"]


class StoreMetrics:
    """Operations, failures and the size of one store. Used by the event loop; a thread may set ``size``."""

    def __init__(self, limit: int | None = None) -> None:
        """``limit``: the bound of ``size``; None if there is none."""
        self.operations: Counter[str] = Counter()
        """Operations by name, such as ``responses.put``."""
        self.seconds: defaultdict[str, float] = defaultdict(float)
        """How long they took in all, by name (seconds)."""
        self.failures: Counter[str] = Counter()
        """Operations that ended with StoreUnavailable, by cause."""
        self.transactions = 0
        """Transactions that were written; one has the writes of several requests."""
        self.removed: dict[Removal, int] = {"evicted": 0, "expired": 0, "too_large": 0}
        """Removed objects, by cause."""
        self.size = 0
        """What the store holds, in memory or on disk (bytes)."""
        self.limit = limit

    def sizes(self) -> Mapping[str, int]:
        """Return the size, and the limit if there is one (bytes)."""
        return {"held": self.size} if self.limit is None else {"held": self.size, "limit": self.limit}
