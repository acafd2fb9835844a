"""What presets change in requests, beyond what their golden pairs show."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.core.failures import Refused
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan
from adapters.planning import plan
from adapters.registry import BY_CATALOG, VENDORS
from adapters.vendors.openai_compatible import FAILURES
from tests.adapters.play import HELLO, chat_plan, completions_plan, target

PRESETS = [vendor.name for vendor in VENDORS if vendor.preset]
FUNCTION = {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}
TOOLS = [{"type": "function", "function": FUNCTION}, {"type": "function", "function": {"name": "get_time"}}]
NAMED = {"type": "function", "function": {"name": "get_weather"}}


def made(preset: str, model: str = "m", **fields: Any) -> Plan:
    return chat_plan(preset, model, stream=False, **fields)


def words(planned: Plan) -> dict[str, str]:
    return {name: one.word for name, one in planned.adaptations.items()}


@pytest.mark.parametrize("preset", PRESETS)
def test_functions_become_tools_because_no_server_reads_them(preset: str) -> None:
    planned = made(preset, functions=[FUNCTION], function_call="auto")
    assert "functions" not in planned.request.fields
    assert [tool["function"]["name"] for tool in planned.request.fields["tools"]] == ["get_weather"]
    assert words(planned)["functions"] == "mapped"


@pytest.mark.parametrize("preset", PRESETS)
def test_what_only_openai_has_is_reported_as_dropped(preset: str) -> None:
    planned = made(preset, metadata={"a": "b"}, service_tier="flex", store=True)
    assert not planned.request.fields.keys() & {"metadata", "service_tier", "store"}
    assert {words(planned)[name] for name in ("metadata", "service_tier", "store")} == {"dropped"}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_member_that_nobody_knows_is_sent_unchanged(preset: str) -> None:
    assert made(preset, chat_template_kwargs={"a": 1}).request.fields["chat_template_kwargs"] == {"a": 1}


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "openrouter"])
def test_developer_messages_are_system_messages(preset: str) -> None:
    planned = made(preset, messages=[{"role": "developer", "content": "Be brief."}, *HELLO])
    assert planned.request.fields["messages"][0] == {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize("choice", ["required", NAMED])
def test_a_forced_call_is_asked_for_in_the_prompt_where_the_server_ignores_the_choice(choice: Any) -> None:
    planned = made("ollama", tools=TOOLS, tool_choice=choice)
    assert "tool_choice" not in planned.request.fields
    assert words(planned)["tool_choice"] == "emulated"
    assert "Call " in planned.request.fields["messages"][-1]["content"]


def test_a_forced_call_is_refused_where_the_operator_has_disabled_the_emulation() -> None:
    with pytest.raises(Refused, match="ignores tool_choice"):
        made(
            "ollama", tools=TOOLS, tool_choice="required", settings={"disabled_emulations": frozenset({"tool_choice"})}
        )


def test_auto_is_left_out_where_the_server_ignores_the_choice() -> None:
    planned = made("ollama", tools=TOOLS, tool_choice="auto")
    assert "tool_choice" not in planned.request.fields
    assert planned.request.fields["tools"] == TOOLS


@pytest.mark.parametrize("preset", ["llamacpp", "lmstudio"])
def test_a_named_tool_is_required_alone_where_the_server_reads_strings_only(preset: str) -> None:
    planned = made(preset, tools=TOOLS, tool_choice=NAMED)
    assert planned.request.fields["tool_choice"] == "required"
    assert planned.request.fields["tools"] == TOOLS[:1]
    for choice in ("none", "auto", "required"):
        unchanged = made(preset, tools=TOOLS, tool_choice=choice).request.fields
        assert (unchanged["tool_choice"], unchanged["tools"]) == (choice, TOOLS)


@pytest.mark.parametrize("preset", ["vllm", "sglang", "openrouter"])
def test_a_named_tool_is_sent_as_it_is_elsewhere(preset: str) -> None:
    assert made(preset, tools=TOOLS, tool_choice=NAMED).request.fields["tool_choice"] == NAMED


def test_several_choices_take_one_call_each_where_the_server_ignores_n() -> None:
    planned = made("ollama", n=3)
    assert "n" not in planned.request.fields
    assert planned.emulations["n"] == 3


@pytest.mark.parametrize("name", ["n", "best_of"])
def test_a_completion_is_refused_what_the_server_ignores(name: str) -> None:
    fields: dict[str, Any] = {"prompt": "a", name: 2}
    with pytest.raises(Refused, match="ignores it"):
        completions_plan("ollama", "m", **fields)


@pytest.mark.parametrize(("preset", "sent"), [("ollama", {"max_tokens"}), ("vllm", {"max_completion_tokens"})])
def test_the_limit_has_the_name_that_the_server_reads(preset: str, sent: set[str]) -> None:
    fields = made(preset, max_completion_tokens=5).request.fields
    assert fields.keys() & {"max_tokens", "max_completion_tokens"} == sent


def test_top_p_of_1_is_left_out_and_0_clamped_where_the_vendor_accepts_neither() -> None:
    for preset in ("yi", "sensenova"):
        assert "top_p" not in made(preset, top_p=1).request.fields
        assert made(preset, top_p=0).request.fields["top_p"] == 0.01
        assert made(preset, top_p=0.5).request.fields["top_p"] == 0.5


def test_strict_refuses_what_a_preset_drops() -> None:
    strict = replace(target("ollama", "m"), strict=True)
    with pytest.raises(Refused, match="logit_bias"):
        plan(ApiRequest("chat", "gpt-4o", {"messages": HELLO, "logit_bias": {"1": 1}}), strict)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_rows_of_openai_compatible_follow_those_of_the_preset(preset: str) -> None:
    for op in BY_CATALOG[preset].operations.values():
        assert op.failures[-len(FAILURES) :] == FAILURES
