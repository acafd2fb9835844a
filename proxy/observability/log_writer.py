"""Writes log lines through bounded queues, so that a pipe that is not read drops lines and never blocks the event loop.

While the server runs, ``sys.stdout`` and ``sys.stderr`` are :class:`LogStream` objects, so all output passes the queues:
access lines, messages of the commands, ``logging`` with its tracebacks, warnings, uvicorn. Each stream has a daemon
thread that writes to the descriptor. Lines that do not fit in the queue, or can't be written, are dropped and counted;
a notice in their place reports how many lines are missing.
"""

import atexit
import io
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple, TextIO

import orjson

from adapters.core.message import Message
from proxy.i18n.catalog import for_operator
from proxy.observability.metrics.registry import Metrics
from proxy.timestamps import iso_time

MAX_BYTES = 4 * 1024 * 1024
"""The most bytes queued for one stream."""
MAX_WRITES = 10_000
"""The most writes queued for one stream: small writes take more memory than their bytes."""
BATCH_BYTES = 64 * 1024
"""About how many bytes one system call writes."""
DRAIN_S = 0.5
"""How long an exiting process waits for its log to be written (seconds)."""
POLL_S = 1.0

StreamName = Literal["stdout", "stderr"]
Notice = Callable[[int], bytes]
"""Returns the line that reports how many lines are missing."""


class _Chunk(NamedTuple):
    data: bytes
    reports: int = 0
    """For a notice: how many dropped lines it reports."""


class LogWriter:
    """A queue of bytes and the thread that writes them to a descriptor. No method raises; only ``drain`` waits."""

    def __init__(self, fd: int, notice: Notice, turn: threading.Lock) -> None:
        """``turn`` is held while the thread writes: two writers of one file share it, so that lines don't mix."""
        self.fd = fd
        self.dropped = 0
        """Lines dropped since the start."""
        self._notice = notice
        self._turn = turn
        self._chunks: deque[_Chunk] = deque()
        self._size = 0  # bytes that wait or are being written
        self._unreported = 0  # dropped lines that no notice has reported
        self._accepts = True
        self._writable = True  # whether the last write succeeded
        self._line_start = True
        lock = threading.RLock()  # a finalizer may print while its thread is in here
        self._filled = threading.Condition(lock)
        self._emptied = threading.Condition(lock)
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> int:
        """Queue the bytes, or drop them if the queue is full. Return their number in both cases, as a stream does."""
        with self._filled:
            self._accepts = self._fits(len(data))
            if self._accepts:
                if self._unreported:
                    self._queue_notice()
                self._queue(_Chunk(data))
            else:
                self._lose(data.count(b"\n"))
        return len(data)

    def flush(self) -> None:
        """Do nothing: the thread writes as soon as it can."""

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything is written, at most ``timeout_s`` seconds. Return whether it is."""
        with self._emptied:
            return self._emptied.wait_for(lambda: not self._pending(), timeout_s)

    def _fits(self, size: int) -> bool:
        """A full queue accepts nothing until half of it is free, so that losses come in few runs with a notice each."""
        part = 1 if self._accepts else 2
        return self._size + size <= MAX_BYTES // part and len(self._chunks) < MAX_WRITES // part

    def _queue(self, chunk: _Chunk) -> None:
        self._chunks.append(chunk)
        self._size += len(chunk.data)
        self._filled.notify()

    def _queue_notice(self) -> None:
        unreported, self._unreported = self._unreported, 0
        self._queue(_Chunk(self._notice(unreported), unreported))

    def _lose(self, lines: int) -> None:
        self.dropped += lines
        self._unreported += lines

    def _pending(self) -> bool:
        """Whether there is something to write, which includes a notice unless the last write failed."""
        return bool(self._size or (self._unreported and self._writable))

    # --- in the thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            batch = self._next_batch()
            data = b"".join(chunk.data for chunk in batch)
            written = self._write_all(data)
            with self._emptied:
                self._size -= len(data)
                self._writable = written == len(data)
                if not self._writable:
                    reports = [chunk.reports for chunk in batch if chunk.reports]
                    self._lose(max(0, data.count(b"\n", written) - len(reports)))
                    self._unreported += sum(reports)
                self._emptied.notify_all()

    def _next_batch(self) -> list[_Chunk]:
        with self._filled:
            self._filled.wait_for(self._pending)
            if not self._chunks:
                self._queue_notice()
            batch = [self._chunks.popleft()]
            size = len(batch[0].data)
            while self._chunks and size < BATCH_BYTES:
                batch.append(self._chunks.popleft())
                size += len(batch[-1].data)
            return batch

    def _write_all(self, data: bytes) -> int:
        """Write the bytes. Return how many were written before an error."""
        written = 0
        try:
            with self._turn:
                if not self._line_start and not self._writable:
                    os.write(self.fd, b"\n")  # the failed write left an incomplete line
                while written < len(data):
                    try:
                        written += os.write(self.fd, memoryview(data)[written:])
                    except BlockingIOError:  # another process has set the descriptor to non-blocking
                        select.select([], [self.fd], [], POLL_S)
        except (OSError, ValueError):
            pass  # no reader, no space, no such descriptor: the lines are counted as dropped
        if written:
            self._line_start = data[written - 1] == 10
        return written


class LogStream(io.TextIOBase):
    """A text stream over a writer, which replaces ``sys.stdout`` or ``sys.stderr``. It neither blocks nor raises."""

    def __init__(self, writer: LogWriter, encoding: str) -> None:
        self.buffer = writer
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Return the encoding of the replaced stream."""
        return self._encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        """Return the error handler: characters that the encoding lacks are escaped."""
        return "backslashreplace"

    def write(self, text: str) -> int:
        """Queue the text."""
        self.buffer.write(text.encode(self._encoding, "backslashreplace"))
        return len(text)

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor that the text is written to."""
        return self.buffer.fd

    def isatty(self) -> bool:
        """Return whether the descriptor is a terminal."""
        return os.isatty(self.buffer.fd)


class LogStreams:
    """The two streams of the process."""

    def __init__(self, writers: dict[StreamName, LogWriter]) -> None:
        self._writers = writers
        self.json_lines: Callable[[], bool] = lambda: True
        """Returns whether the lines on standard output are JSON now; notices on standard output then are JSON too."""

    def add(self, name: StreamName, writer: LogWriter) -> None:
        """Add the writer of a stream."""
        self._writers[name] = writer

    def register(self, metrics: Metrics) -> None:
        """Register the metric of dropped lines."""
        metrics.counter(
            "banjia_log_lines_dropped_total",
            "Log lines that were dropped, since the stream could not be written.",
            ("stream",),
            lambda: {(name,): writer.dropped for name, writer in self._writers.items()},
        )

    def drain(self) -> None:
        """Wait until both streams are written, at most ``DRAIN_S`` seconds."""
        until = time.monotonic() + DRAIN_S
        for writer in self._writers.values():
            writer.drain(max(0.0, until - time.monotonic()))


def install_log_streams(*, access_lines: bool) -> LogStreams:
    """Replace ``sys.stdout`` and ``sys.stderr`` by queued streams, which are drained for ``DRAIN_S`` seconds at exit.

    ``access_lines``: standard output holds access lines; if these are JSON (``json_lines``), its notices are JSON too.
    Streams without a descriptor (those of a test) stay as they are. The replaced streams are not restored, because
    output at the end of the interpreter, such as a traceback, must not block either.
    """
    fill_standard_descriptors()
    out, err = _descriptor(sys.stdout), _descriptor(sys.stderr)
    if out is None or err is None:
        return LogStreams({})
    turns = [threading.Lock(), threading.Lock()]
    if os.path.sameopenfile(out, err):
        turns[1] = turns[0]
    logs = LogStreams({})
    plain = text_notice("stdout")

    def notice(lines: int) -> bytes:
        return json_notice(lines) if access_lines and logs.json_lines() else plain(lines)

    stdout = LogWriter(out, notice, turns[0])
    stderr = LogWriter(err, text_notice("stderr"), turns[1])
    sys.stdout = LogStream(stdout, getattr(sys.stdout, "encoding", None) or "utf-8")
    sys.stderr = LogStream(stderr, getattr(sys.stderr, "encoding", None) or "utf-8")
    logs.add("stdout", stdout)
    logs.add("stderr", stderr)
    atexit.register(logs.drain)
    return logs


def _descriptor(stream: TextIO | None) -> int | None:
    """Return the descriptor of the stream: /dev/null for a stream closed before the start, None if it has none."""
    if stream is None:
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


def fill_standard_descriptors() -> None:
    """Open /dev/null for each closed descriptor of 0, 1 and 2: a socket would get the number and receive the output."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != fd:
                os.dup2(null, fd)
                os.close(null)


def json_notice(lines: int) -> bytes:
    """Return the notice for JSON access lines: ``time`` in the same format, and ``log_lines_dropped``."""
    return orjson.dumps({"time": iso_time(time.time()), "log_lines_dropped": lines}) + b"\n"


def _dropped(lines: int, stream: StreamName) -> Message:
    return Message("{number} log lines were dropped: {stream} could not be written", number=lines, stream=stream)


def text_notice(stream: StreamName) -> Notice:
    """Return the notice for text lines."""

    def notice(lines: int) -> bytes:
        line = for_operator(Message("warning: {line}", line=_dropped(lines, stream)))
        return line.encode() + b"\n"

    return notice
