"""Single parameters at the limits documented by the vendors, for models of the catalog."""

import re
from typing import Any

import pytest

from adapters.core.failures import Refused
from adapters.core.model import Model
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan
from adapters.planning import MOST_CALLS, MOST_CHOICES, plan
from adapters.registry import BY_CATALOG
from tests.adapters.play import HELLO, chat_plan, target

K26, V1, K3 = "kimi/kimi-k2.6", "kimi/moonshot-v1-8k", "kimi/kimi-k3"
PLUS, LEVELS, VL = "qwen/qwen-plus", "qwen/qwen3.8-max", "qwen/qwen3-vl-plus"
TURBO, X1, E51 = "ernie/ernie-4.5-turbo-128k", "ernie/ernie-x1.1", "ernie/ernie-5.1"
HY3, CLASSIC, A13B = "hunyuan/hy3", "hunyuan_classic/hunyuan-turbos-latest", "hunyuan_classic/hunyuan-a13b"


def planned(where: str, asked: str = "o3", stream: bool = False, **fields: Any) -> Plan:
    """A request for a name that reasons, unless another is given."""
    vendor, _, model = where.partition("/")
    return chat_plan(vendor, model, stream=stream, asked=asked, shipped=True, **fields)


def word(made: Plan, name: str) -> str:
    told = made.adaptations[name]
    return f"({told.word})" if told.quiet else told.word


@pytest.mark.parametrize(
    ("where", "name", "value", "sent", "said"),
    [
        (K26, "stop", "x" * 32, "x" * 32, "honoured"),
        (K26, "stop", "x" * 33, None, "emulated"),
        (K26, "stop", ["中" * 10, "中" * 11], ["中" * 10], "emulated"),
        (V1, "n", 5, 5, "honoured"),
        (V1, "n", 6, None, "emulated"),
        (K26, "n", 1, 1, "honoured"),
        (K26, "n", 2, None, "emulated"),
        (V1, "temperature", 1, 1, "honoured"),
        (V1, "temperature", 1.01, 1, "clamped"),
        (K3, "reasoning_effort", "none", "low", "mapped"),
        (K3, "reasoning_effort", "minimal", "low", "mapped"),
        (K3, "reasoning_effort", "low", "low", "honoured"),
        (K3, "reasoning_effort", "high", "high", "honoured"),
        (K3, "reasoning_effort", "max", "max", "honoured"),
        (K26, "reasoning_effort", "high", None, "mapped"),
        (K26, "reasoning_effort", "none", None, "mapped"),
        (V1, "reasoning_effort", "low", None, "dropped"),
        (V1, "reasoning_effort", "minimal", None, "mapped"),
        (PLUS, "seed", 2**31 - 1, 2**31 - 1, "honoured"),
        (PLUS, "seed", 2**31, 0, "mapped"),
        (PLUS, "seed", 0, 0, "honoured"),
        (PLUS, "seed", -1, 2**31 - 1, "mapped"),
        (PLUS, "n", 4, 4, "honoured"),
        (PLUS, "n", 5, None, "emulated"),
        (VL, "n", 2, None, "emulated"),
        (PLUS, "temperature", 1.99, 1.99, "honoured"),
        (PLUS, "temperature", 0, 0, "honoured"),
        (PLUS, "top_p", 0.001, 0.001, "honoured"),
        (PLUS, "top_p", 1, 1, "honoured"),
        (PLUS, "reasoning_effort", "none", None, "mapped"),
        (LEVELS, "reasoning_effort", "low", "low", "honoured"),
        (LEVELS, "reasoning_effort", "medium", "medium", "honoured"),
        (LEVELS, "reasoning_effort", "xhigh", "xhigh", "honoured"),
        (LEVELS, "reasoning_effort", "max", "xhigh", "mapped"),
        (TURBO, "stop", ["x" * 20, "b", "c", "d"], ["x" * 20, "b", "c", "d"], "honoured"),
        (TURBO, "stop", ["x" * 21], None, "emulated"),
        (TURBO, "stop", ["a", "b", "c", "d", "e"], ["a", "b", "c", "d"], "emulated"),
        (TURBO, "seed", 1, 1, "honoured"),
        (TURBO, "seed", 2**31 - 2, 2**31 - 2, "honoured"),
        (TURBO, "seed", 2**31 - 1, 1, "mapped"),
        (TURBO, "temperature", 0.01, 0.01, "honoured"),
        (TURBO, "temperature", 1, 1, "honoured"),
        (TURBO, "temperature", 1.5, 1, "clamped"),
        (TURBO, "max_tokens", 12_288, 12_288, "honoured"),
        (TURBO, "max_tokens", 12_289, 12_288, "clamped"),
        (E51, "reasoning_effort", "low", "low", "honoured"),
        (E51, "reasoning_effort", "medium", "medium", "honoured"),
        (E51, "reasoning_effort", "high", "high", "honoured"),
        (E51, "reasoning_effort", "max", "high", "mapped"),
        (HY3, "reasoning_effort", "low", "low", "honoured"),
        (HY3, "reasoning_effort", "medium", "medium", "honoured"),
        (HY3, "reasoning_effort", "high", "high", "honoured"),
        (HY3, "reasoning_effort", "max", "high", "mapped"),
        (CLASSIC, "reasoning_effort", "low", None, "dropped"),
        (CLASSIC, "reasoning_effort", "none", None, "mapped"),
        (CLASSIC, "seed", 1, 1, "honoured"),
    ],
)  # fmt: skip
def test_a_value_at_the_edge_is_sent_as_on_the_sheet(where: str, name: str, value: Any, sent: Any, said: str) -> None:
    made = planned(where, **{name: value})
    assert (made.request.fields.get(name), word(made, name)) == (sent, said)


@pytest.mark.parametrize(("effort", "budget"), [("low", 1024), ("medium", 4096), ("high", 16384), ("xhigh", None)])
def test_an_effort_is_a_budget_of_tokens_where_qwen_has_no_levels(effort: str, budget: int | None) -> None:
    fields = planned(PLUS, reasoning_effort=effort).request.fields
    assert (fields.get("thinking_budget"), fields["enable_thinking"]) == (budget, True)
    own = planned(PLUS, reasoning_effort=effort, thinking_budget=7).request.fields
    assert own["thinking_budget"] == 7


@pytest.mark.parametrize(
    ("asked", "sent", "said"), [(0.3, 0.3, "honoured"), (0.29, 0.3, "clamped"), (1, 1, "honoured")]
)
def test_several_choices_of_v1_are_not_requested_near_temperature_zero(asked: float, sent: float, said: str) -> None:
    made = planned(V1, n=2, temperature=asked)
    assert (made.request.fields["temperature"], word(made, "temperature")) == (sent, said)
    assert "temperature" not in planned(V1, n=1).request.fields


@pytest.mark.parametrize("where", [PLUS, K26, HY3, A13B])
@pytest.mark.parametrize(("limit", "thinks"), [(1023, False), (1024, True)])
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_under_a_small_limit_of_tokens_no_model_is_left_to_think(
    where: str, limit: int, thinks: bool, name: str
) -> None:
    silent, small = planned(where).thinks, dict[str, Any]({name: limit})
    assert planned(where, **small).thinks == (thinks and silent)
    assert planned(where, reasoning_effort="high", **small).thinks, "it was asked for"


@pytest.mark.parametrize(
    ("asked", "thinks"),
    [
        ("gpt-4o", False), ("gpt-3.5-turbo", False), ("chatgpt-4o-latest", False), ("text-davinci-003", False),
        ("davinci-002", False), ("babbage-002", False), ("gpt-5-mini", True), ("gpt-6", True), ("o3", True), ("mine", True),
    ],
)  # fmt: skip
def test_under_a_name_that_does_not_reason_a_model_that_may_think_does_not(asked: str, thinks: bool) -> None:
    assert planned(K26, asked).thinks == thinks


def test_a_server_of_ones_own_is_never_taken_to_think() -> None:
    assert not planned("openai_compatible/qwen2:7b", enable_thinking=True).thinks


@pytest.mark.parametrize(
    ("where", "fields", "param"),
    [
        (V1, {"logprobs": True}, "logprobs"),
        (TURBO, {"logprobs": True}, "logprobs"),
        (K26, {"web_search_options": {}}, "web_search_options"),
        (K26, {"audio": {"voice": "alloy", "format": "mp3"}}, "audio"),
        (K26, {"modalities": ["text", "audio"]}, "modalities"),
        (PLUS, {"logprobs": True}, "logprobs"),
        (TURBO, {"tools": [{"type": "custom", "custom": {"name": "get"}}]}, "tools[0].type"),
        (K26, {"max_tokens": 0}, "max_tokens"),
    ],
)
def test_what_a_model_lacks_is_refused_by_its_name(where: str, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as refused:
        planned(where, **fields)
    assert refused.value.param == param


def test_as_many_choices_and_calls_as_are_made_at_most() -> None:
    assert planned(K26, n=MOST_CHOICES).emulations["n"] == 16
    with pytest.raises(Refused, match="'n' is not supported"):
        planned(K26, n=MOST_CHOICES + 1)
    assert MOST_CALLS == 64


@pytest.mark.parametrize("where", [K26, PLUS, X1, HY3])
def test_128_tools_are_taken_and_129_are_not(where: str) -> None:
    tools = [{"type": "function", "function": {"name": f"tool_{at}"}} for at in range(129)]
    assert len(planned(where, tools=tools[:128]).request.fields["tools"]) == 128
    with pytest.raises(Refused, match="at most 128 tools"):
        planned(where, tools=tools)


@pytest.mark.parametrize(
    ("where", "name", "offered"),
    [
        (K26, "abc", "abc"),
        (K26, "ab", "tool_ab"),
        (K26, "_ab", "_ab"),
        (K26, "9abc", "tool_9abc"),
        (K26, "x" * 64, "x" * 64),
        (K26, "x" * 65, "tool_" + "x" * 48),
        (PLUS, "a", "a"),
        (PLUS, "search", "tool_search"),
        (PLUS, "x" * 65, "tool_" + "x" * 48),
        (HY3, "search", "search"),
        (HY3, "get weather", "tool_get_weather"),
    ],
)
def test_a_tool_is_offered_under_a_name_that_the_vendor_takes(where: str, name: str, offered: str) -> None:
    made = planned(where, tools=[{"type": "function", "function": {"name": name}}])
    assert made.request.fields["tools"][0]["function"]["name"] == offered
    assert dict(made.tool_names) == ({} if offered == name else {offered: name})


def test_two_tools_whose_other_names_would_be_one_get_two() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in ("a.b", "a:b", "a b")]
    made = planned(HY3, tools=tools)
    assert [tool["function"]["name"] for tool in made.request.fields["tools"]] == [
        "tool_a_b",
        "tool_a_b_2",
        "tool_a_b_3",
    ]


@pytest.mark.parametrize("names", [["search", "tool_search"], ["tool_search", "search"]])
def test_a_tools_other_name_is_not_that_of_another_tool(names: list[str]) -> None:
    made = planned(PLUS, tools=[{"type": "function", "function": {"name": name}} for name in names])
    sent = [tool["function"]["name"] for tool in made.request.fields["tools"]]
    assert sent == ["tool_search_2" if name == "search" else name for name in names]
    assert dict(made.tool_names) == {"tool_search_2": "search"}


@pytest.mark.parametrize("where", [K26, PLUS, HY3])
def test_other_names_are_valid_and_differ_however_many_there_are(where: str) -> None:
    names = [f"{'x' * 70}.{at}" for at in range(100)]
    made = planned(where, tools=[{"type": "function", "function": {"name": name}} for name in names])
    sent = [tool["function"]["name"] for tool in made.request.fields["tools"]]
    assert len(set(sent)) == 100
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in sent)
    assert [made.tool_names[name] for name in sent] == names


def test_an_empty_list_of_tools_is_left_out() -> None:
    made = planned(PLUS, tools=[])
    assert "tools" not in made.request.fields
    assert "parallel_tool_calls" not in made.request.fields
    assert made.adaptations["tools"].word == "mapped"


@pytest.mark.parametrize(("vendor", "model", "most"), [
    ("qwen", "text-embedding-v4", 10), ("hunyuan", "kinfra-text-embedding-0.6b", 50), ("ernie", "bge-large-zh", 16),
])  # fmt: skip
def test_an_embeddings_call_takes_as_many_texts_as_on_the_sheet(vendor: str, model: str, most: int) -> None:
    place = target(vendor, model, shipped=True)
    assert (
        plan(ApiRequest("embeddings", "text-embedding-3-small", {"input": ["a"]}), place).op.max_inputs(place.model)
        == most
    )


@pytest.mark.parametrize(("vendor", "most"), [("qwen", 10), ("hunyuan", 50), ("hunyuan_classic", 50), ("ernie", 16)])
def test_an_embeddings_call_of_a_model_without_that_fact_takes_as_many_texts_as_its_siblings(
    vendor: str, most: int
) -> None:
    assert BY_CATALOG[vendor].operations["embeddings"].max_inputs(Model("new", operation="embeddings")) == most


def test_a_size_that_a_model_lacks_is_refused_and_its_only_size_is_left_out() -> None:
    def fields(vendor: str, model: str, size: int) -> Any:
        ask = ApiRequest("embeddings", "text-embedding-3-small", {"input": ["a"], "dimensions": size})
        return plan(ask, target(vendor, model, shipped=True)).request.fields

    assert fields("qwen", "text-embedding-v4", 512)["dimensions"] == 512
    assert "dimensions" not in fields("ernie", "bge-large-zh", 1024)
    with pytest.raises(Refused, match="not 1000"):
        fields("qwen", "text-embedding-v4", 1000)


def test_members_that_choose_a_destination_are_never_sent() -> None:
    names = (
        "api_base", "api_key", "api_type", "api_version", "azure_endpoint", "base_url", "custom_llm_provider", "default_headers",
        "endpoint", "extra_headers", "headers", "host", "organization", "project", "proxies", "proxy", "user_config",
    )  # fmt: skip
    fields: dict[str, Any] = dict.fromkeys(names, "https://elsewhere.example")
    made = planned(K26, **fields)
    assert not set(names) & set(made.request.fields)
    assert {made.adaptations[name].word for name in names} == {"dropped"}


def test_a_message_without_anything_to_change_is_sent_as_it_came() -> None:
    assert planned(K26).request.fields["messages"] == HELLO


@pytest.mark.parametrize("vendor", ["kimi", "qwen", "ernie", "hunyuan", "hunyuan_classic"])
def test_a_choice_that_names_no_tool_of_the_request_is_refused(vendor: str) -> None:
    tools = [{"type": "function", "function": {"name": "a", "parameters": {"type": "object", "properties": {}}}}]
    with pytest.raises(Refused) as refused:
        chat_plan(vendor, tools=tools, tool_choice={"type": "function", "function": {"name": "b"}})
    assert refused.value.param == "tool_choice"
    assert "no tool is called 'b'" in refused.value.message
