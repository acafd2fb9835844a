"""Signs of life: a caller who waits on a stream gets a comment now and then, so that nothing between us hangs up."""

import asyncio
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from adapters.core.request import ApiRequest
from config.schema import Server
from proxy.openai_api.writer import Writer

STILL: AbstractContextManager[None] = nullcontext()


def keep_alive(writer: Writer, request: ApiRequest, server: Server) -> AbstractContextManager[None]:
    """What beats while the block runs: nothing, for a caller who waits for a whole answer."""
    return KeepAlive(writer, server) if request.stream else STILL


class KeepAlive:
    """Beats from ``hold_status_s`` on, every ``heartbeat_s``, for as long as the block runs."""

    __slots__ = ("_beats", "_handle", "_loop", "_server", "_writer")

    def __init__(self, writer: Writer, server: Server) -> None:
        self._writer = writer
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._beats: set[asyncio.Task[None]] = set()

    def __enter__(self) -> None:
        self._handle = self._loop.call_later(self._server.hold_status_s, self._write_comments)

    def _write_comments(self) -> None:
        beat = self._loop.create_task(self._writer.write_comment())
        self._beats.add(beat)
        beat.add_done_callback(self._beats.discard)
        self._handle = self._loop.call_later(self._server.heartbeat_s, self._write_comments)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._handle is not None:
            self._handle.cancel()
        for beat in self._beats:
            beat.cancel()
