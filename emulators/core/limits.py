"""Limits of an account: concurrent calls, and calls in a time window. Off unless set: the limits of vendors differ."""

from collections import deque
from collections.abc import Mapping
from typing import Any

MINUTE_S = 60.0
AT_ONCE_WAIT_S = 1.0
"""The requested wait when too many calls are concurrent; the end of a call is not known (seconds)."""
SOONEST_S = 2.0
"""The shortest requested wait when too many calls are in the window; vendors report waits from this length on as the
limit per minute (seconds)."""


class Limits:
    """The limits of one account, and the calls that count against them. A refused call does not count."""

    def __init__(self) -> None:
        self.set({})

    def set(self, limits: Mapping[str, Any]) -> None:
        """Set `concurrency`, `rpm` and `window_s` (default 60); a missing limit is off.

        Raises ValueError, and changes nothing, if a value is invalid.
        """
        unknown = sorted(limits.keys() - {"concurrency", "rpm", "window_s"})
        if unknown:
            raise ValueError(f"unknown limit {unknown[0]!r}; known: concurrency, rpm, window_s")
        for name in ("concurrency", "rpm"):
            value = limits.get(name)
            if value is not None and (type(value) is not int or value < 1):
                raise ValueError(f"{name}: {value!r} is not an integer of 1 or more")
        window_s = limits.get("window_s", MINUTE_S)
        if type(window_s) not in (int, float) or not 0 < window_s < float("inf"):
            raise ValueError(f"window_s: {window_s!r} is not a number of seconds")
        self._concurrency: int | None = limits.get("concurrency")
        self._rpm: int | None = limits.get("rpm")
        self._window_s = float(window_s)
        self._starts: deque[float] = deque()
        self._active = 0

    def usage(self) -> dict[str, Any]:
        """Return the limits."""
        return {"concurrency": self._concurrency, "rpm": self._rpm, "window_s": self._window_s}

    def begin(self, now: float) -> float | None:
        """Admit a call and return `None`, or refuse it and return the requested wait in seconds."""
        if self._concurrency is not None and self._active >= self._concurrency:
            return AT_ONCE_WAIT_S
        while self._starts and self._starts[0] + self._window_s <= now:
            self._starts.popleft()
        if self._rpm is not None and len(self._starts) >= self._rpm:
            return max(SOONEST_S, self._starts[0] + self._window_s - now)
        self._starts.append(now)
        self._active += 1
        return None

    def end(self) -> None:
        """Record the end of an admitted call."""
        self._active = max(0, self._active - 1)
