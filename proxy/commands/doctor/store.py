"""Checks of the store: its directory, the file, the schema and the secret. They change nothing in it."""

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from adapters.core.message import Message
from config.loader.system_errors import reason_of
from config.sections import StoreSettings
from proxy.commands.doctor.report import Finding, failed, ok, warn
from proxy.storage.interface import StoreError
from proxy.storage.migrations import migrations
from proxy.storage.open_store import folder_of
from proxy.storage.secret import SECRET_FILE, SIZE
from proxy.storage.sqlite.connection import NETWORK_FILE_SYSTEMS, USABLE, connect, file_system
from proxy.storage.sqlite.migrate import applied, check
from proxy.storage.sqlite.store import cannot_open

MIB = 1024 * 1024
LOW_SPACE = 512 * MIB
"""Less free space than this on the disk of the store is a warning (bytes)."""
CHECKED_SIZE = 256 * MIB
"""The largest file that is checked for damage: the check reads all of it (bytes)."""
ONLY_OWNER = 0o077
"""The permissions that others than the owner must not have."""


def check_store(settings: StoreSettings) -> Iterator[Finding]:
    """Check the store that the configuration names."""
    if not settings.path:
        yield ok("store", Message("in memory: responses and conversations are lost at a restart"))
        return
    path = Path(settings.path)
    if not path.parent.is_dir():
        yield _check_missing(path.parent)
        return
    try:
        yield from _check_directory(path)
        if path.exists():
            yield from _check_file(path)
        yield from _check_secret(settings)
    except OSError as error:
        problem = Message("the store {path} cannot be opened: {why}", path=path, why=reason_of(error))
        yield failed("store", problem, USABLE)


def _check_missing(folder: Path) -> Finding:
    """Check whether a directory can be made."""
    parent = next(above for above in folder.absolute().parents if above.exists())
    if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
        return ok("store", Message("{folder} will be made at the first start", folder=folder))
    return failed("store", Message("{folder} does not exist and cannot be made", folder=folder), USABLE)


def _check_directory(path: Path) -> Iterator[Finding]:
    """Check the file system: whether it is writable, supports a write-ahead log and has space."""
    folder = path.parent
    kind = file_system(path)
    if kind.startswith(NETWORK_FILE_SYSTEMS):
        problem = Message("the store {path} is on a network file system ({kind})", path=path, kind=kind)
        yield failed("store", problem, Message("set a path on a local disk in store.url"))
        return
    try:
        with tempfile.TemporaryDirectory(prefix=".banjia-doctor-", dir=folder) as probe:
            connect(Path(probe) / "probe.db", read_only=False).close()
    except OSError as error:
        problem = Message("{folder} cannot be written: {why}", folder=folder, why=reason_of(error))
        yield failed("store", problem, USABLE)
        return
    except sqlite3.Error as error:
        problem = Message("{folder} cannot hold a SQLite file: {why}", folder=folder, why=str(error))
        yield failed("store", problem, Message("set a path on another disk in store.url"))
        return
    free = shutil.disk_usage(folder).free
    space = Message("{folder} is writable, {free} MiB free", folder=folder, free=free // MIB)
    if free < LOW_SPACE:
        yield warn("store", space, Message("free some space: without it nothing more is stored"))
    else:
        yield ok("store", space)


def _check_file(path: Path) -> Iterator[Finding]:
    """Check the mode of an existing file, its schema, and whether it is damaged."""
    found = path.stat()
    if stat.S_IMODE(found.st_mode) & ONLY_OWNER:
        yield _readable_by_others(path)
    known = migrations("sqlite")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=2)) as connection:
            number = check(applied(connection), known, path)
            damage = "ok"
            if found.st_size <= CHECKED_SIZE:
                (damage,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        unusable = cannot_open(path, error)
        yield failed("store", unusable.message, unusable.cure)
        return
    except StoreError as error:
        yield failed("store", error.message, error.cure)
        return
    if damage != "ok":
        unusable = cannot_open(path, sqlite3.DatabaseError(damage))
        yield failed(
            "store", unusable.message, Message("restore a backup, or move the file away to begin with an empty one")
        )
        return
    size = Message("{path}: {size} MiB, schema {number}", path=path, size=found.st_size // MIB, number=number)
    if number < len(known):
        size = Message("{line}, updated to {known} at the next start", line=size, known=len(known))
    yield ok("store", size)


def _check_secret(settings: StoreSettings) -> Iterator[Finding]:
    """Check the file with the secret, unless the configuration has it."""
    path = folder_of(settings) / SECRET_FILE
    if settings.configured_secret():
        yield ok("store", Message("the secret is configured (store.secret)"))
    elif not path.exists():
        yield ok("store", Message("{path} will be made at the first start", path=path))
    elif path.stat().st_size < SIZE:
        problem = Message(
            "the secret {path} has {size} bytes instead of {expected}",
            path=path,
            size=path.stat().st_size,
            expected=SIZE,
        )
        yield failed("store", problem, Message("restore the file"))
    elif stat.S_IMODE(path.stat().st_mode) & ONLY_OWNER:
        yield _readable_by_others(path)
    else:
        yield ok("store", Message("only its owner can read the secret {path}", path=path))


def _readable_by_others(path: Path) -> Finding:
    return warn("store", Message("other users can read {path}", path=path), Message("run: chmod 600 {path}", path=path))
