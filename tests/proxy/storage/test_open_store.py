"""The configuration names the store, its secret is beside it, and a store that cannot be opened ends the start."""

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from config.errors import ConfigError
from config.loader.load import load
from config.schema import Settings
from config.sections import StoreSettings
from proxy.app_state import AppState
from proxy.commands.doctor.store import check_store
from proxy.lifecycle.run import store_line
from proxy.lifecycle.store_sweep import sweep, sweep_store
from proxy.observability.metrics.exposition import Exposition
from proxy.storage.interface import StoreUnavailable
from proxy.storage.open_store import open_store
from proxy.upstream.client import Upstream
from tests.proxy.storage.contract.base import conversation, response

MIB = 1024 * 1024


def on_disk(path: Path, **keys: object) -> StoreSettings:
    """The settings of a store in this file."""
    return StoreSettings.model_validate({"url": f"sqlite:{path}", **keys})


def state_of(store: StoreSettings) -> AppState:
    """The state of a server with this store."""
    return AppState(Settings(store=store), Upstream(httpx2.MockTransport(lambda _: httpx2.Response(500))))


def test_memory_has_another_secret_in_each_process_unless_it_is_configured() -> None:
    assert open_store(StoreSettings(), MIB).store.kind == "memory"
    assert open_store(StoreSettings(), MIB).secret.tenant(b"x") != open_store(StoreSettings(), MIB).secret.tenant(b"x")
    configured = StoreSettings.model_validate({"secret": "s" * 32})
    assert open_store(configured, MIB).secret.tenant(b"x") == open_store(configured, MIB).secret.tenant(b"x")


def test_the_secret_of_a_file_is_beside_it_or_in_the_configured_directory(tmp_path: Path) -> None:
    async def main() -> None:
        names = []
        for settings in (
            on_disk(tmp_path / "a" / "s.db"),
            on_disk(tmp_path / "a" / "t.db"),
            on_disk(tmp_path / "a" / "s.db", dir=str(tmp_path / "b")),
            on_disk(tmp_path / "a" / "s.db", secret="s" * 32),
        ):
            opened = open_store(settings, MIB)
            names.append(opened.secret.tenant(b"x"))
            assert opened.store.kind == "sqlite"
            await opened.store.aclose()
        assert names[0] == names[1]
        assert len(set(names)) == 3
        assert sorted(file.name for file in (tmp_path / "a").iterdir()) == ["s.db", "secret", "t.db"]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("url: 'postgresql://db/x'", "PostgreSQL is not supported yet"),
        ("url: 'sqlite:'", "expected memory, or sqlite: and the path of a file"),
        ("url: banjia.db", "expected memory, or sqlite: and the path of a file"),
        ("url: 'sqlite:///var/x.db'", "for example sqlite:/var/x.db"),
        ("dir: /tmp/x", "expected url: sqlite:PATH, or no dir"),
        ("secret: short-secret", "fewer than 32 characters"),
        ("on_failure: maybe", "expected open or closed"),
        ("responses_days: 0", "expected a value greater than 0"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_expected(keys: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    file.write_text(f"vendors: {{kimi: {{api_key: k}}}}\nstore:\n  {keys}\n")
    with pytest.raises(ConfigError, match=problem) as caught:
        load(file, {})
    assert "short-secret" not in str(caught.value)


def test_a_store_that_cannot_be_opened_ends_the_start_with_2_and_the_cure(tmp_path: Path) -> None:
    file, database = tmp_path / "banjia.yaml", tmp_path / "s.db"
    database.write_text("no database " * 1000)
    file.write_text(
        f"vendors: {{kimi: {{api_key: k}}}}\nserver: {{listen: '127.0.0.1:0', admin_listen: off}}\nstore: {{url: 'sqlite:{database}'}}\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "proxy", "serve", "-c", file], capture_output=True, text=True, timeout=100
    )
    assert ended.returncode == 2
    assert f"the store {database} is damaged, or no SQLite file" in ended.stderr
    assert "restore a backup" in ended.stderr
    assert "banjia help store-unusable" in ended.stderr


def test_the_start_line_and_the_metrics_name_the_store(tmp_path: Path) -> None:
    async def main() -> None:
        state = state_of(on_disk(tmp_path / "s.db"))
        assert str(store_line(state)) == f"storing responses and conversations in {tmp_path / 's.db'}"
        await state.store.responses.put("t", response("a"))
        text = Exposition(state.metrics).text("")[0].decode()
        assert 'banjia_store_ops_total{operation="responses.put"} 1' in text
        assert "banjia_store_transactions_total 1" in text
        assert 'banjia_store_bytes{kind="held"}' in text
        assert "banjia_store_entries " not in text.replace("# HELP banjia_store_entries ", "").replace(
            "# TYPE banjia_store_entries ", ""
        )
        await state.aclose()

    asyncio.run(main())
    assert "storing in memory, up to 3 MiB" in str(store_line(state_of(StoreSettings(max_memory_mb=3))))


def test_a_sweep_deletes_all_that_is_expired_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.storage.memory.store.SLICE", 2)

    async def main() -> None:
        state = state_of(StoreSettings(conversations_days=0.0000001))
        pauses: list[float] = []

        async def pause(seconds: float) -> None:
            pauses.append(seconds)
            await asyncio.sleep(0.02)

        state.sleep = pause
        for number in range(5):
            await state.store.responses.put("t", response(f"r{number}", expires_at=1))
        await state.store.conversations.create("t", conversation("c"), [])
        await asyncio.sleep(0.02)
        assert await sweep(state) == 6
        assert len(pauses) == 3

    asyncio.run(main())


def test_a_sweep_that_fails_is_reported_and_the_next_one_runs() -> None:
    async def main() -> None:
        state = state_of(StoreSettings())
        lines: list[str] = []
        swept = asyncio.Event()
        outcomes: list[Exception | None] = [StoreUnavailable("full"), RuntimeError("bug"), None]

        async def failing(conversations_s: float | None = None) -> int:
            if outcome := outcomes.pop(0):
                raise outcome
            swept.set()
            return 0

        async def pause(seconds: float) -> None:
            if swept.is_set():
                await asyncio.sleep(60)

        state.store.sweep = failing  # type: ignore[method-assign]
        state.notify = lines.append
        state.sleep = pause
        async with sweep_store(state):
            await asyncio.wait_for(swept.wait(), 10)
        assert lines == ["the store could not be swept: full"]

    asyncio.run(main())


def findings(settings: StoreSettings) -> list[tuple[str, str]]:
    """Level and text of the doctor's findings."""
    return [(finding.level, f"{finding.text} -> {finding.cure}") for finding in check_store(settings)]


def test_the_doctor_checks_a_store_and_changes_nothing(tmp_path: Path) -> None:
    settings = on_disk(tmp_path / "new" / "s.db")
    assert findings(StoreSettings())[0][0] == "ok"
    assert [level for level, _ in findings(settings)] == ["ok"]
    assert list(tmp_path.iterdir()) == []

    asyncio.run(open_store(settings, MIB).store.aclose())
    before = sorted(file.name for file in (tmp_path / "new").iterdir())
    assert [level for level, _ in findings(settings)] == ["ok", "ok", "ok"]
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == before

    (tmp_path / "new" / "secret").chmod(0o644)
    (tmp_path / "new" / "s.db").chmod(0o640)
    assert [text for level, text in findings(settings) if level == "warn"] == [
        f"other users can read {tmp_path}/new/{name} -> run: chmod 600 {tmp_path}/new/{name}"
        for name in ("s.db", "secret")
    ]
    (tmp_path / "new" / "s.db").write_text("no database " * 1000)
    (tmp_path / "new" / "secret").write_bytes(b"short")
    assert [text.split(" -> ")[0] for level, text in findings(settings) if level == "fail"] == [
        f"the store {tmp_path}/new/s.db is damaged, or no SQLite file: file is not a database",
        f"the secret {tmp_path}/new/secret has 5 bytes instead of 32",
    ]
    (tmp_path / "file").write_text("")
    assert [level for level, _ in findings(on_disk(tmp_path / "file" / "x" / "s.db"))] == ["fail"]
