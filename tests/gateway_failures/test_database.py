"""Flaws of gateways with a database: text of a client that is run as SQL, searches by pattern, connections without bound."""

import ast
import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from proxy.storage.sqlite import maintenance
from proxy.storage.sqlite.store import READERS, SqliteStore
from proxy.upstream.client import Upstream
from tests.project.pages.documents import ROOT
from tests.proxy.play import BOTH, HOSTS, whole
from tests.support.harness import proxy

SQL = [
    "' OR '1'='1",
    "x'; DROP TABLE responses; --",
    '"; DELETE FROM items; --',
    "%' OR tenant LIKE '%",
    "%",
    "_" * 36,
    "resp_' UNION SELECT body FROM responses --",
    "\\'; SELECT load_extension('x'); --",
]
EXECUTES = ("execute", "executemany", "executescript")
FILES = sorted((ROOT / "proxy").rglob("storage/sqlite/*.py"))


def executed(path: Path) -> Iterator[ast.expr]:
    """Return the first argument of each statement that a file executes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and isinstance(called, ast.Attribute) and called.attr in EXECUTES and node.args:
            yield node.args[0]


def is_constant(sql: ast.expr) -> bool:
    """Whether a statement is written in the source: a text, a constant, or a text with constants in it."""
    if isinstance(sql, ast.IfExp):
        return is_constant(sql.body) and is_constant(sql.orelse)
    if isinstance(sql, ast.JoinedStr):
        return all(is_constant(part.value if isinstance(part, ast.FormattedValue) else part) for part in sql.values)
    return isinstance(sql, ast.Constant) or (isinstance(sql, ast.Name) and sql.id.strip("_").isupper())


def constants_of(file: str, name: str) -> int:
    """Return how many texts of a tuple are written in the source; all of them, or AssertionError."""
    [path] = [path for path in FILES if path.name == file]
    [values] = [
        node.value for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]  # fmt: skip
    assert isinstance(values, ast.Tuple)
    assert all(isinstance(value, ast.Constant) for value in values.elts)
    return len(values.elts)


def test_cve_2026_42208_no_sql_is_put_together_from_text() -> None:
    """CVE-2026-42208 (LiteLLM): a key was written into a statement. The migrations are files of the package."""
    others = {f"{path.name}: {ast.unparse(sql)}" for path in FILES for sql in executed(path) if not is_constant(sql)}
    # Marks are question marks; the statements of maintenance are constants of its module.
    assert others <= {"migrate.py: statement", "items.py: query.format(marks)", "maintenance.py: statement"}
    assert constants_of("maintenance.py", "_STATEMENTS") == len(maintenance._STATEMENTS)
    assert sum(1 for path in FILES for _ in executed(path)) > 30


@pytest.mark.parametrize("text", SQL)
def test_cve_2026_42208_sql_of_a_client_is_text_wherever_it_stands(text: str, tmp_path: Path) -> None:
    database = tmp_path / "banjia.db"
    settings: dict[str, Any] = {
        "vendors": BOTH["vendors"],
        "server": {"client_keys": ["sk-of-the-client-0001"]},
        "store": {"url": f"sqlite:{database}"},
    }

    async def scene() -> None:
        async with proxy(settings) as running, httpx2.AsyncClient(base_url=running.url) as http:
            refused = await http.get("/v1/responses/resp_1", headers={"authorization": f"Bearer {text}"})
            assert refused.status_code == 401
            http.headers["authorization"] = "Bearer sk-of-the-client-0001"
            made = await http.post("/v1/conversations", json={"metadata": {"note": text}})
            conversation = made.json()
            assert conversation["metadata"] == {"note": text}
            id_ = httpx2.URL("/").copy_with(path=f"/v1/responses/{text}")
            assert (await http.get(id_)).status_code == 404
            assert (await http.delete(id_)).status_code == 404
            path = f"/v1/conversations/{conversation['id']}/items"
            assert (await http.get(path, params={"after": text})).status_code == 400
            item = {"id": text, "type": "message", "role": "user", "content": text}
            added = await http.post(path, json={"items": [item]})
            assert added.json()["data"][0]["content"][0]["text"] == text
            fields = {"model": "gpt-4o", "input": [{"type": "item_reference", "id": f"{text}0"}]}
            assert (await http.post("/v1/responses", json=fields)).status_code == 404
            fields = {"model": "gpt-4o", "input": "x", "previous_response_id": text}
            assert (await http.post("/v1/responses", json=fields)).status_code == 400

    asyncio.run(scene())
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM responses").fetchone() == (0,)


def test_cve_2026_25591_no_statement_searches_by_a_pattern() -> None:
    """CVE-2026-25591 (new-api): a search for ``%_%_%`` stopped the database.

    That a caller waits ten seconds at most is in tests/proxy/storage/test_sqlite.py.
    """
    sources = [path.read_text(encoding="utf-8") for path in FILES]
    migrations = [path.read_text(encoding="utf-8") for path in (ROOT / "proxy/storage/migrations").rglob("*.sql")]
    assert migrations
    for text in [*sources, *migrations]:
        for word in (" LIKE ", " GLOB ", " REGEXP ", " MATCH "):
            assert word not in text


def test_litellm_18708_connections_to_the_store_are_bounded_whatever_fails(tmp_path: Path) -> None:
    database = tmp_path / "banjia.db"

    def opened() -> int:
        targets = []
        for link in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # the one of this listing
                targets.append(link.readlink())
        return sum(str(target).startswith(str(database)) for target in targets)

    async def scene() -> None:
        store = SqliteStore(database)
        try:
            broken: Any = object()  # no value of SQLite's: each of these operations fails
            for _ in range(5):
                results = await asyncio.gather(
                    *(store.responses.get("t", broken) for _ in range(100)), return_exceptions=True
                )
                assert all(isinstance(result, Exception) for result in results)
                assert opened() <= 3 * (READERS + 1), "the file, its log and its index for each connection"
            assert await store.responses.get("t", "resp_1") is None
        finally:
            await store.aclose()
        assert opened() == 0

    asyncio.run(scene())


def test_cve_2026_30886_an_id_is_looked_for_among_the_clients_own_objects() -> None:
    """CVE-2026-30886 (new-api): the id of another user's task was enough.

    All paths and fields with ids are in tests/proxy/openai_api/responses/test_tenants.py.
    """
    keys = ["sk-of-anna-0000000001", "sk-of-ben-00000000001"]
    answers = httpx2.MockTransport(lambda request: whole("hello") if request.url.host in HOSTS.values() else whole("x"))

    async def scene() -> None:
        settings = {**BOTH, "server": {"client_keys": keys}}
        async with proxy(settings, Upstream(answers)) as running, httpx2.AsyncClient(base_url=running.url) as http:
            anna, ben = ({"authorization": f"Bearer {key}"} for key in keys)
            made = await http.post("/v1/responses", json={"model": "gpt-4o", "input": "Hi"}, headers=anna)
            path = f"/v1/responses/{made.json()['id']}"
            assert (await http.get(path, headers=anna)).status_code == 200
            unknown = await http.get("/v1/responses/resp_0", headers=ben)
            foreign = await http.get(path, headers=ben)
            assert (foreign.status_code, unknown.status_code) == (404, 404)

    asyncio.run(scene())
