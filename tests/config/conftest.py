"""Fixtures for tests of the configuration."""

import datetime
from typing import Any

import pytest

from adapters import registry
from adapters.vendors.kimi.table import KIMI
from adapters.vendors.qwen import QWEN
from config.catalog import models as catalog
from config.catalog.models import Catalog, ModelRow, StandIn

ROWS: dict[str, dict[str, Any]] = {
    "kimi": {"kimi-k2.6": None, "kimi-k2.5": (datetime.date(2026, 8, 31), "kimi-k2.6"), "kimi-k3": (datetime.date(2099, 1, 1), None)},
    "qwen": {"qwen-plus": None},
}  # fmt: skip


@pytest.fixture
def two_vendors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two vendors with small catalogs, so that messages do not depend on the shipped catalogs."""

    def load(vendor: str) -> Any:
        rows = [
            ModelRow(id=id_, retired=gone and gone[0], successor=gone and gone[1], confidence="high")
            for id_, gone in ROWS[vendor].items()
        ]
        stand_ins = {"gpt-*": StandIn(model=rows[0].id)}
        return Catalog(vendor=vendor, read=datetime.date(2026, 11, 1), models=rows, stand_ins=stand_ins)

    monkeypatch.setattr(registry, "VENDORS", (QWEN, KIMI))
    monkeypatch.setattr(registry, "BY_NAME", {"qwen": QWEN, "kimi": KIMI})
    monkeypatch.setattr(catalog, "load", load)
