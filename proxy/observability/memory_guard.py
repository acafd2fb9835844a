"""The memory guard: how near this process is to being killed for want of memory.

What counts is the tightest limit of the control groups that the process is in (version 2, else version 1), and without
one the machine's memory. Pages of files that the kernel can drop at once are not counted.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

FULL = 0.95
"""From this share on, new work is turned away."""
TIGHT = 0.92
"""From this share on, connections are not kept."""
CHECK_EVERY_S = 0.25
"""How often the share is read (seconds)."""

ROOT = Path("/")

Reader = Callable[[], float | None]
"""Tells the share of the limit that is in use, or None where no limit is known."""


class MemoryGuard:
    """What the last look found. ``full`` and ``tight`` are only attributes: to ask costs nothing.

    ``limit``: how much memory there is for this process, in bytes; None where that is not known.
    """

    def __init__(self, reader: Reader | None = None, limit: int | None = None) -> None:
        """Both are those of this machine unless given."""
        self._reader = reader
        self.limit = limit_of_this_machine() if limit is None else limit
        self._next: asyncio.TimerHandle | None = None
        self.share = 0.0
        self.tight = False
        self.full = False

    def start(self) -> None:
        """Look now and from now on, on the running loop; without a known limit, never again."""
        if self._reader is None:
            self._reader = reader_of_this_machine()
        if self.check():
            self._next = asyncio.get_running_loop().call_later(CHECK_EVERY_S, self.start)

    def check(self) -> bool:
        """Read the share. False where there is none to read."""
        share = self._reader() if self._reader is not None else None
        self.share = share or 0.0
        self.tight = self.share >= TIGHT
        self.full = self.share >= FULL
        return share is not None

    def close(self) -> None:
        """Look no more."""
        if self._next is not None:
            self._next.cancel()


def reader_of_this_machine(root: Path = ROOT) -> Reader:
    """A reader for the limits that this process is under; ``root`` is where ``proc`` and ``sys`` are."""
    groups = [group.share for group in _groups(root)]
    if groups:
        return lambda: max((share for group in groups if (share := group()) is not None), default=None)
    return lambda: _machine(root / "proc/meminfo")


def limit_of_this_machine(root: Path = ROOT) -> int | None:
    """The tightest limit that this process is under, else the machine's memory, in bytes; None where neither is known."""
    total = _line(root / "proc/meminfo", "MemTotal:")
    return min((group.limit for group in _groups(root)), default=total * 1024 if total else None)


class _Group(NamedTuple):
    """A control group that has a limit, in bytes."""

    directory: Path
    limit: int
    use: str
    droppable: str

    def share(self) -> float | None:
        """The share of the limit that is in use."""
        used = _number(self.directory / self.use)
        if used is None or not self.limit:
            return None
        if used >= self.limit * TIGHT:  # only now: the statistics are long
            used -= _line(self.directory / "memory.stat", self.droppable) or 0
        return used / self.limit


def _groups(root: Path) -> Iterator[_Group]:
    """Each control group of this process that has a limit."""
    mounted = root / "sys/fs/cgroup"
    total = (_line(root / "proc/meminfo", "MemTotal:") or 0) * 1024
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _chain(mounted, path, total, "memory.max", "memory.current", "inactive_file")
        elif controllers == "memory":
            names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
            yield from _chain(mounted / "memory", path, total, *names)


def _chain(top: Path, path: str, total: int, limit: str, use: str, droppable: str) -> Iterator[_Group]:
    """From the group itself up to the top; in a container the path may be one of the host's, and only the top is seen."""
    group = top / path.strip("/")
    while True:
        most = _number(group / limit)
        if most is not None and (not total or most < total):
            yield _Group(group, most, use, droppable)
        if group == top:
            return
        group = group.parent


def _machine(meminfo: Path) -> float | None:
    total, free = _line(meminfo, "MemTotal:"), _line(meminfo, "MemAvailable:")
    return None if not total or free is None else 1 - free / total


def _line(file: Path, name: str) -> int | None:
    """The number behind a name that begins a line."""
    for line in _text(file).splitlines():
        words = line.split()
        if words and words[0] == name:
            return int(words[1])
    return None


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.isdigit() else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
