"""Warnings of ``banjia check`` for models that their vendor has retired or will retire, as targets and as stand-ins."""

import datetime
from pathlib import Path
from typing import Any

import pytest

from config.catalog import models as catalog
from config.catalog.models import Catalog, ModelRow
from config.deprecations import describe_retirement, stand_ins
from tests.config.config_file import loaded

TODAY = datetime.date(2026, 11, 22)
REAL = catalog.load
BOTH = "vendors:\n  qwen: {api_key: q}\n  kimi: {api_key: k}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Marks a model of a catalog as retired, or about to retire."""

    def mark(model: str, **reported: Any) -> None:
        def load(vendor: str) -> Catalog:
            cat = REAL(vendor)
            rows = [row.model_copy(update=reported) if row.id == model else row for row in cat.models]
            return Catalog(**{**{key: getattr(cat, key) for key in Catalog.model_fields}, "models": rows})

        monkeypatch.setattr(catalog, "load", load)

    return mark


def warnings_of(text: str) -> list[str]:
    return [str(warning) for warning in loaded(text).warnings]


@pytest.mark.parametrize(
    ("reported", "words"),
    [
        ({}, ""),
        ({"retired": TODAY}, "was retired on 2026-11-22"),
        ({"retired": datetime.date(2026, 11, 23)}, "will be retired on 2026-11-23"),
        ({"retiring": True}, "will be retired, on a date not announced yet"),
    ],
)
def test_a_model_stays_is_gone_or_will_be(reported: dict[str, Any], words: str) -> None:
    assert describe_retirement(ModelRow(id="a", confidence="low", **reported), TODAY) == words


def test_a_target_that_retires_on_an_unknown_day_is_a_warning_with_its_replacement() -> None:
    text = "vendors:\n  ernie: {api_key: e}\nmodels:\n  a: ernie/ernie-x1.1\n"
    assert warnings_of(text) == [
        "banjia.yaml:4:6: models.a: ernie-x1.1 will be retired, on a date not announced yet; expected ernie/ernie-5.1"
    ]


def test_a_target_that_is_to_go_on_a_day_to_come_is_a_warning_with_the_day(without: Any) -> None:
    without("kimi-k2.6", retired=datetime.date(2099, 1, 1), successor="kimi-k3")
    assert warnings_of("vendors:\n  kimi: {api_key: k}\nmodels:\n  a: kimi/kimi-k2.6\n")[1] == (
        "banjia.yaml:4:6: models.a: kimi-k2.6 will be retired on 2099-01-01; expected kimi/kimi-k3"
    )


def test_stand_ins_that_are_gone_are_one_warning_at_the_vendor_with_what_to_write(without: Any) -> None:
    without("qwen3.6-flash", retired=datetime.date(2026, 11, 1), successor="qwen-flash")
    (reported,) = warnings_of(BOTH)
    assert reported == (
        "banjia.yaml:2:3: vendors.qwen: qwen3.6-flash, the stand-in for gpt-4o-mini and 15 more names, was retired on "
        "2026-11-01; expected qwen/qwen-flash for gpt-4o-mini in models"
    )


def test_stand_ins_whose_names_are_all_in_models_are_not_in_use(without: Any) -> None:
    without("text-embedding-v4", retired=datetime.date(2026, 11, 1), successor="text-embedding-v3")
    row = "{target: qwen/text-embedding-v3, set: {dimensions: 1024}}"
    text = BOTH + f"models:\n  text-embedding-ada-002: {row}\n  'text-embedding-3*': {row}\n"
    assert warnings_of(text) == []
    assert "for text-embedding-3-large, was" in warnings_of(text.replace("3*", "3-s*"))[0]


def test_a_stand_in_of_a_vendor_further_back_is_in_use_unless_failover_is_off(without: Any) -> None:
    without("kimi-k2.6", retired=datetime.date(2026, 11, 1), successor="kimi-k3")
    settings = loaded(BOTH).settings
    assert [len(fading.names) > 40 for fading in stand_ins(settings)] == [True]
    off = loaded(BOTH + "policy: {failover: off}\n").settings
    assert {name for fading in stand_ins(off) for name in fading.names} <= {"gpt-4.1-*"}


def test_the_forms_of_a_name_in_models_are_not_in_use(without: Any) -> None:
    without("qwen3.6-flash", retired=datetime.date(2026, 11, 1), successor="qwen-flash")
    names = ["gpt-4o-mini", "gpt-4.1-mini", "gpt-4.1-nano", "o1-mini", "o3-mini", "o4-mini", "gpt-5-mini", "gpt-5-nano"]
    rows = "".join(f"  {name}: qwen/qwen3.6-plus\n" for name in names)
    assert warnings_of(f"{BOTH}models:\n{rows}") == []
