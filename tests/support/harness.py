"""Runs the app under uvicorn on a real port, and scripted vendors on real sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from config.schema import Settings
from proxy.app import create_app
from proxy.app_state import AppState
from proxy.lifecycle.run import bind, url_of
from proxy.lifecycle.shutdown import GracefulServer
from proxy.observability.memory_guard import MemoryGuard
from proxy.server.protocol import GuardedHttpProtocol
from proxy.upstream.client import Upstream
from tests.support.judging import violations_of_seen
from tests.support.judging_switch import judging
from tests.support.tap import Seen, Tap

MOST_JUDGED = 1 << 20
"""A response or request with more bytes is not judged."""
TICK_S = 0.1
"""Interval of uvicorn's ticks (seconds)."""


class PromptServer(GracefulServer):
    """Stops at once; uvicorn stops only at its next tick, which would delay every test of a proxy."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config, ready)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._stopped.set()

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), TICK_S)


@dataclass
class Running:
    """A running proxy: its URL, its app state, and the access lines it has written."""

    url: str
    state: AppState
    lines: list[dict[str, Any]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    """Violations in responses, as found by tests/support/invariants.py."""

    def judge(self, seen: Seen) -> None:
        """Judge a response, unless the test is marked ``unjudged``."""
        if judging.on:
            self.violations += violations_of_seen(seen)

    def take_violations(self) -> list[str]:
        """Return and reset the violations so far, for tests that share a proxy."""
        found, self.violations = self.violations, []
        return found

    async def settled(self, endings: int, within_s: float = 30.0) -> None:
        """Wait until this many requests have ended."""
        async with asyncio.timeout(within_s):
            while len(self.lines) < endings:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def proxy(
    settings: Settings | Mapping[str, Any],
    upstream: Upstream | None = None,
    around: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    memory: MemoryGuard | None = None,
) -> AsyncIterator[Running]:
    """Run the proxy on a free port of loopback until the block ends; ``around`` may wrap its app.

    Every response is judged; violations fail the block at its end.
    """
    if not isinstance(settings, Settings):
        settings = Settings.model_validate(settings)
    lines: list[dict[str, Any]] = []
    state = AppState(
        settings,
        upstream or Upstream.over_the_network(1000),
        lambda outcome: lines.append(outcome.line()),
        memory=memory,
    )
    sock = bind("127.0.0.1:0")
    running = Running(url_of(sock), state, lines)
    app = Tap(create_app(state), over=running.judge, most=MOST_JUDGED)
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    config = uvicorn.Config(
        around(app), http=GuardedHttpProtocol, ws="none", log_level="warning", access_log=False, server_header=False,
        proxy_headers=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = PromptServer(config, lambda: ready.set_result(None))
    task = asyncio.create_task(server.serve([sock]))
    await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield running
    finally:
        state.draining = True
        server.stop()
        await task
    assert not running.violations, running.violations


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection and wait until it is closed."""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


@asynccontextmanager
async def vendor(handler: Handler, heads: list[bytes] | None = None) -> AsyncIterator[str]:
    """Run a scripted vendor: ``handler(reader, writer, body)`` answers each request with bytes. Yields its base URL.

    ``heads`` receives the head of each request.
    """
    open_writers: set[asyncio.StreamWriter] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if heads is not None:
                    heads.append(head)
                length = next(
                    (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
                )  # fmt: skip
                await handler(reader, writer, await reader.readexactly(length))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            open_writers.discard(writer)
            await hang_up(writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        await asyncio.gather(*(hang_up(writer) for writer in list(open_writers)))
        await server.wait_closed()
