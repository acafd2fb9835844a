"""A TCP proxy in front of a vendor that injects network faults.

It parses only enough HTTP to find the end of a request: its clients send one request at a time, each with a
content-length. It forwards the response unchanged, byte by byte if the fault requires it, until the fault occurs.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "reset_on_connect", "silent_connect",  # of a connection, before any request
    "reset_after_request", "silence", "reset", "cut", "half_close", "trickle", "delay",  # of one request
]  # fmt: skip
TRICKLED = 400
"""How many bytes trickle one by one before the rest comes as it is."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. ``at``: after this many bytes of the response; ``pause_s``: length of a delay or a trickle's pauses.

    ``reset_on_connect``: TCP reset instead of a first byte. ``silent_connect``: nothing is ever read or sent.
    ``reset_after_request``: the vendor gets the request, and may bill it; the client gets a reset.
    ``silence``: the vendor's response never arrives. ``reset``, ``cut``: a TCP reset, or a clean end, within it.
    ``half_close``: like a cut, but the client's data is still read.
    """

    kind: Kind
    at: int = 0
    pause_s: float = 0.0


OfConnection = Callable[[], Fault | None]
OfRequest = Callable[[bytes], Fault | None]
"""Given the request's body."""


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset."""
    with suppress(OSError):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class FaultProxy:
    """A proxy before one vendor. ``struck`` counts the faults that occurred, by kind."""

    def __init__(self, port: int, of_connection: OfConnection, of_request: OfRequest) -> None:
        """``port``: the vendor's, on loopback. The two others choose the fault of a connection or a request."""
        self._vendor = port
        self._of_connection = of_connection
        self._of_request = of_request
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self.port = 0
        self.struck: dict[str, int] = {}

    async def start(self) -> None:
        """Listen: on a free port at first, on the same one later."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    def black_out(self) -> None:
        """Refuse connections until ``start``; reset the open ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            reset(writer)

    @property
    def open_connections(self) -> int:
        """Return the number of connected clients."""
        return len(self._open)

    async def aclose(self) -> None:
        """Stop, and leave nothing open."""
        self.black_out()
        for task in list(self._open.values()):
            task.cancel()
            await asyncio.wait([task])

    def _strikes(self, fault: Fault) -> None:
        self.struck[fault.kind] = self.struck.get(fault.kind, 0) + 1

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[writer] = task
        try:
            fault = self._of_connection()
            if fault is not None:
                self._strikes(fault)
            if fault is None:
                await Link(self, reader, writer).run()
            elif fault.kind == "silent_connect":
                await reader.read(-1)  # until the client gives up
            else:
                reset(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            del self._open[writer]
            writer.close()

    async def to_vendor(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the vendor."""
        return await asyncio.open_connection("127.0.0.1", self._vendor)

    def fault_of(self, body: bytes) -> Fault | None:
        """The fault of the request with this body."""
        fault = self._of_request(body)
        if fault is not None:
            self._strikes(fault)
        return fault


class Link:
    """A client's connection, and the connection to the vendor for it."""

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._fault: Fault | None = None
        self._passed = 0  # bytes of the answer to the latest request
        self._broken = False

    async def run(self) -> None:
        """Forward requests and responses until one side ends. A close or reset by the vendor is passed on."""
        answers, requests = await self._proxy.to_vendor()
        back = asyncio.create_task(self._answers(answers))
        try:
            await self._requests(requests)
        finally:
            reset(requests) if self._broken else requests.close()
            back.cancel()
            with suppress(asyncio.CancelledError):
                await back

    async def _requests(self, vendor: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await self._reader.readuntil(b"\r\n\r\n")
                body = await self._reader.readexactly(length_of(head))
            except asyncio.IncompleteReadError:
                return
            self._passed = 0
            self._fault = self._proxy.fault_of(body)
            vendor.write(head + body)
            await vendor.drain()

    async def _answers(self, vendor: asyncio.StreamReader) -> None:
        try:
            while data := await vendor.read(65536):
                await self._pass(data)
                if self._broken:
                    return
            if self._writer.can_write_eof():
                self._writer.write_eof()
            self._writer.close()
        except OSError:
            self._break()  # the vendor's reset, or the client's

    def _break(self) -> None:
        self._broken = True
        reset(self._writer)

    async def _pass(self, data: bytes) -> None:
        fault = self._fault
        begun = self._passed
        self._passed += len(data)
        if fault is None:
            await self._write(data)
        elif fault.kind == "silence":
            return
        elif fault.kind == "reset_after_request":
            self._break()
        elif fault.kind == "delay":
            if not begun:
                await asyncio.sleep(fault.pause_s)
            await self._write(data)
        elif fault.kind == "trickle":
            slowly, rest = data[: max(0, TRICKLED - begun)], data[max(0, TRICKLED - begun) :]
            for at in range(len(slowly)):
                await self._write(slowly[at : at + 1])
                await asyncio.sleep(fault.pause_s)
            await self._write(rest)
        elif self._passed < fault.at:
            await self._write(data)
        else:
            await self._write(data[: max(0, fault.at - begun)])
            await self._end(fault)

    async def _end(self, fault: Fault) -> None:
        self._broken = True
        if fault.kind == "reset":
            await asyncio.sleep(0.02)  # a reset discards what the kernel has not delivered yet
            reset(self._writer)
            return
        self._writer.write_eof()
        if fault.kind == "cut":
            self._writer.close()

    async def _write(self, data: bytes) -> None:
        if data:
            self._writer.write(data)
            await self._writer.drain()


def length_of(head: bytes) -> int:
    """The content-length of a request's head; 0 without one."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
