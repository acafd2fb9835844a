"""Stopping in order: not ready any more, then the door closes, then running requests end, at the latest at a deadline."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import uvicorn

from proxy.app_state import AppState
from proxy.server.acceptor import Acceptor
from proxy.server.fast_path import CLOSE
from proxy.server.protocol import GuardedHttpProtocol

POLL_S = 0.02
LAST_POLLS = 15
"""For how many polls a request that is told to end may go on, to say so to its caller: 0.3 s, or longer where the event loop is
late. Each poll lets every request run, so that many requests that end at once, or a busy machine, cost none its last words."""
CLOSING_S = 0.3
"""How long closing the connections to vendors may take (seconds)."""


class QuietServer(uvicorn.Server):
    """uvicorn, with signals left to us: it would close the door at once and exit with the signal's number."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: see :func:`stop_on_signals`."""
        yield


class GracefulServer(QuietServer):
    """The server that callers use, stopped our way.

    uvicorn by itself cancels at the end of the grace what still runs, without waiting for what it has to say.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self.acceptors: list[Acceptor] = []
        self.deadline: float | None = None
        """When running requests have to be over, on the loop's clock. None: the config's grace, from closing on."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections by ourselves, then tell."""
        await super().startup([])
        state, made = self.server_state, {"config": self.config, "app_state": self.lifespan.state}
        protocol: Any = self.config.http_protocol_class
        self.acceptors = [
            Acceptor(sock, partial(protocol, server_state=state, **made), state) for sock in sockets or []
        ]
        self._ready()

    def keep_none_alive(self) -> None:
        """From now on answers tell their callers to make a new connection for the next request, to somebody else."""
        self.config.encoded_headers.append(CLOSE)  # uvicorn makes its list anew every second from this one
        self.server_state.default_headers.append(CLOSE)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the door, wait for what is running until the deadline, tell the rest to end, close the kit."""
        loop = asyncio.get_running_loop()
        state = self.server_state
        deadline = self.deadline
        if deadline is None:
            deadline = loop.time() + (self.config.timeout_graceful_shutdown or 0)
        for acceptor in self.acceptors:
            acceptor.close()
        for sock in sockets or []:
            sock.close()
        for connection in list(state.connections):
            connection.shutdown()  # an unused one is closed, a used one after its answer
        await self._ended(deadline)
        for task in list(state.tasks):
            task.cancel()
        await self._ended_in(LAST_POLLS)
        for connection in list(state.connections):
            if isinstance(connection, GuardedHttpProtocol):
                connection.transport.abort()  # its caller does not read: that would hold us up for ever
        await self._ended_in(LAST_POLLS)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_S):
                await self.lifespan.shutdown()

    async def _ended_in(self, polls: int) -> None:
        state = self.server_state
        while (state.connections or state.tasks) and polls:
            await asyncio.sleep(POLL_S)
            polls -= 1

    async def _ended(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        state = self.server_state
        while (state.connections or state.tasks) and loop.time() < deadline:  # noqa: ASYNC110 - uvicorn tells of no end
            await asyncio.sleep(min(POLL_S, max(0.0, deadline - loop.time())))


@contextmanager
def stop_on_signals(server: GracefulServer, state: AppState) -> Iterator[None]:
    """SIGTERM: not ready any more, the door stays open for ``drain_delay_s``, then closes. SIGINT: closes now.

    ``grace_s`` runs from the signal, and is the longest that the door stays open. A second signal ends the process.
    """
    loop = asyncio.get_running_loop()

    def close() -> None:
        server.should_exit = True

    def stop(*, at_once: bool) -> None:
        if state.draining:
            state.flush()
            state.drain_log()
            os._exit(1)  # asked twice: at once, whatever is still going on
        state.draining = True
        server.keep_none_alive()
        settings = state.snapshot.settings.server
        server.deadline = loop.time() + settings.grace_s
        loop.call_later(0 if at_once else min(settings.drain_delay_s, settings.grace_s), close)

    loop.add_signal_handler(signal.SIGTERM, lambda: stop(at_once=False))
    loop.add_signal_handler(signal.SIGINT, lambda: stop(at_once=True))
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        loop.remove_signal_handler(signal.SIGINT)
