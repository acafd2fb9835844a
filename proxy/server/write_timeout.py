"""A caller who has stopped reading is given up: he would hold a place and a vendor's call for as long as he likes."""

import asyncio

WRITE_STALL_S = 60.0
"""How long a caller may take nothing at all of what is ready for him (seconds)."""


class WriteStallTimer:
    """Runs while more is ready for a caller than the connection should hold; slow reading starts it anew."""

    __slots__ = ("_handle", "_left", "_transport")

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._wait()

    def _wait(self) -> None:
        self._left = self._transport.get_write_buffer_size()
        self._handle = asyncio.get_running_loop().call_later(WRITE_STALL_S, self._look)

    def _look(self) -> None:
        if self._transport.get_write_buffer_size() < self._left:
            self._wait()
        else:
            self._transport.abort()

    def cancel(self) -> None:
        """He reads again, or has left."""
        self._handle.cancel()
