"""The effect of each fact in a model's catalog row: without it the request is refused, or sent differently."""

from typing import Any

import pytest

from adapters.core.failures import Refused
from adapters.core.model import Model
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan, Target
from adapters.planning import plan
from adapters.registry import BY_CATALOG
from tests.adapters.play import HELLO

TOOL = {"type": "function", "function": {"name": "get", "parameters": {"type": "object", "properties": {}}}}
OTHER = {"type": "function", "function": {"name": "put", "parameters": {"type": "object", "properties": {}}}}
SCHEMA: dict[str, Any] = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}}
JSON: dict[str, Any] = {"response_format": {"type": "json_object"}}
SYSTEM = {"messages": [{"role": "system", "content": "json"}, *HELLO]}


def planned(
    vendor: str,
    facts: dict[str, Any],
    family: str = "f",
    thinking: Any = "never",
    off: frozenset[str] = frozenset(),
    **fields: Any,
) -> Plan:
    model = Model("ernie-m", family, thinking=thinking, facts=facts, max_output=8000)
    place = Target(vendor, BY_CATALOG[vendor], model, "https://host", disabled_emulations=off)
    return plan(ApiRequest("chat", "o3", {"messages": HELLO, **fields}, fields.get("stream") is True), place)


@pytest.mark.parametrize(
    ("vendor", "fact", "param", "fields"),
    [
        ("qwen", "no_system", "messages", SYSTEM),
        ("hunyuan_classic", "no_search", "web_search_options", {"web_search_options": {}}),
    ],
)
def test_a_model_with_this_fact_refuses_what_others_take(
    vendor: str, fact: str, param: str, fields: dict[str, Any]
) -> None:
    planned(vendor, {}, **fields)
    with pytest.raises(Refused) as refused:
        planned(vendor, {fact: True}, **fields)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("vendor", "fact", "param", "fields"),
    [
        ("qwen", "logprobs", "logprobs", {"logprobs": True}),
        ("qwen", "logprobs", "top_logprobs", {"top_logprobs": 2}),
        ("ernie", "search", "web_search_options", {"web_search_options": {}}),
    ],
)
def test_a_model_with_this_fact_takes_what_others_refuse(
    vendor: str, fact: str, param: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(Refused) as refused:
        planned(vendor, {}, **fields)
    assert refused.value.param == param
    assert planned(vendor, {fact: True}, **fields).adaptations[param].word in ("honoured", "mapped")


@pytest.mark.parametrize(
    ("vendor", "facts", "fields", "sent"),
    [
        ("qwen", {"no_json": True}, JSON, None),
        ("ernie", {"no_json": True}, JSON, None),
        ("hunyuan", {"no_json": True}, SCHEMA, None),
        ("qwen", {}, SCHEMA, {"type": "json_object"}),
        ("ernie", {"no_schema": True}, SCHEMA, {"type": "json_object"}),
        ("hunyuan", {"no_schema": True}, SCHEMA, {"type": "json_object"}),
        ("qwen", {"json_schema": True, "ignores_schema": True}, SCHEMA, SCHEMA["response_format"]),
    ],
)
def test_a_format_that_a_model_lacks_is_emulated(
    vendor: str, facts: dict[str, Any], fields: dict[str, Any], sent: Any
) -> None:
    made = planned(vendor, facts, **fields)
    assert made.adaptations["response_format"].word == "emulated"
    assert made.request.fields.get("response_format") == sent
    assert "JSON" in made.request.fields["messages"][0]["content"]


@pytest.mark.parametrize("vendor", ["qwen", "ernie", "hunyuan", "hunyuan_classic"])
def test_tools_that_a_model_lacks_are_in_the_prompt_unless_the_operator_has_disabled_that(vendor: str) -> None:
    made = planned(vendor, {"no_tools": True}, tools=[TOOL, OTHER], tool_choice="required")
    assert {name: made.adaptations[name].word for name in ("tools", "tool_choice")} == {
        "tools": "emulated",
        "tool_choice": "mapped",
    }
    assert not {"tools", "tool_choice"} & made.request.fields.keys()
    assert '[{"name":"get"' in made.request.fields["messages"][0]["content"]
    assert planned(vendor, {}, tools=[TOOL]).emulations == {}
    with pytest.raises(Refused) as refused:
        planned(vendor, {"no_tools": True}, off=frozenset({"tools"}), tools=[TOOL])
    assert refused.value.param == "tools"


def test_required_is_native_with_this_fact_and_else_emulated_for_several_tools() -> None:
    fields: dict[str, Any] = {"tools": [TOOL, OTHER], "tool_choice": "required"}
    assert planned("qwen", {"required_tool_choice": True}, **fields).adaptations["tool_choice"].word == "honoured"
    assert planned("qwen", {}, **fields).adaptations["tool_choice"].word == "emulated"
    assert planned("qwen", {}, tools=[TOOL], tool_choice="required").adaptations["tool_choice"].word == "mapped"


def test_a_model_that_has_schemas_gets_them_unchanged_and_unchecked() -> None:
    for vendor, facts in (("qwen", {"json_schema": True}), ("ernie", {}), ("hunyuan", {})):
        made = planned(vendor, facts, **SCHEMA)
        assert made.emulations == {}
        assert made.request.fields["response_format"] == SCHEMA["response_format"]


def test_a_model_that_only_streams_streams_and_one_without_json_writes_text() -> None:
    assert planned("qwen", {"stream_only": True}, stream=True).request.fields["stream"] is True
    text: dict[str, Any] = {"response_format": {"type": "text"}}
    for vendor in ("ernie", "hunyuan", "qwen"):
        assert "response_format" not in planned(vendor, {"no_json": True}, **text).request.fields


@pytest.mark.parametrize(
    ("vendor", "facts", "name", "value", "sent"),
    [
        ("qwen", {"logprobs": True}, "top_logprobs", 20, 5),
        ("qwen", {"logprobs": True}, "top_logprobs", 5, 5),
        ("qwen", {"max_completion_tokens": True}, "max_completion_tokens", 500, 500),
        ("qwen", {}, "max_completion_tokens", 500, None),
        ("qwen", {"many_choices": True}, "n", 4, 4),
        ("qwen", {}, "n", 4, None),
        ("ernie", {"no_temperature": True}, "temperature", 0.5, None),
        ("ernie", {}, "temperature", 0.5, 0.5),
        ("ernie", {"no_seed": True}, "seed", 5, None),
        ("ernie", {}, "seed", 5, 5),
        ("ernie", {"no_stop": True}, "stop", ["a"], None),
        ("ernie", {"effort": True}, "reasoning_effort", "low", "low"),
        ("ernie", {}, "reasoning_effort", "low", None),
        ("kimi", {"effort": True}, "reasoning_effort", "low", "low"),
        ("kimi", {"cache_options": True}, "prompt_cache_options", {"ttl": "5m"}, {"ttl": "5m"}),
        ("kimi", {}, "prompt_cache_options", {"ttl": "5m"}, None),
    ],
)
def test_a_fact_decides_what_is_sent(vendor: str, facts: dict[str, Any], name: str, value: Any, sent: Any) -> None:
    thinking = "always" if "effort" in facts else "never"
    assert planned(vendor, facts, thinking=thinking, **{name: value}).request.fields.get(name) == sent


def test_several_choices_of_qwen_are_one_by_one_beside_tools_and_while_it_thinks() -> None:
    many = {"many_choices": True}
    assert planned("qwen", many, n=2).emulations == {}
    assert planned("qwen", many, n=2, tools=[TOOL]).emulations == {"n": 2}
    assert planned("qwen", many, thinking="always", n=2).emulations == {"n": 2}


def test_open_qwen3_thinks_in_streams_only_so_a_whole_response_is_joined_from_one() -> None:
    def thinks(family: str, thinking: str, stream: bool) -> Any:
        made = planned("qwen", {}, family, thinking, stream=stream)
        return made.thinks, made.request.fields.get("enable_thinking"), made.request.fields.get("stream")

    assert thinks("qwen3", "default_on", False) == (True, None, True)
    assert thinks("qwen3", "default_on", True) == (True, None, True)
    assert thinks("qwen3.5", "default_on", False) == (True, None, False)
    asked = planned("qwen", {}, "qwen3", "default_on", enable_thinking=True)
    assert (asked.thinks, asked.adaptations["stream"].word) == (True, "emulated")
    off = planned("qwen", {}, "qwen3", "default_off", enable_thinking=True)
    assert off.thinks


def test_where_sources_disagree_on_what_a_model_does_a_wish_is_always_sent() -> None:
    for unsure, sent in ((True, False), (False, None)):
        made = planned("qwen", {"default_unsure": unsure}, thinking="default_off", reasoning_effort="none")
        assert made.request.fields.get("enable_thinking") is sent
