"""The page of guarantees names existing tests, and has a test for each guarantee."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.project.pages.documents import ROOT

PAGE = ROOT / "docs" / "reliability.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
UNHELD = ("Metrics are not kept on disk",)
"""Promises that say what is not there."""


@cache
def found_in(path: Path) -> set[str]:
    """The names of a file's tests."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_test_that_a_promise_names_exists() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(named) > 80
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).is_file() or (name and name not in found_in(ROOT / file))
    ]
    assert missing == []


def test_every_promise_names_a_test() -> None:
    rows = re.findall(r"^\| (?!promise|figure|---)(.+?) \| (.*)\|$", before_chaos(), re.MULTILINE)
    assert len(rows) > 40
    assert [promise for promise, held in rows if not NAMED.search(held) and not promise.startswith(UNHELD)] == []


def before_chaos() -> str:
    """Return the page up to the chaos run, which is a separate test."""
    return PAGE.read_text(encoding="utf-8").partition("## The chaos run")[0]


def test_the_place_of_the_chaos_report_is_marked() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("<!-- chaos report -->") == text.count("<!-- end of the chaos report -->") == 1
