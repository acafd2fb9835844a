"""The deadlines of one attempt (first token, idle, total), on a single event loop timer that is rarely moved."""

import asyncio

from adapters.core.wire import Phase
from proxy.credentials.pool import Times

RECHECK_S = 1.0
"""If the timer fires while the attempt waits for the client, not the vendor, it checks again after this (seconds)."""


class AttemptDeadline:
    """Cancels the waiting task at the deadline; ``expired`` tells that from any other cancellation.

    It never cancels while the attempt waits for the client. The attempt sets two attributes, which cost less than calls:
    ``waiting_since``, when its wait for the vendor began on the loop's clock, None while it does not wait; and
    ``content_sent``, from which on the first-token limit does not apply: content was sent to the client, or kept for a
    whole response that is joined from a stream. ``streams``: the vendor's response is a stream; only then the limits for
    the first token and for idle time apply.
    """

    __slots__ = (
        "_first_at",
        "_handle",
        "_head_seen",
        "_loop",
        "_paused_at",
        "_phase",
        "_streams",
        "_task",
        "_times",
        "_total_at",
        "content_sent",
        "waiting_since",
    )  # fmt: skip

    def __init__(self, times: Times, loop: asyncio.AbstractEventLoop, *, streams: bool) -> None:
        self._times = times
        self._loop = loop
        self._task = asyncio.current_task()
        self._handle: asyncio.TimerHandle | None = None
        self._phase: Phase | None = None
        self._streams = streams
        self.content_sent = False
        self.waiting_since: float | None = None
        self._first_at = self._total_at = 0.0
        self._head_seen = False
        self._paused_at = 0.0

    def start(self) -> None:
        """The first call is sent: start the total limit and, for a stream, the first-token limit. Later, do nothing."""
        if self._handle is not None:
            return
        now = self._loop.time()
        self._total_at = now + self._times.total_s
        self._first_at = now + self._times.first_token_s
        if self.waiting_since is not None:
            self.waiting_since = now  # the wait for a slot of the key does not count
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
            if self.waiting_since is not None:
                self.waiting_since += paused_s
            self._paused_at = 0.0
            self._handle = self._loop.call_at(self._due(), self._check)

    def head_received(self) -> None:
        """The vendor sent the head of a streamed response: the idle limit applies from now on, and may end first."""
        if not self._head_seen:
            self._head_seen = True
            if self._handle is not None:
                self._handle.cancel()
                self._handle = self._loop.call_at(self._due(), self._check)

    def stop(self) -> None:
        """Stop the timer for good."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def expired(self) -> Phase | None:
        """Return the limit that ran out, and reset it; None if none did."""
        phase, self._phase = self._phase, None
        self.waiting_since = None
        return phase

    def _due(self) -> float:
        due = self._total_at
        if self._streams:
            if not self.content_sent:
                due = min(due, self._first_at)
            if self._head_seen:
                since = self._loop.time() if self.waiting_since is None else self.waiting_since
                due = min(due, since + self._times.idle_s)
        return due

    def _check(self) -> None:
        now = self._loop.time()
        due = self._due()
        if self.waiting_since is None:
            self._handle = self._loop.call_at(max(due, now + RECHECK_S), self._check)
        elif now < due:
            self._handle = self._loop.call_at(due, self._check)
        else:
            if now >= self._total_at:
                self._phase = "total"
            elif not self.content_sent and now >= self._first_at:
                self._phase = "first_token"
            else:
                self._phase = "idle"
            if self._task is not None:
                self._task.cancel()
