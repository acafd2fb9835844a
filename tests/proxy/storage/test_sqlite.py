"""The store in a SQLite file: the contract of all stores, its files, its transactions and its threads."""

import asyncio
import os
import sqlite3
import stat
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from proxy.storage.interface import Store, StoreError, StoreUnavailable
from proxy.storage.records import Chain, WriteResult
from proxy.storage.sqlite import connection, conversations, threads, values
from proxy.storage.sqlite.connection import file_system
from proxy.storage.sqlite.store import SqliteStore
from tests.proxy.storage.contract import Clock, StoreContract
from tests.proxy.storage.contract.base import added, conversation, ids_of, item, items, response

T = "tenant"


class TestSqliteStore(StoreContract):
    """The contract."""

    modules_with_limits = (conversations,)
    folder: Path
    number = count()

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make(self, clock: Clock) -> Store:
        return SqliteStore(self.folder / f"store{next(self.number)}.db", clock)


def run(path: Path, work: Callable[[SqliteStore], Coroutine[Any, Any, None]]) -> None:
    """Run a test on a store in this file, and close it."""

    async def main() -> None:
        store = SqliteStore(path)
        try:
            await work(store)
        finally:
            await store.aclose()

    asyncio.run(main())


async def trouble_of(operation: Awaitable[Any]) -> str:
    """Why the store was not available."""
    with pytest.raises(StoreUnavailable) as caught:
        await operation
    return caught.value.trouble


def test_what_is_stored_is_there_after_a_restart_and_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "banjia.db"

    async def first(store: SqliteStore) -> None:
        await store.responses.put(T, response("a", expires_at=2e10))
        await store.responses.put(T, response("b", "a", expires_at=2e10))
        await store.conversations.create(T, conversation("c"), items("1"))
        for name in path.parent.iterdir():
            assert stat.S_IMODE(name.stat().st_mode) == 0o600, name

    async def second(store: SqliteStore) -> None:
        chain = await store.responses.chain(T, "b")
        assert isinstance(chain, Chain)
        assert [one.id for one in chain.items()] == ["a-in", "a-out", "b-in", "b-out"]
        assert ids_of(await store.conversations.history(T, "c")) == ["1"]

    run(path, first)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["banjia.db"]  # closing empties the log
    run(path, second)


def test_writes_that_come_together_are_one_transaction_each_with_its_own_result(tmp_path: Path) -> None:
    async def work(store: SqliteStore) -> None:
        await store.conversations.create(T, conversation("c"), items("1"))
        before = store.metrics.transactions
        results = await asyncio.gather(
            *(store.responses.put(T, response(f"r{number}", expires_at=2e10)) for number in range(100)),
            store.conversations.append(T, added("c", "1")),
            store.responses.put(T, response("x"), added("none", "2")),
            store.responses.delete(T, "unknown"),
        )
        assert results[:100] == [WriteResult.DONE] * 100
        assert results[100:] == [WriteResult.DUPLICATE_ITEM, WriteResult.CONVERSATION_NOT_FOUND, False]
        assert 1 <= store.metrics.transactions - before <= 3
        assert store.metrics.operations["responses.put"] == 101

    run(tmp_path / "s.db", work)


def test_a_write_that_fails_leaves_its_neighbours_as_they_are(tmp_path: Path) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM responses")
        connection.execute("INSERT INTO no_table VALUES (1)")

    async def work(store: SqliteStore) -> None:
        done = await asyncio.gather(
            store.responses.put(T, response("a", expires_at=2e10)),
            store._writer.run("test", broken),
            store.responses.put(T, response("b", expires_at=2e10)),
            return_exceptions=True,
        )
        assert done[0] is done[2] is WriteResult.DONE
        assert isinstance(done[1], sqlite3.OperationalError)
        assert await store.responses.get(T, "a") is not None
        assert await store.responses.get(T, "b") is not None

    run(tmp_path / "s.db", work)


def test_a_write_for_which_there_is_no_room_does_not_keep_smaller_ones_from_being_stored(tmp_path: Path) -> None:
    """SQLite rolls the whole transaction back; the others are written again without it."""

    async def work(store: SqliteStore) -> None:
        (pages,) = await store._writer.run(
            "test", lambda connection: connection.execute("PRAGMA page_count").fetchone()
        )
        await store._writer.run(
            "test", lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + 20}").fetchone()
        )
        large = response("large", output=[item("x", "x" * 1_000_000)], expires_at=2e10)
        results = await asyncio.gather(
            store.responses.put(T, response("a", expires_at=2e10)),
            store.responses.put(T, large),
            store.responses.put(T, response("b", expires_at=2e10)),
            return_exceptions=True,
        )
        assert isinstance(results[1], StoreUnavailable)
        assert (results[0], results[1].trouble, results[2]) == (WriteResult.DONE, "full", WriteResult.DONE)
        assert await store.responses.get(T, "b") is not None
        assert await store.responses.get(T, "large") is None
        assert store.metrics.failures == {"full": 1}

    run(tmp_path / "s.db", work)


def test_a_write_whose_caller_has_left_before_it_began_is_not_done(tmp_path: Path) -> None:
    go_on = threading.Event()

    async def work(store: SqliteStore) -> None:
        blocking = asyncio.create_task(store._writer.run("test", lambda connection: go_on.wait(30)))
        await asyncio.sleep(0.05)
        left = asyncio.create_task(store.responses.put(T, response("a", expires_at=2e10)))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.sleep(0)
        go_on.set()
        await blocking
        await store.responses.put(T, response("b", expires_at=2e10))
        assert await store.responses.get(T, "a") is None

    run(tmp_path / "s.db", work)


def test_closing_finishes_what_was_accepted_and_refuses_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    async def main() -> None:
        store = SqliteStore(path)
        accepted = [asyncio.create_task(store.responses.put(T, response(f"r{n}", expires_at=2e10))) for n in range(50)]
        await asyncio.sleep(0)
        await store.aclose()
        assert await asyncio.gather(*accepted) == [WriteResult.DONE] * 50
        assert await trouble_of(store.responses.put(T, response("x"))) == "closed"
        assert await trouble_of(store.responses.get(T, "r0")) == "closed"
        await store.aclose()

    async def again(store: SqliteStore) -> None:
        assert await store.responses.get(T, "r49") is not None

    asyncio.run(main())
    run(path, again)


def test_a_file_that_became_read_only_is_reported_and_still_read(tmp_path: Path) -> None:
    async def work(store: SqliteStore) -> None:
        await store.responses.put(T, response("a", expires_at=2e10))
        await store._writer.run("test", lambda connection: connection.execute("PRAGMA query_only = 1").fetchone())
        assert await trouble_of(store.responses.put(T, response("b"))) == "read_only"
        assert await store.responses.get(T, "a") is not None

    run(tmp_path / "s.db", work)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_was_deleted_or_replaced_is_noticed(replaced: bool, tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    async def work(store: SqliteStore) -> None:
        await store.responses.put(T, response("a", expires_at=2e10))
        path.unlink()
        if replaced:
            path.write_bytes(b"")
        assert await trouble_of(store.responses.put(T, response("b"))) == "gone"
        assert await trouble_of(store.responses.get(T, "a")) == "gone"

    run(path, work)


def test_a_locked_file_is_reported_for_all_waiting_writes_and_used_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_S", 0.05)
    path = tmp_path / "s.db"

    async def work(store: SqliteStore) -> None:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writes = (trouble_of(store.responses.put(T, response(f"r{number}"))) for number in range(3))
        assert await asyncio.gather(*writes) == ["locked"] * 3
        assert await store.responses.get(T, "r0") is None
        other.execute("ROLLBACK")
        other.close()
        assert await store.responses.put(T, response("r0")) is WriteResult.DONE

    run(path, work)


def test_damage_is_reported_and_never_read_as_if_nothing_was_stored(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    async def fill(store: SqliteStore) -> None:
        for number in range(200):
            await store.responses.put(T, response(f"r{number}", output=[item("x", "x" * 2000)], expires_at=2e10))

    async def read(store: SqliteStore) -> None:
        troubles = set()
        for number in range(200):
            try:
                assert await store.responses.get(T, f"r{number}") is not None
            except StoreUnavailable as error:
                troubles.add(error.trouble)
        assert troubles == {"corrupt"}

    run(path, fill)
    data = bytearray(path.read_bytes())
    for page in range(40, len(data) // 4096, 3):
        data[page * 4096 : page * 4096 + 4096] = b"\xa5" * 4096
    path.write_bytes(data)
    run(path, read)


def test_a_disk_that_does_not_respond_ends_the_wait_not_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(threads, "LIMIT_S", 0.05)
    monkeypatch.setattr(threads, "MAX_WAITING", 20)

    async def work(store: SqliteStore) -> None:
        hanging = [trouble_of(store._writer.run("test", lambda connection: go_on.wait(30))) for _ in range(4)]
        assert await asyncio.gather(*hanging) == ["busy"] * 4
        more = [trouble_of(store.responses.put(T, response(f"r{number}"))) for number in range(40)]
        assert await asyncio.gather(*more) == ["busy"] * 40
        assert store._writer._queue.qsize() <= 20  # no more wait, also of those whose callers have left
        go_on.set()

    run(tmp_path / "s.db", work)


@pytest.mark.parametrize("kind", ["text", "directory", "file in the way", "pipe"])
def test_a_file_that_cannot_be_a_store_is_refused_at_the_start(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    if kind == "text":
        path.write_text("no database " * 1000)
    elif kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_text("")
        path /= "s.db"
    with pytest.raises(StoreError) as caught:
        SqliteStore(path)
    assert str(path) in str(caught.value.message)
    assert caught.value.cure
    assert caught.value.code == "store-unusable"


def test_a_read_only_directory_is_refused_at_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o500)
    with as_unprivileged(), pytest.raises(StoreError, match="cannot be opened: Permission denied"):
        SqliteStore(folder / "s.db")


@contextmanager
def as_unprivileged() -> Iterator[None]:
    """Be another user than the superuser, who may write anywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_the_file_system_is_that_of_the_longest_mount_point(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "20 1 8:1 / / rw - ext4 /dev/sda rw\n"
        f"21 20 0:40 / {tmp_path}/share rw shared:1 - nfs4 server:/x rw\n"
        f"22 20 0:41 / {tmp_path}/with\\040space rw - cifs //server/y rw\n"
    )
    assert file_system(tmp_path / "share" / "s.db", mounts) == "nfs4"
    assert file_system(tmp_path / "shared" / "s.db", mounts) == "ext4"
    assert file_system(tmp_path / "with space" / "s.db", mounts) == "cifs"
    assert file_system(tmp_path, tmp_path / "none") == ""


def test_a_network_file_system_is_refused_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "file_system", lambda path: "nfs4")
    with pytest.raises(StoreError, match="network file system"):
        SqliteStore(tmp_path / "s.db")


def test_a_sweep_deletes_in_slices_and_gives_the_space_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.storage.sqlite.store.SLICE", 30)
    path = tmp_path / "s.db"

    async def fill(store: SqliteStore) -> None:
        large = [item("x", "x" * 4000)]
        await asyncio.gather(
            *(store.responses.put(T, response(f"r{n}", output=large, expires_at=10)) for n in range(100))
        )

    async def sweep(store: SqliteStore) -> None:
        counts = []
        while deleted := await store.sweep():
            counts.append(deleted)
        assert sum(counts) == 100
        assert max(counts) <= 30
        for _ in range(5):
            await store.sweep()

    run(path, fill)
    size = path.stat().st_size
    run(path, sweep)
    assert path.stat().st_size < size / 3


def test_stores_on_one_file_see_each_other_and_exclude_each_other(tmp_path: Path) -> None:
    """As two processes of one machine do: they have no connection in common."""
    path = tmp_path / "s.db"

    async def work(store: SqliteStore) -> None:
        other = SqliteStore(path)
        await store.conversations.create(T, conversation("c"), [])
        writes = [one.responses.put(T, response(f"r{n}", expires_at=2e10)) for n in range(20) for one in (store, other)]
        assert set(await asyncio.gather(*writes)) == {WriteResult.DONE}
        assert await other.responses.get(T, "r19") is not None
        taken = await asyncio.gather(*(one.leases.take(T, "n", name, 60) for one, name in ((store, "a"), (other, "b"))))
        assert sorted(taken) == [False, True]
        appends = [
            one.conversations.append(T, added("c", name, expected=0)) for one, name in ((store, "1"), (other, "2"))
        ]
        assert sorted(await asyncio.gather(*appends)) == [WriteResult.DONE, WriteResult.VERSION_CONFLICT]
        await other.aclose()
        assert await store.responses.put(T, response("x")) is WriteResult.DONE

    run(path, work)


def test_the_oldest_values_of_a_tenant_that_keeps_too_much_go_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "TENANT_BYTES", 1000)
    monkeypatch.setattr(values, "CHECKED_BYTES", 100)

    async def work(store: SqliteStore) -> None:
        await store.values.put("k", "other", ["a"], b"x" * 400, 60)
        keys = [str(number) for number in range(30)]
        for key in keys:
            await store.values.put("k", T, [key, f"{key} again"], b"x" * 100, 60)
        kept = list(await store.values.get("k", T, keys))
        assert kept == keys[-len(kept) :]
        assert 9 <= len(kept) <= 11
        assert await store.values.get("k", "other", ["a"]) == {"a": b"x" * 400}

    run(tmp_path / "banjia.db", work)
