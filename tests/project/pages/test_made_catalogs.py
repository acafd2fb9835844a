"""The JSON of the catalogs matches their YAML, and a mistake in the YAML is reported with its line."""

import runpy
from collections.abc import Mapping
from pathlib import Path

import pytest

from config.catalog import models as catalog
from config.errors import ConfigError
from scripts.pages import catalogs
from tests.project.pages.documents import ROOT

SOURCE = """\
# 一 comment
vendor: acme
read: 2026-11-22

models:
  # doubtful
  - {id: b-1.5, context: 8192, facts: {effort: true, on: "no"}, confidence: high,
     prices: [{input: 0.5, output: 2, since: 2026-01-01, source: 价格表, confidence: low}]}
  - {id: a, confidence: low}

stand_ins:
  gpt-4*: {model: b-1.5}
  gpt-4o: {model: a, set: {dimensions: 1024}}
"""
BARE = "vendor: bare\nread: 2026-11-22\nmodels: []\n"
MADE = """\
{
 "acme": {
  "vendor": "acme",
  "read": "2026-11-22",
  "models": [
   {"id": "b-1.5", "context": 8192, "facts": {"effort": true, "on": "no"}, "confidence": "high", "prices": [{"input": 0.5, "output": 2, "since": "2026-01-01", "source": "价格表", "confidence": "low"}]},
   {"id": "a", "confidence": "low"}
  ],
  "stand_ins": {
   "gpt-4*": {"model": "b-1.5"},
   "gpt-4o": {"model": "a", "set": {"dimensions": 1024}}
  }
 },
 "bare": {
  "vendor": "bare",
  "read": "2026-11-22",
  "models": []
 }
}
"""


def folder(at: Path, sources: Mapping[str, str]) -> Path:
    """A folder that holds these sources."""
    for name, text in sources.items():
        (at / f"{name}.yaml").write_text(text, encoding="utf-8")
    return at


def test_the_catalogs_that_the_program_reads_are_what_their_sources_give_today() -> None:
    same = catalog.FILE.read_text(encoding="utf-8") == catalogs.text()
    assert same, f"{catalog.FILE.name}: run scripts/docs"  # pytest's comparison of the texts would take minutes


def test_each_model_and_each_stand_in_has_a_line_in_the_order_of_the_source(tmp_path: Path) -> None:
    assert catalogs.text(folder(tmp_path, {"bare": BARE, "acme": SOURCE})) == MADE


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("context:", "contxt:", "7:17: models[0].contxt: unknown key; did you mean 'context'?"),
        ("id: a,", "", "9:5: models[1]: the key 'id' is missing"),
        ("vendor: acme\n", "", "2:1: the key 'vendor' is missing"),
        ("context: 8192", "context: many", "7:26: models[0].context: got text 'many'; expected an integer"),
        ("id: a,", "id: 1.5,", "9:10: models[1].id: got the number 1.5; expected text in quotes"),
        ("since: 2026-01-01", "since: 2026-01-32", "8:46: models[0].prices[0].since: got text '2026-01-32'; expected a date such as 2026-11-22"),
        ("output: 2", "output: -2", "8:36: models[0].prices[0].output: got the number -2; expected 0 or more"),
        ("output: 2", "output: 2, cached: 1", "8:47: models[0].prices[0].cached: cached input costs more than input (0.5); expected a lower price"),
        ("confidence: high", "confidence: hihg", "7:77: models[0].confidence: got text 'hihg'; expected high, medium or low; did you mean 'high'?"),
        ("context: 8192", "context: 8192, context: 1", "7:32: models[0].context: duplicate key, first defined in line 7; expected one definition"),
        ("gpt-4o:", "gpt-4*:", "13:3: stand_ins.gpt-4*: duplicate key, first defined in line 12; expected one definition"),
        ("read: 2026-11-22", "read: 2026-11-22\nread: 2026-11-23", "4:1: read: duplicate key, first defined in line 3; expected one definition"),
        ("models:\n", "models:\n  - {id: a, confidence: low}\n", "10:10: models[2].id: this model is listed twice"),
        ("1024}}\n", "1024}}\nprice_page: {today: [a, b-1]}\n", "14:25: price_page.today[1]: there is no model 'b-1' in this catalog; did you mean 'b-1.5'?"),
        ("model: a,", "model: aa,", "13:19: stand_ins.gpt-4o.model: there is no model 'aa' in this catalog; did you mean 'a'?"),
        ("effort: true", "effort: .inf", "7:48: models[0].facts.effort: JSON does not have this number; expected a finite number"),
        ("id: a, confidence: low}", "id: a, confidence: low", "11:10: '{' in line 9 is not closed before this point; expected ',' or '}'"),
        (SOURCE, "- a\n", "1:1: the file contains a list; expected keys such as vendor:, read: and models:"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_source_is_reported_with_its_line(right: str, wrong: str, says: str, tmp_path: Path) -> None:
    assert right in SOURCE
    with pytest.raises(ConfigError) as error:
        catalogs.text(folder(tmp_path, {"acme": SOURCE.replace(right, wrong, 1)}))
    assert str(error.value) == f"{tmp_path}/acme.yaml:{says}"


def test_the_mistakes_of_all_sources_are_reported_at_once(tmp_path: Path) -> None:
    wrong = BARE.replace("models", "modles")
    with pytest.raises(ConfigError) as error:
        catalogs.text(folder(tmp_path, {"one": wrong, "two": SOURCE, "three": wrong}))
    assert {Path(one.location.source).stem for one in error.value.diagnostics} == {"one", "three"}


def test_a_source_of_ours_is_named_by_its_path_in_the_checkout() -> None:
    for source in catalogs.sources():
        assert catalogs.named(source) == f"config/catalog/data/{source.name}"
        assert ROOT / catalogs.named(source) == source


def test_scripts_docs_writes_nothing_and_reports_a_wrong_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = tmp_path / "catalogs.json"
    monkeypatch.setattr(catalogs, "FILE", made)
    wrong = folder(tmp_path, {"acme": SOURCE.replace("id: a,", "")})
    monkeypatch.setattr(catalogs, "sources", lambda _: sorted(wrong.glob("*.yaml")))
    with pytest.raises(SystemExit, match=r"acme\.yaml:9:5: models\[1\]: the key 'id' is missing"):
        runpy.run_module("scripts.pages", run_name="__main__")
    assert not made.exists()
