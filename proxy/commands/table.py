"""Tables for a terminal."""

import os
import re
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import zip_longest

GAP = "  "
DEFAULT_WIDTH = 80
"""Columns of output that does not go to a terminal."""
WORD = re.compile(r"[^ +]+\+?|\+| +")
"""A piece of a cell; a line can break after it: a word, or a part of ``text+image``."""
PIECE = re.compile(r"[（“]?(?:[^\x00-\xff]|[^\s\u2e80-\uffff]+)[，。：；、）”？！]*\s*|\s+")
"""A piece of prose; a line can break after it: a word, or a Chinese character with the mark behind it."""


def terminal_width() -> int:
    """Return the columns of the output: ``COLUMNS`` if set, else those of the terminal, else 80 (a pipe, a file)."""
    return shutil.get_terminal_size(fallback=(DEFAULT_WIDTH, 24)).columns if _width_is_known() else DEFAULT_WIDTH


def _width_is_known() -> bool:
    """Whether ``COLUMNS`` or a terminal defines the width; ``get_terminal_size`` reads the original standard output."""
    if os.environ.get("COLUMNS", "").isdecimal() and int(os.environ["COLUMNS"]) > 0:
        return True
    try:
        return os.isatty(1)
    except OSError:
        return False


def table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int = 0) -> Iterator[str]:
    """Yield the rows with their columns aligned.

    Columns beyond ``width`` continue in a second table with the same first column; 0 is no limit.
    """
    widths = [max(map(display_width, column)) for column in zip(head, *rows, strict=True)]
    for columns in _column_groups(widths, width):
        for row in (head, *rows):
            yield _aligned([row[at] for at in columns], [widths[at] for at in columns])
        if columns[-1] != len(head) - 1:
            yield ""


def _aligned(texts: Sequence[str], widths: Sequence[int]) -> str:
    """Return one line of a table: each text padded to the width of its column."""
    return GAP.join(
        text + " " * (width - display_width(text)) for text, width in zip(texts, widths, strict=True)
    ).rstrip()


def fit_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int, foldable: Sequence[int]
) -> Iterator[list[str]]:
    """Yield the head, then each row, each as a list of lines of ``width`` columns (0: no limit).

    Folds the columns ``foldable`` if the table is too wide. If that is not enough, puts the other cells below the first
    one, each after the name of its column. Cuts no word: a word wider than ``width`` makes a longer line.
    """
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(display_width, column)) for column in columns]
    min_widths = [
        max(_longest_piece(cell) for cell in columns[at]) if at in foldable else widths[at] for at in range(len(head))
    ]
    spare = width - len(GAP) * (len(head) - 1)
    while width and sum(widths) > spare:
        candidates = [at for at in foldable if widths[at] > min_widths[at]]
        if not candidates:
            yield from _stacked(head, rows, width)
            return
        widths[max(candidates, key=lambda at: widths[at])] -= 1
    for row in (head, *rows):
        cells = [fold_cell(cell, widths[at]) if at in foldable else [cell] for at, cell in enumerate(row)]
        yield [_aligned(texts, widths) for texts in zip_longest(*cells, fillvalue="")]


def _stacked(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[list[str]]:
    """Yield the first cell of each row, and below it the others, each after the name of its column."""
    yield [head[0]]
    for row in rows:
        folded_row = "; ".join(f"{name} {cell}" for name, cell in zip(head[1:], row[1:], strict=True))
        yield [row[0], *(f"    {line}" for line in fold_cell(folded_row, width - 4))]


def fold_cell(text: str, width: int) -> list[str]:
    """Return the text in lines of at most ``width`` columns, broken at spaces and after ``+``, never inside a word."""
    return _join_pieces(WORD.findall(text), width)


def wrap_prose(text: str, width: int) -> list[str]:
    """Return prose in lines of at most ``width`` columns; Chinese breaks between any characters, but not before a mark."""
    return _join_pieces(PIECE.findall(text), width)


def _join_pieces(pieces: Sequence[str], width: int) -> list[str]:
    """Join pieces to lines of at most ``width`` columns; a piece keeps its spaces unless it ends or begins a line."""
    lines = [""]
    for piece in pieces:
        if lines[-1] and display_width(lines[-1] + piece.rstrip()) > width:
            lines.append(piece.lstrip())
        else:
            lines[-1] += piece
    return [line.rstrip() for line in lines]


def _longest_piece(cell: str) -> int:
    return max((display_width(piece) for piece in WORD.findall(cell)), default=0)


def _column_groups(widths: Sequence[int], width: int) -> Iterator[list[int]]:
    """Yield the indices of the columns of each table; the first column is in all of them."""
    part, used = [0], widths[0]
    for at in range(1, len(widths)):
        if width and len(part) > 1 and used + len(GAP) + widths[at] > width:
            yield part
            part, used = [0], widths[0]
        part.append(at)
        used += len(GAP) + widths[at]
    yield part


def display_width(text: str) -> int:
    """Return the number of terminal columns of a text; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
