"""The timer of one attempt: one handle on the loop, looked at when it rings, running only while the vendor is awaited."""

import asyncio

from adapters.core.wire import Got, Head, Phase
from proxy.credentials.pool import Times

RECHECK_S = 1.0
"""When the timer rings while the caller, not the vendor, is awaited, it looks again after this long (seconds)."""


class AttemptDeadline:
    """Rings by cancelling the task that waits, and says why: ``rung`` tells a ring from another cancellation."""

    __slots__ = (
        "_content",
        "_first_at",
        "_handle",
        "_head_seen",
        "_loop",
        "_paused_at",
        "_phase",
        "_received_at",
        "_streams",
        "_task",
        "_times",
        "_total_at",
        "_waiting",
    )  # fmt: skip

    def __init__(self, times: Times) -> None:
        self._times = times
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._handle: asyncio.TimerHandle | None = None
        self._phase: Phase | None = None
        self._streams = False
        self._content = False
        self._waiting = False
        self._received_at = self._first_at = self._total_at = 0.0
        self._head_seen = False
        self._paused_at = 0.0

    def start(self, *, streams: bool) -> None:
        """A call is sent: the total runs from the first, the time to content where it streams."""
        if self._handle is not None:
            return
        now = self._loop.time()
        self._streams = streams
        self._total_at = now + self._times.total_s
        self._first_at = now + self._times.first_token_s
        self._received_at = now
        self._handle = self._loop.call_at(self._due(), self._ring)

    def pause(self) -> None:
        """Nothing is at the vendor for a while: that time is not the vendor's."""
        if self._handle is not None:
            self._handle.cancel()
            self._paused_at = self._loop.time()

    def resume(self) -> None:
        """Something is at the vendor again."""
        if self._handle is not None and self._paused_at:
            paused_s = self._loop.time() - self._paused_at
            self._total_at += paused_s
            self._first_at += paused_s
            self._received_at += paused_s
            self._paused_at = 0.0
            self._handle = self._loop.call_at(self._due(), self._ring)

    def wait(self) -> None:
        """The vendor is awaited from now on."""
        self._waiting = True
        if self._streams:
            self._received_at = self._loop.time()

    def received(self, got: Got) -> None:
        """Something arrived: the vendor is not awaited any more."""
        self._waiting = False
        if isinstance(got, Head) and not self._head_seen:
            self._head_seen = True  # from now on silence counts: ring early enough to see it
            if self._streams and self._handle is not None:
                self._handle.cancel()
                self._handle = self._loop.call_at(self._due(), self._ring)

    def content(self) -> None:
        """Content has reached the caller: the time to the first token no longer counts."""
        self._content = True

    def stop(self) -> None:
        """No more ringing."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def expired(self) -> Phase | None:
        """Why it rang, once; None if it did not."""
        phase, self._phase = self._phase, None
        self._waiting = False
        return phase

    def _due(self) -> float:
        due = self._total_at
        if self._streams:
            if not self._content:
                due = min(due, self._first_at)
            if self._head_seen:
                due = min(due, self._received_at + self._times.idle_s)
        return due

    def _ring(self) -> None:
        now = self._loop.time()
        due = self._due()
        if not self._waiting:
            self._handle = self._loop.call_at(max(due, now + RECHECK_S), self._ring)
        elif now < due:
            self._handle = self._loop.call_at(due, self._ring)
        else:
            if now >= self._total_at:
                self._phase = "total"
            elif not self._content and now >= self._first_at:
                self._phase = "first_token"
            else:
                self._phase = "idle"
            if self._task is not None:
                self._task.cancel()
