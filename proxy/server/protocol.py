"""The door: uvicorn's HTTP protocol with a guard for callers.

A server stands and falls with what it lets strangers do before the app is asked. uvicorn waits for a head for ever, keeps
one of any size, and takes requests that another server would read differently. What is checked here costs a request that
comes whole in one read next to nothing: everything else is in :meth:`Door._unfinished`, for the reads that leave
something unfinished. One deadline a connection: it runs while a head is awaited that has begun, or the first one; idle
connections are uvicorn's.
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
from proxy.server.acceptor import last_answer
from proxy.server.fast_path import EXTENSION, FAST_PATH, FastPath
from proxy.server.lingering_close import ClosingTransport, LingeringClose, NullParser
from proxy.server.request_head import MAX_HEAD, MAX_HEADERS, headers_too_large, validate_head, without_upgrade
from proxy.server.write_timeout import WriteStallTimer

HEAD_TIMEOUT_S = 10.0
"""How long a head may take to arrive (seconds)."""
PARSE_CHUNK = 16 * 1024
"""How many bytes are parsed between two looks at the limits."""
MAX_PIPELINED = 32
"""How many requests may wait on a connection for the answers before theirs."""
MAX_UNREAD_BODY = 64 * 1024
"""An answer may leave before the body is there. The connection is kept if the body has no more bytes than this."""


class MemoryPressure(Protocol):
    """What the door asks of the memory guard: whether connections should rather not be kept."""

    tight: bool


class NoMemoryPressure:
    """No memory guard."""

    tight = False


class UnreadBytesBudget(Protocol):
    """What the door asks of the memory budget."""

    def force(self, size: int) -> None:
        """Hold so many bytes that are in memory already."""
        ...

    def give(self, size: int) -> None:
        """Give so many bytes back."""
        ...


NO_MEMORY_PRESSURE = NoMemoryPressure()


class GuardedHttpProtocol(HttpToolsProtocol):
    """One connection of a caller."""

    __slots__ = (
        "_awaited",
        "_budget",
        "_deadline",
        "_head_size",
        "_headed",
        "_host",
        "_keeps",
        "_plain",
        "_pressure",
        "_self",
        "_stall_timer",
        "_stray",
        "_unread",
        "served",
    )  # fmt: skip

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._headed: list[tuple[bytes, bytes]] | None = None  # as `headers`, unless a head has begun and is not whole
        self._head_size = 0  # of a head that did not come in one read, in bytes
        self._host: bytes | None = b"\0"  # the last one that was found good; none at first
        self._awaited: RequestResponseCycle | None = None  # the request whose body is not whole
        self._keeps = False  # whether its connection was to be kept
        self._stray = 0  # bytes that came since and were no body
        self._plain = b""  # the head to read in place of one that asked for another protocol
        self._pressure: MemoryPressure = self.app_state.get("memory", NO_MEMORY_PRESSURE)
        self._budget: UnreadBytesBudget | None = self.app_state.get("budget")
        self._unread = 0  # bytes of answers that are held of the budget until the caller reads them
        self._self = ref(self)
        self.disconnect_listener: FastPath | None = None  # the request whose task is to hear of its caller's leaving
        self._stall_timer: WriteStallTimer | None = None  # with a caller who has not read what is ready for him

    # --- Bytes come in ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A caller connects: its first head is awaited, unless there are too many of them."""
        super().connection_made(transport)
        most = max_connections()
        if len(self.connections) > most:
            self._refuse_connection(most)
            return
        self._deadline = self.loop.call_later(HEAD_TIMEOUT_S, self._too_late)

    def data_received(self, data: bytes) -> None:
        """The next bytes of the connection."""
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        if len(data) > PARSE_CHUNK:
            for at in range(0, len(data), PARSE_CHUNK):
                self.data_received(data[at : at + PARSE_CHUNK])
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.parser = httptools.HttpRequestParser(self)
            self.data_received(self._plain + data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            self._refuse(malformed_request(error))
            return
        cycle = self.cycle
        if self._deadline is not None or self.headers is not self._headed or cycle.more_body or cycle.response_complete:
            self._unfinished(len(data))

    def on_headers_complete(self) -> None:
        """The request's head is there: check it, and offer the extension before its task begins."""
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
            raise Malformed(Message("Too many requests wait on this connection."))
        if b"upgrade" in names and self.parser.should_upgrade():
            version = self.parser.get_http_version()
            self._plain = without_upgrade(self.parser.get_method(), self.url, version, headers)
            return
        super().on_headers_complete()
        # Trailers fall into the new list: nobody asked for them, and they must not look like headers.
        self._headed = self.headers = []
        scope = self.scope
        if scope["http_version"] not in ("1.1", "1.0"):
            raise Malformed(Message("The request is of another version than HTTP/1.1 and HTTP/1.0."))
        if self._pressure.tight:
            self.cycle.keep_alive = False
        scope["extensions"] = {EXTENSION: {FAST_PATH: FastPath(self._self, self.cycle, names)}}

    def _should_upgrade(self) -> bool:
        """What uvicorn asks where the parser sees another protocol: here only CONNECT is left."""
        raise Malformed(Message("The method CONNECT is not served."))

    def on_body(self, body: bytes) -> None:
        """A piece of the body. As uvicorn's, which asks the parser about protocols that we never change to."""
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        """The request is whole, also where its answer has left already."""
        cycle = self.cycle
        if self.headers is not self._headed:  # its head asked for another protocol, and is read once more
            return
        cycle.more_body = False
        cycle.message_event.set()
        if self._awaited is not None:
            cycle.keep_alive |= self._keeps
            self._awaited = None

    # --- What is unfinished -------------------------------------------------------------------------------------

    def _unfinished(self, size: int) -> None:
        """The last read, of so many bytes, did not simply bring one whole request to an idle connection."""
        cycle = self._has_open_request()
        if isinstance(self.parser, NullParser):
            return
        if self.headers is not self._headed:  # a head has begun
            self._head_size += 1 if cycle else size  # before it may stand the end of the request that is under way
            if self._head_size > MAX_HEAD or len(self.headers) > MAX_HEADERS:
                self._refuse(headers_too_large())
                return
        elif cycle is not None:
            self._stop_the_clock()
            if cycle.more_body:
                self._await_body(cycle, size)
            return
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_TIMEOUT_S, self._too_late)

    def _await_body(self, cycle: RequestResponseCycle, size: int) -> None:
        """A body is on its way. An answer that leaves before it is whole ends the connection, unless it is short."""
        if self._awaited is not cycle:
            self._awaited = cycle
            self._keeps = cycle.keep_alive
            self._stray = 0
            length = dict(cycle.scope["headers"]).get(b"content-length")
            if length is None or int(length) > MAX_UNREAD_BODY:
                cycle.keep_alive = False
            cycle.transport = cast(
                "asyncio.Transport", ClosingTransport(self.transport, partial(self._close, ref(cycle)))
            )
        elif not cycle.body:
            self._stray += size
        if self._stray > MAX_HEAD or len(self.headers) > MAX_HEADERS:
            self._refuse(Malformed(Message("There is more about the chunks of the body than there is in them.")))

    def _too_late(self) -> None:
        """The deadline: whatever has not come whole is given up. An answer that is under way is finished first."""
        self._deadline = None
        cycle = self._has_open_request()
        if cycle is not None:
            self._end_after(cycle)
        else:
            self.transport.abort()

    def _has_open_request(self) -> RequestResponseCycle | None:
        """The last request, if its answer is not complete."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle if cycle is not None and not cycle.response_complete else None

    def _stop_the_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # --- The end of a connection --------------------------------------------------------------------------------

    def _refuse(self, error: ProxyError) -> None:
        """What came can't be read. Requests before it are answered; nothing after it is looked at."""
        cycle = self._has_open_request()
        if cycle is None:
            self._send_error(error)
            self._part()
        elif self.headers is not self._headed or not cycle.more_body:
            self._end_after(cycle)
        elif self.pipeline:  # the body of a request that waits
            self.pipeline[0] = (cycle, partial(_refused, error))
            self._end_after(cycle)
        else:  # the body of a request that is being read
            if not cycle.response_started:
                cycle.response_started = True
                self._send_error(error)
            cycle.disconnected = True
            cycle.message_event.set()
            self._part()

    def _end_after(self, cycle: RequestResponseCycle) -> None:
        """Close when this request, the last of the connection, is answered."""
        self._stop_the_clock()
        self.parser = cast("httptools.HttpRequestParser", NullParser())
        self._keeps = cycle.keep_alive = False

    def _refuse_connection(self, most: int) -> None:
        """Too many callers are connected; a word is said to them while there are descriptors for it."""
        error = Overloaded(
            Message("The server is at its limit of {most} connections at once. Try again in a moment.", most=most)
        )
        error.retry_after_s = 1.0
        if len(self.connections) > most + most // 4:
            self.transport.abort()
        else:
            self._send_error(error)
            self._part()

    def _send_error(self, error: ProxyError) -> None:
        """Write an error, the last answer of the connection."""
        cycle = self._has_open_request()
        language = wanted(dict(cycle.scope["headers"] if cycle is not None else self.headers or ()))
        headers = self.server_state.default_headers if cycle is None else cycle.default_headers
        self.transport.write(last_answer(error, headers, language))

    def _close(self, request: "ref[RequestResponseCycle]") -> None:
        """Close after the answer to a request whose body was not whole when it began."""
        cycle = request()
        if cycle is not None and cycle.more_body:
            self._part()
        else:
            self.transport.close()

    def _part(self) -> None:
        """Close, so that the caller can still read the answer."""
        self._stop_the_clock()
        self._unset_keepalive_if_required()
        self.parser = cast("httptools.HttpRequestParser", NullParser())
        if not self.transport.is_closing():
            LingeringClose(self.transport, self)

    def shutdown(self) -> None:
        """The server ends: this connection ends with the answer that is under way."""
        self._keeps = False
        super().shutdown()

    def pause_writing(self) -> None:
        """The caller reads more slowly than is written, or not at all."""
        super().pause_writing()
        self._stall_timer = WriteStallTimer(self.transport)
        if self._budget is not None:
            self._unread = self.transport.get_write_buffer_size()
            self._budget.force(self._unread)

    def resume_writing(self) -> None:
        """He has read nearly all."""
        super().resume_writing()
        self._cancel_stall_timer()

    def _cancel_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        if self._unread and self._budget is not None:
            self._budget.give(self._unread)
            self._unread = 0

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stop_the_clock()
        self._cancel_stall_timer()
        super().connection_lost(exc)
        if self.disconnect_listener is not None:
            self.disconnect_listener.lost()


def malformed_request(error: httptools.HttpParserError) -> ProxyError:
    """What is wrong with a request that the parser, or one of the checks, gave up."""
    if isinstance(error.__context__, ProxyError):
        return error.__context__
    if isinstance(error, httptools.HttpParserCallbackError):
        return Malformed(Message("The request is not HTTP/1.1 that can be read in one way only."))
    return Malformed(Message("The request is not HTTP/1.1 that can be read in one way only: {why}.", why=error))


async def _refused(error: ProxyError, scope: Scope, receive: Any, send: Any) -> None:
    """The ASGI app for a request whose body could not be read, behind others that are answered first."""
    body = error.body(wanted(dict(scope["headers"])))
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *error.headers()]
    await send({"type": "http.response.start", "status": error.http_status, "headers": head})
    await send({"type": "http.response.body", "body": body})
