"""The examples in each command's help run unchanged, in an empty folder, against emulated vendors."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.cli import main
from proxy.cli.common import with_vendors
from proxy.storage.records import StoredResponse
from proxy.storage.sqlite.store import SqliteStore
from tests.project.pages.terminal import SHOWN_KEY, free_port, terminal, vendors_to_call
from tests.proxy.cli.conftest import Run

REQUEST = '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'
MINE = 'vendors: {kimi: {api_key: "${MOONSHOT_API_KEY}"}}\n'


@pytest.fixture(scope="module")
def vendors() -> Iterator[str]:
    with vendors_to_call() as environment:
        yield environment


def lay_store(path: Path, ids: list[str]) -> None:
    """Make a store that has these responses."""

    async def fill() -> None:
        store = SqliteStore(path)
        for id_ in ids:
            await store.responses.put("-", StoredResponse(id_, "completed", 0, 3e10, b"{}"))
        await store.aclose()

    asyncio.run(fill())


def shown(page: str) -> list[str]:
    """The examples on a page of help, without the words beside them."""
    block = page.partition("Examples:\n")[2].partition("\n\n")[0]
    return [re.split(r" {3,}", line.strip())[0] for line in block.splitlines() if line.strip()]


def examples_of(name: str) -> list[str]:
    """The examples of a command's epilog, or of the help of all."""
    epilog = (main if name == "" else main.commands[name]).epilog or ""
    return shown(with_vendors(epilog))


ALL = [(name, example) for name in ("", *main.commands) for example in examples_of(name)]


def test_every_command_has_an_example_and_its_help_shows_it(banjia: Run) -> None:
    for name in main.commands:
        page = banjia(name, "--help").stdout
        assert shown(page) == examples_of(name) != [], name


@pytest.mark.parametrize("example", list(dict.fromkeys(example for _, example in ALL)))
def test_an_example_runs(example: str, vendors: str, tmp_path: Path) -> None:
    with terminal(tmp_path, vendors) as reader:
        reader.run(f"export MOONSHOT_API_KEY={SHOWN_KEY}")
        for name, text in (("request.json", REQUEST), ("mine.yaml", MINE), ("other.yaml", MINE)):
            reader.write(name, text)
        if example.startswith("banjia state"):
            lay_store(tmp_path / "banjia.db", re.findall("resp_[0-9a-f]{32}", example))
            reader.run("export BANJIA_STORE__URL=sqlite:banjia.db")
        if "healthcheck" in example:
            assert reader.run("banjia serve").returncode == 0
        code = example.replace("…", SHOWN_KEY).replace("9000", str(free_port()))
        if example.startswith("banjia emulate") and "--port" not in example:
            code += " --port 0"  # the usual ones may be in use here
        done = reader.run(code)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
