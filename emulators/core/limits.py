"""What an account may do: calls at once, and calls in a window of time. Off unless set, as the vendors' limits differ."""

from collections import deque
from collections.abc import Mapping
from typing import Any

MINUTE_S = 60.0
AT_ONCE_WAIT_S = 1.0
"""What is asked for where there are too many calls at once: nobody knows when one of them ends (seconds)."""
SOONEST_S = 2.0
"""The least that is asked for where there are too many a minute: vendors word longer waits as that limit (seconds)."""


class Limits:
    """The limits of one account, and what counts against them. A call that is refused does not count."""

    def __init__(self) -> None:
        self.set({})

    def set(self, limits: Mapping[str, Any]) -> None:
        """Set `concurrency`, `rpm` and `window_s` (60); what is left out is off. Raises ValueError, changing nothing."""
        unknown = sorted(limits.keys() - {"concurrency", "rpm", "window_s"})
        if unknown:
            raise ValueError(f"no limit is called {unknown[0]!r}; there are: concurrency, rpm, window_s")
        for name in ("concurrency", "rpm"):
            value = limits.get(name)
            if value is not None and (type(value) is not int or value < 1):
                raise ValueError(f"{name}: {value!r} is no whole number of 1 or more")
        window_s = limits.get("window_s", MINUTE_S)
        if type(window_s) not in (int, float) or not 0 < window_s < float("inf"):
            raise ValueError(f"window_s: {window_s!r} is no number of seconds")
        self._concurrency: int | None = limits.get("concurrency")
        self._rpm: int | None = limits.get("rpm")
        self._window_s = float(window_s)
        self._starts: deque[float] = deque()
        self._active = 0

    def usage(self) -> dict[str, Any]:
        """Return what is set."""
        return {"concurrency": self._concurrency, "rpm": self._rpm, "window_s": self._window_s}

    def begin(self, now: float) -> float | None:
        """Let a call in and return nothing, or return how long its caller is asked to wait, in seconds."""
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
        """A call that was let in has ended."""
        self._active = max(0, self._active - 1)
