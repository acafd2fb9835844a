"""Values by kind, tenant and key in SQLite."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence

from proxy.storage.sqlite.items import select_in
from proxy.storage.sqlite.threads import ReaderThreads, WriterThread

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

        if keys:
            await self._writer.run("values.put", write)
