"""A catalog file of the operator: the changes it makes, and the diagnostics for mistakes in it."""

import datetime
from collections.abc import Mapping
from pathlib import Path

import pytest

from adapters.core.request import ApiRequest
from config.catalog import models as catalog
from config.catalog.models import Catalog
from config.routing import Routing, catalog_of
from proxy.routing.load_balancing import PriceEstimate
from tests.config.config_file import diagnostics, loaded

DAY = datetime.date(2026, 11, 25)
NOON = datetime.datetime(2026, 11, 25, 12)
FILE = "vendors:\n  kimi: {api_key: k, catalog: own.yaml}\n"
OWN = """\
models:
  - id: kimi-k2.6
    prices:
      - {input: 5, cached: 1, output: 20, up_to: 32000, since: 2026-10-01, source: our contract, confidence: high}
      - {input: 6, output: 24, since: 2026-10-01, source: our contract, confidence: high}
  - {id: kimi-k4, family: k, context: 2000000, input: [text, image], thinking: always}
stand_ins:
  gpt-4o: {model: kimi-k4}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def laid(own: str = OWN, text: str = FILE, environ: Mapping[str, str] | None = None) -> Catalog:
    """Return the catalog of kimi with these overrides."""
    Path("own.yaml").write_text(own, encoding="utf-8")
    return catalog_of("kimi", loaded(text, environ).settings.vendors["kimi"])


def diagnostics_of(own: str) -> list[str]:
    """Return the diagnostics for an invalid file."""
    Path("own.yaml").write_text(own, encoding="utf-8")
    return diagnostics(FILE)


# --- what it changes


def test_an_id_of_the_operators_has_the_values_of_the_model_that_it_stands_for() -> None:
    rows = laid("models:\n  - {id: ft-1, same_as: kimi-k2.6, context: 1000}\n  - {id: ft-2, same_as: ft-1}\n").by_id
    shipped = rows["kimi-k2.6"]
    assert (rows["ft-1"].thinking, rows["ft-1"].family) == (shipped.thinking, shipped.family) == ("default_on", "k")
    assert rows["ft-1"].prices == rows["ft-2"].prices == shipped.prices
    assert (shipped.context, rows["ft-1"].context, rows["ft-2"].context) == (262144, 1000, 1000)
    assert (rows["ft-2"].id, shipped.id) == ("ft-2", "kimi-k2.6")


def test_prices_of_the_operators_take_the_place_of_those_that_ship() -> None:
    row = laid().by_id["kimi-k2.6"]
    assert [(price.input, price.cached, price.output, price.source) for price in row.tiers(DAY)] == [
        (5, 1, 20, "our contract"),
        (6, None, 24, "our contract"),
    ]
    assert row.price_at(datetime.date(2026, 9, 15), 1000) is None, "the list that shipped is gone as a whole"


def test_omitted_values_keep_the_shipped_ones() -> None:
    shipped, own = catalog.load("kimi"), laid()
    row, before = own.by_id["kimi-k2.6"], shipped.by_id["kimi-k2.6"]
    assert (row.context, row.input, row.thinking, row.facts) == (
        before.context, before.input, before.thinking, before.facts,
    )  # fmt: skip
    assert own.by_id["kimi-k3"] is shipped.by_id["kimi-k3"]
    assert own.stand_ins["gpt-4"] == shipped.stand_ins["gpt-4"]
    assert "kimi-k4" not in shipped.by_id


def test_a_new_model_can_be_named_and_stand_in() -> None:
    laid()
    routing = Routing(loaded(FILE).settings)
    (target,) = routing.find("gpt-4o", "chat").targets
    assert (target.label, target.model.context, target.model.thinking) == ("kimi/kimi-k4", 2_000_000, "always")
    assert "kimi/kimi-k4" in routing.labels
    assert loaded(FILE + "models: {a: kimi/kimi-k4}\n").warnings == []


def test_the_cheapest_target_is_found_by_the_operators_prices() -> None:
    laid()
    text = FILE + "  other: {kind: kimi, api_key: o}\nmodels: {a: [kimi/kimi-k2.6, other/kimi-k2.6, kimi/kimi-k4]}\n"
    targets = Routing(loaded(text).settings).find("a", "chat").targets
    bill = PriceEstimate(ApiRequest("chat", "a", {"messages": [], "max_tokens": 1_000_000}), NOON)
    own, shipped, unknown = (bill.of(target) for target in targets)
    assert own is not None and own // 1_000_000 == 20  # noqa: PT018
    assert shipped is not None and shipped // 1_000_000 == 27  # noqa: PT018
    assert unknown is None, "no price is not a price of nothing"


def test_prices_in_another_currency_are_not_compared() -> None:
    laid(OWN.replace("models:", "currency: USD\nmodels:", 1))
    (target,) = Routing(loaded(FILE + "models: {a: kimi/kimi-k2.6}\n").settings).find("a", "chat").targets
    assert PriceEstimate(ApiRequest("chat", "a", {"messages": []}), NOON).of(target) is None


def test_it_may_stand_in_the_configuration_itself_or_be_named_by_the_environment() -> None:
    inline = FILE.replace("own.yaml", "{models: [{id: kimi-k4}]}")
    assert laid(text=inline).by_id["kimi-k4"].confidence == "high"
    plain = FILE.replace(", catalog: own.yaml", "")
    assert "kimi-k4" in laid(text=plain, environ={"BANJIA_VENDORS__KIMI__CATALOG": "own.yaml"}).by_id
    named = FILE.replace("own.yaml", "'${OWN}'")
    assert "kimi-k4" in laid(text=named, environ={"OWN": "own.yaml"}).by_id


def test_a_retirement_in_an_override_is_reported() -> None:
    laid("models: [{id: kimi-k2.6, retired: 2099-01-01, successor: kimi-k3}]\n")
    model, stand_in = loaded(FILE + "models: {a: kimi/kimi-k2.6}\n").warnings[::-1]
    assert str(model) == "banjia.yaml:3:13: models.a: kimi-k2.6 will be retired on 2099-01-01; expected kimi/kimi-k3"
    assert str(stand_in).startswith("banjia.yaml:2:3: vendors.kimi: kimi-k2.6, the stand-in for gpt-4o and ")


def test_the_file_is_read_again_with_the_configuration() -> None:
    assert laid().by_id["kimi-k2.6"].tiers(DAY)[0].input == 5
    assert laid(OWN.replace("input: 5", "input: 4")).by_id["kimi-k2.6"].tiers(DAY)[0].input == 4


# --- how an error in it is reported: file, line, column, and the path to it from the configuration


@pytest.mark.parametrize(
    ("own", "says"),
    [
        (OWN.replace("input: 5", "input: -5"), "own.yaml:4:17: …models[0].prices[0].input: got the number -5; expected 0 or more"),
        (OWN.replace("input: 5", "input: five"), "own.yaml:4:17: …models[0].prices[0].input: got text 'five'; expected a number"),
        (OWN.replace("output: 20", "output: 20, inputs: 5"), "own.yaml:4:43: …models[0].prices[0].inputs: unknown key; did you mean 'input'?"),
        (OWN.replace("cached: 1", "cached: 7"), "own.yaml:4:28: …models[0].prices[0].cached: cached input costs more than input (5); expected a lower price"),
        (OWN.replace("2026-10-01, source", "October, source", 1), "own.yaml:4:64: …models[0].prices[0].since: got text 'October'; expected a date such as 2026-11-22"),
        (OWN.replace("since: 2026-10-01", "since: 2026-10-01, until: 2026-09-01", 1), "own.yaml:4:83: …models[0].prices[0].until: until is before since (2026-10-01); expected a later date, or the key omitted"),
        (OWN.replace("since: 2026-10-01", "since: 2026-09-01").replace("since: 2026-09-01", "since: 2026-11-01", 1), "own.yaml:5:9: …models[0].prices[1]: a price since 2026-09-01 after one since 2026-11-01; expected the older price first"),
        (OWN.replace("input: 6", "up_to: 100, input: 6"), "own.yaml:5:9: …models[0].prices[1]: up_to is not larger than in the previous tier; expected a larger up_to; only the last tier has none"),
        (OWN.replace("our contract", "''", 1), "own.yaml:4:84: …models[0].prices[0].source: got text ''; expected text"),
        (OWN.replace(", source: our contract", "", 1), "own.yaml:4:9: …models[0].prices[0]: the key 'source' is missing"),
        (OWN.replace("models:", "currency: EUR\nmodels:", 1), "own.yaml:1:11: …currency: got text 'EUR'; expected CNY or USD"),
        (OWN.replace("model: kimi-k4", "model: kimi-k44"), "own.yaml:8:19: …stand_ins.gpt-4o.model: kimi has no model 'kimi-k44'; did you mean 'kimi-k4'?"),
        (OWN.replace("model: kimi-k4", "model: kimi-k4, set: {base_url: 'http://x'}"), "own.yaml:8:34: …stand_ins.gpt-4o.set.base_url: set cannot change this field; expected the model in target, and addresses and keys in vendors"),
        ("models:\n  - {id: ft-1, same_as: kimi-k2.66}\n", "own.yaml:2:25: …models[0].same_as: kimi has no model 'kimi-k2.66'; did you mean 'kimi-k2.6'?"),
        (OWN.replace("  - {id: kimi-k4", "  - {id: kimi-k4}\n  - {id: kimi-k4"), "own.yaml:7:10: …models[2].id: this model is listed twice"),
        (OWN.replace("models:", "model:", 1), "own.yaml:1:1: …model: unknown key; did you mean 'models'?"),
    ],
)  # fmt: skip
def test_an_error_is_reported_with_the_position_in_its_own_file(own: str, says: str) -> None:
    assert diagnostics_of(own) == [says.replace("…", "vendors.kimi.catalog.", 1)]


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ("models: [", "own.yaml:1:10: '[' in line 1 is not closed before this point; expected ',' or ']'"),
        ("models: []\nmodels: []\n", "own.yaml:2:1: "),
        ("", "own.yaml:1:1: the file is empty; expected models: or stand_ins:"),
        ("- a\n", "own.yaml:1:1: the file contains a list; expected keys such as models: or stand_ins:"),
    ],
)
def test_a_file_that_is_not_a_catalog_is_reported(own: str, says: str) -> None:
    (problems,) = diagnostics_of(own)
    assert problems.startswith(says)


def test_a_missing_file_is_reported_at_the_place_that_names_it() -> None:
    (problems,) = diagnostics(FILE)
    assert problems == (
        "banjia.yaml:2:31: vendors.kimi.catalog: cannot read the file own.yaml: no such file or directory; "
        "expected a path relative to this file"
    )


def test_a_file_that_is_not_text_is_reported_with_its_position() -> None:
    Path("own.yaml").write_bytes(b"models:\n  - {id: \xe9}\n")
    assert diagnostics(FILE) == ["own.yaml:2:10: not UTF-8 text"]


def test_errors_of_both_files_are_reported_at_once() -> None:
    Path("own.yaml").write_text(OWN.replace("input: 5", "input: -5"), encoding="utf-8")
    problems = diagnostics(FILE + "polizy: {}\n")
    assert [line.split(":")[0] for line in problems] == ["banjia.yaml", "own.yaml"]
