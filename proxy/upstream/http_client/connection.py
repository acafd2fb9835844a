"""One connection to a vendor: HTTP/1.1 over an asyncio Protocol, one request at a time."""

import asyncio
from typing import Any, Protocol, cast

import httptools
import httpx2

MAX_BUFFERED = 64 * 1024
"""How many bytes of an unread body are taken in before the vendor is made to wait."""
MAX_HEAD = 128 * 1024
"""How many bytes may come without any of them being body: heads, interim heads, chunk framing, trailers."""
MAX_HEADERS = 256
"""How many headers of a head are kept; further ones are left out, unless they say where the body ends."""
SLICE = 256 * 1024
"""How much of a request's body is handed over at once."""
STALE_S = 1.0
"""A kept connection that is reset within this time of a new request was closed before it got the request (seconds).
Later than that, the vendor had the request: it may have done, and billed, the work."""

CallTimeouts = dict[str, float | None]


class ConnectionOwner(Protocol):
    """What a connection reports to."""

    def release(self, connection: "PooledConnection") -> None:
        """The answer is whole and the connection can be used again."""

    def closed(self, connection: "PooledConnection") -> None:
        """The connection is closed."""


class PooledConnection(asyncio.Protocol):
    """A connection. ``ask`` sends a request; the answer's body then comes through the Answer."""

    def __init__(self, owner: ConnectionOwner, origin: tuple[bytes, bytes, int | None]) -> None:
        self.origin = origin
        self.idle_since = 0.0
        self.used = False
        self.unsent = False  # of the last request not a byte has left
        self.closed = False
        self._owner: ConnectionOwner | None = owner
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: Any = httptools.HttpResponseParser(self)
        self._answer: ResponseStream | None = None
        self._asked_at = 0.0
        self._stale = False
        self._writing = False
        self._full = False
        self._held = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._bodiless = 0
        self._interim = self._keeps = self._until_end = self._whole = False
        self._wrong = ""

    # --- asking -------------------------------------------------------------------------------------------------

    async def send(self, head: bytes, body: bytes, limits: CallTimeouts, *, no_body: bool) -> "ResponseStream":
        """Send a request and wait for the answer's head. Closes the connection unless it returns."""
        if self._transport is None or self.closed:
            self.close()
            raise httpx2.RemoteProtocolError("the connection was closed before it was used")
        answer = self._answer = ResponseStream(self, self._loop, limits.get("read"), no_body=no_body)
        self._asked_at = self._loop.time()
        self._bodiless = 0
        self._whole = self._stale = False
        try:
            if len(body) <= SLICE and not self._full:
                self._transport.write(head + body)
                self.unsent = self._transport.is_closing()  # the first write failed: the vendor had hung up
            else:
                await self._write_in_slices(head, body, answer, limits.get("write"))
            while not answer.status:
                await answer.wait()
        except BaseException:
            self.close()
            raise
        return answer

    async def _write_in_slices(
        self, head: bytes, body: bytes, answer: "ResponseStream", within_s: float | None
    ) -> None:
        """As fast as the vendor takes it. An answer that comes meanwhile is heard; a refusal ends the writing."""
        transport = self._transport
        assert transport is not None
        self._writing = True
        transport.write(head)
        self.unsent = transport.is_closing()
        for at in range(0, len(body), SLICE):
            while self._full and not answer.status:
                await answer.wait(within_s, httpx2.WriteTimeout)
            if answer.status >= 300 or answer.error is not None:
                return
            transport.write(body[at : at + SLICE])
        self._writing = False

    @property
    def went_stale(self) -> bool:
        """Kept from an earlier request, and closed by the vendor before it can have read this one."""
        return self.used and self._stale

    @property
    def connected(self) -> bool:
        """Is there a socket that connection_lost will be heard of?"""
        return self._transport is not None

    def close(self, error: httpx2.TransportError | None = None) -> None:
        """Close at once, telling the answer's reader why; what is unread or unsent is dropped. May be called twice."""
        self.closed = True
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.end(error or httpx2.ReadError("the connection was closed on our side"))
        if self._transport is not None:
            self._transport.abort()

    def read_on(self, within_s: float) -> None:
        """Drop the rest of the answer: keep the connection if it ends within this time, else close it."""
        if self._answer is not None:
            self._answer = DiscardedRest(self, self._loop, within_s, self._answer.status)
            self.go_on()

    def hold(self) -> None:
        """The body's reader is behind: take in no more."""
        if self._transport is not None and not self._held:
            self._held = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Take in again."""
        if self._transport is not None and self._held:
            self._held = False
            self._transport.resume_reading()

    # --- asyncio ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class
        if self.closed:  # given up while it was being made
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._transport = None
        answer, self._answer = self._answer, None
        if answer is not None:
            self._stale = not self._bodiless and not answer.status and self._loop.time() - self._asked_at < STALE_S
            answer.end(self._why_lost(answer, exc))
        self._parser = None  # it holds this object
        if self._owner is not None:
            self._owner.closed(self)
            self._owner = None

    def _why_lost(self, answer: "ResponseStream", exc: Exception | None) -> httpx2.TransportError | None:
        if exc is not None:
            kind = httpx2.WriteError if self._writing and not answer.status else httpx2.ReadError
            error: httpx2.TransportError = kind(f"the connection was cut: {exc}")
            error.__cause__ = exc
            return error
        if answer.status and self._until_end:
            return None
        what = "amid its answer" if answer.status or self._bodiless else "without an answer"
        return httpx2.RemoteProtocolError(f"the connection was closed {what}")

    def eof_received(self) -> None:
        self.closed = True  # asyncio closes it next; until then nobody may take it

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._answer is not None:
            self._answer.wake()

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:  # nobody asked
            self.close()
            return
        self._bodiless += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._whole:
                self._wrong = self._wrong or f"not HTTP as it should be: {error}"
            self._keeps = False
        if self._bodiless > MAX_HEAD:
            self._wrong = self._wrong or f"over {MAX_HEAD} bytes came with no body in them"
        if self._wrong:
            self.close(httpx2.RemoteProtocolError(self._wrong))
        elif self._whole:
            self._finish(answer)
        else:
            answer.wake()

    def _finish(self, answer: "ResponseStream") -> None:
        """The answer is whole: its reader has its own buffer, so the connection is free already."""
        assert self._transport is not None
        assert self._owner is not None
        self._answer = None
        answer.end(None)
        if self._keeps and not (self._writing or self.closed or self._transport.get_write_buffer_size()):
            self.used = True
            self.go_on()
            self._owner.release(self)
        else:
            self.close()

    # --- httptools ----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._whole:  # more than the answer came: whatever it is, it answers nothing
            self._keeps = False
            return
        self._headers = []
        self._until_end = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self._headers) < MAX_HEADERS or is_framing(name, value):
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        answer, status = self._answer, self._parser.get_status_code()
        if self._whole or answer is None:
            return
        self._interim = 100 <= status < 200
        if status == 101:
            self._wrong = "it changed to a protocol that was not asked for"
        elif status < 100:
            self._wrong = f"a status of {status:03}"
            return
        if self._interim:
            return
        self._keeps = self._parser.should_keep_alive()
        for name, value in self._headers:
            if is_framing(name, value):
                self._until_end = False
        answer.status, answer.headers, self._headers = status, self._headers, []
        if answer.no_body or status in (204, 304):
            self._whole = True
            self._keeps = self._keeps and not answer.no_body and self._until_end

    def on_body(self, body: bytes) -> None:
        if self._answer is not None and not self._whole:
            self._bodiless = 0
            self._answer.put(body)

    def on_message_complete(self) -> None:
        if not self._interim:
            self._whole = True


class ResponseStream(httpx2.AsyncByteStream):
    """An answer's head and the stream of its body: each step gives all that has come since the last one."""

    def __init__(
        self, connection: PooledConnection, loop: asyncio.AbstractEventLoop, read_s: float | None, *, no_body: bool
    ) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.error: httpx2.TransportError | None = None
        self.no_body = no_body
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
                self._leave()
                raise
        return self.take()

    @property
    def whole(self) -> bool:
        """Whether the answer has come to its end, and all of it has been taken."""
        return self._upstream_connection is None and self.error is None and not self._parts

    def take(self) -> bytes:
        """What has come since the last time, without waiting: empty if nothing has."""
        if not self._parts:
            return b""
        parts, self._parts = self._parts, []
        if self._size > MAX_BUFFERED and self._upstream_connection is not None:
            self._upstream_connection.go_on()
        self._size = 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_on(self, within_s: float) -> None:
        """Let go. The connection reads the rest by itself, and is closed if that takes longer than this (seconds)."""
        connection, self._upstream_connection = self._upstream_connection, None
        self._parts = []
        if connection is not None:
            connection.read_on(within_s)

    async def aclose(self) -> None:
        """Let go. A connection whose answer has not come to its end is closed."""
        self._leave()

    def _leave(self) -> None:
        connection, self._upstream_connection = self._upstream_connection, None
        if connection is not None:
            self._parts = []
            connection.close()

    # --- for the connection -------------------------------------------------------------------------------------

    async def wait(self, within_s: float | None = None, late: type[httpx2.TimeoutException] | None = None) -> None:
        """Until something changes. Raises what ended it before its head, or ``late``."""
        if self.error is not None and not self.status:
            raise self.error
        within_s, late = (within_s, late) if late else (self._read_s, httpx2.ReadTimeout)
        self._waiter = self._loop.create_future()
        try:
            if within_s is None:
                await self._waiter
            else:
                async with asyncio.timeout(within_s):
                    await self._waiter
        except TimeoutError as error:
            raise late("it fell silent") from error
        finally:
            self._waiter = None

    def wake(self) -> None:
        """Something changed."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def put(self, body: bytes) -> None:
        """A piece of the body has come."""
        self._parts.append(body)
        self._size += len(body)
        if self._size > MAX_BUFFERED and self._upstream_connection is not None:
            self._upstream_connection.hold()

    def end(self, error: httpx2.TransportError | None) -> None:
        """No more will come: the answer is whole, or why it is not."""
        self._upstream_connection = None
        self.error = error
        self.wake()


class DiscardedRest(ResponseStream):
    """The unread rest of an answer: received for a moment and dropped, so that its connection can be kept."""

    def __init__(
        self, connection: PooledConnection, loop: asyncio.AbstractEventLoop, within_s: float, status: int
    ) -> None:
        super().__init__(connection, loop, None, no_body=False)
        self.status = status
        self._late = loop.call_later(within_s, connection.close)

    def put(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > MAX_BUFFERED:
            self._leave()

    def end(self, error: httpx2.TransportError | None) -> None:
        self._late.cancel()
        super().end(error)


def is_framing(name: bytes, value: bytes) -> bool:
    """Does this header say where the body ends?"""
    size = len(name)
    if size == 14:
        return name.lower() == b"content-length"
    return size == 17 and name.lower() == b"transfer-encoding" and value.lower().rstrip().endswith(b"chunked")
