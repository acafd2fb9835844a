"""Timestamps of log lines: ISO 8601 in UTC with milliseconds, ``2026-11-29T10:00:00.123Z``."""

import time

_prefix = (-1, "")


def iso_time(epoch_s: float) -> str:
    """Return the time as log lines show it. The part up to the second is formatted once a second."""
    global _prefix
    second, ms = divmod(int(epoch_s * 1e3), 1000)
    cached, text = _prefix
    if second != cached:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        _prefix = (second, text)
    return f"{text}.{ms:03d}Z"
