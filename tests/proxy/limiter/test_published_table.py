"""The table of docs/limits.md matches ``python -m bench.limits``, for the rows that are fast to simulate."""

from pathlib import Path

import pytest

from bench.limits.__main__ import Row, table
from bench.limits.models import MODELS

PAGE = Path(__file__).parents[3] / "docs" / "limits.md"
PUBLISHED = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if " | " in line]
QUICK_ANSWERS = 600
"""With eight clients, rows of at most so many answers take a fraction of a second."""


def quick() -> list[tuple[str, int]]:
    """The rows of one client, and the short ones of eight."""
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in PUBLISHED]
    names = {model.name for model in MODELS}
    return [
        (row[0], int(row[1]))
        for row in rows
        if row[0] in names and (row[1] == "1" or (row[1] == "8" and int(row[2].replace(",", "")) <= QUICK_ANSWERS))
    ]


@pytest.mark.parametrize(("name", "clients"), quick())
def test_a_row_of_the_published_table_is_what_the_limiter_reaches(name: str, clients: int) -> None:
    [model] = [model for model in MODELS if model.name == name]
    row = table([Row(model, clients, call_s=0.2, seed=1)]).splitlines()[-1]
    assert row in PUBLISHED


def test_every_model_has_a_published_row() -> None:
    assert {name for name, clients in quick() if clients == 1} == {model.name for model in MODELS}
