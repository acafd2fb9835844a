"""The store in memory: its parts share one limit, in bytes."""

import time
from collections.abc import Callable
from typing import Literal

from proxy.storage.memory.conversations import MemoryConversations
from proxy.storage.memory.leases import MemoryLeases
from proxy.storage.memory.responses import MemoryResponses, MemoryRuns
from proxy.storage.memory.space import ItemIndex, MemorySpace
from proxy.storage.memory.values import MemoryValues
from proxy.storage.metrics import StoreMetrics

SLICE = 500
"""The most responses, and the most conversations, that one slice of a sweep deletes."""


class MemoryStore:
    """What has been unused for longest is evicted when the limit is reached; unfinished responses never are."""

    kind: Literal["memory"] = "memory"
    is_durable = False

    def __init__(self, limit: int, clock: Callable[[], float] = time.time) -> None:
        """``limit``: the size of all that it holds (bytes). ``clock`` returns seconds since the epoch."""
        self._clock = clock
        self.metrics = StoreMetrics(limit)
        self.space = MemorySpace(self.metrics)
        index = ItemIndex()
        self.values = MemoryValues(self.space, clock)
        self.conversations = MemoryConversations(self.space, index, clock)
        self.responses = MemoryResponses(self.space, index, self.conversations, clock)
        self.leases = MemoryLeases(clock)
        self.runs = MemoryRuns(self.responses, self.leases, clock)

    def __len__(self) -> int:
        """Return the number of values, responses and conversations."""
        return len(self.values) + len(self.responses.held) + len(self.conversations.held)

    async def sweep(self, conversations_s: float | None = None) -> int:
        """Delete one slice of what has expired."""
        self.leases.remove_expired()
        count = self.values.remove_expired() + self.responses.remove_expired(SLICE)
        if conversations_s is not None:
            count += self.conversations.remove_untouched(self._clock() - conversations_s, SLICE)
        return count

    async def aclose(self) -> None:
        """Do nothing: the memory is freed with the process."""
