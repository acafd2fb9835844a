"""After kill -9 at any moment the store is whole: what was confirmed is there, and no chain refers to what is not."""

import asyncio
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from proxy.storage.interface import StoreUnavailable
from proxy.storage.records import Chain, ConversationHistory, WriteResult
from proxy.storage.sqlite.store import SqliteStore
from tests.proxy.storage.contract.base import item, response
from tests.support.effort import ALL_EXAMPLES

KILLS = 50 if ALL_EXAMPLES else 10
WRITER = "tests.proxy.storage.crash_writer"


def killed_after(path: Path, mark: str, confirmed: int) -> list[str]:
    """Run the writer until it has confirmed so many responses, kill it, and return all that it confirmed."""
    with subprocess.Popen([sys.executable, "-m", WRITER, str(path), mark], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline().decode().strip() for _ in range(confirmed)]
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().decode()
        writer.wait()
    complete = rest[: rest.rfind("\n") + 1]
    return [*lines, *complete.split()]


def test_what_was_confirmed_survives_kill_9_and_every_chain_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    draw = random.Random(5)

    async def judge(confirmed: list[str], mark: str) -> None:
        store = SqliteStore(path)
        try:
            for id_ in confirmed:
                found = await store.responses.get("t", id_)
                assert found is not None, id_
                assert found.status == "completed"
                if not id_.startswith("run"):
                    chain = await store.responses.chain("t", id_)
                    assert isinstance(chain, Chain), id_
                    assert len(chain.links) == int(id_.rpartition("-")[2]) + 1
                    assert all(len(link.input) == len(link.output) == 1 for link in chain.links)
            history = await store.conversations.history("t", f"conv{mark}")
            assert isinstance(history, ConversationHistory)
            ids = {one.id for one in history.items}
            assert len(ids) == 2 * history.version
            assert {f"{id_}-c1" for id_ in confirmed if id_.startswith(f"chain{mark}-0-")} <= ids
            await store.runs.keep_alive("me", 3600)
            left = await store.runs.take_over("me", 100)
            assert {run.response.id for run in left}.isdisjoint(confirmed)
        finally:
            await store.aclose()

    for number in range(KILLS):
        confirmed = killed_after(path, str(number), draw.randrange(1, 60))
        assert confirmed
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            broken = "SELECT 1 FROM responses AS r WHERE previous IS NOT NULL AND NOT EXISTS (SELECT 1 FROM responses WHERE tenant = r.tenant AND id = r.previous)"
            assert connection.execute(broken).fetchone() is None
            orphans = "SELECT 1 FROM items WHERE side < 2 AND holder NOT IN (SELECT id FROM responses)"
            assert connection.execute(orphans).fetchone() is None
        asyncio.run(judge(confirmed, str(number)))


def test_a_file_that_may_not_grow_fails_the_write_and_keeps_what_was_stored(tmp_path: Path) -> None:
    """The limit of the system on the size of files stands for a full disk; it needs no privileges."""
    path = tmp_path / "s.db"

    async def work() -> None:
        store = SqliteStore(path)
        assert await store.responses.put("t", response("a", expires_at=3e10)) is WriteResult.DONE
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
        try:
            failed = 0
            for number in range(5):
                large = response(f"large{number}", output=[item("x", "x" * 500_000)], expires_at=3e10)
                try:
                    await store.responses.put("t", large)
                except StoreUnavailable as error:
                    failed += error.trouble in ("io", "full")
            assert failed == 5
            assert await store.responses.get("t", "a") is not None
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert await store.responses.get("t", "large0") is None
        assert await store.responses.put("t", response("b", expires_at=3e10)) is WriteResult.DONE
        await store.aclose()

    asyncio.run(work())
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert {id_ for (id_,) in connection.execute("SELECT id FROM responses")} == {"a", "b"}
