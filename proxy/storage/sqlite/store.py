"""The store in a SQLite file: opens it, and deletes what has expired."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from adapters.core.message import Message
from proxy.storage.interface import StoreError
from proxy.storage.metrics import StoreMetrics
from proxy.storage.migrations import Migration, migrations
from proxy.storage.records import EVENTS_KEPT_S
from proxy.storage.sqlite.connection import USABLE, DatabaseFile, connect, prepare_file
from proxy.storage.sqlite.conversations import SqliteConversations, delete_conversation
from proxy.storage.sqlite.errors import trouble_of
from proxy.storage.sqlite.leases import SqliteLeases
from proxy.storage.sqlite.migrate import migrate
from proxy.storage.sqlite.responses import SqliteResponses, SqliteRuns, delete_response
from proxy.storage.sqlite.threads import ReaderThreads, WriterThread
from proxy.storage.sqlite.values import SqliteValues, delete_values

READERS = 3
"""Threads that read, each with a connection of its own."""
SLICE = 1_000
"""How many items one slice of a sweep deletes, about: a few milliseconds, during which other writes wait."""
FREED_PAGES = 500
"""How many unused pages a slice returns to the file system, at most."""


class SqliteStore:
    """Several processes of one machine may use the same file."""

    kind: Literal["sqlite"] = "sqlite"
    is_durable = True

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.time, known: Sequence[Migration] | None = None
    ) -> None:
        """Open or create the file, and bring its schema up to date. Blocks. Raises StoreError.

        ``clock`` returns seconds since the epoch. ``known``: the migrations, those of the package if None.
        """
        self.path = path
        self._clock = clock
        self.metrics = StoreMetrics()
        writing, reading = _open(path, migrations("sqlite") if known is None else known)
        file = DatabaseFile(path)
        self.metrics.size = file.size()
        self._writer = WriterThread(writing, file, self.metrics)
        self._readers = ReaderThreads("store-reader", reading, file, self.metrics)
        self.values = SqliteValues(self._writer, self._readers, clock)
        self.responses = SqliteResponses(self._writer, self._readers, clock)
        self.conversations = SqliteConversations(self._writer, self._readers, clock)
        self.leases = SqliteLeases(self._writer, clock)
        self.runs = SqliteRuns(self._writer, self._readers, clock)

    async def sweep(self, conversations_s: float | None = None) -> int:
        """Delete one slice of what has expired."""
        now = self._clock()
        untouched_before = None if conversations_s is None else now - conversations_s
        count = await self._writer.run("sweep", lambda connection: _sweep(connection, now, untouched_before))
        self.metrics.removed["expired"] += count
        return count

    async def aclose(self) -> None:
        """Finish the writes that were accepted, then close the connections."""
        await self._readers.aclose()
        await self._writer.aclose()  # last: closing the last connection copies the log into the file


def _open(path: Path, known: Sequence[Migration]) -> tuple[sqlite3.Connection, list[sqlite3.Connection]]:
    """Return the connection of the writer and those of the readers. Raises StoreError."""
    prepare_file(path)
    opened: list[sqlite3.Connection] = []
    try:
        opened.append(connect(path, read_only=False))
        migrate(opened[0], path, known)
        opened.extend(connect(path, read_only=True) for _ in range(READERS))
    except (sqlite3.Error, OSError, StoreError) as error:
        for connection in opened:
            connection.close()
        raise error if isinstance(error, StoreError) else cannot_open(path, error) from error
    return opened[0], opened[1:]


def cannot_open(path: Path, error: Exception) -> StoreError:
    """Return the error of a file that SQLite cannot open, with its cure."""
    trouble = trouble_of(error)
    if trouble == "corrupt":
        return StoreError(
            Message("the store {path} is damaged, or no SQLite file: {why}", path=path, why=str(error)),
            Message(
                "restore a backup, move the file away to begin with an empty one, or set another path in store.url"
            ),
        )
    if trouble == "locked":
        return StoreError(
            Message("the store {path} is locked by another program", path=path),
            Message("end that program; several banjia processes may share the file"),
        )
    if trouble == "full":
        return StoreError(
            Message("the disk of the store {path} is full", path=path),
            Message("free some space, or set a path on another disk in store.url"),
        )
    return StoreError(Message("the store {path} cannot be opened: {why}", path=path, why=str(error)), USABLE)


def _sweep(connection: sqlite3.Connection, now: float, untouched_before: float | None) -> int:
    """Delete about SLICE rows of what has expired; return the number of objects."""
    count = 0
    weight = 0
    for tenant, id_, items in connection.execute(
        "SELECT tenant, id, item_count FROM responses WHERE expires_at <= ? ORDER BY expires_at LIMIT ?", (now, SLICE)
    ).fetchall():
        delete_response(connection, tenant, id_)
        count += 1
        weight += 1 + items
        if weight >= SLICE:
            return count
    if untouched_before is not None:
        for tenant, id_, items in connection.execute(
            "SELECT tenant, id, item_count FROM conversations WHERE touched_at < ? ORDER BY touched_at LIMIT ?",
            (untouched_before, SLICE),
        ).fetchall():
            delete_conversation(connection, tenant, id_)
            count += 1
            weight += 1 + items
            if weight >= SLICE:
                return count
    expired = [
        number
        for (number,) in connection.execute(
            "SELECT number FROM kept_values WHERE expires_at <= ? LIMIT ?", (now, SLICE - weight)
        )
    ]
    delete_values(connection, expired)
    connection.execute("DELETE FROM leases WHERE until <= ?", (now,))
    connection.execute(
        "DELETE FROM run_events WHERE (tenant, response) IN (SELECT DISTINCT e.tenant, e.response FROM run_events AS e"
        " JOIN responses AS r ON r.tenant = e.tenant AND r.id = e.response WHERE r.ended_at <= ?)",
        (now - EVENTS_KEPT_S,),
    )
    (unused,) = connection.execute("PRAGMA freelist_count").fetchone()
    for _ in range(min(unused, FREED_PAGES)):
        connection.execute("PRAGMA incremental_vacuum")  # one page: Python's sqlite3 runs one step of it
    return count + len(expired)
