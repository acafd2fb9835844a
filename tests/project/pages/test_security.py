"""The threat model names existing tests for each threat."""

import re

import pytest

from tests.project.pages.documents import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
THREATS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.count(" | ") == 2 and "](" in line]


def held_by(cell: str) -> list[tuple[str, str]]:
    """The links of a cell: what they say, where they lead."""
    return re.findall(r"\[([^\]]+)\]\(([^)]+)\)", cell)


def test_there_are_threats() -> None:
    assert len(THREATS) >= 20
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and " | tested by |" not in line]
    assert len(THREATS) == len([row for row in rows if row.count(" | ") == 2])


@pytest.mark.parametrize("row", THREATS, ids=lambda row: row[0])
def test_each_statement_about_a_threat_is_checked_by_a_test(row: list[str]) -> None:
    links = held_by(row[2])
    assert links
    for name, path in links:
        assert re.fullmatch(r"tests/(\w+/)*test_\w+\.py|scripts/extra/\w+\.sh", path), path
        assert path.rpartition("/")[2] == name
        assert (ROOT / path).is_file(), path


def test_unsupported_features_are_listed_too() -> None:
    _, _, rest = PAGE.partition("## What it does not do")
    assert len(re.findall(r"^- \*\*", rest, re.MULTILINE)) >= 8
