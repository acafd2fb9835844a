"""Precedence of values: the operator's ``set``, then the client's value, then the default of a stand-in."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan
from adapters.planning import plan
from tests.adapters.play import HELLO, target

WARM, COLD, WARMER = {"temperature": 0.4}, {"temperature": 0.1}, {"temperature": 0.7}


def planned(
    asked: Mapping[str, Any],
    defaults: Mapping[str, Any],
    overlay: Mapping[str, Any] | None = None,
    name: str = "o3",
    model: str = "qwen-plus",
    **policy: Any,
) -> Plan:
    """A chat request to Qwen for a name that reasons, with a stand-in's defaults and the operator's ``set``."""
    place = replace(target("qwen", model), defaults=defaults, overrides=overlay or {}, **policy)
    return plan(ApiRequest("chat", name, {"messages": HELLO, **asked}), place)


@pytest.mark.parametrize(
    ("asked", "defaults", "overlay", "sent"),
    [
        ({}, {}, {}, None),
        ({}, WARM, {}, 0.4),
        (COLD, {}, {}, 0.1),
        ({}, {}, WARMER, 0.7),
        (COLD, WARM, {}, 0.1),
        (COLD, {}, WARMER, 0.7),
        ({}, WARM, WARMER, 0.7),
        (COLD, WARM, WARMER, 0.7),
    ],
)
def test_the_operators_set_overrides_the_client_which_overrides_a_default(
    asked: dict[str, Any], defaults: dict[str, Any], overlay: dict[str, Any], sent: float | None
) -> None:
    fields = planned(asked, defaults, overlay).request.fields
    assert fields.get("temperature") == sent


def test_a_default_a_callers_field_and_a_set_of_different_names_are_all_sent() -> None:
    fields = planned({"seed": 7}, WARM, {"top_p": 0.5}).request.fields
    assert {name: fields[name] for name in ("temperature", "seed", "top_p")} == {
        "temperature": 0.4,
        "seed": 7,
        "top_p": 0.5,
    }


def test_a_default_is_judged_by_the_vendors_table_like_a_callers_field() -> None:
    made = planned({}, {"temperature": 2, "logit_bias": {"1": 5}})
    assert made.request.fields["temperature"] == 1.99
    assert "logit_bias" not in made.request.fields
    assert (made.adaptations["temperature"].word, made.adaptations["logit_bias"].word) == ("clamped", "dropped")


@pytest.mark.parametrize("word", [{"thinking": {"type": "enabled"}}, {"enable_thinking": True}])
def test_a_default_of_thinking_applies_unless_something_overrides_it(word: dict[str, Any]) -> None:
    made = planned({}, word)
    assert made.thinks
    assert made.request.fields["enable_thinking"] is True


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        ({"enable_thinking": False}, {}),
        ({"reasoning_effort": "none"}, {}),
        ({"max_tokens": 100}, {}),
        ({"response_format": {"type": "json_object"}}, {}),
        ({}, {"name": "gpt-4o"}),
        ({}, {"thinking": "off"}),
        ({}, {"thinking": "vendor"}),
        ({}, {"overlay": {"enable_thinking": False}}),
        ({}, {"overlay": {"thinking": "disabled"}}),
    ],
)
def test_a_default_of_thinking_gives_way_to_the_caller_the_policy_and_the_set(
    asked: dict[str, Any], more: dict[str, Any]
) -> None:
    made = planned(asked, {"thinking": {"type": "enabled"}}, **more)
    assert not made.thinks
    assert made.request.fields.get("enable_thinking") is not True


def test_a_default_of_no_thinking_keeps_a_model_that_thinks_by_itself_from_it() -> None:
    model = replace(target("kimi", "kimi-k2.6"), defaults={"thinking": "disabled"})
    silent = plan(ApiRequest("chat", "o3", {"messages": HELLO}), model)
    told = plan(ApiRequest("chat", "o3", {"messages": HELLO, "thinking": {"type": "enabled"}}), model)
    assert (silent.thinks, silent.request.fields["thinking"]) == (False, {"type": "disabled"})
    assert told.thinks


def test_the_operators_set_wins_over_a_callers_thinking() -> None:
    made = planned({"enable_thinking": True}, {}, {"enable_thinking": False})
    assert not made.thinks
    assert planned({"enable_thinking": False}, {}, {"enable_thinking": True}).thinks


def test_a_default_of_dimensions_gives_way_to_the_callers_and_to_the_set() -> None:
    place = target("qwen", "text-embedding-v4")
    for asked, overlay, sent in (({}, {}, 512), ({"dimensions": 1024}, {}, 1024), ({"dimensions": 1024}, {"dimensions": 512}, 512)):  # fmt: skip
        ask = ApiRequest("embeddings", "text-embedding-3-small", {"input": ["a"], **asked})
        made = plan(ask, replace(place, defaults={"dimensions": 512}, overrides=overlay))
        assert made.request.fields["dimensions"] == sent


def test_neither_defaults_nor_a_set_change_the_callers_own_request() -> None:
    fields = {"messages": HELLO, **COLD}
    before = dict(fields)
    plan(ApiRequest("chat", "o3", fields), replace(target("qwen", "qwen-plus"), defaults=WARM, overrides=WARMER))
    assert fields == before
