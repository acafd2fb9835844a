"""Lists of the vendors, for the READMEs and the pages that link to each vendor's page. The page's heading names the vendor."""

from collections.abc import Iterator
from pathlib import Path

from adapters.core.vendor import Vendor
from adapters.registry import VENDORS
from proxy.commands.vendors import WHOLE_VENDORS
from scripts.pages.table import table

PAGES = Path(__file__).parents[2] / "docs" / "vendors"


def readme() -> str:
    """Return the table of the English README."""
    rows = [
        *_rows("yes", "the vendor has none", "{link} ({maker})"),
        [f"[Presets](docs/vendors/presets.md) ({_presets()})", "yes", "most of them"],
    ]
    return "\n" + table(["vendor", "chat", "embeddings"], rows) + "\n"


def readme_zh() -> str:
    """Return the table of the Chinese README."""
    rows = [
        *_rows("支持", "该厂商不提供", "{link}（英文）：{maker}"),
        [f"[预设](docs/zh/vendors/presets.md)：{_presets()}", "支持", "多数支持"],
    ]
    return "\n" + table(["厂商", "对话", "向量"], rows) + "\n"


def links() -> str:
    """Return links to the pages of all vendors, for a page in ``docs/``."""
    pages = [f"[{_name(vendor)}](vendors/{vendor.name}.md)" for vendor in WHOLE_VENDORS]
    return ", ".join([*pages, "[presets for other servers](vendors/presets.md)"]) + "\n"


def _presets() -> str:
    """Return the titles of all presets, for the one row that they share."""
    return ", ".join(vendor.title for vendor in VENDORS if vendor.preset)


def _rows(yes: str, no: str, title: str) -> Iterator[list[str]]:
    """Yield a row for each vendor; ``title`` is the template of its first cell."""
    for vendor in WHOLE_VENDORS:
        link = f"[{_name(vendor)}](docs/vendors/{vendor.name}.md)"
        served = (yes if operation in vendor.operations else no for operation in ("chat", "embeddings"))
        yield [title.format(link=link, maker=_maker(vendor)), *served]


def _heading(vendor: Vendor) -> str:
    return (PAGES / f"{vendor.name}.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _name(vendor: Vendor) -> str:
    return _heading(vendor).partition(" (")[0]


def _maker(vendor: Vendor) -> str:
    return _heading(vendor).partition(" (")[2].removesuffix(")")
