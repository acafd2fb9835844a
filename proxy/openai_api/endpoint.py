"""The pipeline as one ASGI task, raced against the caller leaving."""

import asyncio
from collections.abc import Awaitable, Mapping

from starlette.types import Receive, Scope, Send

from adapters.core.json_limits import SMALL, ValueCounter
from adapters.core.message import Message
from proxy.access.admission import out_of_memory
from proxy.app_state import AppState
from proxy.errors import BodyTooLarge, EncodedBody, SlowClient
from proxy.i18n.negotiate import Language, wanted
from proxy.observability.memory_budget import FREE, MIB, QUICK, Lease, estimated_size, size_of
from proxy.openai_api.azure_paths import ModelFromPath
from proxy.openai_api.handler import OperationHandler
from proxy.openai_api.json_body import count_values
from proxy.openai_api.writer import Header
from proxy.pipeline import serve
from proxy.server.fast_path import fast_path_of

BODY_TIMEOUT_S = 60.0
"""How long a body may take to arrive (seconds)."""


class OperationEndpoint:
    """The ASGI endpoint of one front. A class, so that a Starlette route calls it as it is."""

    def __init__(self, front: OperationHandler, state: AppState) -> None:
        self._front = front
        self._state = state

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        connection = ClientExchange(scope, receive, send, self._state)
        return connection.run(serve(connection, self._front, self._state, connection))

    def for_model(self, name: str) -> "OperationEndpoint":
        """The same for one model: that which the path names, not the body."""
        return OperationEndpoint(ModelFromPath(self._front, name), self._state)


class BodyMeter:
    """A body that grows: counts its values, and holds of the memory budget what it will need."""

    __slots__ = ("_counter", "_lease", "_size")

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._size = 0
        self._counter = ValueCounter()

    def add(self, piece: bytes) -> None:
        """Take the next piece into account. Raises MemoryError, and BadRequest where it goes beyond the limits."""
        self._size += len(piece)
        self._lease.grow_to(self._size * QUICK)  # now: of several that come at once, some are to get to their end
        count_values(self._counter, piece)

    def whole(self) -> None:
        """All of it is there, and will be parsed. Raises MemoryError."""
        self._lease.grow_to(size_of(self._size, self._counter.values, self._counter.slow))


class ClientExchange:
    """One request on its connection: reads the body, writes the answer, and notices when the caller leaves."""

    __slots__ = (
        "_fast_path",
        "_late",
        "_lease",
        "_receive",
        "_send",
        "_state",
        "_task",
        "_watcher",
        "disconnected",
        "headers",
        "request_id",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, state: AppState) -> None:
        self._receive = receive
        self._send = send
        self._state = state
        self._fast_path = fast_path_of(scope)
        self.headers: Mapping[bytes, bytes] = (
            self._fast_path.headers if self._fast_path is not None else dict(scope["headers"])
        )
        self.request_id = f"req_{state.fresh_id(16)}"
        self.disconnected = False
        self._lease: Lease | None = None  # of the memory budget; small bodies need none
        self._late = False
        self._task: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def run(self, served: Awaitable[None]) -> None:
        """Serve the request. When the caller leaves, everything below is cancelled and closed."""
        self._task = asyncio.current_task()
        try:
            await served
        except asyncio.CancelledError:
            # The caller has left, once; or the server stops, which the caller was told, and may have left too.
            expected = (
                self.disconnected and self._task is not None and self._task.uncancel() == 0
            ) or self._state.draining
            if not expected:
                raise
        finally:
            # Both are let go of here: a cancelled watcher holds a traceback that leads back to this connection.
            watcher, self._watcher, self._task = self._watcher, None, None
            if watcher is not None:
                watcher.cancel()
            if self._fast_path is not None:
                self._fast_path.end()
            if self._lease is not None:
                self._lease.end()

    # --- Incoming -----------------------------------------------------------------------------------------------

    async def body(self) -> bytes:
        """The whole body, then watch for the caller leaving.

        Raises SlowClient, BodyTooLarge, EncodedBody, Overloaded or MemoryError where there is no memory for it, and
        BadRequest where it has too many values.
        """
        limit = self._state.snapshot.max_body
        encoding = self.headers.get(b"content-encoding", b"identity")
        if encoding.lower() not in (b"identity", b""):
            raise EncodedBody(
                Message("Compressed request bodies are not taken: send the JSON as it is, without content-encoding.")
            )
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > limit:
            raise self._too_large()
        body = self._fast_path.take() if self._fast_path is not None else None
        if body is None:
            body = await self._in_time(limit)
        elif len(body) > limit:
            raise self._too_large()
        elif len(body) > FREE:
            self._weigh(body)
        if self._fast_path is None or not self._fast_path.watch(self._client_left):
            self._watcher = asyncio.create_task(self._watch())
        return body

    async def _in_time(self, limit: int) -> bytes:
        late = asyncio.get_running_loop().call_later(BODY_TIMEOUT_S, self._too_slow)
        try:
            return await self._read(limit)
        except asyncio.CancelledError:
            if not self._late or self._task is None or self._task.uncancel() > 0:
                raise
            raise SlowClient(
                Message(
                    "The body of the request did not arrive within {seconds} seconds.", seconds=f"{BODY_TIMEOUT_S:g}"
                )
            ) from None
        finally:
            late.cancel()

    async def _read(self, limit: int) -> bytes:
        read = bytearray()  # not a list of parts: a caller may send them small, and each would cost more than it holds
        self._lease = Lease(self._state.budget)
        growing = BodyMeter(self._lease)
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._client_left()
                await asyncio.sleep(0)  # here the cancellation arrives
            part: bytes = message.get("body", b"")
            if len(read) + len(part) > limit:
                raise self._too_large()
            if self._state.memory.full:
                raise out_of_memory(self._state)
            growing.add(part)
            read += part
            if not message.get("more_body"):
                growing.whole()
                body = bytes(read)
                del read
                if len(body) > SMALL:
                    await asyncio.sleep(0)  # run other tasks first: a large body takes long to parse
                return body

    def _weigh(self, body: bytes) -> None:
        """Hold what a body needs that was there at once."""
        self._lease = Lease(self._state.budget)
        if len(body) > SMALL:
            growing = BodyMeter(self._lease)
            growing.add(body)
            growing.whole()
        else:
            self._lease.grow(estimated_size(body))

    def _too_large(self) -> BodyTooLarge:
        limit = self._state.snapshot.max_body / MIB
        return BodyTooLarge(
            Message(
                "The body of the request is over the limit of {limit} MiB (server.max_body_mb).", limit=f"{limit:g}"
            )
        )

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._client_left()

    def _client_left(self) -> None:
        self.disconnected = True
        self._cancel()

    def _too_slow(self) -> None:
        self._late = True
        self._cancel()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    # --- Out ----------------------------------------------------------------------------------------------------

    def language(self) -> Language:
        """The language of errors, by what the caller asked for."""
        return wanted(self.headers)

    def try_send(self, status: int, headers: list[Header], body: bytes) -> bool:
        """Send an answer that is whole by the door's short way, where it is open."""
        return self._fast_path is not None and self._fast_path.send(status, headers, body)

    def start(self, status: int, headers: list[Header]) -> Awaitable[None]:
        """Send the status and the headers."""
        return self._send({"type": "http.response.start", "status": status, "headers": headers})

    def write(self, data: bytes, *, more: bool) -> Awaitable[None]:
        """Send a piece of the body."""
        return self._send({"type": "http.response.body", "body": data, "more_body": more})
