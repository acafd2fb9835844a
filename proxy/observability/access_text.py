"""The text format of the access log: one readable line per request, for a terminal (``log.format: text``)."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

RESET = "\x1b[0m"
COLOURS: Mapping[str, str] = {
    "complete": "\x1b[32m",
    "client_closed": "\x1b[33m",
    "rejected": "\x1b[31m",
    "truncated": "\x1b[31m",
}
DIM = "\x1b[2m"


def colour_wanted(environ: Mapping[str, str] | None = None) -> bool:
    """Return whether to use colour: not with ``NO_COLOR`` (no-color.org), ``TERM=dumb`` or without ``TERM``."""
    environ = os.environ if environ is None else environ
    return not environ.get("NO_COLOR") and environ.get("TERM", "") not in ("", "dumb")


def text_line(line: Mapping[str, Any], *, colour: bool = False) -> str:
    """Return the access line with these members as text, without a line break.

    Replaces control characters from clients and vendors with ``?``, because a terminal would interpret them.
    """
    text = _printable(" ".join(_parts(line)))
    if not colour:
        return f"{line['time']} {text}"
    paint = COLOURS.get(str(line["ending"]), "")
    status, _, rest = text.partition(" ")
    return f"{DIM}{line['time']}{RESET} {paint}{status}{RESET} {rest}"


def _parts(line: Mapping[str, Any]) -> Iterator[str]:
    yield str(line["status"] or "-")
    yield f"{line['operation']}{' stream' if line['stream'] else ''}"
    yield line["model"] or "-"
    if line["target"]:
        yield f"-> {line['target']}"
    if line["ending"] != "complete":
        yield line["ending"]
    for name in ("code", "reason", "param"):
        if line[name]:
            yield f"{name}={line[name]}"
    if line["first_content_ms"] is not None and line["stream"]:
        yield f"first={line['first_content_ms']:.0f}ms"
    yield f"total={line['total_ms']:.0f}ms"
    if line["billed"]:
        yield f"tokens={line['billed']['prompt']}+{line['billed']['completion']}"
    if line["attempts"] > 1:
        yield f"attempts={line['attempts']}"
    if line["failed"]:
        yield "failed=" + ",".join(f"{failed['target']}:{failed['kind']}" for failed in line["failed"])
    if line["adapted"]:
        yield "adapted=" + ",".join(f"{name}:{word}" for name, word in line["adapted"].items())
    yield line["request_id"]


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)
