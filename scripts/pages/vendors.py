"""Lists of the vendors, for the READMEs and the pages that link to each vendor's page. The page's heading names the vendor."""

from collections.abc import Iterator
from pathlib import Path

from adapters.core.vendor import Vendor
from adapters.registry import VENDORS
from scripts.pages.table import table

PAGES = Path(__file__).parents[2] / "docs" / "vendors"


def readme() -> str:
    """Return the table of the English README."""
    return (
        "\n" + table(["vendor", "chat", "embeddings"], _rows("yes", "the vendor has none", "{link} ({maker})")) + "\n"
    )


def readme_zh() -> str:
    """Return the table of the Chinese README."""
    return "\n" + table(["厂商", "对话", "向量"], _rows("支持", "该厂商不提供", "{link}（英文）：{maker}")) + "\n"


def links() -> str:
    """Return links to the pages of all vendors, for a page in ``docs/``."""
    return ", ".join(f"[{_name(vendor)}](vendors/{vendor.name}.md)" for vendor in VENDORS) + "\n"


def _rows(yes: str, no: str, title: str) -> Iterator[list[str]]:
    """Yield a row for each vendor; ``title`` is the template of its first cell."""
    for vendor in VENDORS:
        link = f"[{_name(vendor)}](docs/vendors/{vendor.name}.md)"
        served = (yes if operation in vendor.operations else no for operation in ("chat", "embeddings"))
        yield [title.format(link=link, maker=_maker(vendor)), *served]


def _heading(vendor: Vendor) -> str:
    return (PAGES / f"{vendor.name}.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _name(vendor: Vendor) -> str:
    return _heading(vendor).partition(" (")[0]


def _maker(vendor: Vendor) -> str:
    return _heading(vendor).partition(" (")[2].removesuffix(")")
