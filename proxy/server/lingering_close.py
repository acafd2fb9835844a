"""Close a connection in a way that lets the client read the response.

Closing a socket while bytes still arrive resets the connection, and a reset may discard a response that the client has
not read yet. So only the write side is closed at first, and received bytes are discarded for a moment.
"""

import asyncio
from collections.abc import Callable

LINGER_S = 2.0
"""How long received bytes are discarded before the connection is closed (seconds)."""


class LingeringClose(asyncio.Protocol):
    """The protocol of a connection whose last response is written."""

    def __init__(self, transport: asyncio.Transport, before: asyncio.Protocol) -> None:
        """``before``: the connection's previous protocol, which still receives flow control and connection_lost."""
        self._before = before
        self._late = asyncio.get_running_loop().call_later(LINGER_S, transport.abort)
        transport.set_protocol(self)
        if transport.can_write_eof():
            transport.write_eof()
        transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Discard the data."""

    def pause_writing(self) -> None:
        self._before.pause_writing()

    def resume_writing(self) -> None:
        self._before.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._late.cancel()
        self._before.connection_lost(exc)


class NullParser:
    """A parser that ignores everything after an invalid request."""

    def feed_data(self, data: bytes) -> None:
        """Do nothing."""


class ClosingTransport:
    """The transport of a request whose body is incomplete: closing it starts a lingering close."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close
