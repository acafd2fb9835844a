"""The memory guard: how close this process is to being killed because memory runs out.

It uses the lowest limit among the control groups of the process (version 2, else version 1), or without one the
machine's memory. Pages of files that the kernel can drop at once are not counted.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

FULL = 0.95
"""From this share on, new requests are refused."""
TIGHT = 0.92
"""From this share on, connections are not kept alive."""
CHECK_EVERY_S = 0.25
"""How often the share is read (seconds)."""

ROOT = Path("/")

Reader = Callable[[], float | None]
"""Returns the share of the limit that is in use, or None if no limit is known."""


class MemoryGuard:
    """Result of the last check. ``full`` and ``tight`` are plain attributes, which are cheap to read.

    ``limit``: the memory limit of this process, in bytes; None if it is not known.
    """

    def __init__(self, reader: Reader | None = None, limit: int | None = None) -> None:
        """Both default to those of this machine."""
        self._reader = reader
        self.limit = limit_of_this_machine() if limit is None else limit
        self._next: asyncio.TimerHandle | None = None
        self.share = 0.0
        self.tight = False
        self.full = False

    def start(self) -> None:
        """Check now and every ``CHECK_EVERY_S`` on the running loop; stop if no limit is known."""
        if self._reader is None:
            self._reader = reader_of_this_machine()
        if self.check():
            self._next = asyncio.get_running_loop().call_later(CHECK_EVERY_S, self.start)

    def check(self) -> bool:
        """Read the share. Return False if no limit is known."""
        share = self._reader() if self._reader is not None else None
        self.share = share or 0.0
        self.tight = self.share >= TIGHT
        self.full = self.share >= FULL
        return share is not None

    def close(self) -> None:
        """Stop checking."""
        if self._next is not None:
            self._next.cancel()


def reader_of_this_machine(root: Path = ROOT) -> Reader:
    """Return a reader for the limits of this process; ``root`` is the directory of ``proc`` and ``sys``."""
    groups = [group.share for group in _groups(root)]
    if groups:
        return lambda: max((share for group in groups if (share := group()) is not None), default=None)
    return lambda: _machine(root / "proc/meminfo")


def limit_of_this_machine(root: Path = ROOT) -> int | None:
    """Return the lowest limit of this process, else the machine's memory, in bytes; None if neither is known."""
    total = _line(root / "proc/meminfo", "MemTotal:")
    return min((group.limit for group in _groups(root)), default=total * 1024 if total else None)


class _Group(NamedTuple):
    """A control group that has a limit, in bytes."""

    directory: Path
    limit: int
    use: str
    droppable: str

    def share(self) -> float | None:
        """Return the share of the limit that is in use."""
        used = _number(self.directory / self.use)
        if used is None or not self.limit:
            return None
        if used >= self.limit * TIGHT:  # not below it, because the statistics file is long
            used -= _line(self.directory / "memory.stat", self.droppable) or 0
        return used / self.limit


def _groups(root: Path) -> Iterator[_Group]:
    """Yield each control group of this process that has a limit."""
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
    """Yield the groups with a limit, from the process's group up to ``top``.

    In a container the path may be the host's, of which only ``top`` is visible.
    """
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
    """Return the number after a name at the start of a line."""
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
