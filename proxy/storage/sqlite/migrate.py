"""Brings the schema of a SQLite file up to date."""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from adapters.core.message import Message
from proxy.storage.interface import StoreError
from proxy.storage.migrations import Migration

_APPLIED = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at REAL NOT NULL
)
"""


def migrate(connection: sqlite3.Connection, path: Path, known: Sequence[Migration]) -> int:
    """Apply the missing migrations, each in one transaction; return how many this process applied.

    A process that starts at the same time waits for the lock and finds them applied. Before a file with data is changed
    it is copied to ``PATH.NUMBER.bak``. Raises StoreError if the file is newer than this version of banjia or differs,
    and sqlite3.Error.
    """
    count = 0
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(_APPLIED)
            number = check(applied(connection), known, path)
            if number == len(known):
                connection.execute("COMMIT")
                return count
            if number and not count:
                _copy(path, number)
            _apply(connection, known[number])
            connection.execute("COMMIT")
            count += 1
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def applied(connection: sqlite3.Connection) -> list[tuple[int, str, str]]:
    """Return number, name and checksum of the applied migrations; none for a new file."""
    tables = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'")
    if tables.fetchone() is None:
        return []
    return connection.execute("SELECT number, name, checksum FROM schema_migrations ORDER BY number").fetchall()


def check(found: Sequence[tuple[int, str, str]], known: Sequence[Migration], path: Path) -> int:
    """Return how many migrations are applied. Raises StoreError if they are not the first ones of ``known``."""
    for number, name, checksum in found:
        if number > len(known):
            raise StoreError(
                Message(
                    "the store {path} was written by a newer version of banjia: its schema is {number}, this version knows {known}",
                    path=path,
                    number=found[-1][0],
                    known=len(known),
                ),
                Message("install that version again, or restore the copy of the file that it made ({copy})",
                        copy=f"{path.name}.{len(known):04d}.bak"),
                "store-newer",
            )  # fmt: skip
        if known[number - 1].checksum != checksum:
            raise StoreError(
                Message(
                    "the store {path} has another migration {name} than this version of banjia", path=path, name=name
                ),
                Message("use an official version of banjia, or another file in store.url"),
                "store-newer",
            )
    return len(found)


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    for statement in statements(migration.sql):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO schema_migrations VALUES (?, ?, ?, ?)",
        (migration.number, migration.name, migration.checksum, time.time()),
    )


def statements(sql: str) -> Iterator[str]:
    """Yield the statements of a script. ``executescript`` would commit the transaction first."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


def _copy(path: Path, number: int) -> None:
    """Copy the file as it is now. The lock of the migration is held, so that nothing changes meanwhile."""
    copy = path.with_name(f"{path.name}.{number:04d}.bak")
    partial = copy.with_name(f"{copy.name}.partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as target:
        source.backup(target)
    partial.replace(copy)
