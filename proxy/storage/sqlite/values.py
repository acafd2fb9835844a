"""Values by kind, tenant and key in SQLite."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence

from proxy.storage.sqlite.items import select_in
from proxy.storage.sqlite.threads import ReaderThreads, WriterThread

TENANT_BYTES = 16 * 1024 * 1024
"""How much a tenant may keep: beyond that the oldest values go (bytes)."""
CHECKED_BYTES = TENANT_BYTES // 16
"""How much a tenant may add before its total is looked up again (bytes)."""
MOST_COUNTED = 10_000
"""Of how many tenants it is remembered what they have added."""
_BEYOND = """
SELECT number FROM (
    SELECT number, SUM(LENGTH(value)) OVER (ORDER BY number DESC) AS total FROM kept_values
    WHERE number IN (SELECT value_number FROM value_keys WHERE tenant = ?)
) WHERE total > ?
"""
_WITHOUT_KEYS = """
DELETE FROM kept_values WHERE number IN (SELECT value FROM json_each(?))
    AND NOT EXISTS (SELECT 1 FROM value_keys WHERE value_number = kept_values.number)
"""


class SqliteValues:
    """The values."""

    def __init__(self, writer: WriterThread, readers: ReaderThreads, clock: Callable[[], float]) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._added: dict[str, int] = {}  # bytes that a tenant has added since its total was looked up

    async def get(self, kind: str, tenant: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        now = self._clock()

        def read(connection: sqlite3.Connection) -> Mapping[str, bytes]:
            rows = select_in(
                connection,
                "SELECT k.key, v.value FROM value_keys AS k JOIN kept_values AS v ON v.number = k.value_number"
                " WHERE v.expires_at > ? AND k.tenant = ? AND k.kind = ? AND k.key IN ({})",
                (now, tenant, kind),
                keys,
            )
            return dict(rows)

        return await self._readers.run("values.get", read) if keys else {}

    async def put(self, kind: str, tenant: str, keys: Sequence[str], value: bytes, ttl_s: float) -> None:
        now = self._clock()

        def write(connection: sqlite3.Connection) -> None:
            earlier = select_in(
                connection,
                "SELECT value_number FROM value_keys WHERE tenant = ? AND kind = ? AND key IN ({})",
                (tenant, kind),
                keys,
            )
            replaced = {found for (found,) in earlier}
            number = connection.execute(
                "INSERT INTO kept_values (value, expires_at) VALUES (?, ?)", (value, now + ttl_s)
            ).lastrowid
            connection.executemany(
                "INSERT INTO value_keys (tenant, kind, key, value_number) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (tenant, kind, key) DO UPDATE SET value_number = excluded.value_number",
                [(tenant, kind, key, number) for key in keys],
            )
            if replaced:
                connection.execute(_WITHOUT_KEYS, (str(list(replaced)),))
            self._bound(connection, tenant, len(value))

        if keys:
            await self._writer.run("values.put", write)

    def _bound(self, connection: sqlite3.Connection, tenant: str, added: int) -> None:
        """Remove a tenant's oldest values if it has more than its share. Runs in the writer thread."""
        added += self._added.get(tenant, CHECKED_BYTES)
        if added >= CHECKED_BYTES:
            beyond = [number for (number,) in connection.execute(_BEYOND, (tenant, TENANT_BYTES))]
            if beyond:
                delete_values(connection, beyond)
            added = 0
        if len(self._added) >= MOST_COUNTED:
            self._added.clear()
        self._added[tenant] = added


def delete_values(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Delete these values and their keys."""
    listed = str(list(numbers))
    connection.execute("DELETE FROM value_keys WHERE value_number IN (SELECT value FROM json_each(?))", (listed,))
    connection.execute("DELETE FROM kept_values WHERE number IN (SELECT value FROM json_each(?))", (listed,))
