"""Hunyuan's two editions: their differences, and the result of the same request in each."""

from typing import Any

import pytest

from adapters.core.failures import Refused
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan, Target
from adapters.planning import plan
from adapters.registry import BY_CATALOG
from adapters.rules.tool_choice import CALL_ANY
from config.catalog import models as catalog
from tests.adapters.play import HELLO

TOKENHUB, CLASSIC = "hunyuan/hy3", "hunyuan_classic/hunyuan-turbos-latest"
EDITIONS = pytest.mark.parametrize("where", [TOKENHUB, CLASSIC])


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def planned(where: str, asked: str = "gpt-4o", defaults: dict[str, Any] | None = None, **fields: Any) -> Plan:
    """A request with these fields for ``catalog/model``."""
    file, _, id_ = where.partition("/")
    vendor, model = BY_CATALOG[file], catalog.load(file).model(id_)
    assert model is not None
    operation = model.operation
    body = {"messages": HELLO, **fields} if operation == "chat" else fields
    ask = ApiRequest(operation, asked, body, fields.get("stream") is True)
    return plan(ask, Target("h", vendor, model, vendor.base_urls["cn"], defaults=defaults or {}))


def sent(where: str, name: str, value: Any, **fields: Any) -> tuple[Any, str]:
    """Return what the vendor gets for this name, and the verdict."""
    made = planned(where, **{name: value}, **fields)
    return made.request.fields.get(name), made.adaptations[name].word


def refused(where: str, **fields: Any) -> str:
    with pytest.raises(Refused) as caught:
        planned(where, **fields)
    return f"{caught.value.param}: {caught.value.message}"


# --- parameters


@pytest.mark.parametrize(
    ("where", "name", "value", "goes", "word"),
    [
        (TOKENHUB, "temperature", 2, 2, "honoured"),
        (CLASSIC, "temperature", 0, 0, "honoured"),
        (TOKENHUB, "seed", -5, -5, "honoured"),
        (CLASSIC, "seed", 10_000, 10_000, "honoured"),
        (CLASSIC, "seed", 10_001, 1, "mapped"),
        (CLASSIC, "seed", 0, 10_000, "mapped"),
        (CLASSIC, "seed", -1, 9_999, "mapped"),
        (TOKENHUB, "frequency_penalty", 0.5, 0.5, "honoured"),
        (CLASSIC, "frequency_penalty", 0.5, None, "dropped"),
        (TOKENHUB, "stop", ["a", "b"], ["a", "b"], "honoured"),
        (CLASSIC, "stop", ["a", "b"], ["a", "b"], "emulated"),
        (CLASSIC, "stop", "a", ["a"], "emulated"),
        (CLASSIC, "stop", [], None, "mapped"),
        (TOKENHUB, "n", 3, None, "emulated"),
        (CLASSIC, "n", 3, None, "emulated"),
        (TOKENHUB, "max_tokens", 500_000, 64_000, "clamped"),
        (CLASSIC, "max_tokens", 500_000, 16_000, "clamped"),
        (TOKENHUB, "response_format", {"type": "json_object"}, {"type": "json_object"}, "honoured"),
        (CLASSIC, "response_format", {"type": "text"}, None, "mapped"),
        (TOKENHUB, "web_search_options", {"search_context_size": "low"}, {"enable": True}, "mapped"),
        (CLASSIC, "web_search_options", {}, None, "mapped"),
        (TOKENHUB, "user", "u", None, "dropped"),
        (CLASSIC, "logit_bias", {"1": 2}, None, "dropped"),
    ],
)  # fmt: skip
def test_a_parameter_in_an_editions_own_words(where: str, name: str, value: Any, goes: Any, word: str) -> None:
    assert sent(where, name, value) == (goes, word)


@EDITIONS
@pytest.mark.parametrize("order", [("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")])
def test_the_smaller_of_two_limits_is_sent_in_either_order(where: str, order: tuple[str, str]) -> None:
    limits = {"max_tokens": 60, "max_completion_tokens": 50}
    fields: dict[str, Any] = {name: limits[name] for name in order}
    made = planned(where, **fields)
    assert made.request.fields["max_tokens"] == 50
    assert "max_completion_tokens" not in made.request.fields
    assert made.adaptations["max_tokens"].word == "mapped"
    limits = {"max_tokens": 50, "max_completion_tokens": 60}
    fields = {name: limits[name] for name in order}
    made = planned(where, **fields)
    assert made.request.fields["max_tokens"] == 50
    assert made.adaptations["max_completion_tokens"] == ("mapped", "the smaller of the two limits is sent", False)


def test_what_wrappers_make_up_for_is_handed_to_them() -> None:
    assert planned(CLASSIC, n=3, stop=["a"]).emulations == {"n": 3, "stop": ["a"]}
    assert planned(TOKENHUB, n=3, stop=["a"]).emulations == {"n": 3}
    assert planned(CLASSIC, n=1).emulations == {}


@pytest.mark.parametrize(
    ("where", "fields", "param"),
    [
        (TOKENHUB, {"logprobs": True}, "logprobs"),
        (CLASSIC, {"top_logprobs": 3}, "top_logprobs"),
        ("hunyuan_classic/hunyuan-lite", {"web_search_options": {}}, "web_search_options"),
    ],
)
def test_what_the_caller_would_rely_on_is_refused_with_a_cure(where: str, fields: dict[str, Any], param: str) -> None:
    said = refused(where, **fields)
    assert said.startswith(f"{param}: ")
    assert ":" in said.partition(f"{param}' is not supported by")[2] or "which the client would rely on" in said


@pytest.mark.parametrize(
    ("where", "takes"),
    [
        ("hunyuan/hy3", False), ("hunyuan/hy4", True), ("hunyuan_classic/hunyuan-turbos-latest", False),
        ("hunyuan_classic/hunyuan-turbos-vision", True),
    ],
)  # fmt: skip
def test_images_go_to_the_models_that_see(where: str, takes: bool) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}}
    messages = [{"role": "user", "content": [picture]}]
    if not takes:
        assert "map this name to a model that accepts image" in refused(where, messages=messages)
        return
    made = planned(where, messages=messages)
    assert made.request.fields["messages"][0]["content"] == [
        {**picture, "image_url": {"url": "https://x.example/a.png"}}
    ]
    assert made.adaptations["messages.content.detail"].word == "dropped"


@EDITIONS
def test_streams_request_usage(where: str) -> None:
    assert planned(where, stream=True).request.fields["stream_options"] == {"include_usage": True}


# --- tools


@pytest.mark.parametrize("choice", ["none", "auto", "required", named("b")])
def test_tokenhub_takes_every_choice_of_a_tool(choice: Any) -> None:
    assert sent(TOKENHUB, "tool_choice", choice, tools=[tool("a"), tool("b")]) == (choice, "honoured")


@pytest.mark.parametrize("choice", ["none", "auto"])
def test_the_classic_host_takes_none_and_auto(choice: str) -> None:
    assert sent(CLASSIC, "tool_choice", choice, tools=[tool("a"), tool("b")]) == (choice, "honoured")


@pytest.mark.parametrize(("choice", "names"), [("required", ["a"]), (named("a"), ["b", "a"]), (named("a b"), ["a b"])])
def test_a_tool_that_must_be_called_is_the_classic_hosts_custom_one(choice: Any, names: list[str]) -> None:
    made = planned(CLASSIC, tools=[tool(name) for name in names], tool_choice=choice)
    assert made.request.fields["tool_choice"] == "custom"
    assert made.request.fields["custom_tool"] == made.request.fields["tools"][-1]
    assert made.adaptations["tool_choice"].word == "mapped"


def test_one_of_several_tools_can_not_be_demanded_of_the_classic_host() -> None:
    made = planned(CLASSIC, tools=[tool("a"), tool("b")], tool_choice="required")
    assert made.adaptations["tool_choice"].word == "emulated"
    assert "tool_choice" not in made.request.fields
    assert made.request.fields["messages"][-1]["content"].endswith("\n\n" + CALL_ANY)
    several = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named("a")]}}
    assert "the name of a function" in refused(CLASSIC, tools=[tool("a")], tool_choice=several)


# --- thinking


@pytest.mark.parametrize(
    ("fields", "thinking", "effort"),
    [
        ({}, None, None),
        ({"reasoning_effort": "low"}, "enabled", "low"),
        ({"reasoning_effort": "medium"}, "enabled", "medium"),
        ({"reasoning_effort": "xhigh"}, "enabled", "high"),
        ({"reasoning_effort": "none"}, None, None),
        ({"thinking": {"type": "enabled"}}, "enabled", None),
        ({"thinking": {"type": "disabled"}, "reasoning_effort": "high"}, "disabled", None),
        ({"enable_thinking": True}, "enabled", None),
    ],
)
def test_hy3_thinks_on_request(fields: dict[str, Any], thinking: str | None, effort: str | None) -> None:
    body = planned(TOKENHUB, **fields).request.fields
    assert body.get("thinking") == (thinking and {"type": thinking})
    assert body.get("reasoning_effort") == effort
    assert "enable_thinking" not in body


def test_a_call_is_not_forced_while_hy3_thinks() -> None:
    fields: dict[str, Any] = {"tools": [tool("a")], "tool_choice": "required"}
    asked = planned(TOKENHUB, reasoning_effort="low", **fields)
    assert asked.adaptations["tool_choice"].word == "emulated"
    assert "while the model thinks" in asked.adaptations["tool_choice"].why
    assert "tool_choice" not in asked.request.fields
    assert "thinking" not in planned(TOKENHUB, **fields).request.fields


@pytest.mark.parametrize(
    ("asked", "fields", "thinking"),
    [
        ("gpt-4o", {}, "disabled"),
        ("o3", {}, None),
        ("hy4-preview", {}, None),
        ("o3", {"reasoning_effort": "low"}, "enabled"),
        ("o3", {"reasoning_effort": "none"}, "disabled"),
        ("o3", {"max_tokens": 100}, "disabled"),
        ("hy4-preview", {"tools": [tool("a")], "tool_choice": "required"}, "disabled"),
    ],
)
def test_hy4_whose_default_is_uncertain_always_gets_the_switch(
    asked: str, fields: dict[str, Any], thinking: str | None
) -> None:
    body = planned("hunyuan/hy4-preview", asked, **fields).request.fields
    assert body.get("thinking") == (thinking and {"type": thinking})


@pytest.mark.parametrize(
    ("asked", "fields", "on"),
    [
        ("o3", {}, True),
        ("gpt-5", {}, True),
        ("o3", {"max_tokens": 100}, False),
        ("o3", {"reasoning_effort": "none"}, False),
        ("o3", {"thinking": {"type": "disabled"}}, False),
        ("o3", {"tools": [tool("a")], "tool_choice": "required"}, False),
        ("o3", {"max_tokens": 100, "reasoning_effort": "high"}, True),
    ],
)
def test_under_a_reasoning_name_hy3_thinks_unless_the_request_disables_it(
    asked: str, fields: dict[str, Any], on: bool
) -> None:
    found = catalog.load("hunyuan").stand_in(asked, "chat")
    assert found is not None
    made = planned(f"hunyuan/{found.model}", asked, found.set, **fields)
    assert made.thinks is on
    assert (made.request.fields.get("thinking") == {"type": "enabled"}) is on


@pytest.mark.parametrize(
    ("model", "fields", "sends", "thinks"),
    [
        ("hunyuan-a13b", {}, False, False),  # gpt-4o does not reason
        ("hunyuan-a13b", {"reasoning_effort": "high"}, None, True),  # it thinks by itself
        ("hunyuan-a13b", {"reasoning_effort": "none"}, False, False),
        ("hunyuan-t1-latest", {"reasoning_effort": "none"}, None, True),
        ("hunyuan-turbos-latest", {"reasoning_effort": "high"}, None, False),
    ],
)
def test_classic_models_think_always_never_or_by_a_switch(
    model: str, fields: dict[str, Any], sends: bool | None, thinks: bool
) -> None:
    made = planned(f"hunyuan_classic/{model}", **fields)
    assert (made.request.fields.get("enable_thinking"), made.thinks) == (sends, thinks)
    assert "reasoning_effort" not in made.request.fields
    if fields:
        met = thinks != (fields["reasoning_effort"] == "none")
        assert made.adaptations["reasoning_effort"].word == ("mapped" if met else "dropped")


# --- embeddings


@pytest.mark.parametrize(("where", "size"), [("hunyuan/kinfra-text-embedding-0.6b", 1024), ("hunyuan/kinfra-text-embedding-4b", 2560), ("hunyuan_classic/hunyuan-embedding", 1024)])  # fmt: skip
def test_vectors_have_the_models_own_size_and_none_is_sent(where: str, size: int) -> None:
    made = planned(where, input=["a"], dimensions=size, encoding_format="base64")
    assert made.request.fields == {"input": ["a"], "model": where.partition("/")[2]}
    assert {name: told.word for name, told in made.adaptations.items()} == {
        "input": "honoured", "dimensions": "mapped", "encoding_format": "mapped",
    }  # fmt: skip
    assert f"not {size // 2}" in refused(where, input="a", dimensions=size // 2)


@pytest.mark.parametrize("file", ["hunyuan_classic", "hunyuan"])
def test_no_call_has_more_than_fifty_texts(file: str) -> None:
    """TokenHub's limit is not known: the classic platform's is used."""
    for row in catalog.load(file).models:
        if row.operation == "embeddings":
            assert BY_CATALOG[file].operations["embeddings"].max_inputs(row.model()) == 50
