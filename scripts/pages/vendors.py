"""Lists of the vendors, for the READMEs and the pages that link to each vendor's page. The page's heading names the vendor."""

from collections.abc import Iterator
from pathlib import Path

from adapters.core.vendor import Vendor
from adapters.registry import VENDORS
from proxy.commands.vendors import WHOLE_VENDORS
from scripts.pages.table import table

DOCS = Path(__file__).parents[2] / "docs"


def readme() -> str:
    """Return the table of the English README."""
    rows = [
        *_rows("yes", "the vendor has none", "[{name}](docs/vendors/{page}) ({maker})"),
        [f"[Presets](docs/vendors/presets.md) ({_presets()})", "yes", "most of them"],
    ]
    return "\n" + table(["vendor", "chat", "embeddings"], rows) + "\n"


def readme_zh() -> str:
    """Return the table of the Chinese README."""
    rows = [
        *_rows(
            "支持",
            "该厂商不提供",
            "[{name}](docs/vendors/{page})（英文）：{maker}",
            "[{name}](docs/zh/vendors/{page})：{maker}",
        ),
        [f"[预设](docs/zh/vendors/presets.md)：{_presets()}", "支持", "多数支持"],
    ]
    return "\n" + table(["厂商", "对话", "向量"], rows) + "\n"


def links() -> str:
    """Return links to the pages of all vendors, for a page in ``docs/``."""
    pages = [f"[{_name(vendor)}](vendors/{vendor.name}.md){_chinese_link(vendor)}" for vendor in WHOLE_VENDORS]
    return ", ".join([*pages, "[presets for other servers](vendors/presets.md) · [中文](zh/vendors/presets.md)"]) + "\n"


def _presets() -> str:
    """Return the titles of all presets, for the one row that they share."""
    return ", ".join(str(vendor.title) for vendor in VENDORS if vendor.preset)


def _chinese_link(vendor: Vendor) -> str:
    return f" · [中文](zh/vendors/{vendor.name}.md)" if _has_chinese_page(vendor) else ""


def _has_chinese_page(vendor: Vendor) -> bool:
    return (DOCS / "zh" / "vendors" / f"{vendor.name}.md").exists()


def _rows(yes: str, no: str, title: str, chinese: str | None = None) -> Iterator[list[str]]:
    """Yield a row for each vendor; ``title`` is the template of its first cell, ``chinese`` that of one with a Chinese page."""
    for vendor in WHOLE_VENDORS:
        template = chinese if chinese is not None and _has_chinese_page(vendor) else title
        served = (yes if operation in vendor.operations else no for operation in ("chat", "embeddings"))
        yield [template.format(name=_name(vendor), page=f"{vendor.name}.md", maker=_maker(vendor)), *served]


def _heading(vendor: Vendor) -> str:
    return (DOCS / "vendors" / f"{vendor.name}.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _name(vendor: Vendor) -> str:
    return _heading(vendor).partition(" (")[0]


def _maker(vendor: Vendor) -> str:
    return _heading(vendor).partition(" (")[2].removesuffix(")")
