"""The parts of the documentation that are made from the code: ``scripts/docs`` writes them, a test compares them.

A page is written by hand around its made parts. Each stands between two comments, of which the first names it.
``catalogs`` makes the JSON file of all catalogs, which the program and some of the parts read.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from scripts.pages import catalogs, codes, configuration, migration, vendor_errors, verdicts

DOCS = Path(__file__).parents[2] / "docs"
PART = re.compile(r"<!-- made by scripts/docs: (?P<name>[a-z-]+) -->\n(?P<text>.*?)<!-- end -->", re.DOTALL)

PARTS: Mapping[str, Callable[[], str]] = {
    "configuration": configuration.text,
    "key-order": configuration.key_order,
    "verdict-matrix": verdicts.matrix_text,
    "verdicts": verdicts.text,
    "vendor-errors": vendor_errors.text,
    "stand-ins": migration.stand_ins,
    "vectors": migration.vectors,
    "json": migration.json_modes,
    "error-codes-en": lambda: codes.text("errors", "en"),
    "error-codes-zh": lambda: codes.text("errors", "zh"),
    "start-codes-en": lambda: codes.text("start", "en"),
    "start-codes-zh": lambda: codes.text("start", "zh"),
}
"""What makes each part, by its name."""


def filled(page: str) -> str:
    """A page with its made parts as the code gives them today. Raises KeyError for a part that nothing makes."""
    return PART.sub(
        lambda part: f"<!-- made by scripts/docs: {part['name']} -->\n{PARTS[part['name']]()}<!-- end -->", page
    )


def pages() -> Iterator[Path]:
    """The pages that have a made part."""
    for path in sorted(DOCS.rglob("*.md")):
        if PART.search(path.read_text(encoding="utf-8")):
            yield path


def names(page: str) -> Sequence[str]:
    """The made parts of a page."""
    return [part["name"] for part in PART.finditer(page)]


def write() -> None:
    """Write the catalogs as JSON, then the made parts of the pages, which are made from them among others.

    Raises ConfigError for a mistake in a catalog; nothing is written then.
    """
    catalogs.write()
    for path in pages():
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
