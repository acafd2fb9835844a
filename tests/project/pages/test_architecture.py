"""docs/architecture.md names files, classes and functions that exist, and answers at least twenty questions."""

import ast
import re

import pytest

from tests.project.pages.documents import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"`((?:adapters|config|proxy|emulators|scripts|tests|bench)/[\w./]*)`", PAGE)))
ROW = re.compile(r"^\| (?P<question>[^|]+\?) \| `(?P<path>[\w./]+)` \| `(?P<name>[\w.]+)` \|$", re.MULTILINE)
INDEX = [row.groupdict() for row in ROW.finditer(PAGE)]


def defines(path: str, name: str) -> bool:
    """Whether a module defines this class, function, method or constant."""
    body: list[ast.stmt] = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    for part in name.split("."):
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == part:
                body = node.body
                break
            if isinstance(node, ast.AnnAssign | ast.Assign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(target, ast.Name) and target.id == part for target in targets):
                    break
        else:
            return False
    return True


@pytest.mark.parametrize("path", PATHS)
def test_each_file_that_the_page_names_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_index_has_twenty_questions_or_more() -> None:
    assert len({row["question"] for row in INDEX}) == len(INDEX) >= 20


@pytest.mark.parametrize("row", INDEX, ids=lambda row: str(row["name"]))
def test_each_answer_of_the_index_exists(row: dict[str, str]) -> None:
    assert defines(row["path"], row["name"])


def test_a_name_that_is_not_there_is_found_missing() -> None:
    assert defines("proxy/pipeline.py", "serve")
    assert not defines("proxy/pipeline.py", "serve_it")
    assert not defines("proxy/app_state.py", "AppState.restart")
