"""The targets of a name: the name itself, then the longest pattern, then stand-ins, then vendors' own ids.

Forms of OpenAI's names are in test_openai_names.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import BY_NAME
from config.loader.load import load
from config.routing import ResolvedRoute, Routing, UnknownModel, base_url_of
from config.schema import Settings, VendorEntry

VENDORS = {"kimi": {"api_key": "sk-kimi-0000000000000001"}, "qwen": {"api_key": "sk-qwen-0000000000000001"}}
EXACT, LONG, SHORT, ANY = "qwen/qwen-max", "kimi/kimi-k2.6", "qwen/qwen-plus", "qwen/qwen-flash"


def routing(models: Mapping[str, Any], **more: Any) -> Routing:
    return Routing(Settings.model_validate({"vendors": VENDORS, "models": models, **more}))


def found(models: Mapping[str, Any], name: str, **more: Any) -> ResolvedRoute:
    return routing(models, **more).find(name, "chat")


def label(models: Mapping[str, Any], name: str, **more: Any) -> str:
    return found(models, name, **more).targets[0].label


ROWS = {"gpt-4o-*": LONG, "gpt-4o-mini": EXACT, "gpt-*": SHORT, "*": ANY}


@pytest.mark.parametrize("order", [list(ROWS), list(reversed(ROWS)), sorted(ROWS)])
@pytest.mark.parametrize(
    ("name", "target", "how"),
    [
        ("gpt-4o-mini", EXACT, "models"),
        ("gpt-4o-2024-05-13", LONG, "models: gpt-4o-*"),
        ("gpt-4", SHORT, "models: gpt-*"),
        ("gpt-4o", SHORT, "models: gpt-*"),
        ("claude", ANY, "models: *"),
        ("gpt-4o-*", LONG, "models"),
    ],
)
def test_a_name_wins_over_a_pattern_and_a_longer_pattern_over_a_shorter_in_any_order(
    order: list[str], name: str, target: str, how: str
) -> None:
    models = {key: [ROWS[key]] for key in order}
    hit = found(models, name)
    assert (hit.targets[0].label, hit.how) == (target, how)


def test_of_patterns_of_one_length_that_both_fit_the_first_in_the_file_wins() -> None:
    assert label({"gpt-4*": [LONG], "*gpt-4": [SHORT]}, "gpt-4") == LONG
    assert label({"*gpt-4": [SHORT], "gpt-4*": [LONG]}, "gpt-4") == SHORT


def test_a_pattern_is_of_the_whole_name_and_knows_upper_and_lower_case() -> None:
    models = {"gpt-4*": [LONG]}
    for name in ("my-gpt-4", "GPT-4", "gpt-"):
        assert found({**models, "*": [ANY]}, name).how == "models: *"


def test_a_pattern_of_the_operators_wins_over_a_stand_in_and_a_stand_in_over_an_own_id() -> None:
    assert found({"gpt-4*": [LONG]}, "gpt-4o").how == "models: gpt-4*"
    assert found({}, "gpt-4o").how == "stand-in"
    assert found({}, "qwen-plus").how == "vendor's own id"
    assert found({}, "kimi/kimi-k2.6").how == "vendor's own id"


def test_a_stand_in_wins_over_a_model_of_that_very_name(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("models:\n  - {id: gpt-4o, context: 8000}\n", encoding="utf-8")
    path = tmp_path / "banjia.yaml"
    path.write_text(f"vendors:\n  kimi: {{api_key: k, catalog: {own}}}\n", encoding="utf-8")
    both = Routing(load(path, {}).settings)
    assert both.find("kimi/gpt-4o", "chat").targets[0].label == "kimi/gpt-4o"
    assert both.find("gpt-4o", "chat").how == "stand-in"


@pytest.mark.parametrize("order", [["kimi", "qwen"], ["qwen", "kimi"]])
def test_vendors_with_a_stand_in_answer_in_the_order_of_the_configuration(order: list[str]) -> None:
    both = {"vendors": {name: VENDORS[name] for name in order}}
    hit = Routing(Settings.model_validate(both)).find("gpt-4o", "chat")
    assert [target.entry for target in hit.targets] == order
    assert hit.weights == (1.0, 1.0)
    first = Settings.model_validate({**both, "policy": {"failover": "off"}})
    assert [target.entry for target in Routing(first).find("gpt-4o", "chat").targets] == order[:1]


def test_a_vendor_that_is_off_is_no_part_of_the_route() -> None:
    both = Settings.model_validate({"vendors": {**VENDORS, "ernie": {"api_key": ""}}})
    assert [target.entry for target in Routing(both).find("gpt-4o", "chat").targets] == ["kimi", "qwen"]


def test_embeddings_have_one_vendor_the_first_that_has_them() -> None:
    vendors = {**VENDORS, "ernie": {"api_key": "k-0000000000000001"}}
    hit = Routing(Settings.model_validate({"vendors": vendors})).find("text-embedding-3-small", "embeddings")
    assert [target.entry for target in hit.targets] == ["qwen"]


def test_an_edition_that_has_ended_answers_if_no_other_vendor_does_or_at_its_own_address() -> None:
    old = {"kind": "hunyuan", "edition": "classic", "api_key": "k-0000000000000001"}
    for own, entries in ({}, ["kimi"]), ({"base_url": "http://10.0.0.5/v1"}, ["old", "kimi"]):
        vendors = {"old": {**old, **own}, "kimi": VENDORS["kimi"]}
        hit = Routing(Settings.model_validate({"vendors": vendors})).find("gpt-4o", "chat")
        assert [target.entry for target in hit.targets] == entries
    alone = Routing(Settings.model_validate({"vendors": {"old": old}}))
    assert alone.find("gpt-4o", "chat").targets[0].entry == "old"


WIDTH_ROWS = [
    ("text-embedding-3-small", "qwen/text-embedding-v4", 1536),
    ("text-embedding-ada-002", "qwen/text-embedding-v4", 1536),
    ("text-embedding-ada-002-v2", "qwen/text-embedding-v4", 1536),
    ("text-embedding-3-small", "qwen/text-embedding-v2", 1536),
    ("text-embedding-3-small", "qwen/text-embedding-v3", None),
    ("text-embedding-3-large", "qwen/text-embedding-v4", None),
    ("my-vectors", "qwen/text-embedding-v4", None),
]


@pytest.mark.parametrize("key", ["", "text-embedding-*", "*"])
@pytest.mark.parametrize(("name", "target", "width"), WIDTH_ROWS)
def test_a_target_under_an_openai_name_has_its_width_where_the_model_offers_it(
    name: str, target: str, width: int | None, key: str
) -> None:
    if key and name == "my-vectors":
        key = "my-*"
    hit = routing({key or name: target}).find(name, "embeddings").targets[0]
    assert hit.label == target
    assert hit.defaults == ({"dimensions": width} if width else {})


def test_the_stand_ins_own_width_is_that_of_an_explicit_target_too() -> None:
    own = {"stand_ins": {"text-embedding-3-small": {"model": "text-embedding-v4", "set": {"dimensions": 512}}}}
    vendors = {"qwen": {**VENDORS["qwen"], "catalog": own}}
    for models in ({}, {"text-embedding-3-small": "qwen/text-embedding-v4"}):
        found = routing(models, vendors=vendors).find("text-embedding-3-small", "embeddings")
        assert found.targets[0].defaults == {"dimensions": 512}


def test_a_row_whose_vendors_are_off_is_no_way_to_the_next_pattern() -> None:
    vendors = {**VENDORS, "ernie": {"api_key": ""}}
    models = {"gpt-4*": ["ernie/ernie-5.1"], "gpt-*": [SHORT]}
    with pytest.raises(UnknownModel, match="'gpt-4' has no target that serves chat"):
        found(models, "gpt-4", vendors=vendors)


def test_a_row_of_chat_models_serves_no_embeddings() -> None:
    with pytest.raises(UnknownModel, match="no target that serves embeddings"):
        routing({"*": [LONG, SHORT]}).find("gpt-4o", "embeddings")


def test_vendors_own_ids_are_closed_by_a_setting() -> None:
    with pytest.raises(UnknownModel):
        found({"gpt-4o": [LONG]}, "qwen-plus", policy={"open_models": "off"})


def test_only_a_stand_in_has_defaults_and_only_the_operators_row_a_set() -> None:
    row = found({"gpt-4o": [{"target": LONG, "set": {"seed": 7}}]}, "gpt-4o").targets[0]
    assert (row.overrides, row.defaults) == ({"seed": 7}, {})
    stand_in = routing({}).find("text-embedding-3-small", "embeddings").targets[0]
    assert stand_in.overrides == {}
    assert stand_in.defaults == {"dimensions": 1536}


def test_weights_and_targets_stay_together_where_one_is_left_out() -> None:
    vendors = {**VENDORS, "ernie": {"api_key": ""}}
    targets = [
        {"target": "ernie/ernie-5.1", "weight": 7},
        {"target": LONG, "weight": 2},
        {"target": SHORT, "weight": 3},
    ]
    hit = found({"a": {"targets": targets, "strategy": "weighted"}}, "a", vendors=vendors)
    assert [target.label for target in hit.targets] == [LONG, SHORT]
    assert (hit.weights, hit.strategy) == ((2, 3), "weighted")


@pytest.mark.parametrize("path", ["", "/v1", "/beta"])
def test_a_base_url_loses_a_path_that_the_vendor_does_not_need(path: str) -> None:
    entry = VendorEntry(base_url=f"http://10.0.0.1:8000{path}")
    assert base_url_of("deepseek", entry) == "http://10.0.0.1:8000"
    assert base_url_of("kimi", entry) == f"http://10.0.0.1:8000{path}"


def test_an_operation_may_have_a_base_url_of_its_own_which_the_operators_replaces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    qwen = BY_NAME["qwen"]
    elsewhere = replace(qwen.operations["embeddings"], base_urls={"cn": "https://vectors.example/v1"})
    moved = replace(qwen, operations={**qwen.operations, "embeddings": elsewhere})
    monkeypatch.setitem(BY_NAME, "qwen", moved)
    entry = VendorEntry()
    assert base_url_of("qwen", entry) == base_url_of("qwen", entry, "chat") == qwen.base_urls["cn"]
    assert base_url_of("qwen", entry, "embeddings") == "https://vectors.example/v1"
    assert base_url_of("qwen", VendorEntry(region="intl"), "embeddings") == qwen.base_urls["intl"]
    assert base_url_of("qwen", VendorEntry(base_url="http://a/v1"), "embeddings") == "http://a/v1"
