"""The schema of a SQLite store is brought up to date in order, once, and never over one that is not known."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from proxy.storage.interface import StoreError
from proxy.storage.migrations import Migration, migrations
from proxy.storage.sqlite.migrate import statements
from proxy.storage.sqlite.store import SqliteStore
from tests.proxy.storage.contract.base import response

KNOWN = migrations("sqlite")
ADDED = Migration(
    len(KNOWN) + 1, "9999_more.sql", "ALTER TABLE responses ADD COLUMN more TEXT;\nCREATE TABLE added (a);\n", "c" * 64
)


def opened(path: Path, known: list[Migration] | None = None) -> None:
    """Open and close a store with these migrations."""
    asyncio.run(SqliteStore(path, known=known).aclose())


def applied(path: Path) -> list[tuple[int, str]]:
    """The applied migrations of a file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT number, name FROM schema_migrations ORDER BY number").fetchall()


def stored(path: Path) -> list[str]:
    """The ids of the stored responses."""
    with closing(sqlite3.connect(path)) as connection:
        return [id_ for (id_,) in connection.execute("SELECT id FROM responses")]


def with_a_response(path: Path) -> None:
    """Make a store with today's schema and one response."""

    async def main() -> None:
        store = SqliteStore(path)
        await store.responses.put("t", response("a"))
        await store.aclose()

    asyncio.run(main())


def test_a_new_file_has_all_migrations_and_opening_it_again_applies_none(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    opened(path)
    names = [(migration.number, migration.name) for migration in KNOWN]
    assert applied(path) == names
    opened(path)
    assert applied(path) == names
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_with_data_is_copied_and_then_updated(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with_a_response(path)
    opened(path, [*KNOWN, ADDED])
    assert applied(path)[-1] == (ADDED.number, ADDED.name)
    assert stored(path) == ["a"]
    copy = tmp_path / f"s.db.{len(KNOWN):04d}.bak"
    assert stored(copy) == ["a"]
    assert len(applied(copy)) == len(KNOWN)
    assert copy.stat().st_mode & 0o777 == 0o600


def test_a_newer_schema_is_refused_with_the_cure_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    opened(path, [*KNOWN, ADDED])
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer version of banjia") as caught:
        SqliteStore(path)
    assert f"s.db.{len(KNOWN):04d}.bak" in caught.value.cure
    assert caught.value.code == "store-newer"
    assert path.read_bytes() == before


def test_a_changed_migration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    opened(path)
    with pytest.raises(StoreError, match=KNOWN[0].name):
        SqliteStore(path, known=[KNOWN[0]._replace(checksum="0" * 64), *KNOWN[1:]])


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with_a_response(path)
    broken = ADDED._replace(sql="CREATE TABLE added (a);\nINSERT INTO no_table VALUES (1);\n")
    with pytest.raises(StoreError, match="no_table"):
        SqliteStore(path, known=[*KNOWN, broken])
    assert len(applied(path)) == len(KNOWN)
    opened(path, [*KNOWN, ADDED])
    assert stored(path) == ["a"]


@pytest.mark.parametrize("is_new", [True, False])
def test_of_processes_that_start_together_one_applies_each_migration(is_new: bool, tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    if not is_new:
        with_a_response(path)
    failures: list[BaseException] = []
    together = threading.Barrier(4)

    def start() -> None:
        together.wait()
        try:
            opened(path, [*KNOWN, ADDED])
        except BaseException as error:
            failures.append(error)

    starters = [threading.Thread(target=start) for _ in range(4)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert failures == []
    assert [number for number, _ in applied(path)] == list(range(1, ADDED.number + 1))
    assert stored(path) == ([] if is_new else ["a"])


def test_the_numbers_of_the_files_have_no_gap(tmp_path: Path) -> None:
    (tmp_path / "sqlite").mkdir()
    for name in ("0001_a.sql", "0003_b.sql"):
        (tmp_path / "sqlite" / name).write_text("SELECT 1;\n")
    with pytest.raises(ValueError, match="numbers"):
        migrations("sqlite", tmp_path)


def test_statements_end_where_sqlite_ends_them() -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  DELETE FROM b;\n  DELETE FROM c;\nEND;\n"
    assert list(statements(f"-- about; a\nCREATE TABLE a (b TEXT DEFAULT ';');\n{trigger}")) == [
        "-- about; a\nCREATE TABLE a (b TEXT DEFAULT ';');\n",
        trigger,
    ]


def test_released_migrations_are_never_changed() -> None:
    """A changed file would be refused by every store that exists: add another one."""
    assert [migration.checksum for migration in KNOWN] == [
        "d592245ce1a3d145cbb15fae6a58e2f4dabe3ac954641594dea384459a5e2350"
    ]
