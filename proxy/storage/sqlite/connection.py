"""Opens the SQLite file: its mode, its settings, and what must not be opened."""

import os
import sqlite3
import stat
import time
from contextlib import suppress
from pathlib import Path

from adapters.core.message import Message
from config.loader.system_errors import reason_of
from proxy.storage.interface import StoreError, StoreUnavailable
from proxy.storage.sqlite.errors import trouble_of

BUSY_S = 5.0
"""How long a statement waits for the lock of another process (seconds)."""
CHECKPOINT_PAGES = 4_000
"""The write-ahead log is copied into the file when it has so many pages of 4 KiB."""
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs", "9p", "ocfs", "gfs")
"""File systems of several machines (prefixes): WAL needs memory that all processes share (https://www.sqlite.org/wal.html)."""
USABLE = Message("correct store.url, or the permissions of the directory")


class DatabaseFile:
    """The path of the database, and which file that was when it was opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = str(path)
        found = path.stat()
        self._identity = (found.st_dev, found.st_ino)

    def check(self) -> None:
        """Raise StoreUnavailable if the file was deleted or replaced: SQLite would go on with the old one, unseen."""
        try:
            found = os.stat(self._text)  # noqa: PTH116 - twice as quick as Path.stat; before each statement
        except OSError as error:
            raise StoreUnavailable("gone", str(error)) from None
        if (found.st_dev, found.st_ino) != self._identity:
            raise StoreUnavailable("gone", f"{self._text} is another file now")

    def size(self) -> int:
        """Return the size of the file and its write-ahead log (bytes)."""
        total = 0
        for suffix in ("", "-wal"):
            with suppress(OSError):
                total += os.stat(self._text + suffix).st_size  # noqa: PTH116
        return total


def prepare_file(path: Path) -> None:
    """Create the directory (mode 0700) and the file (mode 0600) if they do not exist. Raises StoreError."""
    try:
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        problem = Message("the store {path} cannot be opened: {why}", path=path, why=reason_of(error))
        raise StoreError(problem, USABLE) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StoreError(
                Message("the store {path} is no regular file", path=path), Message("set another path in store.url")
            )
    finally:
        os.close(descriptor)
    kind = file_system(path)
    if kind.startswith(NETWORK_FILE_SYSTEMS):
        raise StoreError(
            Message("the store {path} is on a network file system ({kind})", path=path, kind=kind),
            Message("set a path on a local disk in store.url: SQLite's locks do not work across machines"),
        )


def file_system(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Return the type of the file system that a path is on; empty if the system does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    resolved = str(path.resolve())
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split()[4].replace("\\040", " ")
        is_below = resolved == point or resolved.startswith(point.rstrip("/") + "/")
        if is_below and len(point) >= best:
            best, kind = len(point), after.split()[0]
    return kind


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Return a connection for one thread, outside a transaction. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        if read_only:
            connection.execute("PRAGMA query_only = 1")
        else:
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute("PRAGMA trusted_schema = 0")
        connection.execute("PRAGMA temp_store = MEMORY")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch a new file to WAL. SQLite does not wait for another process that does the same, so try again."""
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            if connection.execute("PRAGMA page_count").fetchone()[0] == 0:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if trouble_of(error) != "locked" or time.monotonic() > deadline:
                raise
        else:
            if mode == "wal":
                return
            raise sqlite3.OperationalError("the file system does not support a write-ahead log (WAL)")
        time.sleep(0.02)
