"""One HTTP/1.1 connection to a vendor, as an asyncio Protocol. It sends one request at a time."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol, cast

import httptools
import httpx2

MAX_BUFFERED = 64 * 1024
"""The most bytes of an unread body that are buffered before reading from the vendor pauses."""
MAX_HEAD = 128 * 1024
"""The most bytes that may arrive without body data: heads, interim heads, chunk framing, trailers."""
MAX_HEADERS = 256
"""The most headers of a head that are kept; further ones are dropped, unless they frame the body."""
SLICE = 256 * 1024
"""The size of the pieces in which a large request body is written (bytes)."""
STALE_S = 1.0
"""A reused connection that is reset this soon after a new request was closed before it got the request (seconds).
If it is reset later, the vendor had the request, and may have done and billed the work."""

CallTimeouts = dict[str, float | None]


class ConnectionOwner(Protocol):
    """Receives the events of a connection; see :class:`proxy.upstream.http_client.pool.HttpTransport`."""

    def release(self, connection: "PooledConnection") -> None:
        """The response is complete and the connection can be reused."""

    def closed(self, connection: "PooledConnection") -> None:
        """The connection is closed."""


class PooledConnection(asyncio.Protocol):
    """A pooled connection. ``send`` sends a request and returns a ResponseStream for the body."""

    def __init__(self, owner: ConnectionOwner, origin: tuple[bytes, bytes, int | None]) -> None:
        self.origin = origin
        self.idle_since = 0.0
        self.used = False
        self.unsent = False  # no byte of the last request was sent
        self.closed = False
        self._owner: ConnectionOwner | None = owner
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: Any = httptools.HttpResponseParser(self)
        self._response: ResponseStream | None = None
        self._sent_at = 0.0
        self._stale = False
        self._writing = False
        self._write_paused = False
        self._paused = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._bytes_without_body = 0
        self._interim = self._keep_alive = self._ends_at_close = self._complete = False
        self._protocol_error = ""

    # --- sending ------------------------------------------------------------------------------------------------

    async def send(self, head: bytes, body: bytes, limits: CallTimeouts, *, no_body: bool) -> "ResponseStream":
        """Send a request and wait for the response head. Closes the connection if it raises."""
        if self._transport is None or self.closed:
            self.close()
            raise httpx2.RemoteProtocolError("the connection was closed before it was used")
        response = self._response = ResponseStream(self, self._loop, limits.get("read"), no_body=no_body)
        self._sent_at = self._loop.time()
        self._bytes_without_body = 0
        self._complete = self._stale = False
        try:
            if len(body) <= SLICE and not self._write_paused:
                self._transport.write(head + body)
                self.unsent = (
                    self._transport.is_closing()
                )  # the first write failed: the vendor had closed the connection
            else:
                await self._write_in_slices(head, body, response, limits.get("write"))
            while not response.status:
                await response.wait()
        except BaseException:
            self.close()
            raise
        return response

    async def _write_in_slices(
        self, head: bytes, body: bytes, response: "ResponseStream", within_s: float | None
    ) -> None:
        """Write as fast as the vendor reads. Stop if an error response (status 300 or above) arrives meanwhile."""
        transport = self._transport
        assert transport is not None
        self._writing = True
        transport.write(head)
        self.unsent = transport.is_closing()
        for start in range(0, len(body), SLICE):
            while self._write_paused and not response.status:
                await response.wait(within_s, httpx2.WriteTimeout)
            if response.status >= 300 or response.error is not None:
                return
            transport.write(body[start : start + SLICE])
        self._writing = False

    @property
    def went_stale(self) -> bool:
        """Whether it was reused, and closed by the vendor before the vendor can have read the request."""
        return self.used and self._stale

    @property
    def connected(self) -> bool:
        """Whether it has a socket, so that connection_lost is still to be called."""
        return self._transport is not None

    def close(self, error: httpx2.TransportError | None = None) -> None:
        """Close at once and report why to the response's reader; drops unread and unsent data. May be called twice."""
        self.closed = True
        response, self._response = self._response, None
        if response is not None:
            response.end(error or httpx2.ReadError("the connection was closed locally"))
        if self._transport is not None:
            self._transport.abort()
        else:
            self._parser = None  # it may never be connected; this breaks a reference cycle

    def read_on(self, within_s: float) -> None:
        """Discard the rest of the response. Keep the connection if it ends within this time, else close it."""
        if self._response is not None:
            self._response = DiscardedRest(self, self._loop, within_s, self._response.status)
            self.resume_reading()

    def pause_reading(self) -> None:
        """Stop reading from the socket: the reader of the body is behind."""
        if self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Continue reading from the socket."""
        if self._transport is not None and self._paused:
            self._paused = False
            self._transport.resume_reading()

    # --- asyncio ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transport is not a subclass
        if self.closed:  # abandoned while connecting
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._transport = None
        response, self._response = self._response, None
        if response is not None:
            self._stale = (
                not self._bytes_without_body and not response.status and self._loop.time() - self._sent_at < STALE_S
            )
            response.end(self._why_lost(response, exc))
        self._parser = None  # breaks a reference cycle
        if self._owner is not None:
            self._owner.closed(self)
            self._owner = None

    def _why_lost(self, response: "ResponseStream", exc: Exception | None) -> httpx2.TransportError | None:
        if exc is not None:
            kind = httpx2.WriteError if self._writing and not response.status else httpx2.ReadError
            error: httpx2.TransportError = kind(f"the connection was cut: {exc}")
            error.__cause__ = exc
            return error
        if response.status and self._ends_at_close:
            return None
        when = "in the middle of a response" if response.status or self._bytes_without_body else "without a response"
        return httpx2.RemoteProtocolError(f"the connection was closed {when}")

    def eof_received(self) -> None:
        self.closed = True  # asyncio closes it next; the pool must not reuse it until then

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._response is not None:
            self._response.wake()

    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None:  # no request is in progress
            self.close()
            return
        self._bytes_without_body += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._complete:
                self._protocol_error = self._protocol_error or f"invalid HTTP: {error}"
            self._keep_alive = False
        if self._bytes_without_body > MAX_HEAD:
            self._protocol_error = self._protocol_error or f"over {MAX_HEAD} bytes without body data"
        if self._protocol_error:
            self.close(httpx2.RemoteProtocolError(self._protocol_error))
        elif self._complete:
            self._finish(response)
        else:
            response.wake()

    def _finish(self, response: "ResponseStream") -> None:
        """The response is complete. Its reader has its own buffer, so the connection can be reused already."""
        assert self._transport is not None
        assert self._owner is not None
        self._response = None
        response.end(None)
        if self._keep_alive and not (self._writing or self.closed or self._transport.get_write_buffer_size()):
            self.used = True
            self.resume_reading()
            self._owner.release(self)
        else:
            self.close()

    # --- httptools ----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._complete:  # unexpected data after the response
            self._keep_alive = False
            return
        self._headers = []
        self._ends_at_close = True

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if len(self._headers) < MAX_HEADERS or is_framing(name, value):
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        response, status = self._response, self._parser.get_status_code()
        if self._complete or response is None:
            return
        self._interim = 100 <= status < 200
        if status == 101:
            self._protocol_error = "status 101 without a requested protocol upgrade"
        elif status < 100:
            self._protocol_error = f"invalid status {status:03}"
            return
        if self._interim:
            return
        self._keep_alive = self._parser.should_keep_alive()
        self._ends_at_close = not any(is_framing(name, value) for name, value in self._headers)
        response.status, response.headers, self._headers = status, self._headers, []
        if response.no_body or status in (204, 304):
            self._complete = True
            self._keep_alive = self._keep_alive and not response.no_body and self._ends_at_close

    def on_body(self, body: bytes) -> None:
        if self._response is not None and not self._complete:
            self._bytes_without_body = 0
            self._response.put(body)

    def on_message_complete(self) -> None:
        if not self._interim:
            self._complete = True


class ResponseStream(httpx2.AsyncByteStream):
    """A response head and the stream of its body. Each iteration returns everything received since the last one."""

    def __init__(
        self, connection: PooledConnection, loop: asyncio.AbstractEventLoop, read_s: float | None, *, no_body: bool
    ) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.error: httpx2.TransportError | None = None
        self.no_body = no_body
        self.pending = False
        """Whether :meth:`take` may return something, or the response has ended."""
        self._upstream_connection: PooledConnection | None = connection
        self._loop = loop
        self._read_s = read_s
        self._parts: list[bytes] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None

    # --- for the reader -----------------------------------------------------------------------------------------

    def __aiter__(self) -> "ResponseStream":
        return self

    async def __anext__(self) -> bytes:
        while not self._parts:
            if self._upstream_connection is None:
                if self.error is not None:
                    raise self.error
                raise StopAsyncIteration
            try:
                await self.wait()
            except BaseException:
                self._detach()
                raise
        return self.take()

    @property
    def complete(self) -> bool:
        """Whether the response is complete and all of it was taken."""
        return self._upstream_connection is None and self.error is None and not self._parts

    def take(self) -> bytes:
        """Return what was received since the last call, without waiting; may be empty."""
        if not self._parts:
            return b""
        parts, self._parts = self._parts, []
        if self._size > MAX_BUFFERED and self._upstream_connection is not None:
            self._upstream_connection.resume_reading()
        self._size = 0
        self.pending = self._upstream_connection is None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_on(self, within_s: float) -> None:
        """Detach. The connection discards the rest by itself, and is closed if that takes longer than ``within_s``."""
        connection, self._upstream_connection = self._upstream_connection, None
        self._parts = []
        if connection is not None:
            connection.read_on(within_s)

    async def aclose(self) -> None:
        """Detach. The connection is closed if its response is incomplete."""
        self._detach()

    def _detach(self) -> None:
        connection, self._upstream_connection = self._upstream_connection, None
        if connection is not None:
            self._parts = []
            connection.close()

    # --- for the connection -------------------------------------------------------------------------------------

    def wait(self, within_s: float | None = None, late: type[httpx2.TimeoutException] | None = None) -> Awaitable[None]:
        """Wait for a change. Raises the error that ended the response before its head, or ``late`` on a timeout.

        Not a coroutine: each one on the way costs time whenever a response continues.
        """
        if self.error is not None and not self.status:
            raise self.error
        within_s, late = (within_s, late) if late else (self._read_s, httpx2.ReadTimeout)
        self._waiter = self._loop.create_future()
        return self._waiter if within_s is None else self._wait_until(self._waiter, within_s, late)

    async def _wait_until(
        self, waiter: asyncio.Future[None], within_s: float, late: type[httpx2.TimeoutException]
    ) -> None:
        try:
            async with asyncio.timeout(within_s):
                await waiter
        except TimeoutError as error:
            raise late("no progress within the time limit") from error

    def wake(self) -> None:
        """Wake the waiting reader."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def put(self, body: bytes) -> None:
        """Receive a piece of the body."""
        self._parts.append(body)
        self.pending = True
        self._size += len(body)
        if self._size > MAX_BUFFERED and self._upstream_connection is not None:
            self._upstream_connection.pause_reading()

    def end(self, error: httpx2.TransportError | None) -> None:
        """End the stream: the response is complete, or ``error`` is the reason why not."""
        self._upstream_connection = None
        self.pending = True
        self.error = error
        self.wake()


class DiscardedRest(ResponseStream):
    """The rest of a response that is not needed, received and discarded so that its connection can be reused."""

    def __init__(
        self, connection: PooledConnection, loop: asyncio.AbstractEventLoop, within_s: float, status: int
    ) -> None:
        super().__init__(connection, loop, None, no_body=False)
        self.status = status
        self._timer = loop.call_later(within_s, connection.close)

    def put(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > MAX_BUFFERED:
            self._detach()

    def end(self, error: httpx2.TransportError | None) -> None:
        self._timer.cancel()
        super().end(error)


def is_framing(name: bytes, value: bytes) -> bool:
    """Whether a header frames the body: content-length, or chunked transfer-encoding. ``name``: in lower case."""
    if name == b"content-length":
        return True
    return name == b"transfer-encoding" and value.lower().rstrip().endswith(b"chunked")
