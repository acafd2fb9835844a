"""The generated parts of the documentation: ``scripts/docs`` writes them, a test compares them with the code.

The rest of a page is written by hand. Each generated part is between two comments, and the first comment names it.
``catalogs`` makes the JSON file of all catalogs, which the program and some of the parts read.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from config.catalog import models
from scripts.pages import catalogs, codes, configuration, migration, vendor_errors, vendors, verdicts

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PART = re.compile(r"<!-- made by scripts/docs: (?P<name>[a-z-]+) -->\n(?P<text>.*?)<!-- end -->", re.DOTALL)

PARTS: Mapping[str, Callable[[], str]] = {
    "configuration": configuration.text,
    "key-order": configuration.key_order,
    "verdict-matrix": verdicts.matrix_text,
    "verdicts": verdicts.text,
    "vendor-errors": vendor_errors.text,
    "vendors": vendors.readme,
    "vendors-zh": vendors.readme_zh,
    "vendor-links": vendors.links,
    "stand-ins": migration.stand_ins,
    "vectors": migration.vectors,
    "json": migration.json_modes,
    "error-codes-en": lambda: codes.text("errors", "en"),
    "error-codes-zh": lambda: codes.text("errors", "zh"),
    "start-codes-en": lambda: codes.text("start", "en"),
    "start-codes-zh": lambda: codes.text("start", "zh"),
}
"""The function that generates each part, by the part's name."""


def filled(page: str) -> str:
    """Return a page with its generated parts up to date. Raises KeyError for an unknown part."""
    return PART.sub(
        lambda part: f"<!-- made by scripts/docs: {part['name']} -->\n{PARTS[part['name']]()}<!-- end -->", page
    )


def pages() -> Iterator[Path]:
    """Return the pages with a generated part."""
    for path in (*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))):
        if PART.search(path.read_text(encoding="utf-8")):
            yield path


def names(page: str) -> Sequence[str]:
    """Return the generated parts of a page."""
    return [part["name"] for part in PART.finditer(page)]


def write() -> None:
    """Write the catalogs as JSON, then the generated parts of the pages, some of which read the JSON.

    Raises ConfigError for a mistake in a catalog; nothing is written then.
    """
    catalogs.write()
    models.read_again()
    for path in pages():
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
