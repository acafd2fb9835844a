"""Raw sockets for tests of the server, on uvloop: sends exact bytes, reads responses and closes."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import uvloop

from proxy.observability.memory_guard import MemoryGuard
from tests.support.harness import Running, hang_up, proxy, vendor

T = TypeVar("T")


def run(scene: Coroutine[Any, Any, T]) -> T:
    """Run a scene on uvloop; the timeout ends one that hangs."""
    return run_within(scene, 150)


def run_within(scene: Coroutine[Any, Any, T], s: float) -> T:
    """Run a scene on uvloop; the timeout ends one that hangs."""

    async def within() -> T:
        async with asyncio.timeout(s):
            return await scene

    return uvloop.run(within())


ANSWER = json.dumps({
    "id": "1", "object": "chat.completion", "created": 1, "model": "kimi-k2.6",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
}).encode()  # fmt: skip
CONTENT = (
    b'{"id":"1","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}'
)
ASK: dict[str, Any] = {"model": "kimi/kimi-k2.6", "messages": [{"role": "user", "content": "hi"}]}
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass
class Answer:
    """One answer: its status, its head in lower case, and its body."""

    status: int
    head: bytes
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = json.loads(self.body)["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["message"]
        return error


class Line:
    """A client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> Answer | None:
        """Return the next response; None if the connection was closed instead."""
        try:
            head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        size = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        return Answer(int(head[9:12]), head, await self.reader.readexactly(size))

    async def ended(self, within_s: float = 20.0) -> bool:
        """Return whether the server closes the connection without further data."""
        try:
            return await asyncio.wait_for(self.reader.read(1), within_s) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


@asynccontextmanager
async def line(url: str) -> AsyncIterator[Line]:
    """Open a connection to the proxy until the block ends."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Line(reader, writer)
    finally:
        await hang_up(writer)


def chat(*headers: bytes, body: bytes | None = None, path: bytes = b"/v1/chat/completions", **more: Any) -> bytes:
    """A chat request, whole."""
    data = json.dumps({**ASK, **more}).encode() if body is None else body
    lines = [b"POST %b HTTP/1.1" % path, b"Host: localhost", b"Content-Length: %d" % len(data), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + data


async def answers_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
    """A vendor that answers."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER))
    writer.write(ANSWER)


@asynccontextmanager
async def serving(
    handler: Any = answers_hello, *, memory: MemoryGuard | None = None, **server: Any
) -> AsyncIterator[Running]:
    """The proxy before one scripted vendor."""
    async with vendor(handler) as url:
        made = {"vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001", "base_url": url}}, "server": server}
        async with proxy(made, memory=memory) as running:
            yield running
