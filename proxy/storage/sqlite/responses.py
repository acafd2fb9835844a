"""Responses, chains and the events of background responses in SQLite."""

import sqlite3
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from proxy.storage.records import (
    MAX_CHAIN_LINKS,
    MAX_HISTORY_BYTES,
    PROCESSES,
    BrokenChain,
    Chain,
    ChainLink,
    ConversationAppend,
    Status,
    StoredResponse,
    TakenRun,
    WriteResult,
)
from proxy.storage.sqlite import conversations, items
from proxy.storage.sqlite.leases import take_lease
from proxy.storage.sqlite.threads import ReaderThreads, WriterThread

_COLUMNS = "id, status, created_at, expires_at, previous, conversation, background, model, target, owner, body, run"
_FIND = f"SELECT {_COLUMNS} FROM responses WHERE tenant = ? AND id = ? AND expires_at > ?"  # noqa: S608 - constants
_INSERT = """
INSERT INTO responses (tenant, id, status, created_at, expires_at, ended_at, previous, conversation, background, model,
    target, owner, item_count, items_size, body, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_UPDATE = """
UPDATE responses SET status = ?, created_at = ?, expires_at = ?, ended_at = ?, previous = ?, conversation = ?,
    background = ?, model = ?, target = ?, owner = ?, item_count = ?, items_size = ?, body = ?, run = ? WHERE number = ?
"""
_CHAIN = """
WITH RECURSIVE chain (id, previous, status, items_size, depth) AS (
    SELECT id, previous, status, items_size, 1 FROM responses
        WHERE tenant = :tenant AND id = :id AND expires_at > :now
    UNION ALL
    SELECT r.id, r.previous, r.status, r.items_size, chain.depth + 1
        FROM chain JOIN responses AS r ON r.tenant = :tenant AND r.id = chain.previous
        WHERE r.expires_at > :now AND chain.depth <= :most_links
)
SELECT id, previous, status, items_size FROM chain ORDER BY depth
"""
_LEFT = f"""
SELECT tenant, number, {_COLUMNS} FROM responses AS r
    WHERE background = 1 AND status IN ('queued', 'in_progress') AND expires_at > :now
    AND NOT EXISTS (SELECT 1 FROM leases WHERE tenant = :processes AND name = r.owner AND until > :now)
    ORDER BY number LIMIT :limit
"""  # noqa: S608 - constants
_SIZE = struct.Struct(">I")


class SqliteResponses:
    """The responses."""

    def __init__(self, writer: WriterThread, readers: ReaderThreads, clock: Callable[[], float]) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock

    async def get(self, tenant: str, response_id: str) -> StoredResponse | None:
        now = self._clock()

        def read(connection: sqlite3.Connection) -> StoredResponse | None:
            row = connection.execute(_FIND, (tenant, response_id, now)).fetchone()
            return None if row is None else _with_items(connection, tenant, row)

        return await self._readers.run("responses.get", read)

    async def put(
        self,
        tenant: str,
        response: StoredResponse,
        append: ConversationAppend | None = None,
        replaces: Collection[Status] | None = None,
    ) -> WriteResult:
        now = self._clock()

        def write(connection: sqlite3.Connection) -> WriteResult:
            earlier = connection.execute(
                "SELECT number, status, expires_at FROM responses WHERE tenant = ? AND id = ?", (tenant, response.id)
            ).fetchone()
            if replaces is not None:
                if earlier is None or earlier[2] <= now:
                    return WriteResult.NOT_FOUND
                if earlier[1] not in replaces:
                    return WriteResult.STATUS_CONFLICT
            if append is not None:
                appended = conversations.append_items(connection, tenant, append, now)
                if appended is not WriteResult.DONE:
                    return WriteResult.CONVERSATION_NOT_FOUND if appended is WriteResult.NOT_FOUND else appended
            _write(connection, tenant, response, None if earlier is None else earlier[0], now)
            return WriteResult.DONE

        return await self._writer.run("responses.put", write)

    async def delete(self, tenant: str, response_id: str) -> bool:
        now = self._clock()

        def write(connection: sqlite3.Connection) -> bool:
            if connection.execute(_FIND, (tenant, response_id, now)).fetchone() is None:
                return False
            delete_response(connection, tenant, response_id)
            return True

        return await self._writer.run("responses.delete", write)

    async def chain(
        self,
        tenant: str,
        response_id: str,
        most_links: int = MAX_CHAIN_LINKS,
        most_bytes: int = MAX_HISTORY_BYTES,
    ) -> Chain | BrokenChain:
        now = self._clock()

        def read(connection: sqlite3.Connection) -> Chain | BrokenChain:
            asked = {"tenant": tenant, "id": response_id, "now": now, "most_links": most_links}
            rows = connection.execute(_CHAIN, asked).fetchall()
            if not rows:
                return BrokenChain("missing", response_id)
            if len(rows) > most_links:
                return BrokenChain("too_many_links", response_id)
            _, previous, _, _ = rows[-1]
            if previous is not None:
                return BrokenChain("missing", previous)
            if sum(size for _, _, _, size in rows) > most_bytes:
                return BrokenChain("too_many_bytes", response_id)
            found = items.of_responses(connection, tenant, [id_ for id_, _, _, _ in rows])
            return Chain([ChainLink(id_, status, *found[id_]) for id_, _, status, _ in reversed(rows)])

        return await self._readers.run("responses.chain", read)

    async def items(self, tenant: str, ids: Sequence[str]) -> Mapping[str, bytes]:
        now = self._clock()
        return await self._readers.run("responses.items", lambda connection: items.find(connection, tenant, ids, now))


class SqliteRuns:
    """The events of background responses, and the responses that an ended process left."""

    def __init__(self, writer: WriterThread, readers: ReaderThreads, clock: Callable[[], float]) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock

    async def append_events(self, tenant: str, response_id: str, first: int, events: Sequence[bytes]) -> bool:
        now = self._clock()
        data = _packed(events)

        def write(connection: sqlite3.Connection) -> bool:
            if connection.execute(_FIND, (tenant, response_id, now)).fetchone() is None:
                return False
            last = connection.execute(
                "SELECT first + amount FROM run_events WHERE tenant = ? AND response = ? ORDER BY first DESC LIMIT 1",
                (tenant, response_id),
            ).fetchone()
            if first != (0 if last is None else last[0]):
                return False
            if events:
                connection.execute(
                    "INSERT INTO run_events VALUES (?, ?, ?, ?, ?)", (tenant, response_id, first, len(events), data)
                )
            return True

        return await self._writer.run("runs.append_events", write)

    async def events(self, tenant: str, response_id: str, first: int) -> Sequence[bytes] | None:
        now = self._clock()

        def read(connection: sqlite3.Connection) -> list[tuple[int, int, bytes]]:
            return connection.execute(
                "SELECT e.first, e.amount, CASE WHEN e.first + e.amount > ? THEN e.data END FROM run_events AS e"
                " JOIN responses AS r ON r.tenant = e.tenant AND r.id = e.response AND r.expires_at > ?"
                " WHERE e.tenant = ? AND e.response = ? ORDER BY e.first",
                (first, now, tenant, response_id),
            ).fetchall()

        rows = await self._readers.run("runs.events", read)
        if not rows:
            return None
        found: list[bytes] = []
        for start, _, data in rows:
            if data is not None:
                found += _unpacked(data)[max(0, first - start) :]
        return found

    async def drop_events(self, tenant: str, response_id: str) -> None:
        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM run_events WHERE tenant = ? AND response = ?", (tenant, response_id))

        await self._writer.run("runs.drop_events", write)

    async def keep_alive(self, owner: str, seconds: float) -> None:
        now = self._clock()
        await self._writer.run(
            "runs.keep_alive", lambda connection: take_lease(connection, PROCESSES, owner, owner, now, now + seconds)
        )

    async def take_over(self, owner: str, limit: int) -> Sequence[TakenRun]:
        now = self._clock()

        def write(connection: sqlite3.Connection) -> list[TakenRun]:
            asked = {"now": now, "processes": PROCESSES, "limit": limit}
            rows = connection.execute(_LEFT, asked).fetchall()
            connection.executemany(
                "UPDATE responses SET owner = ? WHERE number = ?", [(owner, number) for _, number, *_ in rows]
            )
            return [
                TakenRun(tenant, replace(_with_items(connection, tenant, row), owner=owner)) for tenant, _, *row in rows
            ]

        return await self._writer.run("runs.take_over", write)


def delete_response(connection: sqlite3.Connection, tenant: str, response_id: str) -> None:
    """Delete a response with its items and its events."""
    connection.execute("DELETE FROM responses WHERE tenant = ? AND id = ?", (tenant, response_id))
    items.delete_of_response(connection, tenant, response_id)
    connection.execute("DELETE FROM run_events WHERE tenant = ? AND response = ?", (tenant, response_id))


def _write(
    connection: sqlite3.Connection, tenant: str, response: StoredResponse, number: int | None, now: float
) -> None:
    """Insert the response, or update the row ``number``, and write its items."""
    both = [*response.input, *response.output]
    row = (
        response.status, response.created_at, response.expires_at, None if response.is_unfinished else now,
        response.previous, response.conversation, response.background, response.model, response.target, response.owner,
        len(both), sum(len(item.body) for item in both), response.body, response.run,
    )  # fmt: skip
    if number is None:
        connection.execute(_INSERT, (tenant, response.id, *row))
    else:
        connection.execute(_UPDATE, (*row, number))
        items.delete_of_response(connection, tenant, response.id)
    items.insert(connection, tenant, response.id, items.INPUT, response.input)
    items.insert(connection, tenant, response.id, items.OUTPUT, response.output)


def _with_items(connection: sqlite3.Connection, tenant: str, row: Sequence[Any]) -> StoredResponse:
    id_, status, created_at, expires_at, previous, conversation, background, model, target, owner, body, run = row
    new, output = items.of_responses(connection, tenant, [id_])[id_]
    return StoredResponse(
        id_, status, created_at, expires_at, body, new, output, previous, conversation, bool(background), model, target,
        owner, run,
    )  # fmt: skip


def _packed(events: Sequence[bytes]) -> bytes:
    """Return events as one value: each behind its length."""
    return b"".join(part for event in events for part in (_SIZE.pack(len(event)), event))


def _unpacked(data: bytes) -> list[bytes]:
    events, at = [], 0
    while at < len(data):
        (size,) = _SIZE.unpack_from(data, at)
        at += _SIZE.size
        events.append(data[at : at + size])
        at += size
    return events
