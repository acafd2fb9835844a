"""Graceful shutdown: report not ready, stop accepting connections, then let running requests end until a deadline."""

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
"""How many polls a cancelled request has to send its error to the client: 0.3 s, or longer if the event loop is late.
Polls are counted, not time: each poll lets every request run, so all can send their error even on a busy machine."""
CLOSING_S = 0.3
"""How long closing the connections to vendors may take (seconds)."""


class QuietServer(uvicorn.Server):
    """uvicorn without its signal handlers, which would stop accepting at once and exit with the signal's number."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: see :func:`stop_on_signals`."""
        yield


class GracefulServer(QuietServer):
    """The server of the client port, with a graceful shutdown.

    uvicorn cancels the remaining requests at the end of the grace period without waiting for them to send an error.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self.acceptors: list[Acceptor] = []
        self.deadline: float | None = None
        """When running requests must be over, on the loop's clock. None: the grace period, from the shutdown on."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections with :class:`Acceptor` instead of asyncio, then call ``ready``."""
        await super().startup([])
        state = self.server_state
        arguments = {"config": self.config, "app_state": self.lifespan.state}
        protocol: Any = self.config.http_protocol_class
        self.acceptors = [
            Acceptor(sock, partial(protocol, server_state=state, **arguments), state) for sock in sockets or []
        ]
        self._ready()

    def keep_none_alive(self) -> None:
        """Send ``connection: close`` from now on, so that clients connect again, to another instance."""
        self.config.encoded_headers.append(CLOSE)  # uvicorn copies this list every second
        self.server_state.default_headers.append(CLOSE)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, wait for running requests until the deadline, cancel the rest, close the app state."""
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
            connection.shutdown()  # closes an idle connection now, a busy one after its response
        await self._ended(deadline)
        for task in list(state.tasks):
            task.cancel()
        await self._ended_in(LAST_POLLS)
        for connection in list(state.connections):
            if isinstance(connection, GuardedHttpProtocol):
                connection.transport.abort()  # its client does not read, which would delay the shutdown for ever
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
        while (state.connections or state.tasks) and loop.time() < deadline:  # noqa: ASYNC110 - uvicorn has no event
            await asyncio.sleep(min(POLL_S, max(0.0, deadline - loop.time())))


@contextmanager
def stop_on_signals(server: GracefulServer, state: AppState) -> Iterator[None]:
    """On SIGTERM report not ready and keep accepting for ``drain_delay_s``; on SIGINT stop accepting at once.

    ``grace_s`` counts from the signal and also limits ``drain_delay_s``. A second signal ends the process.
    """
    loop = asyncio.get_running_loop()

    def close() -> None:
        server.should_exit = True

    def stop(*, at_once: bool) -> None:
        if state.draining:
            state.flush()
            state.drain_log()
            state.before_exit()
            os._exit(1)  # a second signal: exit without waiting for running requests
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
