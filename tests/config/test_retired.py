"""What ``banjia check`` says of models that their vendor has ended, or is about to: as a target, and as a stand-in."""

import datetime
from pathlib import Path
from typing import Any

import pytest

from config import catalog
from config.catalog import Catalog, ModelRow
from config.retired import fate, stand_ins
from tests.config.given import loaded

TODAY = datetime.date(2026, 11, 22)
REAL = catalog.load
BOTH = "vendors:\n  qwen: {api_key: q}\n  kimi: {api_key: k}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Marks a model of a shipped catalog as gone, or about to go."""

    def mark(model: str, **told: Any) -> None:
        def load(vendor: str) -> Catalog:
            cat = REAL(vendor)
            rows = [row.model_copy(update=told) if row.id == model else row for row in cat.models]
            return Catalog(**{**{key: getattr(cat, key) for key in Catalog.model_fields}, "models": rows})

        monkeypatch.setattr(catalog, "load", load)

    return mark


def said(text: str) -> list[str]:
    return [str(warning) for warning in loaded(text).warnings]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, ""),
        ({"retired": TODAY}, "was retired on 2026-11-22"),
        ({"retired": datetime.date(2026, 11, 23)}, "will be retired on 2026-11-23"),
        ({"retiring": True}, "is announced to be retired, on a day not told yet"),
    ],
)
def test_a_model_stays_is_gone_or_will_be(told: dict[str, Any], words: str) -> None:
    assert fate(ModelRow(id="a", confidence="low", **told), TODAY) == words


def test_a_target_that_is_to_go_on_a_day_not_told_is_a_warning_with_what_takes_its_place() -> None:
    text = "vendors:\n  ernie: {api_key: e}\nmodels:\n  a: ernie/ernie-x1.1\n"
    assert said(text) == [
        "banjia.yaml:4:6: models.a: ernie-x1.1 is announced to be retired, on a day not told yet; expected ernie/ernie-5.1"
    ]


def test_a_target_that_is_to_go_on_a_day_to_come_is_a_warning_with_the_day(without: Any) -> None:
    without("kimi-k2.6", retired=datetime.date(2099, 1, 1), successor="kimi-k3")
    assert said("vendors:\n  kimi: {api_key: k}\nmodels:\n  a: kimi/kimi-k2.6\n")[1] == (
        "banjia.yaml:4:6: models.a: kimi-k2.6 will be retired on 2099-01-01; expected kimi/kimi-k3"
    )


def test_stand_ins_that_are_gone_are_one_warning_at_the_vendor_with_what_to_write(without: Any) -> None:
    without("qwen3.6-flash", retired=datetime.date(2026, 11, 1), successor="qwen-flash")
    (told,) = said(BOTH)
    assert told == (
        "banjia.yaml:2:3: vendors.qwen: qwen3.6-flash, which answers under gpt-4o-mini and 15 more names, was retired on "
        "2026-11-01; expected qwen/qwen-flash for gpt-4o-mini in models"
    )


def test_stand_ins_whose_names_are_all_in_models_are_not_in_use(without: Any) -> None:
    without("text-embedding-v4", retired=datetime.date(2026, 11, 1), successor="text-embedding-v3")
    text = (
        BOTH
        + "models:\n  text-embedding-ada-002: qwen/text-embedding-v3\n  'text-embedding-3*': qwen/text-embedding-v3\n"
    )
    assert said(text) == []
    assert "under text-embedding-3-large, was" in said(text.replace("3*", "3-s*"))[0]


def test_only_the_first_vendor_that_has_a_name_answers_under_it(without: Any) -> None:
    without("kimi-k2.6", retired=datetime.date(2026, 11, 1), successor="kimi-k3")
    settings = loaded(BOTH).settings
    assert {name for fading in stand_ins(settings) for name in fading.names} <= {"gpt-4.1-*"}
    first = loaded(BOTH.replace("qwen: {api_key: q}", "kimi: {api_key: k}", 1).rpartition("  kimi")[0]).settings
    assert [len(fading.names) > 40 for fading in stand_ins(first)] == [True]


def test_a_vendor_that_is_off_or_has_an_address_of_its_own_stands_in_for_nothing_that_is_known(without: Any) -> None:
    without("kimi-k2.6", retired=datetime.date(2026, 11, 1), successor="kimi-k3")
    off = loaded("vendors:\n  qwen: {api_key: q}\n  kimi: {api_key: '${NOT_SET}'}\n").settings
    mine = loaded("vendors:\n  kimi: {api_key: k, base_url: 'http://10.0.0.1/v1'}\n").settings
    assert (list(stand_ins(off)), list(stand_ins(mine))) == ([], [])


def test_names_that_open_models_lets_through_are_no_matter_of_the_configuration() -> None:
    """They are the callers' choice: a file that names no model gets no word about what callers might name."""
    assert said("vendors:\n  kimi: {api_key: k}\npolicy: {open_models: true}\n") == []


def test_what_ships_stands_in_with_nothing_that_is_gone_or_will_be() -> None:
    for vendor in ("kimi", "qwen", "ernie", "hunyuan"):
        settings = loaded(f"vendors:\n  {vendor}: {{api_key: k}}\n").settings
        assert list(stand_ins(settings)) == [], vendor
