"""No field is lost silently: every field of a request has a verdict, and the body agrees with it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.adaptations import Adaptation, adaptations_header
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan, Target, Vendor
from adapters.openai_params.chat import CHAT, EFFORTS
from adapters.openai_params.completions import COMPLETIONS
from adapters.openai_params.operations import OPERATIONS, validate
from adapters.planning import plan
from adapters.registry import BY_CATALOG
from adapters.rules.reasoning import SWITCH_FIELDS
from adapters.rules.verdicts import UNSAFE
from config.catalog import models as catalog
from config.schema import Settings
from proxy.commands.explain import explain, lines
from tests.support.client_stage import VARIANTS, kind_and_variant, target_of
from tests.support.effort import examples

MODELS = [
    (name, vendor, row.model())
    for name, vendor in BY_CATALOG.items()
    for row in catalog.load(name).models
    if row.operation in vendor.operations
]
CHATS: dict[str, tuple[Vendor, Model]] = {
    f"{name}/{model.id}": (vendor, model) for name, vendor, model in MODELS if model.operation == "chat"
}
CHATS |= {  # a server's own, which no catalog has
    f"{name}/qwen2:7b": (vendor, Model("qwen2:7b")) for name, vendor in BY_CATALOG.items() if vendor.transparent
}
FUNCTION = {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}
TOOL = {"type": "function", "function": FUNCTION}
SEARCH = {"type": "function", "function": {"name": "search"}}

VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "messages": st.sampled_from([
        [{"role": "user", "content": "hi"}],
        [{"role": "developer", "content": "be brief"}, {"role": "user", "content": [{"type": "text", "text": "json"}]}],
        [{"role": "user", "content": "a", "name": "ann"}, {"role": "assistant", "content": "", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}]},
         {"role": "tool", "tool_call_id": "c1", "content": "4"}],
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": None, "function_call": {
            "name": "get_weather", "arguments": "{}"}}, {"role": "function", "name": "get_weather", "content": "4"}],
    ]),
    "audio": st.just({"voice": "alloy", "format": "mp3"}),
    "frequency_penalty": st.floats(-2, 2),
    "function_call": st.sampled_from(["auto", "none", {"name": "get_weather"}]),
    "functions": st.sampled_from([[], [FUNCTION], [FUNCTION, {"name": "search"}]]),
    "logit_bias": st.sampled_from([{}, {"50256": -100}]),
    "logprobs": st.booleans(),
    "max_completion_tokens": st.integers(1, 2_000_000),
    "max_tokens": st.integers(1, 2_000_000),
    "metadata": st.sampled_from([{}, {"a": "b"}]),
    "modalities": st.sampled_from([["text"], ["text", "audio"]]),
    "moderation": st.just({"model": "x"}),
    "n": st.integers(1, 8),
    "parallel_tool_calls": st.booleans(),
    "prediction": st.just({"type": "content", "content": "x"}),
    "presence_penalty": st.floats(-2, 2),
    "prompt_cache_key": st.text(max_size=5),
    "prompt_cache_options": st.just({"ttl": "5m"}),
    "prompt_cache_retention": st.just("24h"),
    "reasoning_effort": st.sampled_from(EFFORTS),
    "response_format": st.sampled_from([
        {"type": "text"}, {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
    ]),
    "safety_identifier": st.text(max_size=5),
    "seed": st.integers(-(2**40), 2**40),
    "service_tier": st.sampled_from(["auto", "default", "flex"]),
    "stop": st.one_of(st.text(min_size=1, max_size=40), st.lists(st.text(min_size=1, max_size=8), max_size=4)),
    "store": st.booleans(),
    "stream": st.booleans(),
    "stream_options": st.sampled_from([{"include_usage": True}, {"include_obfuscation": False}, {"x": 1}]),
    "temperature": st.one_of(st.floats(0, 2), st.sampled_from([0, 0.6, 1, 2])),
    "tool_choice": st.sampled_from([
        "none", "auto", "required", {"type": "function", "function": {"name": "get_weather"}}]),
    "tools": st.sampled_from([[], [TOOL], [TOOL, SEARCH]]),
    "top_logprobs": st.integers(0, 20),
    "top_p": st.floats(0, 1),
    "user": st.text(max_size=5),
    "verbosity": st.sampled_from(["low", "medium", "high"]),
    "web_search_options": st.just({}),
    # not OpenAI's: handed on, or made safe
    "enable_thinking": st.booleans(),
    "thinking": st.sampled_from(["enabled", "disabled", {"type": "disabled"}, {"type": "enabled", "keep": "all"}]),
    "top_k": st.integers(1, 100),
    "api_base": st.just("https://elsewhere.example"),
    "some_future_field": st.just({"deep": [1]}),
}  # fmt: skip


def test_the_values_cover_every_openai_parameter() -> None:
    assert set(CHAT) <= set(VALUES)


fields_ = st.fixed_dictionaries(
    {"messages": VALUES["messages"]}, optional={k: v for k, v in VALUES.items() if k != "messages"}
)


def told_of(name: str, told: Mapping[str, Adaptation]) -> list[Adaptation]:
    """Return the verdict on a field, or on a part of it."""
    return [t for key, t in told.items() if key == name or key.startswith(f"{name}.")]


def planned(fields: Mapping[str, Any], target: Target, asked: str = "gpt-4o") -> Plan:
    stream = fields.get("stream") is True
    return plan(ApiRequest("chat", asked, dict(fields), stream), target)


@settings(max_examples=examples(1500), deadline=None)
@given(fields_, st.sampled_from(sorted(CHATS)), st.sampled_from(["gpt-4o", "o3", "kimi-k2.6"]), st.booleans())
def test_every_field_has_a_verdict_and_the_body_agrees(
    fields: dict[str, Any], where: str, asked: str, strict: bool
) -> None:
    vendor, model = CHATS[where]
    validate("chat", fields)
    before = json.dumps(fields, sort_keys=True)
    made: Plan | None
    try:
        made = planned(fields, Target(vendor.name, vendor, model, "http://x/v1", strict=strict), asked)
    except Refused as refused:
        made, param = None, refused.param.partition("[")[0].partition(".")[0]
    assert json.dumps(fields, sort_keys=True) == before, "the caller's request was changed in place"
    if made is None:
        assert param in fields or param == "stream", f"{param} was refused, which nobody sent"
        return
    body = made.request.fields
    for name, value in fields.items():
        said = told_of(name, made.adaptations)
        assert said, f"{name} was lost without a verdict"
        word = said[0].word
        assert word in ("honoured", "mapped", "clamped", "emulated", "dropped"), (name, word)
        assert (word == "emulated") == (name in made.emulations), name
        assert said[0].why, name
        assert not (strict and word in ("dropped", "clamped")), name
        if word == "honoured" and name != "stream_options":
            assert body[name] == value or name in ("messages", "tools"), name
        if word == "dropped" and name in SWITCH_FIELDS:
            assert body.get(name) != value, name  # the vendor may be told the contrary in the same words
        elif word == "dropped" and name not in ("stream_options", "messages"):
            assert name not in body, name
        if word == "emulated":
            assert name in made.emulations, name  # a wrapper is told; without one nothing would make up for it
        if word == "clamped":
            assert any(body.get(to) not in (None, value) for to in (name, "max_tokens")), name
    assert not UNSAFE & set(body)
    line = adaptations_header(made.adaptations)
    assert line is None or (line.isascii() and len(line) <= 1024 and line == line.strip())


@settings(max_examples=examples(300), deadline=None)
@given(fields_)
def test_a_server_of_ones_own_is_sent_the_request_as_it_came(fields: dict[str, Any]) -> None:
    made = planned(fields, Target("office", BY_CATALOG["openai_compatible"], Model("qwen2:7b"), "http://office/v1"))

    wanted = {name: value for name, value in fields.items() if name not in UNSAFE} | {"model": "qwen2:7b"}
    if type(wanted.get("thinking")) is str:
        del wanted["thinking"]  # our own word for operators, which no server knows
    if fields.get("stream"):
        wanted["stream_options"] = {**fields.get("stream_options", {}), "include_usage": True}
    assert dict(made.request.fields) == wanted


@settings(max_examples=examples(200), deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=60),
        st.sampled_from([Adaptation("dropped", Message("x")), Adaptation("mapped", Message("x"), quiet=True)]),
        max_size=80,
    )
)
def test_the_header_is_sorted_ascii_and_bounded_whatever_the_fields(told: dict[str, Adaptation]) -> None:
    line = adaptations_header(told)
    loud = [t for t in told.values() if not t.quiet]
    if line is None:
        assert not loud
        return
    assert line.isascii()
    assert len(line) <= 1024
    parts = line.split(";")
    more = int(parts.pop().removeprefix("more=")) if parts[-1].startswith("more=") else 0
    assert len(parts) + more == len(loud)
    assert parts == sorted(parts)


EVERY: dict[str, Any] = {
    "model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "frequency_penalty": 0.5, "logit_bias": {"1": 2},
    "logprobs": False, "max_completion_tokens": 50, "max_tokens": 60, "metadata": {"a": "b"}, "modalities": ["text"],
    "n": 1, "parallel_tool_calls": True, "prediction": {"type": "content", "content": "x"}, "presence_penalty": 0.5,
    "prompt_cache_key": "k", "prompt_cache_options": {"ttl": "5m"}, "prompt_cache_retention": "24h",
    "reasoning_effort": "none", "response_format": {"type": "text"}, "safety_identifier": "s", "seed": 7,
    "service_tier": "flex", "stop": ["x"], "store": True, "stream": True, "stream_options": {"include_usage": True},
    "temperature": 0.3, "tool_choice": "auto", "tools": [TOOL], "top_logprobs": 0, "top_p": 0.5, "user": "u",
    "verbosity": "low", "functions": [], "function_call": "auto",
}  # fmt: skip
REFUSED_EVERYWHERE = {"audio", "moderation", "web_search_options"}
"""Asked for, these are a 400 at Kimi: they can't be part of a request that is explained to the end."""


def one_target(name: str, target: str) -> Settings:
    """A configuration that routes the name to this target."""
    entry = {"api_key": "sk-0000000000000001"}
    vendors = {at: {**entry, **kind_and_variant(vendor)} for at, vendor in VARIANTS.items()}
    return Settings.model_validate({"vendors": vendors, "models": {name: target}})


@pytest.mark.parametrize("target", [target_of(name) for name in VARIANTS])
def test_explain_names_a_verdict_for_every_openai_field(target: str) -> None:
    assert set(EVERY) - {"model"} == set(CHAT) - REFUSED_EVERYWHERE

    (about,) = explain(json.dumps(EVERY).encode(), one_target("gpt-4o", target))["targets"]

    assert about["target"] == target
    said = {name.partition(".")[0] for name in about["fields"]}
    assert set(EVERY) <= said
    assert about["url"].endswith("/chat/completions")
    assert "sk-" not in json.dumps(about)


@pytest.mark.parametrize("target", ["kimi/kimi-k2.6", "qwen/qwen3.6-plus"])
def test_explain_names_a_verdict_for_every_field_of_a_completion(target: str) -> None:
    asked = {"model": "davinci-002", "prompt": ["a", "b", "c"], "best_of": 2, "echo": True, "frequency_penalty": 0.5,
             "logit_bias": {"1": 2}, "logprobs": 0, "max_tokens": 60, "n": 2, "presence_penalty": 0.5, "seed": 7,
             "stop": ["x"], "stream": True, "stream_options": {"include_usage": True}, "suffix": "", "temperature": 0.3,
             "top_p": 0.5, "user": "u"}  # fmt: skip
    assert set(asked) - {"model"} == set(COMPLETIONS)

    explained = explain(json.dumps(asked).encode(), one_target("davinci-002", target))

    (about,) = explained["targets"]
    assert explained["operation"] == "completions"
    assert set(asked) <= {name.partition(".")[0] for name in about["fields"]}
    assert (about["fields"]["prompt"]["verdict"], about["fields"]["echo"]["verdict"]) == ("mapped", "emulated")
    assert about["calls"] == 6
    assert about["body"]["messages"] == [{"role": "user", "content": "a"}]
    assert any("(6 calls)" in line for line in lines(explained))


@pytest.mark.parametrize("target", ["kimi/kimi-k2.6", "qwen/qwen3.6-plus"])
def test_explain_shows_functions_as_the_tools_that_they_are_sent_as(target: str) -> None:
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "functions": [FUNCTION],
             "function_call": {"name": "get_weather"}}  # fmt: skip

    (about,) = explain(json.dumps(asked).encode(), one_target("gpt-4o", target))["targets"]

    assert (about["fields"]["functions"]["verdict"], about["fields"]["function_call"]["verdict"]) == (
        "mapped",
        "mapped",
    )
    assert about["body"]["tools"] == [TOOL]
    assert about["body"]["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}


@pytest.mark.parametrize("name", sorted(REFUSED_EVERYWHERE))
def test_explain_shows_why_a_target_is_skipped(name: str) -> None:
    made = Settings.model_validate({"vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001"}}})
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], name: {}}

    (about,) = explain(json.dumps(body).encode(), made)["targets"]

    assert about["refused"]["param"] == name


def test_every_surface_has_a_verdict_everywhere() -> None:
    for name, vendor in BY_CATALOG.items():
        for operation, op in vendor.operations.items():
            assert set(OPERATIONS[operation].params) <= set(op.params), (name, operation)
