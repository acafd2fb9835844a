"""Monitors the event loop: measures how late a timer fires, and logs the stack of the loop's thread when it is blocked.

All requests run on one loop, so one blocking call delays every request. A thread sleeps until the timer is overdue; while
the timer fires in time, the thread only goes back to sleep, about once a second.
"""

import asyncio
import logging
import sys
import threading
import time
from types import FrameType

from proxy.observability.metrics.registry import QUICK_S, Histogram, Metrics

log = logging.getLogger("banjia")

TICK_S = 0.25
"""Interval of the timer (seconds)."""
STALL_S = 1.0
"""The smallest lag that is reported as a stall (seconds)."""
DEPTH = 30
"""The most frames of a stack that are logged."""
WORST_OF_S = 60.0
"""Length of a window of the worst-lag gauge, which covers the current window and the previous one (seconds)."""


class LoopMonitor:
    """Monitor of one loop. Start and stop it on that loop."""

    def __init__(self, *, tick_s: float = TICK_S, stall_s: float = STALL_S) -> None:
        self._tick_s = tick_s
        self._stall_s = stall_s
        self.lag = Histogram(QUICK_S)
        self.stalls = 0
        self._worst = [0.0, 0.0]  # of the current window and of the previous one
        self._window_ends = 0.0
        self._due = 0.0
        self._reported_due = 0.0  # the due time of the timer that the last reported stall has delayed
        self._loop_thread = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="loop-watch", daemon=True)

    def start(self) -> None:
        """Start monitoring the running loop."""
        self._loop_thread = threading.get_ident()
        self._window_ends = time.monotonic() + WORST_OF_S
        self._schedule(time.monotonic())
        self._thread.start()

    def stop(self) -> None:
        """Stop; the thread ends by itself."""
        self._stopped.set()
        if self._timer is not None:
            self._timer.cancel()

    def register(self, metrics: Metrics) -> None:
        """Register the metrics."""
        metrics.histogram("banjia_loop_lag_seconds", "How late the event loop was.", (), lambda: {(): self.lag})
        metrics.gauge(
            "banjia_loop_lag_worst_seconds",
            "The worst lag of the last minute or two.",
            (),
            lambda: {(): max(self._worst)},
        )
        metrics.counter("banjia_loop_stalls_total", "Lags of a second and more.", (), lambda: {(): self.stalls})

    # --- on the loop --------------------------------------------------------------------------------------------

    def _schedule(self, now: float) -> None:
        self._due = now + self._tick_s
        self._timer = asyncio.get_running_loop().call_later(self._tick_s, self._on_timer)

    def _on_timer(self) -> None:
        now = time.monotonic()
        late = max(0.0, now - self._due)  # the loop's clock is coarser, so the timer may fire a little early
        self.lag.observe(late)
        if now >= self._window_ends:
            self._worst = [0.0, self._worst[0]]
            self._window_ends = now + WORST_OF_S
        self._worst[0] = max(self._worst[0], late)
        if late >= self._stall_s:
            self.stalls += 1
            if self._reported_due != self._due:  # the blocking call kept other threads from running too
                log.warning("the event loop was blocked for %.1f seconds; the stack is not known", late)
        self._schedule(now)

    # --- in the thread ------------------------------------------------------------------------------------------

    def _sample(self) -> None:
        wait_s = self._tick_s + self._stall_s
        while not self._stopped.wait(wait_s):
            due = self._due
            late = time.monotonic() - due
            wait_s = max(self._stall_s - late, 0.01)
            if late >= self._stall_s:
                wait_s = self._tick_s
                if self._reported_due != due:
                    self._reported_due = due
                    self._report(late)

    def _report(self, late: float) -> None:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - there is no other way to look at a thread
        if frame is not None:
            log.warning("the event loop has been blocked for %.1f seconds in\n%s", late, stack(frame))


def stack(frame: FrameType | None) -> str:
    """Return the stack of a frame, innermost first: files, lines and functions, never a value."""
    lines: list[str] = []
    while frame is not None and len(lines) < DEPTH:
        code = frame.f_code
        lines.append(f"  {code.co_filename}:{frame.f_lineno} {code.co_qualname}")
        frame = frame.f_back
    return "\n".join(lines)
