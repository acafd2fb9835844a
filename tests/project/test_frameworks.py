"""The versions on the page on clients are the locked ones."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "clients.md").read_text()
APPS_ON_NODE = sorted((ROOT / "tests" / "clients" / "apps" / "node").iterdir())


def pinned(name: str, package: str) -> str:
    """The locked version of a package."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    found = re.search(rf"^{re.escape(package)}==(\S+)", text, re.MULTILINE)
    assert found, package
    return found[1]


PYTHON = ["langchain-openai", "openai", "llama-index-llms-openai", "llama-index-embeddings-openai", "instructor"]


@pytest.mark.parametrize("age", ["2024", "now"])
@pytest.mark.parametrize("package", PYTHON)
def test_the_page_names_the_versions_that_run(package: str, age: str) -> None:
    assert pinned(f"frameworks-{age}", package) in PAGE


NODE = [
    "tests/clients/openai_tests",
    "tests/clients/frameworks/node",
    *(f"tests/clients/apps/node/{path.name}" for path in APPS_ON_NODE),
]


@pytest.mark.parametrize("folder", NODE)
def test_what_runs_on_node_is_locked_by_hash_names_no_host_and_is_on_the_page(folder: str) -> None:
    wanted = json.loads((ROOT / folder / "package.json").read_text())["dependencies"]
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    assert packages.pop("")["dependencies"] == wanted
    for name, about in packages.items():
        assert about["integrity"].startswith("sha512-"), name
        assert "resolved" not in about, name
    for name, version in wanted.items():
        assert packages[f"node_modules/{name}"]["version"] == version
        assert version in PAGE or name == "zod", name
