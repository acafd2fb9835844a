"""The error page has every code that banjia can answer with, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.core.failures import ERROR_TABLE
from proxy import errors
from tests.project.pages.documents import ROOT, anchors

PAGE = ROOT / "docs" / "errors.md"
SECTIONS = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL))
CLASSES = {
    name: found
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, errors.ProxyError)
}
RAISED = {*CLASSES, "Invalid", "Refused"}
"""What an error is made by, in the front and in the tables: of the last two, the third argument is the code."""


def codes_in(path: Path) -> Iterator[str]:
    """The codes that a file gives to the errors that it makes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED:
            given = [*node.args[2:3], *(keyword.value for keyword in node.keywords if keyword.arg == "code")]
            yield from (str(value.value) for value in given if isinstance(value, ast.Constant) and value.value)


def codes() -> set[str]:
    """Every code there is."""
    written = {
        code for part in ("proxy", "adapters") for path in (ROOT / part).rglob("*.py") for code in codes_in(path)
    }
    classes = {found.code for found in CLASSES.values()}
    return {code for code in written | classes | {row.code for row in ERROR_TABLE.values()} if code}


def test_the_codes_are_found_wherever_they_are_written() -> None:
    assert {"invalid_type", "invalid_api_key", "server_shutting_down", "upstream_idle_timeout"} <= codes()
    assert {"unsupported_parameter", "unsupported_value", "missing_required_parameter"} <= codes()


def test_every_code_has_an_anchor_and_every_anchor_is_a_code() -> None:
    assert SECTIONS.keys() == codes()
    assert anchors(PAGE) >= codes()


@pytest.mark.parametrize("code", sorted(SECTIONS))
def test_the_text_of_a_code_has_its_status_its_cause_and_its_cure(code: str) -> None:
    statuses = {row.status for row in ERROR_TABLE.values() if row.code == code}
    statuses |= {found.status for found in CLASSES.values() if found.code == code}
    [reported] = re.findall(r"^\*\*(\d{3})", SECTIONS[code].strip())
    assert not statuses or int(reported) in statuses
    assert len(SECTIONS[code].split()) > 12


def test_every_code_of_the_table_is_one_and_every_code_is_in_the_table() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## Code by code")[0]
    cells = [row.split("|")[2] for row in re.findall(r"^\| \d{3} .*$", table, re.MULTILINE)]
    assert {code for cell in cells for code in re.findall(r"`(\w+)`", cell)} - {"null"} == codes()
