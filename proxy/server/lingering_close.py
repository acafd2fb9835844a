"""Ending a connection so that its caller can still read the answer.

Who closes a socket on which bytes still arrive resets it, and a reset may take away an answer that was not read yet. So
only our half is closed at first; what still comes is thrown away for a moment.
"""

import asyncio
from collections.abc import Callable

LINGER_S = 2.0
"""How long what still comes is thrown away (seconds)."""


class LingeringClose(asyncio.Protocol):
    """Takes over a connection whose last answer is written."""

    def __init__(self, transport: asyncio.Transport, before: asyncio.Protocol) -> None:
        """``before`` is the connection's protocol until now; it is told when the connection is lost."""
        self._before = before
        self._late = asyncio.get_running_loop().call_later(LINGER_S, transport.abort)
        transport.set_protocol(self)
        if transport.can_write_eof():
            transport.write_eof()
        transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Thrown away."""

    def pause_writing(self) -> None:
        self._before.pause_writing()

    def resume_writing(self) -> None:
        self._before.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._late.cancel()
        self._before.connection_lost(exc)


class NullParser:
    """A parser for what comes after a request that could not be read: it hears nothing."""

    def feed_data(self, data: bytes) -> None:
        """Nothing."""


class ClosingTransport:
    """The transport of a request whose body is not whole yet: to close it is to part from its caller."""

    def __init__(self, transport: asyncio.Transport, part: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = part
