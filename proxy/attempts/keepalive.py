"""SSE keep-alive: send comments on streams, so that no proxy in between closes a connection while the vendor works."""

import asyncio
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from config.schema import Server
from proxy.openai_api.writer import Writer

NO_COMMENTS: AbstractContextManager[None] = nullcontext()
"""Stands in for :class:`KeepAlive` in a request without ``stream``."""


class KeepAlive:
    """Sends a comment after ``hold_status_s`` and then every ``heartbeat_s``, for as long as the block runs."""

    __slots__ = ("_comments", "_handle", "_loop", "_server", "_writer")

    def __init__(self, writer: Writer, server: Server) -> None:
        self._writer = writer
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._comments: set[asyncio.Task[None]] = set()

    def __enter__(self) -> None:
        self._handle = self._loop.call_later(self._server.hold_status_s, self._write_comments)

    def _write_comments(self) -> None:
        comment = self._loop.create_task(self._writer.write_comment())
        self._comments.add(comment)
        comment.add_done_callback(self._comments.discard)
        self._handle = self._loop.call_later(self._server.heartbeat_s, self._write_comments)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._handle is not None:
            self._handle.cancel()
        for comment in self._comments:
            comment.cancel()
