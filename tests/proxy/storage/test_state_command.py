"""``banjia state``: what the store has, counted, deleted and exported, while a server has the file open."""

import asyncio
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import main
from proxy.storage.records import ConversationAppend
from proxy.storage.secret import ServerSecret, read_or_make_secret
from proxy.storage.sqlite import maintenance
from proxy.storage.sqlite.connection import connect
from proxy.storage.sqlite.store import SqliteStore
from tests.proxy.cli.conftest import Run, data
from tests.proxy.storage.contract.base import conversation, item, items, response, running

ANNA, BEN, GONE = "sk-of-anna-0000000001", "sk-of-ben-00000000001", "sk-of-gone-0000000001"
FAR = 3e10
SECRET_TEXT = "the-words-of-anna"
CONFIG = f"""version: 1
server: {{client_keys: [{ANNA}, {BEN}]}}
vendors: {{kimi: {{api_key: none}}}}
store: {{url: "sqlite:state/banjia.db"}}
"""


def hash_of(key: str) -> bytes:
    return sha256(key.encode()).digest()


@pytest.fixture
def names(tmp_path: Path) -> dict[str, str]:
    """The tenants of the keys."""
    secret = ServerSecret(read_or_make_secret(tmp_path / "state"))
    return {key: secret.tenant(hash_of(key)) for key in (ANNA, BEN, GONE)}


async def fill(store: SqliteStore, names: dict[str, str]) -> None:
    """Store objects of each kind for Anna, and a response and a conversation for the others."""
    anna = names[ANNA]
    for number in range(3):
        link = response(f"resp_{number}", output=[item(f"o{number}", SECRET_TEXT)], expires_at=FAR)
        await store.responses.put(anna, link, None)
    await store.conversations.create(anna, conversation("conv_1", b'{"a":"b"}'), items("c1", "c2"))
    await store.responses.put(anna, running("resp_run", expires_at=FAR))
    await store.runs.append_events(anna, "resp_run", 0, [b"0", b"1"])
    for number in range(7):
        await store.values.put("reasoning", anna, [f"call_{number}", f"call_{number}b"], b"thought", 1e9)
    await store.leases.take(anna, "conv_1", "owner", 60)
    for key in (BEN, GONE):
        await store.responses.put(names[key], response("resp_0", expires_at=FAR))
        await store.conversations.append(names[key], ConversationAppend("none", [], None))
        await store.values.put("reasoning", names[key], ["call_1"], b"thought", 1e9)


@pytest.fixture
def store(banjia: Run, tmp_path: Path, names: dict[str, str]) -> Iterator[Path]:
    """The path of a store that is open, as by a server. ``banjia.yaml`` names it."""
    (tmp_path / "banjia.yaml").write_text(CONFIG)
    path = tmp_path / "state" / "banjia.db"
    opened: list[SqliteStore] = []

    async def begin() -> None:
        opened.append(SqliteStore(path))
        await fill(opened[0], names)

    asyncio.run(begin())
    yield path
    asyncio.run(opened[0].aclose())


def with_input(args: list[str], text: str) -> Result:
    return CliRunner().invoke(main, args, input=text, catch_exceptions=False)


def kinds_of(banjia: Run, tenant: str) -> dict[str, int]:
    """The rows of a tenant by kind."""
    found = data(banjia("state", "size", "--tenants", "--json"))["tenants"]
    return {kind: size["rows"] for one in found if one["tenant"] == tenant for kind, size in one["kinds"].items()}


ALL = {
    "responses": 4, "response_items": 7, "conversations": 1, "conversation_items": 2, "background_events": 2,
    "reasoning": 7,
}  # fmt: skip


# --- size -------------------------------------------------------------------------------------------------------


def test_the_size_has_rows_and_bytes_of_each_kind(banjia: Run, store: Path, names: dict[str, str]) -> None:
    found = data(banjia("state", "size", "--json"))
    assert "tenants" not in found
    assert {kind: size["rows"] for kind, size in found["kinds"].items()} == {
        "responses": 6, "response_items": 11, "conversations": 1, "conversation_items": 2, "background_events": 2,
        "reasoning": 9, "values": 0,
    }  # fmt: skip
    assert found["kinds"]["reasoning"]["bytes"] == 9 * len(b"thought")
    assert found["kinds"]["conversations"]["bytes"] == len(b'{"a":"b"}')
    assert found["file_bytes"] > 0
    assert kinds_of(banjia, names[ANNA]) == ALL


def test_the_size_of_tenants_names_the_caller_of_configured_keys(
    banjia: Run, store: Path, names: dict[str, str]
) -> None:
    found = data(banjia("state", "size", "--tenants", "--json"))["tenants"]
    assert {one["tenant"]: one["caller"] for one in found} == {
        names[ANNA]: hash_of(ANNA).hex()[:8],
        names[BEN]: hash_of(BEN).hex()[:8],
        names[GONE]: None,
    }
    shown = banjia("state", "size", "--tenants").stdout
    assert found[0]["tenant"] == names[ANNA], "the largest first"
    for text in ("response_items", "total", names[ANNA], hash_of(BEN).hex()[:8], "bytes on disk"):
        assert text in shown
    assert ANNA not in shown


# --- purge ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["tenant", "caller", "file", "stdin"])
def test_a_purge_deletes_everything_of_one_tenant_and_nothing_else(
    how: str, banjia: Run, store: Path, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "SLICE", 2)
    Path("key.txt").write_text(f"{ANNA}\n")
    args = {
        "tenant": ["--tenant", names[ANNA]],
        "caller": ["--tenant", hash_of(ANNA).hex()[:8]],
        "file": ["--key", "key.txt"],
        "stdin": ["--key", "-"],
    }[how]
    before = kinds_of(banjia, names[BEN])
    done = with_input(["state", "purge", *args, "--yes"], f"{ANNA}\n" if how == "stdin" else "")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith(f"deleted tenant {names[ANNA]} (responses: 4, conversations: 1, ")
    assert ANNA not in done.stdout
    assert kinds_of(banjia, names[ANNA]) == {}
    assert kinds_of(banjia, names[BEN]) == before == {"responses": 1, "response_items": 2, "reasoning": 1}
    reading = connect(store, read_only=True)
    assert reading.execute("SELECT count(*) FROM leases WHERE tenant = ?", (names[ANNA],)).fetchone() == (0,)
    assert reading.execute("SELECT count(*) FROM value_keys").fetchone() == (2,)
    reading.close()
    again = banjia("state", "purge", *args[:1], names[ANNA], "--yes") if how == "tenant" else None
    assert again is None or again.stdout == f"nothing is stored for tenant {names[ANNA]}\n"


def test_what_is_purged_is_no_longer_in_the_files(banjia: Run, store: Path, names: dict[str, str]) -> None:
    def bytes_on_disk() -> bytes:
        return b"".join(path.read_bytes() for path in store.parent.glob("banjia.db*"))

    assert SECRET_TEXT.encode() in bytes_on_disk()
    assert banjia("state", "purge", "--tenant", names[ANNA], "--yes").exit_code == 0
    assert SECRET_TEXT.encode() not in bytes_on_disk()


def test_a_key_that_is_not_configured_any_more_can_be_purged(banjia: Run, store: Path, names: dict[str, str]) -> None:
    assert with_input(["state", "purge", "--key", "-", "--yes"], GONE).exit_code == 0
    assert kinds_of(banjia, names[GONE]) == {}
    assert kinds_of(banjia, names[ANNA]) == ALL


@pytest.mark.parametrize(("answer", "left"), [("y\n", {}), ("n\n", ALL), ("", ALL)])
def test_a_purge_asks_first(answer: str, left: dict[str, int], banjia: Run, store: Path, names: dict[str, str]) -> None:
    done = with_input(["state", "purge", "--tenant", names[ANNA]], answer)
    assert "Delete tenant" in done.stdout
    assert done.exit_code == (0 if answer == "y\n" else 1)
    assert kinds_of(banjia, names[ANNA]) == left


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([], "give either --tenant or --key"),
        (["--tenant", "-", "--key", "key.txt"], "give either --tenant or --key"),
        (["--key", "-"], "--yes"),
        (["--key", "empty.txt", "--yes"], "there is no key in it"),
        (["--tenant", "anna", "--yes"], "size --tenants"),
        (["--tenant", "0" * 31 + "g", "--yes"], "size --tenants"),
    ],
)
def test_a_purge_of_no_tenant_is_refused(args: list[str], text: str, banjia: Run, store: Path) -> None:
    Path("key.txt").write_text(ANNA)
    Path("empty.txt").write_text("\n")
    done = banjia("state", "purge", *args)
    assert done.exit_code == 2
    assert text in done.stderr


def test_a_client_that_stores_all_the_time_is_reported(store: Path, names: dict[str, str]) -> None:
    """A purge that another writer follows with a new response each time ends."""
    writing, other = connect(store, read_only=False), connect(store, read_only=False)
    count = iter(range(10_000))

    def store_more(seconds: float) -> None:
        if not other.execute("SELECT 1 FROM leases WHERE tenant = ?", (names[ANNA],)).fetchone():
            other.execute("INSERT INTO leases VALUES (?, ?, 'o', 9e9)", (names[ANNA], str(next(count))))

    assert maintenance.purge(writing, names[ANNA], store_more) is False
    assert maintenance.purge(writing, names[ANNA], lambda seconds: None) is True
    writing.close()
    other.close()


# --- export -----------------------------------------------------------------------------------------------------


def test_an_exported_response_has_its_input_and_its_output(banjia: Run, store: Path, names: dict[str, str]) -> None:
    found = data(banjia("state", "export", "resp_1"))
    assert found["tenant"] == names[ANNA]
    assert found["response"]["id"] == "resp_1"
    assert [one["id"] for one in found["response"]["output"]] == ["o1"]
    assert found["response"]["output"][0]["text"] == SECRET_TEXT
    assert [one["id"] for one in found["input"]] == ["resp_1-in"]
    assert found["target"] == "kimi/k"


def test_an_exported_conversation_has_its_items(banjia: Run, store: Path, names: dict[str, str]) -> None:
    found = data(banjia("state", "export", "conv_1"))
    assert found["conversation"]["metadata"] == {"a": "b"}
    assert [one["id"] for one in found["items"]] == ["c1", "c2"]


def test_an_unknown_id_is_one_line_and_exit_code_1(banjia: Run, store: Path) -> None:
    done = banjia("state", "export", "resp_none")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.endswith("error: the store has no response and no conversation with the id resp_none\n")


# --- stores that cannot be used ---------------------------------------------------------------------------------

COMMANDS = [["size"], ["purge", "--tenant", "-", "--yes"], ["export", "resp_1"]]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_a_store_in_memory_says_what_to_do(command: list[str], banjia: Run) -> None:
    done = banjia("state", *command, env={"MOONSHOT_API_KEY": "sk-kimi-0000000000000001"})
    assert (done.exit_code, done.stdout) == (1, "")
    assert "store.url: memory" in done.stderr
    assert "sqlite:PATH" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_a_file_that_does_not_exist_is_not_made(command: list[str], banjia: Run, tmp_path: Path) -> None:
    done = banjia("state", *command, env={"BANJIA_STORE__URL": "sqlite:state/none.db", "MOONSHOT_API_KEY": "k"})
    assert done.exit_code == 1
    assert "does not exist yet" in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_file_that_is_no_store_is_reported_in_one_line(banjia: Run, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database" * 500)
    done = banjia("state", "size", env={"BANJIA_STORE__URL": "sqlite:x.db", "MOONSHOT_API_KEY": "k"})
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert "damaged" in done.stderr


def test_an_older_schema_is_not_changed(banjia: Run, store: Path) -> None:
    writing = connect(store, read_only=False)
    writing.execute("DELETE FROM schema_migrations")
    writing.close()
    done = banjia("state", "size")
    assert done.exit_code == 1
    assert "start the server once" in done.stderr


def test_without_the_secret_no_key_has_a_tenant(banjia: Run, store: Path) -> None:
    os.unlink(store.parent / "secret")  # noqa: PTH108
    done = with_input(["state", "purge", "--key", "-", "--yes"], ANNA)
    assert done.exit_code == 1
    assert "secret" in done.stderr
    assert not (store.parent / "secret").exists()


def test_an_id_that_several_tenants_have_is_a_list(banjia: Run, store: Path, names: dict[str, str]) -> None:
    assert [one["tenant"] for one in data(banjia("state", "export", "resp_0"))] == sorted(names.values())
