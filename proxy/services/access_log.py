"""One JSON line a request, written in batches: a flush for every line would cost more than the request."""

import asyncio
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

import orjson

FLUSH_S = 0.2


class AccessLog:
    """Lines to a stream, flushed at the latest ``FLUSH_S`` seconds after they were written."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def write(self, line: Mapping[str, Any]) -> None:
        """Add a line; the time is put in here (epoch seconds). Call it on the event loop."""
        self._lines.append(orjson.dumps({"time": round(time.time(), 3), **line}))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Write what is there. A log that can't be written never fails a request."""
        self._timer = None
        lines, self._lines = self._lines, []
        if lines:
            try:
                stream = self._stream or sys.stdout
                stream.write(b"\n".join(lines).decode() + "\n")
                stream.flush()
            except (OSError, ValueError):
                pass
