"""The short way in and out for one request, beside ASGI's messages.

An ASGI server takes an answer's head and body apart, and looks at each header twice; a body that is there is awaited all
the same, and a caller's leaving is told to nobody who does not wait for it in a task. Together that is a fifth of a
request of ours, so the door offers an ASGI extension: :class:`Way`.
"""

from collections.abc import Callable, Sequence
from typing import Protocol
from weakref import ref

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

EXTENSION = "banjia.door"
FAST_PATH = "way"
"""The extension's name in the ASGI scope, and its one member: the request's :class:`Way`."""

CLOSE = (b"connection", b"close")
"""The header that says so."""


class DisconnectNotifier(Protocol):
    """The connection of a caller. ``served``: the request whose task is to hear of his leaving."""

    disconnect_listener: "FastPath | None"


class FastPath:
    """The short way in and out for one request. ``headers``: its own by name; of a name that came twice, the last.

    It holds neither the request nor the connection: these have the scope, and would wait for the garbage collector, with
    the body, if what is in it had them.
    """

    __slots__ = ("_connection", "_cycle", "_leave", "headers")

    def __init__(
        self, door: Callable[[], DisconnectNotifier | None], cycle: RequestResponseCycle, headers: dict[bytes, bytes]
    ) -> None:
        self._connection = door
        self._cycle = ref(cycle)
        self._leave: Callable[[], None] | None = None
        self.headers = headers

    def take(self) -> bytes | None:
        """The body, if all of it is there. None: ``receive`` has it, as it comes."""
        cycle = self._cycle()
        if cycle is None or cycle.more_body or cycle.disconnected:
            return None
        body = bytes(cycle.body)
        cycle.body = bytearray()
        cycle.flow.resume_reading()
        return body

    def watch(self, leave: Callable[[], None]) -> bool:
        """Have ``leave`` called once if the caller leaves before he has the whole answer. False: he has left already."""
        door, cycle = self._connection(), self._cycle()
        if door is None or cycle is None or cycle.disconnected:
            return False
        self._leave = leave
        door.disconnect_listener = self
        return True

    def add_headers(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Have these headers on whatever is answered, also by the short way and by the door itself."""
        cycle = self._cycle()
        if cycle is not None:
            cycle.default_headers = [*cycle.default_headers, *headers]

    def lost(self) -> None:
        """The connection is gone."""
        cycle, leave = self._cycle(), self._leave
        self.end()
        if leave is not None and cycle is not None and not cycle.response_complete:
            leave()

    def end(self) -> None:
        """Nobody wants to hear of the caller's leaving any more."""
        door = self._connection()
        self._leave = None
        if door is not None and door.disconnect_listener is self:
            door.disconnect_listener = None

    def send(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send an answer that is whole, as uvicorn would; False, and nothing done, where it is not simply possible.

        ``headers`` must hold the body's ``content-length``. Raises ValueError for a header with a line break.
        """
        cycle = self._cycle()
        if cycle is None or cycle.response_started or cycle.disconnected:
            return False
        if cycle.flow.write_paused or cycle.scope["method"] == "HEAD":
            return False
        lines = [*map(b": ".join, cycle.default_headers), *map(b": ".join, headers)]
        if status in (408, 413) and cycle.more_body:
            cycle.keep_alive = False  # the rest of the body is not waited for
        if not cycle.keep_alive and CLOSE not in cycle.default_headers:
            lines.append(b"connection: close")
        head = b"\r\n".join(lines)
        if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1:
            raise ValueError("a line break in a header")
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(STATUS_LINE[status] + head + b"\r\n\r\n" + body)
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


def fast_path_of(scope: Scope) -> FastPath | None:
    """The short way of a request, or None under another server."""
    try:
        way: FastPath = scope["extensions"][EXTENSION][FAST_PATH]
    except KeyError:
        return None
    return way
