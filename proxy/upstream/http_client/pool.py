"""A connection pool for HTTP/1.1 behind httpx2's transport interface, at a tenth of the cost of httpx2's own transport.

It keeps connections per origin and reuses the most recent first, so that the surplus after a burst expires. Slots are
taken and released without an await in between, so a task that is cancelled, even twice, never leaks one. It supports no
outbound proxies, HTTP/2 or redirects; outbound proxies use httpx2's transport.
"""

import asyncio
import ssl
from collections import OrderedDict
from typing import Protocol

import httpx2

from proxy.upstream.http_client.connect import connect
from proxy.upstream.http_client.connection import CallTimeouts, PooledConnection, ResponseStream
from proxy.upstream.http_client.request import serialize

Origin = tuple[bytes, bytes, int | None]
SCHEMES = {b"http": 80, b"https": 443}


class ReplayBudget(Protocol):
    """Decides whether a call that failed on a reused connection may be sent again."""

    @property
    def replays(self) -> int:
        """How many replays are left. At 0, calls use new connections only."""
        ...

    def replay(self) -> bool:
        """Count a replay if one is left: the vendor may have received the call already. False: the call fails."""
        ...


class HttpTransport(httpx2.AsyncBaseTransport):
    """A pooling HTTP/1.1 transport. Request bodies must be in memory. Read each response to its end, or close it.

    ``connections``: the most open connections, over all vendors; further calls wait in a queue. ``keep_s``: how long an
    idle connection is kept (seconds). ``tls``: a context to use instead of the system's trusted certificates.
    """

    def __init__(self, connections: int = 1000, keep_s: float = 30.0, tls: ssl.SSLContext | None = None) -> None:
        self._free_slots = connections
        self._keep_s = keep_s
        self._tls = tls
        self._connections: set[PooledConnection] = set()
        self._idle: dict[Origin, list[PooledConnection]] = {}
        self._waiters: OrderedDict[asyncio.Future[PooledConnection | None], Origin | None] = OrderedDict()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        self._all_closed: asyncio.Future[None] | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Make one call. Raises only httpx2's transport errors; the underlying error is their ``__cause__``."""
        url = request.url
        origin = (url.raw_scheme, url.raw_host, url.port)
        if origin[0] not in SCHEMES:
            raise httpx2.UnsupportedProtocol(f"unsupported URL scheme: {url.scheme!r}")
        head, body = serialize(request, url.raw_path)
        limits: CallTimeouts = request.extensions.get("timeout", {})
        response = await self.send(origin, head, body, limits, no_body=request.method == "HEAD")
        return httpx2.Response(response.status, headers=response.headers, stream=response)

    async def send(
        self,
        origin: Origin,
        head: bytes,
        body: bytes,
        limits: CallTimeouts,
        replay_budget: ReplayBudget | None = None,
        *,
        no_body: bool = False,
    ) -> ResponseStream:
        """Make one call from serialized bytes. httpx2's request and response objects would cost more than the call."""
        connection = await self._take(origin, limits, fresh=replay_budget is not None and not replay_budget.replays)
        try:
            return await connection.send(head, body, limits, no_body=no_body)
        except (httpx2.NetworkError, httpx2.RemoteProtocolError):
            if not connection.went_stale or not (connection.unsent or replay_budget is None or replay_budget.replay()):
                raise
        # The vendor closed an idle connection just as it was reused.
        connection = await self._take(origin, limits, fresh=True)
        return await connection.send(head, body, limits, no_body=no_body)

    async def aclose(self) -> None:
        """Close every connection. Calls in progress and later calls fail."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._idle.clear()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()
        connections, self._connections = (
            self._connections,
            {connection for connection in self._connections if connection.connected},
        )
        if self._connections:
            self._all_closed = asyncio.get_running_loop().create_future()
        for connection in connections:
            connection.idle_since = 0.0
            connection.close()
        if self._all_closed is not None:
            await self._all_closed

    # --- slots --------------------------------------------------------------------------------------------------

    async def _take(self, origin: Origin, limits: CallTimeouts, *, fresh: bool = False) -> PooledConnection:
        """Return an unused connection to the origin, kept or new."""
        while True:
            connection = None if fresh else self._kept(origin)
            if connection is None and not self._take_slot():
                connection = await self._wait_for_connection(None if fresh else origin, limits.get("pool"))
            if self._closed:
                raise httpx2.ConnectError("the transport is closed")
            if connection is None:
                return await self._connect(origin, limits.get("connect"))
            if not connection.closed:  # it may be closed between being assigned and being taken
                return connection

    def _kept(self, origin: Origin) -> PooledConnection | None:
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            connection.idle_since = 0.0
            if not connection.closed:
                return connection
        return None

    def _take_slot(self) -> bool:
        """Take a slot for a new connection; if none is free, close the connection that was idle the longest."""
        if self._free_slots:
            self._free_slots -= 1
            return True
        oldest = min(
            (idle[0] for idle in self._idle.values() if idle),
            key=lambda connection: connection.idle_since,
            default=None,
        )
        if oldest is None:
            return False
        del self._idle[oldest.origin][0]
        self._discard(oldest)
        return True

    async def _wait_for_connection(self, origin: Origin | None, within_s: float | None) -> PooledConnection | None:
        """Wait for a connection to the origin, or a slot to open one, which is returned as None."""
        waiter: asyncio.Future[PooledConnection | None] = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = origin
        try:
            async with asyncio.timeout(within_s):
                return await waiter
        except BaseException as error:
            self._waiters.pop(waiter, None)
            if waiter.done() and not waiter.cancelled():
                self._return(waiter.result())
            if isinstance(error, TimeoutError):
                raise httpx2.PoolTimeout("no connection became free in time") from error
            raise

    def _return(self, connection: PooledConnection | None) -> None:
        if connection is None:
            self._release_slot()
        elif not connection.closed:
            self.release(connection)

    async def _connect(self, origin: Origin, within_s: float | None) -> PooledConnection:
        """Open a connection in a slot that is already taken. ``within_s`` limits DNS, TCP and TLS together."""
        scheme, host, port = origin
        connection = PooledConnection(self, origin)
        self._connections.add(connection)
        try:
            async with asyncio.timeout(within_s):
                tls = self._context() if scheme == b"https" else None
                await connect(connection, host.decode("ascii"), port or SCHEMES[scheme], tls)
        except TimeoutError as error:
            self._give_up(connection)
            raise httpx2.ConnectTimeout("the connection was not established in time") from error
        except (OSError, UnicodeError) as error:
            self._give_up(connection)
            raise httpx2.ConnectError(str(error)) from error
        except BaseException:
            self._give_up(connection)
            raise
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = httpx2.create_ssl_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    def _give_up(self, connection: PooledConnection) -> None:
        """Release a connection that was not established."""
        connection.close()
        self.closed(connection)

    # --- called by connections ----------------------------------------------------------------------------------

    def release(self, connection: PooledConnection) -> None:
        while self._waiters:
            waiter, origin = self._waiters.popitem(last=False)
            if waiter.done():
                continue
            if origin == connection.origin:
                waiter.set_result(connection)
            else:
                self._discard(connection)
                waiter.set_result(None)
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.setdefault(connection.origin, []).append(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(self._keep_s, self._sweep)

    def closed(self, connection: PooledConnection) -> None:
        if connection not in self._connections:
            return  # its slot was reassigned or released before
        self._connections.remove(connection)
        if connection.idle_since:
            self._idle[connection.origin].remove(connection)
        self._release_slot()
        if self._all_closed is not None and not self._connections and not self._all_closed.done():
            self._all_closed.set_result(None)

    def _discard(self, connection: PooledConnection) -> None:
        """Close a connection whose slot goes to another one."""
        connection.idle_since = 0.0
        self._connections.discard(connection)
        connection.close()

    def _release_slot(self) -> None:
        while self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free_slots += 1

    def _sweep(self) -> None:
        """Close connections that were idle too long, and schedule the next sweep."""
        loop = asyncio.get_running_loop()
        expired_before = loop.time() - self._keep_s
        due: list[float] = []
        for origin, idle in list(self._idle.items()):
            while idle and idle[0].idle_since <= expired_before:
                connection = idle.pop(0)
                connection.idle_since = 0.0
                connection.close()
            if idle:
                due.append(idle[0].idle_since)
            else:
                del self._idle[origin]
        self._sweeper = loop.call_at(min(due) + self._keep_s, self._sweep) if due else None
