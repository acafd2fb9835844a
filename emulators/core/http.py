"""An HTTP/1.1 server on raw sockets, which sends exact bytes and detects a disconnect of the client at once."""

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import orjson

log = logging.getLogger("emulators")

LARGEST_HEAD = 1 << 20
LARGEST_BODY = 1 << 28
"""Bytes; far above the limit of any vendor."""


class BadRequest(Exception):
    """The received data is not HTTP/1.1."""


@dataclass(frozen=True)
class HttpRequest:
    """One complete request. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @cached_property
    def json(self) -> Any:
        """Return the parsed body, `None` if it is not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    @property
    def wants_close(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


Handler = Callable[[HttpRequest, "HttpConnection"], Awaitable[bool]]
"""Answers a request; returns whether the connection may be used again."""


class HttpConnection(asyncio.Protocol):
    """One TCP connection. One task handles its requests in sequence and is cancelled when the connection is lost."""

    def __init__(self, handler: Handler, connections: set["HttpConnection"]) -> None:
        self._handler = handler
        self._connections = connections
        self._reader = asyncio.StreamReader(limit=LARGEST_HEAD)
        self._writable = asyncio.Event()
        self._writable.set()
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Without a buffer in the transport, `send` waits until the kernel has all data, so a reset loses no sent data.
        self._transport.set_write_buffer_limits(high=0)
        self._connections.add(self)
        self.task = asyncio.get_running_loop().create_task(self._run())

    def data_received(self, data: bytes) -> None:
        self._reader.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._connections.discard(self)
        self._writable.set()
        self.task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def _run(self) -> None:
        try:
            while (request := await self._read()) is not None:
                if not await self._handler(request, self) or request.wants_close:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except (BadRequest, asyncio.LimitOverrunError, ValueError):
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        except Exception:
            log.exception("the emulator failed at a request")
            self.abort()
        finally:
            self._transport.close()

    async def _read(self) -> HttpRequest | None:
        """Return the next request, `None` if the client has disconnected between two requests."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, version = lines[0].split(" ")
        if not version.startswith("HTTP/1."):
            raise BadRequest(version)
        headers = {}
        for line in lines[1:-2]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            await self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        parts = urlsplit(target)
        return HttpRequest(method, unquote(parts.path), parts.query, headers, await self._body(headers))

    async def _body(self, headers: dict[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return await self._chunks()
        length = int(headers.get("content-length") or 0)
        if not 0 <= length <= LARGEST_BODY:
            raise BadRequest("content-length")
        return await self._reader.readexactly(length)

    async def _chunks(self) -> bytes:
        body = bytearray()
        while size := int((await self._reader.readline()).split(b";")[0], 16):
            body += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
            if len(body) > LARGEST_BODY:
                raise BadRequest("body")
        while (await self._reader.readline()).strip():
            pass
        return bytes(body)

    async def send(self, data: bytes) -> None:
        """Write `data` and wait until the kernel has it. Raises ConnectionResetError if the client has disconnected."""
        if self._lost or self._transport.is_closing():
            raise ConnectionResetError
        self._transport.write(data)
        await self._writable.wait()
        await asyncio.sleep(0)

    def abort(self) -> None:
        """Close with a TCP reset."""
        if not self._lost:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()

    async def end(self) -> None:
        """Reset the connection, and wait until its task has ended."""
        self.abort()
        self.task.cancel()
        await asyncio.wait([self.task])


def head(status: int, headers: list[tuple[str, str]]) -> bytes:
    """Return a response head's bytes."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    """Return `data` as one chunk of a chunked body; empty for empty data, because an empty chunk ends the body."""
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


LAST_CHUNK = b"0\r\n\r\n"
