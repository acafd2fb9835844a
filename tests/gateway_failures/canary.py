"""A server that must never be called, and a vendor that records its clients."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.proxy.server.raw_client import answers_hello
from tests.support.harness import Running, proxy, vendor

VENDOR_KEY = "sk-kimi-0000000000000001"
STOLEN = "sk-stolen-0123456789abcdef"
"""A credential of the caller's choice."""


@dataclass
class Canary:
    """Its address, and its number of connections."""

    port: int
    met: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@asynccontextmanager
async def canary() -> AsyncIterator[Canary]:
    """Run the server until the block ends. A connection to it is a failure."""

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there.met += 1
        writer.close()

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    there = Canary(server.sockets[0].getsockname()[1])
    try:
        yield there
    finally:
        server.close()


@dataclass
class Site:
    """A running proxy, the heads of all calls to its vendor, and the vendor's address."""

    running: Running
    host: str
    heads: list[bytes] = field(default_factory=list)

    def is_untouched(self) -> None:
        """Every call went to the configured address with the configured key, and has nothing chosen by the client."""
        for head in self.heads:
            lines = head.split(b"\r\n")
            assert [line for line in lines if line.lower().startswith(b"host:")] == [b"host: " + self.host.encode()]
            keys = [line.partition(b" ")[2] for line in lines if line.lower().startswith(b"authorization:")]
            assert keys == [f"Bearer {VENDOR_KEY}".encode()]
            assert STOLEN.encode() not in head


@asynccontextmanager
async def site(kind: str = "kimi", **server: Any) -> AsyncIterator[Site]:
    """A proxy before one vendor that always answers hello."""
    heads: list[bytes] = []
    async with vendor(answers_hello, heads) as url:
        entry = {"api_key": VENDOR_KEY, "base_url": url}
        async with proxy({"vendors": {kind: entry}, "server": server}) as running:
            yield Site(running, url.removeprefix("http://").removesuffix("/v1"), heads)
