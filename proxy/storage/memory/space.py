"""The bound of the store in memory: one limit for all of its parts (bytes)."""

from abc import ABC, abstractmethod
from collections import OrderedDict

from proxy.storage.interface import StoreUnavailable
from proxy.storage.metrics import StoreMetrics
from proxy.storage.records import StoredItem

ITEM_BYTES = 750
"""Memory of an item beside its body (bytes, as measured)."""


class Holding(ABC):
    """One thing that takes memory: a value, a response or a conversation. ``size`` includes all it needs (bytes)."""

    __slots__ = ("size",)
    size: int

    @abstractmethod
    def forget(self) -> None:
        """Remove it from the part of the store that has it."""


class MemorySpace:
    """Evicts the holding that has been unused for longest when the limit is exceeded, but none that is pinned."""

    def __init__(self, metrics: StoreMetrics) -> None:
        self.metrics = metrics
        self.by_use: OrderedDict[Holding, None] = OrderedDict()
        """The holdings that may be evicted, the longest unused first."""
        self.pinned: set[Holding] = set()

    @property
    def limit(self) -> int:
        """The size of all holdings (bytes)."""
        assert self.metrics.limit is not None
        return self.metrics.limit

    def add(self, holding: Holding, *, pinned: bool = False) -> None:
        """Count a holding as used now, and evict others if the limit requires it."""
        self.metrics.size += holding.size
        if pinned:
            self.pinned.add(holding)
        else:
            self.by_use[holding] = None
        self.make_room()

    def make_room(self) -> None:
        """Evict what exceeds the limit."""
        while self.metrics.size > self.limit and self.by_use:
            self.evict(next(iter(self.by_use)))

    def check(self, size: int, freed: int = 0) -> None:
        """Raise StoreUnavailable if so many bytes do not fit beside the pinned holdings, ``freed`` of which end."""
        if size - freed + sum(holding.size for holding in self.pinned) > self.limit:
            raise StoreUnavailable("full", "unfinished responses use all of store.max_memory_mb")

    def touch(self, holding: Holding) -> None:
        """Count a holding as used now."""
        if holding in self.by_use:
            self.by_use.move_to_end(holding)

    def grow(self, holding: Holding, size: int) -> None:
        """Change the size of a holding that is not pinned (bytes), and count it as used now."""
        self.remove(holding)
        holding.size += size
        self.add(holding)

    def remove(self, holding: Holding) -> None:
        """Count a holding no longer."""
        if holding in self.pinned:
            self.pinned.discard(holding)
        else:
            del self.by_use[holding]
        self.metrics.size -= holding.size

    def evict(self, holding: Holding) -> None:
        """Remove a holding to make room."""
        holding.forget()
        self.remove(holding)
        self.metrics.removed["evicted"] += 1


class ItemIndex:
    """Finds items by tenant and id, whichever response or conversation has them."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], dict[str, tuple[bytes, float]]] = {}

    def add(self, tenant: str, holder: str, items: list[StoredItem], expires_at: float) -> None:
        """Index the items of a response or conversation, until it expires (seconds since the epoch)."""
        for item in items:
            self._found.setdefault((tenant, item.id), {}).setdefault(holder, (item.body, expires_at))

    def remove(self, tenant: str, holder: str, items: list[StoredItem]) -> None:
        """Remove the items of a response or conversation."""
        for item in items:
            holders = self._found.get((tenant, item.id), {})
            holders.pop(holder, None)
            if not holders:
                self._found.pop((tenant, item.id), None)

    def find(self, tenant: str, id_: str, now: float) -> bytes | None:
        """Return the body of the item that was indexed first and has not expired."""
        for body, expires_at in self._found.get((tenant, id_), {}).values():
            if expires_at > now:
                return body
        return None

    def __len__(self) -> int:
        return len(self._found)


def size_of(items: list[StoredItem]) -> int:
    """Return the memory of items (bytes)."""
    return sum(ITEM_BYTES + len(item.body) for item in items)
