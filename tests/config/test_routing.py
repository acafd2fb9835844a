"""Which targets answer under a name: the name itself, then the longest pattern, then stand-ins, then vendors' own ids."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from config.load import load
from config.routing import Found, Routing, UnknownModel
from config.schema import Settings

VENDORS = {"kimi": {"api_key": "sk-kimi-0000000000000001"}, "qwen": {"api_key": "sk-qwen-0000000000000001"}}
EXACT, LONG, SHORT, ANY = "qwen/qwen-max", "kimi/kimi-k2.6", "qwen/qwen-plus", "qwen/qwen-flash"


def routing(models: Mapping[str, Any], **more: Any) -> Routing:
    return Routing(Settings.model_validate({"vendors": VENDORS, "models": models, **more}))


def found(models: Mapping[str, Any], name: str, **more: Any) -> Found:
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


def test_of_two_vendors_with_a_stand_in_the_first_configured_answers() -> None:
    for order in (["kimi", "qwen"], ["qwen", "kimi"]):
        both = Settings.model_validate({"vendors": {name: VENDORS[name] for name in order}})
        assert Routing(both).find("gpt-4o", "chat").targets[0].entry == order[0]


def test_a_row_whose_vendors_are_off_is_no_way_to_the_next_pattern() -> None:
    vendors = {**VENDORS, "ernie": {"api_key": ""}}
    models = {"gpt-4*": ["ernie/ernie-5.1"], "gpt-*": [SHORT]}
    with pytest.raises(UnknownModel, match="'gpt-4' has no target that serves chat"):
        found(models, "gpt-4", vendors=vendors)


def test_a_row_of_chat_models_serves_no_embeddings() -> None:
    with pytest.raises(UnknownModel, match="no target that serves embeddings"):
        routing({"*": [LONG, SHORT]}).find("gpt-4o", "embeddings")


def test_vendors_own_ids_are_closed_where_the_operator_says_so() -> None:
    with pytest.raises(UnknownModel):
        found({"gpt-4o": [LONG]}, "qwen-plus", policy={"open_models": "off"})


def test_only_a_stand_in_has_defaults_and_only_the_operators_row_a_set() -> None:
    row = found({"gpt-4o": [{"target": LONG, "set": {"seed": 7}}]}, "gpt-4o").targets[0]
    assert (row.overlay, row.defaults) == ({"seed": 7}, {})
    stand_in = routing({}).find("text-embedding-3-small", "embeddings").targets[0]
    assert stand_in.overlay == {}
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
