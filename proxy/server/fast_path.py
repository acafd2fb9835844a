"""An ASGI extension that reads a request body and sends a response without ASGI messages.

ASGI splits a response into head and body messages and checks each header twice, requires an await for a body that has
already arrived, and reports a disconnect only to a task that waits for it. Together that takes a fifth of a request's
time.
"""

from collections.abc import Callable, Sequence
from typing import Protocol
from weakref import ref

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

EXTENSION = "banjia.http"
FAST_PATH = "fast_path"
"""The extension's name in the ASGI scope, and its only member: the request's :class:`FastPath`."""

CLOSE = (b"connection", b"close")
"""Marks the last response of a connection."""


class DisconnectNotifier(Protocol):
    """A client connection. ``disconnect_listener``: the request that is notified when the client disconnects."""

    disconnect_listener: "FastPath | None"


class FastPath:
    """The fast path of one request. ``headers``: the request headers by name; of a repeated name, the last one.

    It has only weak references to the request and the connection: both refer to the scope, which refers to this object,
    and a reference cycle would keep the body in memory until the next garbage collection.
    """

    __slots__ = ("_connection", "_cycle", "_on_disconnect", "headers", "is_watching")

    def __init__(
        self,
        connection: Callable[[], DisconnectNotifier | None],
        cycle: RequestResponseCycle,
        headers: dict[bytes, bytes],
    ) -> None:
        self._connection = connection
        self._cycle = ref(cycle)
        self._on_disconnect: Callable[[], None] | None = None
        self.headers = headers
        self.is_watching = False
        """Whether a disconnect would be reported."""

    def take_body(self) -> bytes | None:
        """Return the body if it has arrived completely; else None, and ``receive`` returns it."""
        cycle = self._cycle()
        if cycle is None or cycle.more_body or cycle.disconnected:
            return None
        body = bytes(cycle.body)
        cycle.body = bytearray()
        cycle.flow.resume_reading()
        return body

    def on_disconnect(self, on_disconnect: Callable[[], None]) -> bool:
        """Call ``on_disconnect`` if the client disconnects before its response is complete. False: it already has."""
        connection, cycle = self._connection(), self._cycle()
        if connection is None or cycle is None or cycle.disconnected:
            return False
        self._on_disconnect = on_disconnect
        self.is_watching = True
        connection.disconnect_listener = self
        return True

    def add_headers(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Add these headers to the response, whichever way it is sent."""
        cycle = self._cycle()
        if cycle is not None:
            cycle.default_headers = [*cycle.default_headers, *headers]

    def lost(self) -> None:
        """The connection is closed: notify the request, unless its response is complete."""
        cycle, on_disconnect = self._cycle(), self._on_disconnect
        self.stop_watching()
        if on_disconnect is not None and cycle is not None and not cycle.response_complete:
            on_disconnect()

    def stop_watching(self) -> None:
        """Stop listening for a disconnect."""
        connection = self._connection()
        self._on_disconnect = None
        self.is_watching = False
        if connection is not None and connection.disconnect_listener is self:
            connection.disconnect_listener = None

    def send(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a complete response as uvicorn would. Return False, without sending anything, if that is not possible.

        ``headers`` must hold the body's ``content-length``. Raises ValueError for a header with a line break.
        """
        cycle = self._cycle()
        if cycle is None or cycle.response_started or cycle.disconnected:
            return False
        if cycle.flow.write_paused or cycle.scope["method"] == "HEAD":
            return False
        lines = [*map(b": ".join, cycle.default_headers), *map(b": ".join, headers)]
        if status in (408, 413) and cycle.more_body:
            cycle.keep_alive = False  # do not wait for the rest of the body
        if not cycle.keep_alive and CLOSE not in cycle.default_headers:
            lines.append(b"connection: close")
        head = b"\r\n".join(lines)
        if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1:
            raise ValueError("a line break in a header")
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(STATUS_LINE[status] + head + b"\r\n\r\n" + body)
        self.stop_watching()
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


def fast_path_of(scope: Scope) -> FastPath | None:
    """Return the fast path of a request, or None under another ASGI server."""
    try:
        fast_path: FastPath = scope["extensions"][EXTENSION][FAST_PATH]
    except KeyError:
        return None
    return fast_path
