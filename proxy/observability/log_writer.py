"""Log lines leave through bounded queues: a pipe that is not read costs lines, never the event loop.

While the server runs, ``sys.stdout`` and ``sys.stderr`` are :class:`LogStream` objects, so everything that prints goes
this way: access lines, notices of the commands, ``logging`` with its tracebacks, warnings, uvicorn. Each stream has a
daemon thread that writes to the descriptor. What does not fit in the queue, or can't be written, is dropped and counted;
one line says how many lines are missing, at the place where they are missing.
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
"""The most bytes that wait for one stream."""
MAX_WRITES = 10_000
"""The most writes that wait for one stream: small ones cost more memory than their bytes."""
BATCH_BYTES = 64 * 1024
"""About as many bytes are handed to the system at once."""
DRAIN_S = 0.5
"""How long a process that ends waits for its log to be written (seconds)."""
POLL_S = 1.0

StreamName = Literal["stdout", "stderr"]
Notice = Callable[[int], bytes]
"""Makes the line that says how many lines are missing."""


class _Chunk(NamedTuple):
    data: bytes
    reports: int = 0
    """For a notice: how many dropped lines it reports."""


class LogWriter:
    """A queue of bytes and the thread that writes them to a descriptor. No method raises; only ``drain`` waits."""

    def __init__(self, fd: int, notice: Notice, turn: threading.Lock) -> None:
        """``turn`` is held while the thread writes: two writers of one file share it, so that lines don't interleave."""
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
        """Queue the bytes, or drop them if the queue is full. Returns their number either way, as a stream does."""
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
        """Wait until everything is written, at most this long. Returns whether it is."""
        with self._emptied:
            return self._emptied.wait_for(lambda: not self._pending(), timeout_s)

    def _fits(self, size: int) -> bool:
        """Once full, the queue accepts nothing until half of it is free: so losses come in few runs, a notice each."""
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
        """Whether there is something to write: also a notice, unless the descriptor has just refused one."""
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
        """Write the bytes. Returns how many of them the descriptor took before it failed."""
        written = 0
        try:
            with self._turn:
                if not self._line_start and not self._writable:
                    os.write(self.fd, b"\n")  # what failed has left half a line
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
    """A text stream over a writer, to stand in for ``sys.stdout`` or ``sys.stderr``. It neither blocks nor raises."""

    def __init__(self, writer: LogWriter, encoding: str) -> None:
        self.buffer = writer
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream in whose place this one is."""
        return self._encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        """What the encoding lacks is escaped."""
        return "backslashreplace"

    def write(self, text: str) -> int:
        """Queue the text."""
        self.buffer.write(text.encode(self._encoding, "backslashreplace"))
        return len(text)

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The descriptor that the text is for."""
        return self.buffer.fd

    def isatty(self) -> bool:
        """Whether the descriptor is a terminal."""
        return os.isatty(self.buffer.fd)


class LogStreams:
    """The two streams of the process."""

    def __init__(self, writers: dict[StreamName, LogWriter]) -> None:
        self._writers = writers
        self.json_lines: Callable[[], bool] = lambda: True
        """Whether the lines on standard output are JSON now; notices among them then are too."""

    def add(self, name: StreamName, writer: LogWriter) -> None:
        """Take a stream's writer."""
        self._writers[name] = writer

    def register(self, metrics: Metrics) -> None:
        """Let the losses be read."""
        metrics.counter(
            "banjia_log_lines_dropped_total",
            "Log lines that were dropped, since the stream could not be written.",
            ("stream",),
            lambda: {(name,): writer.dropped for name, writer in self._writers.items()},
        )

    def drain(self) -> None:
        """Wait until both are written, at most ``DRAIN_S`` seconds."""
        until = time.monotonic() + DRAIN_S
        for writer in self._writers.values():
            writer.drain(max(0.0, until - time.monotonic()))


def install_log_streams(*, access_lines: bool) -> LogStreams:
    """Send what is printed through queues from now on; when the process exits they are written, or given up.

    ``access_lines``: standard output holds access lines; where these are JSON (``json_lines``), its notices are JSON too. Streams that have no descriptor
    (those of a test) stay as they are. The others are not restored: what is printed as the interpreter ends, a traceback
    perhaps, must not block either.
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
    """The stream's descriptor; of /dev/null for one that was closed before the start, None for one without."""
    if stream is None:
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


def fill_standard_descriptors() -> None:
    """Open /dev/null under each of 0, 1 and 2 that is closed: else a socket gets the number, and what is printed goes there."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != fd:
                os.dup2(null, fd)
                os.close(null)


def json_notice(lines: int) -> bytes:
    """The notice among access lines: ``time`` as they have it, and ``log_lines_dropped``."""
    return orjson.dumps({"time": iso_time(time.time()), "log_lines_dropped": lines}) + b"\n"


def _dropped(lines: int, stream: StreamName) -> Message:
    return Message("{number} log lines were dropped: {stream} could not be written", number=lines, stream=stream)


def text_notice(stream: StreamName) -> Notice:
    """The notice among lines of text."""

    def notice(lines: int) -> bytes:
        line = for_operator(Message("warning: {line}", line=_dropped(lines, stream)))
        return line.encode() + b"\n"

    return notice
