"""uvicorn's HTTP protocol with limits, deadlines and stricter checks for client connections.

uvicorn waits for a request head without a time limit, accepts one of any size, and accepts requests that another server
would parse differently. The checks here cost next to nothing for a request that arrives complete in one read; all other
reads go to :meth:`GuardedHttpProtocol._unfinished`. Each connection has one deadline, which runs while the first head,
or one that has begun, is incomplete; uvicorn's keep-alive timeout handles idle connections.
"""

import asyncio
from functools import partial
from typing import Any, Protocol, cast
from weakref import ref

import httptools
from starlette.types import Scope
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from adapters.core.message import Message
from proxy.errors import Malformed, Overloaded, ProxyError
from proxy.fd_limits import max_connections
from proxy.i18n.negotiate import wanted
from proxy.server.acceptor import final_response
from proxy.server.fast_path import EXTENSION, FAST_PATH, FastPath
from proxy.server.lingering_close import ClosingTransport, LingeringClose, NullParser
from proxy.server.request_head import MAX_HEAD, MAX_HEADERS, headers_too_large, validate_head, without_upgrade
from proxy.server.write_timeout import WriteStallTimer

HEAD_TIMEOUT_S = 10.0
"""How long a request head may take to arrive (seconds)."""
PARSE_CHUNK = 16 * 1024
"""How many bytes are parsed between two checks of the limits."""
MAX_PIPELINED = 32
"""How many pipelined requests may wait on a connection for earlier responses."""
MAX_UNREAD_BODY = 64 * 1024
"""If the response is sent before the body has arrived, the connection is kept only for a body of up to this size."""


class MemoryPressure(Protocol):
    """The part of the memory guard used here: whether keep-alive is to be avoided."""

    tight: bool


class NoMemoryPressure:
    """Stands in if there is no memory guard."""

    tight = False


class UnreadBytesBudget(Protocol):
    """The part of the memory budget used here."""

    def force_reserve(self, size: int) -> None:
        """Hold ``size`` bytes that are in memory already, even beyond the budget."""
        ...

    def release(self, size: int) -> None:
        """Release ``size`` bytes."""
        ...


NO_MEMORY_PRESSURE = NoMemoryPressure()


class GuardedHttpProtocol(HttpToolsProtocol):
    """One client connection."""

    __slots__ = (
        "_body_cycle",
        "_budget",
        "_deadline",
        "_head_size",
        "_head_without_upgrade",
        "_host",
        "_original_keep_alive",
        "_overhead",
        "_pressure",
        "_self",
        "_stall_timer",
        "_trailers",
        "_unread",
        "disconnect_listener",
    )  # fmt: skip

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._trailers: list[tuple[bytes, bytes]] | None = None  # is `headers` unless a head has begun
        self._head_size = 0  # bytes of a head that did not arrive in one read
        self._host: bytes | None = b"\0"  # the last valid Host header; initially one that never matches
        self._body_cycle: RequestResponseCycle | None = None  # the request whose body is incomplete
        self._original_keep_alive = False  # its original keep_alive
        self._overhead = 0  # bytes received since that are not body
        self._head_without_upgrade = b""  # the head to parse instead of one that asked for an upgrade
        self._pressure: MemoryPressure = self.app_state.get("memory", NO_MEMORY_PRESSURE)
        self._budget: UnreadBytesBudget | None = self.app_state.get("budget")
        self._unread = 0  # bytes of unread responses held in the budget
        self._self = ref(self)
        self.disconnect_listener: FastPath | None = None  # the request to notify of a disconnect
        self._stall_timer: WriteStallTimer | None = None  # set while the client does not read

    # --- receiving ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first head, or refuse the connection if there are too many."""
        super().connection_made(transport)
        limit = max_connections()
        if len(self.connections) > limit:
            self._refuse_connection(limit)
            return
        self._deadline = self.loop.call_later(HEAD_TIMEOUT_S, self._deadline_passed)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes."""
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        if len(data) > PARSE_CHUNK:
            for start in range(0, len(data), PARSE_CHUNK):
                self.data_received(data[start : start + PARSE_CHUNK])
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.parser = httptools.HttpRequestParser(self)
            self.data_received(self._head_without_upgrade + data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            self._refuse(malformed_request(error))
            return
        cycle = self.cycle
        if (
            self._deadline is not None
            or self.headers is not self._trailers
            or cycle.more_body
            or cycle.response_complete
        ):
            self._unfinished(len(data))

    def on_headers_complete(self) -> None:
        """Check a complete request head, and add the fast path extension to its scope before its task begins."""
        headers = self.headers
        names = dict(headers)
        count = len(headers)
        host = names.get(b"host")
        if (
            host != self._host
            or len(names) < count
            or count > MAX_HEADERS
            or self._head_size
            or b"transfer-encoding" in names
        ):
            validate_head(self.url, headers, names, self.parser.get_http_version())
            self._head_size = 0
            self._host = host
        if len(self.pipeline) > MAX_PIPELINED:
            raise Malformed(
                Message("Too many pipelined requests on this connection. Wait for responses before sending more.")
            )
        if b"upgrade" in names and self.parser.should_upgrade():
            version = self.parser.get_http_version()
            self._head_without_upgrade = without_upgrade(self.parser.get_method(), self.url, version, headers)
            return
        super().on_headers_complete()
        # Trailers go to the new list: they are not supported and must not look like headers.
        self._trailers = self.headers = []
        scope = self.scope
        if scope["http_version"] not in ("1.1", "1.0"):
            raise Malformed(Message("The HTTP version of the request is not supported. Use HTTP/1.1."))
        if self._pressure.tight:
            self.cycle.keep_alive = False
        scope["extensions"] = {EXTENSION: {FAST_PATH: FastPath(self._self, self.cycle, names)}}

    def _should_upgrade(self) -> bool:
        """Uvicorn calls this if the parser reports another protocol; only CONNECT gets here."""
        raise Malformed(Message("The method CONNECT is not supported."))

    def on_body(self, body: bytes) -> None:
        """Receive a piece of the body. Like uvicorn's method, without its check for a protocol upgrade."""
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        """The request is complete, possibly after its response was sent."""
        cycle = self.cycle
        if self.headers is not self._trailers:  # an upgrade request, which is parsed again without the upgrade
            return
        cycle.more_body = False
        cycle.message_event.set()
        if self._body_cycle is not None:
            cycle.keep_alive |= self._original_keep_alive
            self._body_cycle = None

    # --- incomplete requests ------------------------------------------------------------------------------------

    def _unfinished(self, size: int) -> None:
        """The last read, of ``size`` bytes, was not exactly one complete request on an idle connection."""
        cycle = self._open_request()
        if isinstance(self.parser, NullParser):
            return
        if self.headers is not self._trailers:  # a head has begun
            self._head_size += 1 if cycle else size  # the read may include the end of the previous request
            if self._head_size > MAX_HEAD or len(self.headers) > MAX_HEADERS:
                self._refuse(headers_too_large())
                return
        elif cycle is not None:
            self._cancel_deadline()
            if cycle.more_body:
                self._await_body(cycle, size)
            return
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_TIMEOUT_S, self._deadline_passed)

    def _await_body(self, cycle: RequestResponseCycle, size: int) -> None:
        """A body is incomplete. A response that is sent before it arrives closes the connection, unless it is short."""
        if self._body_cycle is not cycle:
            self._body_cycle = cycle
            self._original_keep_alive = cycle.keep_alive
            self._overhead = 0
            length = dict(cycle.scope["headers"]).get(b"content-length")
            if length is None or int(length) > MAX_UNREAD_BODY:
                cycle.keep_alive = False
            cycle.transport = cast(
                "asyncio.Transport", ClosingTransport(self.transport, partial(self._close, ref(cycle)))
            )
        elif not cycle.body:
            self._overhead += size
        if self._overhead > MAX_HEAD or len(self.headers) > MAX_HEADERS:
            self._refuse(
                Malformed(Message("The chunked request body has more framing than content. Send larger chunks."))
            )

    def _deadline_passed(self) -> None:
        """The deadline passed: drop the incomplete request, after the response in progress if there is one."""
        self._deadline = None
        cycle = self._open_request()
        if cycle is not None:
            self._end_after(cycle)
        else:
            self.transport.abort()

    def _open_request(self) -> RequestResponseCycle | None:
        """Return the last request if its response is not complete."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle if cycle is not None and not cycle.response_complete else None

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # --- closing ------------------------------------------------------------------------------------------------

    def _refuse(self, error: ProxyError) -> None:
        """Refuse invalid input. Earlier requests are still answered; later bytes are ignored."""
        cycle = self._open_request()
        if cycle is None:
            self._send_error(error)
            self._close_lingering()
        elif self.headers is not self._trailers or not cycle.more_body:
            self._end_after(cycle)
        elif self.pipeline:  # the body of a request waiting in the pipeline
            self.pipeline[0] = (cycle, partial(_refused, error))
            self._end_after(cycle)
        else:  # the body of the current request
            if not cycle.response_started:
                cycle.response_started = True
                self._send_error(error)
            cycle.disconnected = True
            cycle.message_event.set()
            self._close_lingering()

    def _end_after(self, cycle: RequestResponseCycle) -> None:
        """Close the connection after the response to this request."""
        self._cancel_deadline()
        self.parser = cast("httptools.HttpRequestParser", NullParser())
        self._original_keep_alive = cycle.keep_alive = False

    def _refuse_connection(self, limit: int) -> None:
        """Refuse a connection over the limit: with a 503 while there are spare descriptors, else by closing it."""
        error = Overloaded(
            Message("The server is at its limit of {limit} connections at once. Try again in a moment.", limit=limit)
        )
        error.retry_after_s = 1.0
        if len(self.connections) > limit + limit // 4:
            self.transport.abort()
        else:
            self._send_error(error)
            self._close_lingering()

    def _send_error(self, error: ProxyError) -> None:
        """Write an error, the connection's last response."""
        cycle = self._open_request()
        language = wanted(dict(cycle.scope["headers"] if cycle is not None else self.headers or ()))
        headers = self.server_state.default_headers if cycle is None else cycle.default_headers
        self.transport.write(final_response(error, headers, language))

    def _close(self, request: "ref[RequestResponseCycle]") -> None:
        """Close after the response to a request whose body was incomplete when the response began."""
        cycle = request()
        if cycle is not None and cycle.more_body:
            self._close_lingering()
        else:
            self.transport.close()

    def _close_lingering(self) -> None:
        """Close with a lingering close, so that the client can still read the response."""
        self._cancel_deadline()
        self._unset_keepalive_if_required()
        self.parser = cast("httptools.HttpRequestParser", NullParser())
        if not self.transport.is_closing():
            LingeringClose(self.transport, self)

    def shutdown(self) -> None:
        """The server shuts down: close the connection after the response in progress."""
        self._original_keep_alive = False
        super().shutdown()

    def pause_writing(self) -> None:
        """The client reads more slowly than the server writes, or not at all."""
        super().pause_writing()
        self._stall_timer = WriteStallTimer(self.transport)
        if self._budget is not None:
            self._unread = self.transport.get_write_buffer_size()
            self._budget.force_reserve(self._unread)

    def resume_writing(self) -> None:
        """The client has read nearly everything."""
        super().resume_writing()
        self._cancel_stall_timer()

    def _cancel_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        if self._unread and self._budget is not None:
            self._budget.release(self._unread)
            self._unread = 0

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._cancel_deadline()
        self._cancel_stall_timer()
        super().connection_lost(exc)
        if self.disconnect_listener is not None:
            self.disconnect_listener.lost()


def malformed_request(error: httptools.HttpParserError) -> ProxyError:
    """Return the error for a request that the parser or one of the checks refused."""
    if isinstance(error.__context__, ProxyError):
        return error.__context__
    if isinstance(error, httptools.HttpParserCallbackError):
        return Malformed(Message("The request is invalid or ambiguous HTTP/1.1."))
    return Malformed(Message("The request is invalid or ambiguous HTTP/1.1: {why}.", why=error))


async def _refused(error: ProxyError, scope: Scope, receive: Any, send: Any) -> None:
    """The ASGI app for a pipelined request with an invalid body; earlier requests are answered first."""
    body = error.body(wanted(dict(scope["headers"])))
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *error.headers()]
    await send({"type": "http.response.start", "status": error.http_status, "headers": head})
    await send({"type": "http.response.body", "body": body})
