"""How many retries may be spent: a share of what is going on, so that a failing vendor is not flooded."""

import time
from collections import deque

SHARE = 0.2
RESERVE = 3
WINDOW_S = 10.0


class RetryBudget:
    """Retries to the same target over the last ten seconds: at most a fifth of the requests, and three always."""

    def __init__(self) -> None:
        self._requests: deque[float] = deque()
        self._retries: deque[float] = deque()

    def request(self) -> None:
        """A request came in."""
        self._requests.append(time.monotonic())

    def spend(self) -> None:
        """A retry is made."""
        self._retries.append(time.monotonic())

    def left(self) -> bool:
        """Whether another retry may be made."""
        since = time.monotonic() - WINDOW_S
        for times in (self._requests, self._retries):
            while times and times[0] < since:
                times.popleft()
        return len(self._retries) < max(RESERVE, SHARE * len(self._requests))
