"""Conversations in SQLite."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Literal

from proxy.storage.records import (
    MAX_CONVERSATION_ITEMS,
    MAX_HISTORY_BYTES,
    ConversationAppend,
    ConversationHistory,
    ItemPage,
    StoredConversation,
    StoredItem,
    WriteResult,
)
from proxy.storage.sqlite import items
from proxy.storage.sqlite.threads import ReaderThreads, WriterThread

_FIND = (
    "SELECT id, created_at, metadata, version, item_count, items_size FROM conversations WHERE tenant = ? AND id = ?"
)
_PAGE_UP = (
    "SELECT id, body FROM items WHERE tenant = ? AND holder = ? AND side = 2 AND position > ?"
    " ORDER BY position ASC LIMIT ?"
)
_PAGE_DOWN = (
    "SELECT id, body FROM items WHERE tenant = ? AND holder = ? AND side = 2 AND position < ?"
    " ORDER BY position DESC LIMIT ?"
)
_LAST_POSITION = 2**62
"""Greater than every position."""
_POSITION = "SELECT position, body FROM items WHERE tenant = ? AND id = ? AND holder = ? AND side = 2"
_CHANGE = """
UPDATE conversations SET version = version + 1, touched_at = ?, item_count = item_count + ?,
    items_size = items_size + ?, next_position = next_position + ? WHERE tenant = ? AND id = ?
"""


class SqliteConversations:
    """The conversations."""

    def __init__(self, writer: WriterThread, readers: ReaderThreads, clock: Callable[[], float]) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock

    async def create(self, tenant: str, conversation: StoredConversation, items: Sequence[StoredItem]) -> WriteResult:
        now = self._clock()
        append = ConversationAppend(conversation.id, items, None)

        def write(connection: sqlite3.Connection) -> WriteResult:
            if find(connection, tenant, conversation.id) is not None:
                return WriteResult.ALREADY_EXISTS
            problem = _problem(connection, tenant, append, 0)
            if problem is not WriteResult.DONE:
                return problem
            connection.execute(
                "INSERT INTO conversations (tenant, id, created_at, touched_at, metadata, version, item_count,"
                " items_size, next_position) VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0)",
                (tenant, conversation.id, conversation.created_at, now, conversation.metadata),
            )
            return append_items(connection, tenant, append, now) if items else WriteResult.DONE

        return await self._writer.run("conversations.create", write)

    async def get(self, tenant: str, conversation_id: str) -> StoredConversation | None:
        return await self._readers.run(
            "conversations.get", lambda connection: find(connection, tenant, conversation_id)
        )

    async def update(self, tenant: str, conversation_id: str, metadata: bytes) -> StoredConversation | None:
        now = self._clock()

        def write(connection: sqlite3.Connection) -> StoredConversation | None:
            connection.execute(
                "UPDATE conversations SET metadata = ?, touched_at = ? WHERE tenant = ? AND id = ?",
                (metadata, now, tenant, conversation_id),
            )
            return find(connection, tenant, conversation_id)

        return await self._writer.run("conversations.update", write)

    async def delete(self, tenant: str, conversation_id: str) -> bool:
        return await self._writer.run(
            "conversations.delete", lambda connection: delete_conversation(connection, tenant, conversation_id)
        )

    async def history(
        self, tenant: str, conversation_id: str, most_bytes: int = MAX_HISTORY_BYTES
    ) -> ConversationHistory | Literal["not_found", "too_many_bytes"]:
        def read(connection: sqlite3.Connection) -> ConversationHistory | Literal["not_found", "too_many_bytes"]:
            found = find(connection, tenant, conversation_id)
            if found is None:
                return "not_found"
            if found.items_size > most_bytes:
                return "too_many_bytes"
            rows = connection.execute(
                "SELECT id, body FROM items WHERE tenant = ? AND holder = ? AND side = 2 ORDER BY position",
                (tenant, conversation_id),
            )
            return ConversationHistory(found.version, [StoredItem(*row) for row in rows])

        return await self._readers.run("conversations.history", read)

    async def items(
        self, tenant: str, conversation_id: str, after: str | None, limit: int, *, descending: bool
    ) -> ItemPage | Literal["not_found", "item_not_found"]:
        def read(connection: sqlite3.Connection) -> ItemPage | Literal["not_found", "item_not_found"]:
            if find(connection, tenant, conversation_id) is None:
                return "not_found"
            position = _LAST_POSITION if descending else -1
            if after is not None:
                row = connection.execute(_POSITION, (tenant, after, conversation_id)).fetchone()
                if row is None:
                    return "item_not_found"
                position = row[0]
            where = (tenant, conversation_id, position, limit + 1)
            rows = connection.execute(_PAGE_DOWN if descending else _PAGE_UP, where).fetchall()
            return ItemPage([StoredItem(*row) for row in rows[:limit]], len(rows) > limit)

        return await self._readers.run("conversations.items", read)

    async def item(
        self, tenant: str, conversation_id: str, item_id: str
    ) -> StoredItem | Literal["not_found", "item_not_found"]:
        def read(connection: sqlite3.Connection) -> StoredItem | Literal["not_found", "item_not_found"]:
            if find(connection, tenant, conversation_id) is None:
                return "not_found"
            row = connection.execute(_POSITION, (tenant, item_id, conversation_id)).fetchone()
            return "item_not_found" if row is None else StoredItem(item_id, row[1])

        return await self._readers.run("conversations.item", read)

    async def append(self, tenant: str, append: ConversationAppend) -> WriteResult:
        now = self._clock()
        return await self._writer.run(
            "conversations.append", lambda connection: append_items(connection, tenant, append, now)
        )

    async def delete_item(
        self, tenant: str, conversation_id: str, item_id: str
    ) -> StoredConversation | Literal["not_found", "item_not_found"]:
        now = self._clock()

        def write(connection: sqlite3.Connection) -> StoredConversation | Literal["not_found", "item_not_found"]:
            if find(connection, tenant, conversation_id) is None:
                return "not_found"
            row = connection.execute(_POSITION, (tenant, item_id, conversation_id)).fetchone()
            if row is None:
                return "item_not_found"
            position, body = row
            connection.execute(
                "DELETE FROM items WHERE tenant = ? AND holder = ? AND side = 2 AND position = ?",
                (tenant, conversation_id, position),
            )
            connection.execute(_CHANGE, (now, -1, -len(body), 0, tenant, conversation_id))
            changed = find(connection, tenant, conversation_id)
            assert changed is not None
            return changed

        return await self._writer.run("conversations.delete_item", write)


def find(connection: sqlite3.Connection, tenant: str, conversation_id: str) -> StoredConversation | None:
    """Return the conversation; None if there is none."""
    row = connection.execute(_FIND, (tenant, conversation_id)).fetchone()
    return None if row is None else StoredConversation(*row)


def append_items(connection: sqlite3.Connection, tenant: str, append: ConversationAppend, now: float) -> WriteResult:
    """Append items to a conversation, or do nothing and return why not."""
    found = find(connection, tenant, append.conversation)
    if found is None:
        return WriteResult.NOT_FOUND
    if append.expected_version not in (None, found.version):
        return WriteResult.VERSION_CONFLICT
    problem = _problem(connection, tenant, append, found.item_count)
    if problem is not WriteResult.DONE:
        return problem
    where = (tenant, append.conversation)
    (position,) = connection.execute(
        "SELECT next_position FROM conversations WHERE tenant = ? AND id = ?", where
    ).fetchone()
    items.insert(connection, tenant, append.conversation, items.CONVERSATION, append.items, position)
    count, size = len(append.items), sum(len(item.body) for item in append.items)
    connection.execute(_CHANGE, (now, count, size, count, *where))
    return WriteResult.DONE


def delete_conversation(connection: sqlite3.Connection, tenant: str, conversation_id: str) -> bool:
    """Delete a conversation with its items; return whether there was one."""
    where = (tenant, conversation_id)
    deleted = connection.execute("DELETE FROM conversations WHERE tenant = ? AND id = ?", where).rowcount
    connection.execute("DELETE FROM items WHERE tenant = ? AND holder = ? AND side = 2", where)
    return deleted == 1


def _problem(connection: sqlite3.Connection, tenant: str, append: ConversationAppend, count: int) -> WriteResult:
    ids = {item.id for item in append.items}
    if len(ids) < len(append.items):
        return WriteResult.DUPLICATE_ITEM
    if count + len(ids) > MAX_CONVERSATION_ITEMS:
        return WriteResult.TOO_MANY_ITEMS
    duplicates = items.select_in(
        connection,
        "SELECT 1 FROM items WHERE tenant = ? AND holder = ? AND side = 2 AND id IN ({})",
        (tenant, append.conversation),
        list(ids),
    )
    return WriteResult.DONE if next(duplicates, None) is None else WriteResult.DUPLICATE_ITEM
