"""Retry budget: limit retries to a share of the requests, so that a failing vendor is not flooded."""

import time
from collections import deque

SHARE = 0.2
RESERVE = 3
WINDOW_S = 10.0


class RetryBudget:
    """Allows retries of the same target, over ten seconds, for a fifth of the requests and always for three."""

    def __init__(self) -> None:
        self._requests: deque[float] = deque()
        self._retries: deque[float] = deque()

    def request(self) -> None:
        """Count a request."""
        self._requests.append(time.monotonic())

    def spend(self) -> None:
        """Count a retry."""
        self._retries.append(time.monotonic())

    def left(self) -> bool:
        """Whether another retry is allowed."""
        since = time.monotonic() - WINDOW_S
        for times in (self._requests, self._retries):
            while times and times[0] < since:
                times.popleft()
        return len(self._retries) < max(RESERVE, SHARE * len(self._requests))
