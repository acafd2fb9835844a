"""Scripted servers on real sockets, and the ways to run a transport against them."""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Self

import httpx2
import uvloop

from proxy.upstream.http_client.pool import HttpTransport

Script = Callable[["Talk"], Awaitable[None]]
TransportKind = Callable[..., httpx2.AsyncBaseTransport]


def slow(connections: int = 100, tls: ssl.SSLContext | None = None) -> httpx2.AsyncBaseTransport:
    """httpx2's own transport, the reference for the HTTP/1.1 client."""
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=30)
    return httpx2.AsyncHTTPTransport(verify=tls or True, limits=limits, retries=0)


def fast(connections: int = 100, tls: ssl.SSLContext | None = None) -> httpx2.AsyncBaseTransport:
    """banjia's HTTP/1.1 client."""
    return HttpTransport(connections, tls=tls)


def run(coro: Coroutine[Any, Any, None], *, uv: bool = False) -> None:
    """Run it, on uvloop if requested."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if uv else None) as runner:
        runner.run(coro)


class Talk:
    """One connection, as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number

    async def request(self) -> bytes:
        """The next whole request; b"" when the client has gone."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            return head + await self.reader.readexactly(int(length[1]) if length else 0)
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes = b"ok", *, head: bytes = b"") -> None:
        await self.say(b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body))

    def reset(self) -> None:
        """Close with RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Peer:
    """A server whose connections follow a script. ``open`` and ``met`` count its connections."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self.open = 0
        self.met = 0
        self.received = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://{'localhost' if self._tls else '127.0.0.1'}:{self.port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.met += 1
        self.open += 1
        try:
            await self._script(Talk(reader, writer, self.met))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def empty(self) -> None:
        """Wait until no client is connected. Fails after half a minute."""
        async with asyncio.timeout(30):
            while self.open:
                await asyncio.sleep(0.005)


def once(answer: bytes) -> Script:
    """Read a request, send these bytes, close."""

    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.say(answer)
        talk.writer.close()
        await talk.writer.wait_closed()

    return script


def always(answer: bytes) -> Script:
    """Answer every request with these bytes, until the client disconnects."""

    async def script(talk: Talk) -> None:
        while await talk.request():
            await talk.say(answer)

    return script


def request(url: str, body: bytes = b"{}", method: str = "POST", **timeout: float) -> httpx2.Request:
    """An upstream request. Timeouts in seconds: connect, pool, read, write."""
    limits = {"connect": 5.0, "pool": 5.0, "read": None, "write": None, **timeout}
    return httpx2.Request(method, url, content=body, extensions={"timeout": limits})


async def call(transport: httpx2.AsyncBaseTransport, req: httpx2.Request) -> tuple[int, bytes]:
    """Return status and complete body. Always releases the response."""
    response = await transport.handle_async_request(req)
    stream = response.stream
    assert isinstance(stream, httpx2.AsyncByteStream)
    try:
        return response.status_code, b"".join([part async for part in stream])
    finally:
        await stream.aclose()
