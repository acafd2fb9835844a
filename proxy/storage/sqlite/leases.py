"""Leases in SQLite: every process that uses the file respects them."""

import sqlite3
from collections.abc import Callable

from proxy.storage.sqlite.threads import WriterThread

_TAKE = """
INSERT INTO leases (tenant, name, owner, until) VALUES (:tenant, :name, :owner, :until)
ON CONFLICT (tenant, name) DO UPDATE SET owner = excluded.owner, until = excluded.until
WHERE leases.owner = excluded.owner OR leases.until <= :now
"""


class SqliteLeases:
    """The leases."""

    def __init__(self, writer: WriterThread, clock: Callable[[], float]) -> None:
        self._writer = writer
        self._clock = clock

    async def take(self, tenant: str, name: str, owner: str, seconds: float) -> bool:
        now = self._clock()
        return await self._writer.run(
            "leases.take", lambda connection: take_lease(connection, tenant, name, owner, now, now + seconds)
        )

    async def renew(self, tenant: str, name: str, owner: str, seconds: float) -> bool:
        now = self._clock()

        def write(connection: sqlite3.Connection) -> bool:
            changed = connection.execute(
                "UPDATE leases SET until = ? WHERE tenant = ? AND name = ? AND owner = ? AND until > ?",
                (now + seconds, tenant, name, owner, now),
            )
            return changed.rowcount == 1

        return await self._writer.run("leases.renew", write)

    async def release(self, tenant: str, name: str, owner: str) -> None:
        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM leases WHERE tenant = ? AND name = ? AND owner = ?", (tenant, name, owner))

        await self._writer.run("leases.release", write)


def take_lease(connection: sqlite3.Connection, tenant: str, name: str, owner: str, now: float, until: float) -> bool:
    """Take a lease until a time (seconds since the epoch); return whether the owner has it."""
    row = {"tenant": tenant, "name": name, "owner": owner, "now": now, "until": until}
    return connection.execute(_TAKE, row).rowcount == 1
