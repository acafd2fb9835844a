"""The table of items, which responses and conversations share."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from proxy.storage.records import StoredItem

Side = Literal[0, 1, 2]
INPUT: Side = 0
OUTPUT: Side = 1
CONVERSATION: Side = 2
CHUNK = 500
"""The most texts in one statement; older versions of SQLite accept 999 parameters."""


def insert(
    connection: sqlite3.Connection, tenant: str, holder: str, side: Side, items: Iterable[StoredItem], first: int = 0
) -> None:
    """Insert items at the positions from ``first`` on."""
    connection.executemany(
        "INSERT INTO items (tenant, holder, side, position, id, body) VALUES (?, ?, ?, ?, ?, ?)",
        [(tenant, holder, side, first + at, item.id, item.body) for at, item in enumerate(items)],
    )


def delete_of_response(connection: sqlite3.Connection, tenant: str, response: str) -> None:
    """Delete the input and output items of a response."""
    connection.execute("DELETE FROM items WHERE tenant = ? AND holder = ? AND side IN (0, 1)", (tenant, response))


def of_responses(
    connection: sqlite3.Connection, tenant: str, responses: Sequence[str]
) -> Mapping[str, tuple[list[StoredItem], list[StoredItem]]]:
    """Return the input and the output items of responses, by response."""
    found: dict[str, tuple[list[StoredItem], list[StoredItem]]] = {id_: ([], []) for id_ in responses}
    rows = select_in(
        connection,
        "SELECT holder, side, id, body FROM items WHERE tenant = ? AND holder IN ({}) AND side IN (0, 1)"
        " ORDER BY holder, side, position",
        (tenant,),
        responses,
    )
    for holder, side, id_, body in rows:
        found[holder][side].append(StoredItem(id_, body))
    return found


def find(connection: sqlite3.Connection, tenant: str, ids: Sequence[str], now: float) -> Mapping[str, bytes]:
    """Return the bodies of items by id, without those of expired responses; of several the one stored first."""
    rows = select_in(
        connection,
        "SELECT i.id, i.body FROM items AS i WHERE (i.side = 2 OR EXISTS (SELECT 1 FROM responses AS r"
        " WHERE r.tenant = i.tenant AND r.id = i.holder AND r.expires_at > ?))"
        " AND i.tenant = ? AND i.id IN ({}) ORDER BY i.number DESC",
        (now, tenant),
        ids,
    )
    return dict(rows)


def select_in(
    connection: sqlite3.Connection, query: str, parameters: Sequence[Any], texts: Sequence[str]
) -> Iterator[Any]:
    """Yield the rows of a query for any number of texts, which replace ``{}`` in it, behind the other parameters.

    ``json_each`` would take them all at once, but it does not return texts with a NUL character unchanged.
    """
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        marks = ",".join("?" * len(chunk))
        yield from connection.execute(query.format(marks), (*parameters, *chunk))
