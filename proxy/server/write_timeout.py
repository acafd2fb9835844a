"""Abort connections whose client stops reading; they would otherwise hold a slot and an upstream call indefinitely."""

import asyncio

WRITE_STALL_S = 60.0
"""A connection is aborted after its client has read nothing for this time (seconds)."""


class WriteStallTimer:
    """Runs while the write buffer is over its limit; any progress restarts it."""

    __slots__ = ("_handle", "_transport", "_unread")

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._restart()

    def _restart(self) -> None:
        self._unread = self._transport.get_write_buffer_size()
        self._handle = asyncio.get_running_loop().call_later(WRITE_STALL_S, self._check)

    def _check(self) -> None:
        if self._transport.get_write_buffer_size() < self._unread:
            self._restart()
        else:
            self._transport.abort()

    def cancel(self) -> None:
        """Stop the timer: the client reads again or has disconnected."""
        self._handle.cancel()
