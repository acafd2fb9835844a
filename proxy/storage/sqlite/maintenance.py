"""What an operator does with a SQLite file beside the server: count what is stored, delete a tenant, read one object.

The server may run meanwhile: reads are snapshots, and deletions are short transactions.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import orjson

from proxy.storage.sqlite.values import delete_values

Kind = Literal[
    "responses", "response_items", "conversations", "conversation_items", "background_events", "reasoning", "values"
]
"""What is stored. reasoning: beside tool calls, for clients that omit it; values: of other kinds."""
KINDS: tuple[Kind, ...] = (
    "responses", "response_items", "conversations", "conversation_items", "background_events", "reasoning", "values",
)  # fmt: skip
SLICE = 500
"""The most rows that one transaction deletes: others wait for it, at most some milliseconds."""
PAUSE_S = 0.005
"""The pause after a transaction, in which a writer of the server takes the lock (seconds)."""
MAX_ROUNDS = 10
"""How often a purge starts again because something was stored meanwhile."""
_SIZES = """
SELECT tenant, 'responses', count(*), sum(length(body) + length(run)) FROM responses GROUP BY tenant
UNION ALL SELECT tenant, CASE side WHEN 2 THEN 'conversation_items' ELSE 'response_items' END, count(*), sum(length(body))
    FROM items GROUP BY tenant, side = 2
UNION ALL SELECT tenant, 'conversations', count(*), sum(length(metadata)) FROM conversations GROUP BY tenant
UNION ALL SELECT tenant, 'background_events', sum(amount), sum(length(data)) FROM run_events GROUP BY tenant
UNION ALL SELECT k.tenant, CASE k.kind WHEN 'reasoning' THEN 'reasoning' ELSE 'values' END AS kind, count(*),
    sum(length(v.value)) FROM (SELECT DISTINCT tenant, kind, value_number FROM value_keys) AS k
    JOIN kept_values AS v ON v.number = k.value_number GROUP BY k.tenant, 2
"""
_STATEMENTS = (
    "DELETE FROM responses WHERE number IN (SELECT number FROM responses WHERE tenant = ? LIMIT ?)",
    "DELETE FROM conversations WHERE number IN (SELECT number FROM conversations WHERE tenant = ? LIMIT ?)",
    "DELETE FROM items WHERE number IN (SELECT number FROM items WHERE tenant = ? LIMIT ?)",
    "DELETE FROM run_events WHERE rowid IN (SELECT rowid FROM run_events WHERE tenant = ? LIMIT ?)",
    "DELETE FROM leases WHERE (tenant, name) IN (SELECT tenant, name FROM leases WHERE tenant = ? LIMIT ?)",
)
"""They delete some rows of a tenant. First what makes the rest findable."""


class Size(NamedTuple):
    """How many rows there are, and the bytes of their contents."""

    rows: int = 0
    bytes: int = 0


def sizes(connection: sqlite3.Connection) -> dict[str, dict[Kind, Size]]:
    """Return what each tenant has, by kind; a kind without rows is absent. Expired rows count until they are deleted."""
    found: dict[str, dict[Kind, Size]] = {}
    for tenant, kind, rows, size in connection.execute(_SIZES):
        found.setdefault(tenant, {})[kind] = Size(rows, size)
    return found


def total(each: Iterable[Mapping[Kind, Size]]) -> dict[Kind, Size]:
    """Return the sum for each kind."""
    found = list(each)
    return {
        kind: Size(sum(one.get(kind, Size()).rows for one in found), sum(one.get(kind, Size()).bytes for one in found))
        for kind in KINDS
    }


def purge(connection: sqlite3.Connection, tenant: str, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Delete everything of a tenant, and overwrite it in the file. Return False if something was stored again and again.

    ``connection`` may write. Raises sqlite3.Error; what was deleted until then stays deleted.
    """
    connection.execute("PRAGMA secure_delete = ON")
    for _ in range(MAX_ROUNDS):
        count = sum(_delete_rows(connection, statement, tenant, sleep) for statement in _STATEMENTS)
        count += _delete_values(connection, tenant, sleep)
        if not count:
            # What was deleted is still in the write-ahead log, until that is copied and emptied.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return True
    return False


def _delete_rows(connection: sqlite3.Connection, statement: str, tenant: str, sleep: Callable[[float], None]) -> int:
    """Run a statement, each time in a transaction, until it finds less than a slice. Return how many rows it deleted."""
    count = 0
    while True:
        deleted = connection.execute(statement, (tenant, SLICE)).rowcount
        count += deleted
        if deleted:
            sleep(PAUSE_S)
        if deleted < SLICE:
            return count


def _delete_values(connection: sqlite3.Connection, tenant: str, sleep: Callable[[float], None]) -> int:
    """Delete the values of a tenant with their keys; return how many values those were."""
    count = 0
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            rows = connection.execute(
                "SELECT DISTINCT value_number FROM value_keys WHERE tenant = ? LIMIT ?", (tenant, SLICE)
            )
            numbers = [number for (number,) in rows]
            delete_values(connection, numbers)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        count += len(numbers)
        if numbers:
            sleep(PAUSE_S)
        if len(numbers) < SLICE:
            return count


def exported(connection: sqlite3.Connection, id_: str) -> list[dict[str, Any]]:
    """Return the response or the conversation with this id and its items, as stored; of each tenant that has one."""
    connection.execute("BEGIN")
    try:
        return [*_responses(connection, id_), *_conversations(connection, id_)]
    finally:
        connection.execute("ROLLBACK")


def _responses(connection: sqlite3.Connection, id_: str) -> list[dict[str, Any]]:
    rows = connection.execute(
        "SELECT tenant, body, expires_at, target FROM responses WHERE id = ? ORDER BY tenant", (id_,)
    )
    return [
        {
            "tenant": tenant,
            "target": target,
            "expires_at": int(expires_at),
            "response": {**orjson.loads(body), "output": _items(connection, tenant, id_, 1)},
            "input": _items(connection, tenant, id_, 0),
        }
        for tenant, body, expires_at, target in rows.fetchall()
    ]


def _conversations(connection: sqlite3.Connection, id_: str) -> list[dict[str, Any]]:
    rows = connection.execute(
        "SELECT tenant, created_at, metadata FROM conversations WHERE id = ? ORDER BY tenant", (id_,)
    )
    return [
        {
            "tenant": tenant,
            "conversation": {
                "id": id_,
                "object": "conversation",
                "created_at": created_at,
                "metadata": orjson.loads(metadata),
            },
            "items": _items(connection, tenant, id_, 2),
        }
        for tenant, created_at, metadata in rows.fetchall()
    ]


def _items(connection: sqlite3.Connection, tenant: str, holder: str, side: int) -> list[Any]:
    rows = connection.execute(
        "SELECT body FROM items WHERE tenant = ? AND holder = ? AND side = ? ORDER BY position", (tenant, holder, side)
    )
    return [orjson.loads(body) for (body,) in rows]
