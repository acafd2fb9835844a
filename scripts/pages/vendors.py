"""Lists of the vendors, for the READMEs and the pages that link to each vendor's page. The page's heading names the vendor."""

from collections.abc import Iterator
from pathlib import Path

from adapters.core.vendor import Vendor
from adapters.registry import VENDORS
from scripts.pages.table import table

PAGES = Path(__file__).parents[2] / "docs" / "vendors"
PAGES_ZH = PAGES.parent / "zh" / "vendors"
"""The Chinese pages of the vendors that have one."""


def readme() -> str:
    """Return the table of the English README."""
    return (
        "\n" + table(["vendor", "chat", "embeddings"], _rows("yes", "the vendor has none", "{link} ({maker})")) + "\n"
    )


def readme_zh() -> str:
    """Return the table of the Chinese README."""
    return "\n" + table(["厂商", "对话", "向量"], _rows("支持", "该厂商不提供", "{link}：{maker}", chinese=True)) + "\n"


def links() -> str:
    """Return links to the pages of all vendors, with their Chinese pages, for a page in ``docs/``."""
    return ", ".join(map(_links, VENDORS)) + "\n"


def _links(vendor: Vendor) -> str:
    chinese = _chinese_name(vendor)
    link = f"[{_name(vendor)}](vendors/{vendor.name}.md)"
    return f"{link} · [{chinese}](zh/vendors/{vendor.name}.md)" if chinese else link


def _rows(yes: str, no: str, title: str, *, chinese: bool = False) -> Iterator[list[str]]:
    """Yield a row for each vendor; ``title`` is the template of its first cell. ``chinese``: with links to Chinese pages."""
    for vendor in VENDORS:
        own_name = _chinese_name(vendor) if chinese else ""
        if own_name:
            link = f"[{own_name}](docs/zh/vendors/{vendor.name}.md)"
        else:
            link = f"[{_name(vendor)}](docs/vendors/{vendor.name}.md)" + ("（英文）" if chinese else "")
        served = (yes if operation in vendor.operations else no for operation in ("chat", "embeddings"))
        yield [title.format(link=link, maker=_maker(vendor)), *served]


def _heading(vendor: Vendor) -> str:
    return (PAGES / f"{vendor.name}.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _chinese_name(vendor: Vendor) -> str:
    """Return the name in the heading of the vendor's Chinese page; empty if it has none."""
    page = PAGES_ZH / f"{vendor.name}.md"
    if not page.is_file():
        return ""
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").partition("（")[0]


def _name(vendor: Vendor) -> str:
    return _heading(vendor).partition(" (")[0]


def _maker(vendor: Vendor) -> str:
    return _heading(vendor).partition(" (")[2].removesuffix(")")
