"""The door: uvicorn's HTTP protocol, with a short way out for answers that are whole.

An ASGI server takes an answer's head and body apart, and looks at each header twice. For a whole answer of ours that
costs a tenth of the request, so the door offers an ASGI extension that sends head and body as one piece of bytes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from weakref import ref

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

WHOLE = "banjia.whole"
SEND = "send"
"""The extension's name in the ASGI scope, and its one member: called as ``send(status, headers, body)``, it returns whether
it has sent the answer; where it has not, the usual messages do."""


CLOSE = (b"connection", b"close")


class Door(HttpToolsProtocol):
    """One connection of a caller."""

    def on_headers_complete(self) -> None:
        """The request's head is there: offer the extension before its task begins."""
        super().on_headers_complete()
        # A reference that does not hold: the cycle has the scope, and would wait for the garbage collector with its body.
        self.scope["extensions"] = {WHOLE: {SEND: partial(send_whole, ref(self.cycle))}}


def send_whole(
    of: Callable[[], RequestResponseCycle | None], status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> bool:
    """Send an answer that is whole, as uvicorn would; False, and nothing done, where it is not simply possible.

    ``headers`` must hold the body's ``content-length``. Raises ValueError for a header with a line break.
    """
    cycle = of()
    if cycle is None or cycle.response_started or cycle.disconnected:
        return False
    if cycle.flow.write_paused or cycle.scope["method"] == "HEAD":
        return False
    lines = [name + b": " + value for name, value in (*cycle.default_headers, *headers)]
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


def whole_of(scope: Scope) -> Any:
    """The extension of a scope, or None under another server."""
    offered = scope.get("extensions", {}).get(WHOLE)
    return offered and offered[SEND]
