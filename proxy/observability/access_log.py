"""The access log: one line per request, JSON or text, formatted and written in batches to keep the cost low."""

import asyncio
import sys
import time
from collections.abc import Mapping
from typing import Any, Literal, Protocol, TextIO

import orjson

from proxy.observability.access_text import colour_wanted, text_line

FLUSH_S = 0.2
BATCH = 32
"""Lines formatted at once. Formatting many more would delay other requests by milliseconds."""


LogFormat = Literal["json", "text"]


class LoggedOutcome(Protocol):
    """A request outcome that can be logged as one line."""

    def line(self, at: float) -> Mapping[str, Any]:
        """Return the members of the line; ``at``: when it was written (epoch seconds)."""
        ...


class AccessLog:
    """Writes lines to a stream, flushed at most ``FLUSH_S`` seconds after they were added.

    While the server runs, ``sys.stdout`` is a queue (:mod:`proxy.observability.log_writer`), so a flush never waits.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self.configured: LogFormat | None = None
        """``log.format``; None: text where the stream is a terminal, JSON elsewhere."""
        self._pending: list[tuple[float, LoggedOutcome]] = []
        self._formatted: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def format(self) -> LogFormat:
        """Return the format of the lines now."""
        return self.configured or ("text" if _is_terminal(self._stream or sys.stdout) else "json")

    def write(self, line: LoggedOutcome) -> None:
        """Add a line, with the current time. Must be called on the event loop."""
        self._pending.append((time.time(), line))
        if len(self._pending) == BATCH:
            self._format_pending()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def _format_pending(self) -> None:
        lines, self._pending = self._pending, []
        if self.format == "json":
            self._formatted += [orjson.dumps(line.line(at)) for at, line in lines]
        else:
            colour = _is_terminal(self._stream or sys.stdout) and colour_wanted()
            self._formatted += [text_line(line.line(at), colour=colour).encode() for at, line in lines]

    def flush(self) -> None:
        """Write the pending lines. A log that can't be written never fails a request."""
        self._timer = None
        self._format_pending()
        lines, self._formatted = self._formatted, []
        if lines:
            try:
                stream = self._stream or sys.stdout
                stream.write(b"\n".join(lines).decode() + "\n")
                stream.flush()
            except (OSError, ValueError):
                pass


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except (OSError, ValueError):  # closed
        return False
