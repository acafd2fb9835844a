"""Noticing that a file has changed, however it was done: written in place, renamed over, or swapped behind a link.

Editors write a second file and rename it; Kubernetes swaps a link to the folder that the file is in. So the folders of
the file and of every link on the way to it are watched, and the file is looked at itself now and then: not every file
system tells of changes.
"""

import asyncio
import errno
import fcntl
import logging
import os
import signal
from collections.abc import AsyncIterator, Container
from contextlib import aclosing
from functools import partial
from pathlib import Path

from watchfiles import Change, awatch

LOOK_S = 1.0
"""How often the file is looked at, whatever is told of it (seconds)."""
QUIET_S = 0.1
"""How long a file must have been left alone before it is read (seconds)."""
MOST_LINKS = 40
"""As many links as Linux follows."""

log = logging.getLogger("banjia")
logging.getLogger("watchfiles").setLevel(logging.WARNING)

Look = tuple[str, int, int, int, int] | None
"""What a file looks like from outside: where it is in truth, and its device, inode, time and size. None: it is not there."""


def look(path: Path) -> Look:
    """The file's look, to be compared with a later one."""
    try:
        real = path.resolve(strict=True)
        stat = real.stat()
    except (OSError, RuntimeError):  # RuntimeError: a circle of links
        return None
    return str(real), stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size


async def changes(path: Path, seen: Look) -> AsyncIterator[None]:
    """Yields each time that the file has changed and is whole again. ``seen``: how it looked when it was last read."""
    async for _ in _stirrings(path):
        if look(path) != seen:
            seen = await _settled(path)
            yield


async def _settled(path: Path) -> Look:
    """Wait until the file is there, nobody writes to it, and it has been left alone for a moment."""
    while True:
        before = look(path)
        await asyncio.sleep(QUIET_S)
        if before is not None and before == look(path) and not being_written(path):
            return before


def being_written(path: Path) -> bool:
    """Whether somebody has the file open for writing, where the system tells: Linux, for files of our own.

    A read lease is granted only while nobody writes. It is given back at once; who opens the file in between waits for
    that, and the signal that tells us of it is one that is ignored by default (the usual one would end the process).
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(handle)
    return False


async def _stirrings(path: Path) -> AsyncIterator[None]:
    """Yields when something happened to the file or a link on the way to it, and every ``LOOK_S`` seconds."""
    while True:
        names = links(path)
        folders = {name.parent for name in names if name.parent.is_dir()}
        last = {name.name for name in names}
        try:
            watching = awatch(
                *folders, watch_filter=partial(_is_one_of, last), recursive=False,
                debounce=int(QUIET_S * 1000), rust_timeout=int(LOOK_S * 1000), yield_on_timeout=True,
            )  # fmt: skip
            async with aclosing(watching) as stirrings:
                async for _ in stirrings:
                    yield
                    if links(path) != names:
                        break  # what leads to the file is not what is watched any more
        except (OSError, RuntimeError) as error:  # no folder is left, or the system has no more watches to give
            log.debug("the folders of %s can't be watched: %s", path, error)
            yield
            await asyncio.sleep(LOOK_S)


def _is_one_of(names: Container[str], change: Change, path: str) -> bool:
    return Path(path).name in names


def links(path: Path) -> frozenset[Path]:
    """The file, and each symbolic link on the way to it."""
    found: set[Path] = set()
    todo = [Path(os.path.abspath(path))]  # noqa: PTH100 - resolve() would follow the links
    while todo and len(found) < MOST_LINKS:
        here = todo.pop()
        if here in found:
            continue
        found.add(here)
        for part in (here, *here.parents):
            if part.is_symlink():
                found.add(part)
                target = part.parent / part.readlink()
                todo.append(Path(os.path.normpath(target / here.relative_to(part))))
    return frozenset(found)
