"""Whether the event loop answers: how late its timer rings, and where it stands when it does not ring at all.

Everything here runs on one loop, so one blocking call holds up every request. A thread sleeps beside the loop until the
timer is overdue; while it rings in time, the thread does nothing but go to sleep again, about once a second.
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
"""How often the timer rings (seconds)."""
STALL_S = 1.0
"""From how late on a stall is reported (seconds)."""
DEPTH = 30
"""The most frames that are told of a stack."""
WORST_OF_S = 60.0
"""The gauge shows the worst of this long, and of up to as long before (seconds)."""


class LoopMonitor:
    """The watch over one loop. Start and stop it on that loop."""

    def __init__(self, *, tick_s: float = TICK_S, stall_s: float = STALL_S) -> None:
        self._tick_s = tick_s
        self._stall_s = stall_s
        self.lag = Histogram(QUICK_S)
        self.stalls = 0
        self._worst = [0.0, 0.0]  # of this while, and of the one before
        self._turns_at = 0.0
        self._due = 0.0
        self._told_of = 0.0  # the ring that was waited for in vain when a stall was last reported
        self._loop_thread = 0
        self._timer: asyncio.TimerHandle | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="loop-watch", daemon=True)

    def start(self) -> None:
        """Begin, on the running loop."""
        self._loop_thread = threading.get_ident()
        self._turns_at = time.monotonic() + WORST_OF_S
        self._ring_later(time.monotonic())
        self._thread.start()

    def stop(self) -> None:
        """End; the thread goes by itself."""
        self._over.set()
        if self._timer is not None:
            self._timer.cancel()

    def register(self, metrics: Metrics) -> None:
        """Let the figures be read."""
        metrics.histogram("banjia_loop_lag_seconds", "How late the event loop was.", (), lambda: {(): self.lag})
        metrics.gauge(
            "banjia_loop_lag_worst_seconds",
            "The worst lag of the last minute or two.",
            (),
            lambda: {(): max(self._worst)},
        )
        metrics.counter("banjia_loop_stalls_total", "Lags of a second and more.", (), lambda: {(): self.stalls})

    # --- on the loop --------------------------------------------------------------------------------------------

    def _ring_later(self, now: float) -> None:
        self._due = now + self._tick_s
        self._timer = asyncio.get_running_loop().call_later(self._tick_s, self._ring)

    def _ring(self) -> None:
        now = time.monotonic()
        late = max(0.0, now - self._due)  # the loop's own clock is coarser, and may ring a little early
        self.lag.observe(late)
        if now >= self._turns_at:
            self._worst = [0.0, self._worst[0]]
            self._turns_at = now + WORST_OF_S
        self._worst[0] = max(self._worst[0], late)
        if late >= self._stall_s:
            self.stalls += 1
            if self._told_of != self._due:  # whatever blocked kept other threads from running too
                log.warning("the event loop did not answer for %.1f seconds; where it stood is not known", late)
        self._ring_later(now)

    # --- in the thread ------------------------------------------------------------------------------------------

    def _sample(self) -> None:
        wait_s = self._tick_s + self._stall_s
        while not self._over.wait(wait_s):
            due = self._due
            late = time.monotonic() - due
            wait_s = max(self._stall_s - late, 0.01)
            if late >= self._stall_s:
                wait_s = self._tick_s
                if self._told_of != due:
                    self._told_of = due
                    self._report(late)

    def _report(self, late: float) -> None:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - there is no other way to look at a thread
        if frame is not None:
            log.warning("the event loop has not answered for %.1f seconds; it stands in\n%s", late, stack(frame))


def stack(frame: FrameType | None) -> str:
    """Where a frame stands, innermost first: files, lines and functions, never a value."""
    lines: list[str] = []
    while frame is not None and len(lines) < DEPTH:
        code = frame.f_code
        lines.append(f"  {code.co_filename}:{frame.f_lineno} {code.co_qualname}")
        frame = frame.f_back
    return "\n".join(lines)
