"""The memory guard: how near this process is to being killed for want of memory.

What counts is the tightest limit of the control groups that the process is in (version 2, else version 1), and without
one the machine's memory. Pages of files that the kernel can drop at once are not counted.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

FULL = 0.95
"""From this share on, new work is turned away."""
TIGHT = 0.92
"""From this share on, connections are not kept."""
LOOK_EVERY_S = 0.25
"""How often the share is read (seconds)."""

Reader = Callable[[], float | None]
"""Tells the share of the limit that is in use, or None where no limit is known."""


class Memory:
    """What the last look found. ``full`` and ``tight`` are only attributes: to ask costs nothing."""

    def __init__(self, reader: Reader | None = None) -> None:
        self._reader = reader
        self._next: asyncio.TimerHandle | None = None
        self.share = 0.0
        self.tight = False
        self.full = False

    def watch(self) -> None:
        """Look now and from now on, on the running loop; without a known limit, never again."""
        if self._reader is None:
            self._reader = reader_of_this_machine()
        if self.look():
            self._next = asyncio.get_running_loop().call_later(LOOK_EVERY_S, self.watch)

    def look(self) -> bool:
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


def reader_of_this_machine(root: Path = Path("/")) -> Reader:
    """A reader for the limits that this process is under; ``root`` is where ``proc`` and ``sys`` are."""
    groups = list(_groups(root))
    if groups:
        return lambda: max((share for group in groups if (share := group()) is not None), default=None)
    return lambda: _machine(root / "proc/meminfo")


def _groups(root: Path) -> Iterator[Reader]:
    """A reader for each control group of this process that has a limit."""
    mounted = root / "sys/fs/cgroup"
    total = _line(root / "proc/meminfo", "MemTotal:") or 0
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _chain(mounted, path, "memory.max", "memory.current", "inactive_file", total * 1024)
        elif controllers == "memory":
            yield from _chain(
                mounted / "memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
                total * 1024,
            )  # fmt: skip


def _chain(top: Path, path: str, limit: str, use: str, droppable: str, total: int) -> Iterator[Reader]:
    """From the group itself up to the top; in a container the path may be one of the host's, and only the top is seen."""
    group = top / path.strip("/")
    while True:
        most = _number(group / limit)
        if most is not None and (not total or most < total):
            yield lambda group=group, most=most: _share(group, use, droppable, most)  # type: ignore[misc]
        if group == top:
            return
        group = group.parent


def _share(group: Path, use: str, droppable: str, most: int) -> float | None:
    used = _number(group / use)
    if used is None or not most:
        return None
    if used >= most * TIGHT:  # only now: the statistics are long
        used -= _line(group / "memory.stat", droppable) or 0
    return used / most


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
