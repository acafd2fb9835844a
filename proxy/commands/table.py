"""Tables for a terminal."""

import os
import shutil
import unicodedata
from collections.abc import Iterator, Sequence

GAP = "  "


def terminal_width() -> int:
    """The columns of the terminal, or of COLUMNS; 0 where there is none, as in a pipe or a file."""
    try:
        return shutil.get_terminal_size(fallback=(0, 0)).columns if os.isatty(1) or os.environ.get("COLUMNS") else 0
    except OSError:
        return 0


def table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int = 0) -> Iterator[str]:
    """The rows with their columns aligned.

    What is wider than ``width`` goes on in a second table with the same first column; 0 is no limit.
    """
    widths = [max(map(wide, column)) for column in zip(head, *rows, strict=True)]
    for columns in _parts(widths, width):
        for row in (head, *rows):
            cells = [row[at] + " " * (widths[at] - wide(row[at])) for at in columns]
            yield GAP.join(cells).rstrip()
        if columns[-1] != len(head) - 1:
            yield ""


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
