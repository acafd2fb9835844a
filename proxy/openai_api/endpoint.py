"""ASGI endpoint of an operation: runs the pipeline and cancels it when the client disconnects."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType

from starlette.types import Receive, Scope, Send

from adapters.core.json_limits import SMALL, ValueCounter
from adapters.core.message import Message
from proxy._types import Caller
from proxy.access.admission import out_of_memory
from proxy.app_state import AppState, random_bits
from proxy.errors import BodyTooLarge, EncodedBody, SlowClient
from proxy.i18n.negotiate import Language, wanted
from proxy.observability.memory_budget import ASCII_FACTOR, MIB, UNCOUNTED_SIZE, Lease, estimated_size, size_of
from proxy.openai_api.azure_paths import ModelFromPath
from proxy.openai_api.handler import OperationHandler
from proxy.openai_api.json_body import count_values
from proxy.openai_api.writer import Header
from proxy.pipeline import serve
from proxy.server.fast_path import EXTENSION, FAST_PATH, FastPath

BODY_TIMEOUT_S = 60.0
"""How long a body may take to arrive (seconds)."""


class OperationEndpoint:
    """The ASGI endpoint of one operation. A class, because Starlette wraps functions but calls objects directly."""

    def __init__(self, handler: OperationHandler, state: AppState) -> None:
        self._handler = handler
        self._state = state

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        exchange = ClientExchange(scope, receive, send, self._state)
        return serve(exchange, self._handler, self._state, exchange)

    def for_model(self, name: str) -> "OperationEndpoint":
        """Return the same endpoint for the model that the path names."""
        return OperationEndpoint(ModelFromPath(self._handler, name), self._state)


class BodyMeter:
    """Measures a body as it arrives: counts its values, and reserves the memory it will need."""

    __slots__ = ("_counter", "_lease", "_size")

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._size = 0
        self._counter = ValueCounter()

    def add(self, piece: bytes) -> None:
        """Count the next piece. Raises MemoryError if the budget is used up, BadRequest if a limit is exceeded."""
        self._size += len(piece)
        self._lease.grow_to(
            self._size * ASCII_FACTOR
        )  # before the end: else concurrent bodies could all fail at their end
        count_values(self._counter, piece)

    def whole(self) -> None:
        """Reserve the memory for parsing the complete body. Raises MemoryError."""
        self._lease.grow_to(size_of(self._size, self._counter.values, self._counter.slow))


class ClientExchange:
    """The ASGI exchange of one request: reads the body, writes the response, and detects a disconnect of the client.

    A context manager: the request is served inside the block, in one task, which a disconnect cancels. The cancellation
    ends with the block if the client has disconnected, or if the server is shutting down and has sent its error.
    """

    caller: Caller | None = None
    """The client is authenticated by its headers."""
    time_factor = 1

    __slots__ = (
        "_fast_path",
        "_lease",
        "_receive",
        "_state",
        "_task",
        "_timed_out",
        "_watcher",
        "disconnected",
        "headers",
        "request_id",
        "send",
        "try_send",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, state: AppState) -> None:
        self._receive = receive
        self.send = send
        self._state = state
        try:
            self._fast_path: FastPath | None = scope["extensions"][EXTENSION][FAST_PATH]
        except KeyError:  # another ASGI server
            self._fast_path = None
            self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
            self.try_send: Callable[[int, list[Header], bytes], bool] = no_fast_path
        else:
            self.headers = self._fast_path.headers
            self.try_send = self._fast_path.send
        self.request_id = f"req_{random_bits(128):032x}"
        self.disconnected = False
        self._lease: Lease | None = None  # part of the memory budget; small bodies need none
        self._timed_out = False
        self._task: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._task = asyncio.current_task()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        expected = isinstance(error, asyncio.CancelledError) and (
            (self.disconnected and self._task is not None and self._task.uncancel() == 0) or self._state.draining
        )
        # Drop both references: the traceback of a cancelled watcher refers to this object.
        watcher, self._watcher, self._task = self._watcher, None, None
        if watcher is not None:
            watcher.cancel()
        if self._fast_path is not None and self._fast_path.is_watching:
            self._fast_path.stop_watching()
        if self._lease is not None:
            self._lease.end()
        return expected

    # --- request ------------------------------------------------------------------------------------------------

    async def body(self) -> bytes:
        """Return the whole body, and watch for a disconnect of the client from then on.

        Raises SlowClient, BodyTooLarge, EncodedBody, BadRequest for too many values, and Overloaded or MemoryError if
        memory is short.
        """
        limit = self._state.snapshot.max_body
        encoding = self.headers.get(b"content-encoding", b"identity")
        if encoding.lower() not in (b"identity", b""):
            raise EncodedBody(
                Message("Compressed request bodies are not supported: send the JSON without content-encoding.")
            )
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > limit:
            raise self._too_large()
        body = self._fast_path.take_body() if self._fast_path is not None else None
        if body is None:
            body = await self._read_with_timeout(limit)
        elif len(body) > limit:
            raise self._too_large()
        elif len(body) > UNCOUNTED_SIZE:
            self._reserve(body)
        if self._fast_path is None or not self._fast_path.on_disconnect(self._on_disconnect):
            self._watcher = asyncio.create_task(self._watch_disconnect())
        return body

    async def _read_with_timeout(self, limit: int) -> bytes:
        timer = asyncio.get_running_loop().call_later(BODY_TIMEOUT_S, self._on_timeout)
        try:
            return await self._read(limit)
        except asyncio.CancelledError:
            if not self._timed_out or self._task is None or self._task.uncancel() > 0:
                raise
            raise SlowClient(
                Message(
                    "The body of the request did not arrive within {seconds} seconds.", seconds=f"{BODY_TIMEOUT_S:g}"
                )
            ) from None
        finally:
            timer.cancel()

    async def _read(self, limit: int) -> bytes:
        read = bytearray()  # not a list of parts: small parts would take more memory than their bytes
        self._lease = Lease(self._state.budget)
        meter = BodyMeter(self._lease)
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._on_disconnect()
                await asyncio.sleep(0)  # raises CancelledError
            part: bytes = message.get("body", b"")
            if len(read) + len(part) > limit:
                raise self._too_large()
            if self._state.memory.full:
                raise out_of_memory(self._state)
            meter.add(part)
            read += part
            if not message.get("more_body"):
                meter.whole()
                body = bytes(read)
                del read
                if len(body) > SMALL:
                    await asyncio.sleep(0)  # run other tasks first: a large body takes long to parse
                return body

    def _reserve(self, body: bytes) -> None:
        """Reserve the memory for a body that arrived at once."""
        self._lease = Lease(self._state.budget)
        if len(body) > SMALL:
            meter = BodyMeter(self._lease)
            meter.add(body)
            meter.whole()
        else:
            self._lease.grow(estimated_size(body))

    def _too_large(self) -> BodyTooLarge:
        limit = self._state.snapshot.max_body / MIB
        return BodyTooLarge(
            Message(
                "The body of the request is over the limit of {limit} MiB (server.max_body_mb).", limit=f"{limit:g}"
            )
        )

    async def _watch_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._on_disconnect()

    def _on_disconnect(self) -> None:
        self.disconnected = True
        self._cancel()

    def _on_timeout(self) -> None:
        self._timed_out = True
        self._cancel()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    # --- response -----------------------------------------------------------------------------------------------

    def language(self) -> Language:
        """Return the language of errors, from the client's headers."""
        return wanted(self.headers)


def no_fast_path(status: int, headers: list[Header], body: bytes) -> bool:
    """Return False: without a fast path, a whole response is sent as ASGI messages."""
    return False
