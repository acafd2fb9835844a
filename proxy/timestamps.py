"""Times of log lines: ISO 8601 in UTC with milliseconds, ``2026-11-29T10:00:00.123Z``."""

import time

_prefix = (-1, "")


def iso_time(at: float) -> str:
    """The time ``at`` (epoch seconds), as log lines have it. The part up to the second is made once a second."""
    global _prefix
    second, ms = divmod(int(at * 1e3), 1000)
    known, text = _prefix
    if second != known:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        _prefix = (second, text)
    return f"{text}.{ms:03d}Z"
