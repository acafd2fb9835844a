"""One line a request, JSON or text, spelt and written in batches: one by one would cost more than the request."""

import asyncio
import sys
import time
from collections.abc import Mapping
from typing import Any, Literal, Protocol, TextIO

import orjson

from proxy.observability.access_text import colour_wanted, text_line

FLUSH_S = 0.2
BATCH = 32
"""Lines spelt at once. Many more would hold up the requests of that moment for milliseconds."""


LogFormat = Literal["json", "text"]


class LoggedOutcome(Protocol):
    """What is to be one line."""

    def line(self, at: float) -> Mapping[str, Any]:
        """Its members; ``at``: when it was written (epoch seconds)."""
        ...


class AccessLog:
    """Lines to a stream, flushed at the latest ``FLUSH_S`` seconds after they were written.

    While the server runs, ``sys.stdout`` is a queue (:mod:`proxy.observability.log_writer`), so a flush never waits.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self.configured: LogFormat | None = None
        """``log.format``; None: text where the stream is a terminal, JSON elsewhere."""
        self._lines: list[tuple[float, LoggedOutcome]] = []
        self._spelt: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def format(self) -> LogFormat:
        """The format of the lines now."""
        return self.configured or ("text" if _is_terminal(self._stream or sys.stdout) else "json")

    def write(self, line: LoggedOutcome) -> None:
        """Add a line; the time is noted here (epoch seconds). Call it on the event loop."""
        self._lines.append((time.time(), line))
        if len(self._lines) == BATCH:
            self._spell()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def _spell(self) -> None:
        lines, self._lines = self._lines, []
        if self.format == "json":
            self._spelt += [orjson.dumps(line.line(at)) for at, line in lines]
        else:
            colour = _is_terminal(self._stream or sys.stdout) and colour_wanted()
            self._spelt += [text_line(line.line(at), colour=colour).encode() for at, line in lines]

    def flush(self) -> None:
        """Write what is there. A log that can't be written never fails a request."""
        self._timer = None
        self._spell()
        spelt, self._spelt = self._spelt, []
        if spelt:
            try:
                stream = self._stream or sys.stdout
                stream.write(b"\n".join(spelt).decode() + "\n")
                stream.flush()
            except (OSError, ValueError):
                pass


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except (OSError, ValueError):  # closed
        return False
