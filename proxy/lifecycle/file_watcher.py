"""Noticing that files have changed, however it was done: written in place, renamed over, or swapped behind a link.

Editors write a second file and rename it; Kubernetes swaps a link to the folder that the file is in. So the folders of
the files and of every link on the way to them are watched, and the files are looked at themselves now and then: not every
file system tells of changes.

Each look may block for as long as a mount does not answer, so all of it runs in a daemon thread.
"""

import asyncio
import errno
import fcntl
import logging
import os
import signal
import stat
import threading
import time
from collections.abc import AsyncGenerator, Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from watchfiles import Change, watch

LOOK_S = 1.0
"""How often the files are looked at, whatever is told of them (seconds); and how long one that has gone is waited for."""
QUIET_S = 0.1
"""How long a file must have been left alone before it is read (seconds)."""
JOIN_S = 0.3
"""How long the end of a watch waits for its thread, which hangs where a mount does (seconds)."""
RESTART_S = 10.0
"""How long a watch that failed waits before it begins again (seconds)."""
MOST_LINKS = 40
"""As many links as Linux follows."""

log = logging.getLogger("banjia")
logging.getLogger("watchfiles").setLevel(logging.WARNING)

FileState = tuple[str, int, int, int, int] | None
"""What a file looks like from outside: where it is in truth, and its device, inode, time and size. None: it is not there,
or is no file but a pipe, say, whose content can't be had a second time."""


def read_state(path: Path) -> FileState:
    """The file's look, to be compared with a later one."""
    try:
        real = path.resolve(strict=True)
        told = real.stat()
    except (OSError, RuntimeError, ValueError):  # RuntimeError: a circle of links; ValueError: no name for a file
        return None
    if not stat.S_ISREG(told.st_mode):
        return None
    return str(real), told.st_dev, told.st_ino, told.st_mtime_ns, told.st_size


def read_states(paths: Iterable[Path]) -> dict[Path, FileState]:
    """The look of each."""
    return {path: read_state(path) for path in paths}


async def changes(files: Callable[[], Sequence[Path]], seen: Mapping[Path, FileState]) -> AsyncGenerator[None]:
    """Yields each time that one of the files has changed and all are whole again.

    ``files`` tells which they are, anew after each change: the first of them names the others. ``seen``: how they looked
    when they were last read, in the same order.
    """
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()
    stop = threading.Event()

    def tell() -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(changed.set)

    def run() -> None:
        while not stop.is_set():
            try:
                for _ in _changes(files, seen, stop):
                    tell()
            except Exception:  # a bug of ours is no reason to stop watching
                log.exception("watching the files of the configuration failed; it begins again")
                stop.wait(RESTART_S)

    thread = threading.Thread(target=run, name="file-watcher", daemon=True)
    thread.start()
    try:
        while True:
            await changed.wait()
            changed.clear()
            yield
    finally:
        stop.set()
        thread.join(JOIN_S)


def _changes(
    files: Callable[[], Sequence[Path]], seen: Mapping[Path, FileState], stop: threading.Event
) -> Iterator[None]:
    """The same, in the thread, until ``stop`` is set."""
    watched = list(seen)
    for _ in _raw_changes(watched, stop):
        if read_states(seen) != seen:
            settled = _settled(watched, seen, stop)
            if settled is None:
                return
            watched[:] = files()
            seen = {path: settled.get(path) or read_state(path) for path in watched}
            yield


def _settled(
    paths: Sequence[Path], seen: Mapping[Path, FileState], stop: threading.Event
) -> dict[Path, FileState] | None:
    """Wait until nobody writes to them, they have been left alone for a moment, and the first of them is there.

    So must be any other that was there, but not for long: it may have been taken away for good. None if ``stop`` is set.
    """
    until = time.monotonic() + LOOK_S
    while True:
        before = read_states(paths)
        if stop.wait(QUIET_S):
            return None
        missing = before[paths[0]] is None or (
            time.monotonic() < until and any(seen[path] is not None and before[path] is None for path in paths)
        )
        if not missing and before == read_states(paths) and not any(map(being_written, paths)):
            return before


def being_written(path: Path) -> bool:
    """Whether somebody has the file open for writing, where the system tells: Linux, for files of our own.

    A read lease is granted only while nobody writes. It is given back at once; who opens the file in between waits for
    that, and the signal that tells us of it is one that is ignored by default (the usual one would end the process).
    """
    if not hasattr(fcntl, "F_SETLEASE") or read_state(path) is None:  # to open a pipe or a device may do something
        return False
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
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


def _raw_changes(paths: Collection[Path], stop: threading.Event) -> Iterator[None]:
    """Yields when something happened to one of the files or a link on the way to it, and every ``LOOK_S`` seconds.

    ``paths`` may change between two of them.
    """
    while not stop.is_set():
        names = _watched_folders(paths)
        folders = {name.parent for name in names if name.parent.is_dir()}
        last = {name.name for name in names}
        try:
            watching = watch(
                *folders, watch_filter=partial(_is_one_of, last), recursive=False, stop_event=stop,
                debounce=int(QUIET_S * 1000), rust_timeout=int(LOOK_S * 1000), yield_on_timeout=True,
            )  # fmt: skip
            with closing(watching) as stirrings:
                for _ in stirrings:
                    yield
                    if _watched_folders(paths) != names:
                        break  # what leads to the files is not what is watched any more
        except (OSError, RuntimeError) as error:  # no folder is left, or the system has no more watches to give
            log.debug("the folders of %s can't be watched: %s", ", ".join(map(str, paths)), error)
            yield
            stop.wait(LOOK_S)


def _watched_folders(paths: Iterable[Path]) -> frozenset[Path]:
    """All that leads to the files; one with an impossible name has no way to it."""
    found: set[Path] = set()
    for path in paths:
        with suppress(OSError, ValueError):
            found |= links(path)
    return frozenset(found)


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
