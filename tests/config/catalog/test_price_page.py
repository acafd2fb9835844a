"""The price page agrees with the catalogs."""

from pathlib import Path

import pytest

from adapters.registry import BY_CATALOG
from config.catalog import models as catalog
from config.catalog.models import PricePage
from scripts.pages import prices as price_page


def test_the_published_page_is_the_one_of_the_catalogs() -> None:
    assert price_page.FILE.read_text(encoding="utf-8") == price_page.text(), "run: python -m scripts.pages.prices"


@pytest.mark.parametrize(
    "row",
    [
        "| Kimi | `moonshot-v1-8k` | 12 | 12 | 2024-06-30 | medium |",
        "| Qwen | `qwen-long` | 0.5 | 2 | 2024-05-21 | high |",
        "| ERNIE | `ernie-speed-8k` | 0 | 0 | 2024-05-21 | medium |",
        "| Hunyuan | `hunyuan-pro` | 30 | 100 | 2024-05-22 | medium |",
        "| Kimi | `kimi-k2.6` | — | 6.5 | 1.1 | 27 | | 2026-09-01 | high |",
        "| Qwen | `qwen-plus` | up to 131,072 | 0.8 | 0.16 | 2 | 8 | 2026-06-30 | medium |",
        "| Hunyuan | `hy3` | up to 16,000 | 1.2 | 0.4 | 4 | | 2026-11-22 | low |",
    ],
)
def test_it_lists_the_prices_of_the_vendors_main_models(row: str) -> None:
    assert row in price_page.text().splitlines()


def test_a_model_without_a_price_is_not_shown_as_one_that_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    qwen = catalog.load("qwen")
    shown = qwen.model_copy(update={"price_page": PricePage(today=["qwen3.8-max"])})
    monkeypatch.setattr(catalog, "load", {**{name: catalog.load(name) for name in BY_CATALOG}, "qwen": shown}.get)
    with pytest.raises(KeyError, match=r"qwen3\.8-max has no price"):
        price_page.text()


def test_a_vendor_is_on_the_page_if_its_catalog_names_models_for_it() -> None:
    for name, vendor in BY_CATALOG.items():
        models = catalog.load(name).price_page
        for model in {*models.july_2024, *models.today}:
            assert f"| {vendor.title} | `{model}` |" in price_page.text()


def test_a_price_of_peak_hours_has_a_row_after_the_usual_one() -> None:
    lines = price_page.text().splitlines()
    usual = lines.index("| DeepSeek | `deepseek-flash` | — | 1 | 0.02 | 4 | | 2026-09-10 | high |")
    assert lines[usual + 1] == "| DeepSeek | `deepseek-flash` | peak hours | 2 | 0.04 | 8 | | 2026-09-10 | high |"


def test_the_page_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    price_page.write(tmp_path / "prices.md")
    assert (tmp_path / "prices.md").read_text(encoding="utf-8") == price_page.text()
