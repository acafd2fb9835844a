"""The pipeline as one ASGI task, raced against the caller leaving."""

import asyncio
from collections.abc import Awaitable, Mapping

from starlette.types import Receive, Scope, Send

from adapters.core.json_limits import SMALL, ValueCounter
from adapters.core.message import Message
from proxy.endpoints.named import NamedFront
from proxy.errors import BodyTooLarge, EncodedBody, SlowClient
from proxy.fronts.writer import Header
from proxy.i18n.negotiate import Language, wanted
from proxy.kit import Kit
from proxy.observability.memory_budget import FREE, MIB, QUICK, Lease, estimated_size, size_of
from proxy.openai_api.json_body import count_values
from proxy.pipeline import Front, serve
from proxy.stages.admit import memory_is_full
from proxy.way import way_of

BODY_WITHIN_S = 60.0
"""How long a body may take to arrive (seconds)."""


class Relay:
    """The ASGI endpoint of one front. A class, so that a Starlette route calls it as it is."""

    def __init__(self, front: Front, kit: Kit) -> None:
        self._front = front
        self._kit = kit

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        connection = Connection(scope, receive, send, self._kit)
        return connection.run(serve(connection, self._front, self._kit, connection))

    def for_model(self, name: str) -> "Relay":
        """The same for one model: that which the path names, not the body."""
        return Relay(NamedFront(self._front, name), self._kit)


class Growing:
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


class Connection:
    """One request on its connection: reads the body, writes the answer, and notices when the caller leaves."""

    __slots__ = (
        "_kit",
        "_late",
        "_lease",
        "_receive",
        "_send",
        "_task",
        "_watcher",
        "_way",
        "gone",
        "headers",
        "request_id",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, kit: Kit) -> None:
        self._receive = receive
        self._send = send
        self._kit = kit
        self._way = way_of(scope)
        self.headers: Mapping[bytes, bytes] = self._way.headers if self._way is not None else dict(scope["headers"])
        self.request_id = f"req_{kit.fresh_id(16)}"
        self.gone = False
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
            expected = (self.gone and self._task is not None and self._task.uncancel() == 0) or self._kit.draining
            if not expected:
                raise
        finally:
            # Both are let go of here: a cancelled watcher holds a traceback that leads back to this connection.
            watcher, self._watcher, self._task = self._watcher, None, None
            if watcher is not None:
                watcher.cancel()
            if self._way is not None:
                self._way.end()
            if self._lease is not None:
                self._lease.end()

    # --- Incoming -----------------------------------------------------------------------------------------------

    async def body(self) -> bytes:
        """The whole body, then watch for the caller leaving.

        Raises SlowClient, BodyTooLarge, EncodedBody, Overloaded or MemoryError where there is no memory for it, and
        BadRequest where it has too many values.
        """
        limit = self._kit.live.max_body
        encoding = self.headers.get(b"content-encoding", b"identity")
        if encoding.lower() not in (b"identity", b""):
            raise EncodedBody(
                Message("Compressed request bodies are not taken: send the JSON as it is, without content-encoding.")
            )
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > limit:
            raise self._too_large()
        body = self._way.take() if self._way is not None else None
        if body is None:
            body = await self._in_time(limit)
        elif len(body) > limit:
            raise self._too_large()
        elif len(body) > FREE:
            self._weigh(body)
        if self._way is None or not self._way.watch(self._leave):
            self._watcher = asyncio.create_task(self._watch())
        return body

    async def _in_time(self, limit: int) -> bytes:
        late = asyncio.get_running_loop().call_later(BODY_WITHIN_S, self._too_slow)
        try:
            return await self._read(limit)
        except asyncio.CancelledError:
            if not self._late or self._task is None or self._task.uncancel() > 0:
                raise
            raise SlowClient(
                Message(
                    "The body of the request did not arrive within {seconds} seconds.", seconds=f"{BODY_WITHIN_S:g}"
                )
            ) from None
        finally:
            late.cancel()

    async def _read(self, limit: int) -> bytes:
        read = bytearray()  # not a list of parts: a caller may send them small, and each would cost more than it holds
        self._lease = Lease(self._kit.budget)
        growing = Growing(self._lease)
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._leave()
                await asyncio.sleep(0)  # here the cancellation arrives
            part: bytes = message.get("body", b"")
            if len(read) + len(part) > limit:
                raise self._too_large()
            if self._kit.memory.full:
                raise memory_is_full(self._kit)
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
        self._lease = Lease(self._kit.budget)
        if len(body) > SMALL:
            growing = Growing(self._lease)
            growing.add(body)
            growing.whole()
        else:
            self._lease.grow(estimated_size(body))

    def _too_large(self) -> BodyTooLarge:
        limit = self._kit.live.max_body / MIB
        return BodyTooLarge(
            Message(
                "The body of the request is over the limit of {limit} MiB (server.max_body_mb).", limit=f"{limit:g}"
            )
        )

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        self.gone = True
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
        return self._way is not None and self._way.send(status, headers, body)

    def start(self, status: int, headers: list[Header]) -> Awaitable[None]:
        """Send the status and the headers."""
        return self._send({"type": "http.response.start", "status": status, "headers": headers})

    def write(self, data: bytes, *, more: bool) -> Awaitable[None]:
        """Send a piece of the body."""
        return self._send({"type": "http.response.body", "body": data, "more_body": more})
