"""Legacy functions as tools: the vendor's request, and refusals in terms of the client's parameters."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.core.failures import Refused
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan, Target
from adapters.planning import plan, uses_functions
from adapters.registry import VENDORS
from tests.adapters.play import HELLO, MODELS, chat_plan, target

GET = {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}
TIME = {"name": "get_time"}


def messages_of(*messages: dict[str, Any], vendor: str = "qwen") -> list[dict[str, Any]]:
    """Return the rewritten messages."""
    sent: list[dict[str, Any]] = chat_plan(vendor, messages=list(messages), functions=[GET]).request.fields["messages"]
    return sent


def test_calls_and_results_get_ids_that_agree() -> None:
    asked: list[dict[str, Any]] = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": None, "function_call": {"name": "get_weather", "arguments": '{"a": 1}'}},
        {"role": "function", "name": "get_weather", "content": "4"},
        {"role": "assistant", "content": "four"},
        {"role": "assistant", "content": "so:", "function_call": {"name": "get_time", "arguments": ""}},
        {"role": "function", "name": "get_time", "content": None},
    ]
    sent = messages_of(*asked)

    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "assistant", "assistant", "tool"]
    first, second = sent[1]["tool_calls"][0], sent[4]["tool_calls"][0]
    assert first["function"] == {"name": "get_weather", "arguments": '{"a": 1}'}
    assert (sent[4]["content"], second["function"]["arguments"]) == ("so:", "{}")
    assert [sent[2]["tool_call_id"], sent[5]["tool_call_id"]] == [first["id"], second["id"]]
    assert first["id"] != second["id"]
    assert (sent[2]["content"], sent[5]["content"]) == ("4", "")
    assert not any("function_call" in message or message["role"] == "function" for message in sent)
    assert messages_of(*asked) == sent, "the same history has the same ids: the vendor's cache knows it again"


def test_a_result_without_its_call_gets_one() -> None:
    sent = messages_of({"role": "user", "content": "a"}, {"role": "function", "name": "get_weather", "content": "4"})

    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
    assert sent[1]["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": "{}"}
    assert sent[2]["tool_call_id"] == sent[1]["tool_calls"][0]["id"]


def test_old_messages_are_translated_where_no_function_is_offered_any_more() -> None:
    asked = [*HELLO, {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
             {"role": "function", "name": "f", "content": "4"}]  # fmt: skip
    made = chat_plan("qwen", messages=asked)

    assert [message["role"] for message in made.request.fields["messages"]] == ["user", "assistant", "tool"]
    assert made.adaptations["messages.function_call"].word == "mapped"


def test_one_call_at_a_time_is_requested_if_the_vendor_has_the_parameter() -> None:
    made = chat_plan("qwen", functions=[GET, TIME])
    assert made.request.fields["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in chat_plan("kimi", functions=[GET, TIME]).request.fields


@pytest.mark.parametrize("vendor", [one for one in VENDORS if not one.transparent], ids=lambda vendor: vendor.name)
def test_functions_of_the_operators_are_tools_too(vendor: Any) -> None:
    model = MODELS[{"kimi": "kimi-k2.6", "qwen": "qwen-plus"}.get(vendor.name, "kimi-k2.6")]
    model = replace(model, facts={**model.facts, "tool_choice": True})  # Doubao's models without it get no tools
    wish = Target(vendor.name, vendor, model, "http://x/v1", overrides={"functions": [GET], "function_call": "none"})
    made = plan(ApiRequest("chat", "gpt-4o", {"messages": HELLO}), wish)

    assert made.request.fields["tools"][0]["function"]["name"] == "get_weather"
    assert made.request.fields["tool_choice"] == "none"


def refusal(fields: dict[str, Any], vendor: str = "kimi", model: str = "kimi-k2.6") -> Refused:
    unforced = replace(target(vendor, model), disabled_emulations=frozenset({"tool_choice"}))
    with pytest.raises(Refused) as raised:
        plan(ApiRequest("chat", "o3", {"messages": HELLO, **fields}), unforced)
    return raised.value


def test_a_refusal_of_tools_uses_the_clients_field_names() -> None:
    thinking = {"thinking": {"type": "enabled"}, "functions": [GET], "function_call": {"name": "get_weather"}}
    refused = refusal(thinking)

    assert refused.param == "function_call"
    assert "'function_call'" in refused.message
    assert "'tool_choice'" not in refused.message
    assert refusal({"functions": [{"name": "f" * 3}] * 129}).param == "functions"


def test_a_plan_thinks_as_it_would_with_tools() -> None:
    """A forced call disables thinking: the switch is applied before the tables."""

    def asked(**fields: Any) -> Plan:
        return plan(ApiRequest("chat", "o3", {"messages": HELLO, **fields}), target("kimi", "kimi-k2.6"))

    choice = {"type": "function", "function": {"name": "get_weather"}}
    as_tools = asked(tools=[{"type": "function", "function": GET}], tool_choice=choice)
    as_functions = asked(functions=[GET], function_call={"name": "get_weather"})
    assert as_functions.request.fields == as_tools.request.fields
    assert as_functions.thinks is False


def test_a_request_without_functions_is_no_legacy_one() -> None:
    plain = {"messages": [{"role": "user", "content": "hi"}], "tools": []}
    assert not uses_functions(plain)
    assert uses_functions({**plain, "functions": []})
    assert uses_functions({**plain, "function_call": "none"})
    assert uses_functions({"messages": [{"role": "assistant", "function_call": {}}]})
    assert uses_functions({"messages": [{"role": "function", "content": "1"}]})


def test_functions_beside_tools_are_refused_as_a_contradiction() -> None:
    with pytest.raises(Refused) as raised:
        chat_plan("qwen", functions=[GET], tools=[{"type": "function", "function": TIME}])
    assert (raised.value.param, raised.value.code) == ("functions", "unsupported_value")
    assert "not both" in str(raised.value.message)


def test_an_empty_list_of_tools_beside_functions_is_recorded_as_mapped() -> None:
    adaptations = chat_plan("qwen", functions=[GET], tools=[]).adaptations
    assert (adaptations["tools"].word, adaptations["functions"].word) == ("mapped", "mapped")
