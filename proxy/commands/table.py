"""Tables for a terminal."""

import os
import re
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import zip_longest

GAP = "  "
DEFAULT = 80
"""The columns of output that is no terminal's."""
WORD = re.compile(r"[^ +]+\+?|\+| +")
"""A piece that a line can end after: a word, or a part of ``text+image``."""
PIECE = re.compile(r"[（“]?(?:[^\x00-\xff]|[^\s\u2e80-\uffff]+)[，。：；、）”？！]*\s*|\s+")
"""A piece of prose that a line can end after: a word, or a Chinese character with the mark behind it."""


def terminal_width() -> int:
    """The columns to print in: ``COLUMNS`` if it is set, else those of the terminal, else 80 (a pipe, a file)."""
    return shutil.get_terminal_size(fallback=(DEFAULT, 24)).columns if _sized() else DEFAULT


def _sized() -> bool:
    """Whether something says how wide the output is: ``get_terminal_size`` asks the process's first standard output."""
    if os.environ.get("COLUMNS", "").isdecimal() and int(os.environ["COLUMNS"]) > 0:
        return True
    try:
        return os.isatty(1)
    except OSError:
        return False


def table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int = 0) -> Iterator[str]:
    """The rows with their columns aligned.

    What is wider than ``width`` goes on in a second table with the same first column; 0 is no limit.
    """
    widths = [max(map(wide, column)) for column in zip(head, *rows, strict=True)]
    for columns in _parts(widths, width):
        for row in (head, *rows):
            yield _aligned([row[at] for at in columns], [widths[at] for at in columns])
        if columns[-1] != len(head) - 1:
            yield ""


def _aligned(texts: Sequence[str], widths: Sequence[int]) -> str:
    """One line of a table: each text padded to the width of its column."""
    return GAP.join(text + " " * (width - wide(text)) for text, width in zip(texts, widths, strict=True)).rstrip()


def fitted(head: Sequence[str], rows: Sequence[Sequence[str]], width: int, fold: Sequence[int]) -> Iterator[list[str]]:
    """The head, then each row, as the lines that it takes in ``width`` columns (0: no limit).

    The columns of ``fold`` are folded where that is needed. Where it does not suffice the other cells stand below the
    first one, each after the name of its column. No word is cut: one that is wider than ``width`` makes a longer line.
    """
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(wide, column)) for column in columns]
    least = [max(_longest(cell) for cell in columns[at]) if at in fold else widths[at] for at in range(len(head))]
    spare = width - len(GAP) * (len(head) - 1)
    while width and sum(widths) > spare:
        candidates = [at for at in fold if widths[at] > least[at]]
        if not candidates:
            yield from _stacked(head, rows, width)
            return
        widths[max(candidates, key=lambda at: widths[at])] -= 1
    for row in (head, *rows):
        cells = [folded(cell, widths[at]) if at in fold else [cell] for at, cell in enumerate(row)]
        yield [_aligned(texts, widths) for texts in zip_longest(*cells, fillvalue="")]


def _stacked(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[list[str]]:
    """The first cell of each row, and below it the others, each after the name of its column."""
    yield [head[0]]
    for row in rows:
        folded_row = "; ".join(f"{name} {cell}" for name, cell in zip(head[1:], row[1:], strict=True))
        yield [row[0], *(f"    {line}" for line in folded(folded_row, width - 4))]


def folded(text: str, width: int) -> list[str]:
    """The text in lines of at most ``width`` columns, broken at spaces and after ``+``; a longer word stays whole."""
    return _calls(WORD.findall(text), width)


def wrapped(text: str, width: int) -> list[str]:
    """Prose in lines of at most ``width`` columns: Chinese may break between any two characters, but not before a mark."""
    return _calls(PIECE.findall(text), width)


def _calls(pieces: Sequence[str], width: int) -> list[str]:
    """Join pieces to lines of at most ``width`` columns; a piece keeps its spaces unless it ends or begins a line."""
    lines = [""]
    for piece in pieces:
        if lines[-1] and wide(lines[-1] + piece.rstrip()) > width:
            lines.append(piece.lstrip())
        else:
            lines[-1] += piece
    return [line.rstrip() for line in lines]


def _longest(cell: str) -> int:
    return max((wide(piece) for piece in WORD.findall(cell)), default=0)


def _parts(widths: Sequence[int], width: int) -> Iterator[list[int]]:
    """Which columns stand side by side."""
    part, used = [0], widths[0]
    for at in range(1, len(widths)):
        if width and len(part) > 1 and used + len(GAP) + widths[at] > width:
            yield part
            part, used = [0], widths[0]
        part.append(at)
        used += len(GAP) + widths[at]
    yield part


def wide(text: str) -> int:
    """The columns that a text takes: Chinese letters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
