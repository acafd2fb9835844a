"""Detects changes of files that are written in place, replaced by rename, or swapped behind a symbolic link.

Editors write a second file and rename it; Kubernetes swaps a link to the directory of the file. The watcher therefore
watches the directories of the files and of every link on the way to them, and also polls the files, because some file
systems report no changes.

Each check may block while a mount does not respond, so everything runs in a daemon thread.
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
"""Polling interval, and how long to wait for a file that has disappeared (seconds)."""
QUIET_S = 0.1
"""How long a file must stay unchanged before it is read (seconds)."""
JOIN_S = 0.3
"""How long to wait for the thread at the end; it hangs while a mount hangs (seconds)."""
RESTART_S = 10.0
"""Delay before a failed watch is restarted (seconds)."""
MOST_LINKS = 40
"""The limit of Linux for symbolic links in a path."""

log = logging.getLogger("banjia")
logging.getLogger("watchfiles").setLevel(logging.WARNING)

FileState = tuple[str, int, int, int, int] | None
"""The resolved path, device, inode, modification time (ns) and size (bytes) of a file. None if it does not exist or is
not a regular file: a pipe, for example, cannot be read twice."""


def read_state(path: Path) -> FileState:
    """Return the state of the file, to compare with a later one."""
    try:
        real = path.resolve(strict=True)
        status = real.stat()
    except (OSError, RuntimeError, ValueError):  # RuntimeError: a loop of links; ValueError: an invalid file name
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return str(real), status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def read_states(paths: Iterable[Path]) -> dict[Path, FileState]:
    """Return the state of each file."""
    return {path: read_state(path) for path in paths}


async def changes(files: Callable[[], Sequence[Path]], seen: Mapping[Path, FileState]) -> AsyncGenerator[None]:
    """Yield each time that one of the files has changed and all are complete again.

    ``files`` returns the files to watch and is called again after each change, because the first file names the others.
    ``seen``: their states when they were last read, in the same order.
    """
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()
    stop = threading.Event()

    def notify() -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(changed.set)

    def run() -> None:
        while not stop.is_set():
            try:
                for _ in _changes(files, seen, stop):
                    notify()
            except Exception:  # a bug must not end the watch
                log.exception("watching the configuration files failed; watching again in %.0f seconds", RESTART_S)
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
    """Yield the changes, in the thread, until ``stop`` is set."""
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
    """Wait until no process writes to the files, they have not changed for ``QUIET_S``, and the first of them exists.

    Waits at most ``LOOK_S`` for another file that has disappeared: it may have been removed for good. Returns None if
    ``stop`` is set.
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
    """Return whether a process has the file open for writing; detected on Linux only, for files of the same user.

    Linux grants a read lease only if no process has the file open for writing. The lease is released at once. A process
    that opens the file in between waits for the release, and this process gets SIGURG, which is ignored by default
    instead of the usual SIGIO, which would end the process.
    """
    if not hasattr(fcntl, "F_SETLEASE") or read_state(path) is None:  # opening a pipe or a device may have effects
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
    """Yield on each event of one of the files or a link on the way to it, and every ``LOOK_S`` seconds.

    ``paths`` may change between two yields.
    """
    while not stop.is_set():
        names = _watched_folders(paths)
        folders = {name.parent for name in names if name.parent.is_dir()}
        file_names = {name.name for name in names}
        try:
            watching = watch(
                *folders, watch_filter=partial(_is_one_of, file_names), recursive=False, stop_event=stop,
                debounce=int(QUIET_S * 1000), rust_timeout=int(LOOK_S * 1000), yield_on_timeout=True,
            )  # fmt: skip
            with closing(watching) as events:
                for _ in events:
                    yield
                    if _watched_folders(paths) != names:
                        break  # a link has changed, and other directories must be watched
        except (OSError, RuntimeError) as error:  # no directory is left, or the system's limit of watches is reached
            log.debug("can't watch the directories of %s: %s", ", ".join(map(str, paths)), error)
            yield
            stop.wait(LOOK_S)


def _watched_folders(paths: Iterable[Path]) -> frozenset[Path]:
    """Return the files and all links on the way to them, without files whose name is invalid."""
    found: set[Path] = set()
    for path in paths:
        with suppress(OSError, ValueError):
            found |= links(path)
    return frozenset(found)


def _is_one_of(names: Container[str], change: Change, path: str) -> bool:
    return Path(path).name in names


def links(path: Path) -> frozenset[Path]:
    """Return the file and each symbolic link on the way to it."""
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
