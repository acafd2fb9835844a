"""The deadlines of one attempt (first token, idle, total), on a single event loop timer that is rarely moved."""

import asyncio

from adapters.core.wire import Got, Head, Phase
from proxy.credentials.pool import Times

RECHECK_S = 1.0
"""If the timer fires while the attempt waits for the client, not the vendor, it checks again after this (seconds)."""


class AttemptDeadline:
    """Cancels the waiting task at the deadline; ``expired`` tells that from any other cancellation.

    It never cancels while the attempt waits for the client.
    """

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
        """A call is sent. The first one starts the total limit and, if it streams, the first-token limit."""
        if self._handle is not None:
            return
        now = self._loop.time()
        self._streams = streams
        self._total_at = now + self._times.total_s
        self._first_at = now + self._times.first_token_s
        self._received_at = now
        self._handle = self._loop.call_at(self._due(), self._check)

    def pause(self) -> None:
        """No call is at the vendor: stop the clock."""
        if self._handle is not None:
            self._handle.cancel()
            self._paused_at = self._loop.time()

    def resume(self) -> None:
        """A call is at the vendor again: continue the clock."""
        if self._handle is not None and self._paused_at:
            paused_s = self._loop.time() - self._paused_at
            self._total_at += paused_s
            self._first_at += paused_s
            self._received_at += paused_s
            self._paused_at = 0.0
            self._handle = self._loop.call_at(self._due(), self._check)

    def wait(self) -> None:
        """The attempt waits for the vendor from now on."""
        self._waiting = True
        if self._streams:
            self._received_at = self._loop.time()

    def received(self, got: Got) -> None:
        """The vendor sent something: the attempt no longer waits for it."""
        self._waiting = False
        if isinstance(got, Head) and not self._head_seen:
            self._head_seen = True  # the idle limit applies from now on, and may end first
            if self._streams and self._handle is not None:
                self._handle.cancel()
                self._handle = self._loop.call_at(self._due(), self._check)

    def content(self) -> None:
        """Content was sent to the client: the first-token limit no longer applies."""
        self._content = True

    def stop(self) -> None:
        """Stop the timer for good."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def expired(self) -> Phase | None:
        """Return the limit that ran out, and reset it; None if none did."""
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

    def _check(self) -> None:
        now = self._loop.time()
        due = self._due()
        if not self._waiting:
            self._handle = self._loop.call_at(max(due, now + RECHECK_S), self._check)
        elif now < due:
            self._handle = self._loop.call_at(due, self._check)
        else:
            if now >= self._total_at:
                self._phase = "total"
            elif not self._content and now >= self._first_at:
                self._phase = "first_token"
            else:
                self._phase = "idle"
            if self._task is not None:
                self._task.cancel()
