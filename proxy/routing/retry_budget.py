"""Retry budget: limit retries to a share of the requests, so that a failing vendor is not flooded."""

import time
from collections import deque

SHARE = 0.2
RESERVE = 3
WINDOW_S = 10.0
SLOT_S = 0.1
"""Events are counted in slots of this length (seconds)."""


class WindowCount:
    """Counts the events of the last ``WINDOW_S`` seconds. Its memory does not grow with their number."""

    def __init__(self) -> None:
        self._slots: deque[tuple[int, int]] = deque()  # slot number and count, the oldest first
        self._slot = 0
        self._count = 0  # in the current slot

    def add(self) -> None:
        """Count an event."""
        slot = int(time.monotonic() / SLOT_S)
        if slot != self._slot:
            self._begin(slot)
        self._count += 1

    def total(self) -> int:
        """Return the number of events in the window."""
        slot = int(time.monotonic() / SLOT_S)
        if slot != self._slot:
            self._begin(slot)
        return self._count + sum(count for _, count in self._slots)

    def _begin(self, slot: int) -> None:
        if self._count:
            self._slots.append((self._slot, self._count))
        self._slot, self._count = slot, 0
        while self._slots and self._slots[0][0] < slot - WINDOW_S / SLOT_S:
            self._slots.popleft()


class RetryBudget:
    """Allows retries of the same target, over ten seconds, for a fifth of the requests and always for three."""

    def __init__(self) -> None:
        self._requests = WindowCount()
        self._retries = WindowCount()
        self.request = self._requests.add
        """Count a request. An attribute, because every request calls it."""

    def spend(self) -> None:
        """Count a retry."""
        self._retries.add()

    def left(self) -> bool:
        """Whether another retry is allowed."""
        return self._retries.total() < max(RESERVE, SHARE * self._requests.total())
