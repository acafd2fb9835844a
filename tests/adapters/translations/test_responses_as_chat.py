"""Each field of the Responses API has a verdict, chat gets what means the same, and nothing is lost silently."""

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
from adapters.core.vendor import Target
from adapters.openai_params.chat import CHAT, EFFORTS
from adapters.openai_params.responses import HOSTED_INCLUDES, INCLUDES, RESPONSES
from adapters.planning import plan
from adapters.rules.verdicts import UNSAFE, Refuse
from adapters.translations.completions_as_chat import TO_CHAT
from adapters.translations.responses_as_chat import NAMES, OVER_CHAT, PREFERRED, references
from adapters.vendors.openai_compatible import OPENAI_COMPATIBLE
from tests.adapters.responses.conversions import SEALED, call, output, told, translated, translation_of
from tests.adapters.test_verdicts import CHATS
from tests.support.effort import examples

GET = {"type": "function", "name": "get", "parameters": {"type": "object", "properties": {}}}
PATCH = {"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
JSON_SCHEMA = {"type": "json_schema", "name": "answer", "schema": SCHEMA}
HI = [{"role": "user", "content": "hi"}]


def test_every_field_has_a_verdict_with_words_and_a_reason() -> None:
    assert set(OVER_CHAT) == set(RESPONSES)
    for name, verdict in OVER_CHAT.items():
        assert verdict.words, name
        assert verdict.why, name
    assert {name for name, verdict in OVER_CHAT.items() if verdict.why == TO_CHAT.why} <= set(CHAT)


def test_input_is_mapped_to_messages_without_a_word_in_the_header() -> None:
    adaptation = translation_of(translated({"input": "hi"})).adaptations["input"]
    assert (adaptation.word, adaptation.quiet) == ("mapped", True)


def test_stream_options_without_members_have_a_verdict() -> None:
    adaptations = translation_of(translated({"input": "hi", "stream": True, "stream_options": {}})).adaptations
    assert adaptations["stream_options"].word == "honoured"


def test_a_forced_tool_is_mapped_without_a_word_in_the_header() -> None:
    forced = translated({"input": "hi", "tools": [GET], "tool_choice": {"type": "function", "name": "get"}})
    adaptation = translation_of(forced).adaptations["tool_choice"]
    assert (adaptation.word, adaptation.quiet) == ("mapped", True)


def test_every_name_is_of_a_field_of_chat_that_this_api_calls_otherwise() -> None:
    assert {name.partition(".")[0] for name in NAMES} <= set(CHAT)
    assert {name.partition(".")[0] for name in NAMES.values()} <= set(RESPONSES)
    assert {field for field, _ in PREFERRED.values()} <= set(RESPONSES)


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = {
    "max_output_tokens": ({"max_output_tokens": 16}, {"max_completion_tokens": 16}, {}),
    "temperature, top_p": ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}, {}),
    "text by default": ({"text": {"format": {"type": "text"}}}, {}, {}),
    "text without members": ({"text": {}}, {}, {}),
    "text.format json_object": (
        {"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}, {}),
    "text.format json_schema": (
        {"text": {"format": {**JSON_SCHEMA, "strict": True, "description": None}}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}},
        {}),
    "text.verbosity": ({"text": {"verbosity": "low"}}, {"verbosity": "low"}, {}),
    "reasoning.effort": ({"reasoning": {"effort": "high", "summary": None}}, {"reasoning_effort": "high"}, {}),
    "reasoning.summary": ({"reasoning": {"summary": "auto"}}, {}, {"reasoning.summary": "emulated"}),
    "reasoning.generate_summary": (
        {"reasoning": {"generate_summary": "concise"}}, {}, {"reasoning.generate_summary": "emulated"}),
    "reasoning.context, mode": (
        {"reasoning": {"context": "all_turns", "mode": "pro"}}, {},
        {"reasoning.context": "dropped", "reasoning.mode": "dropped"}),
    "a newer member of reasoning": ({"reasoning": {"budget": 7}}, {}, {"reasoning": "dropped"}),
    "a newer member of text": ({"text": {"style": "x", "verbosity": "low"}}, {"verbosity": "low"}, {"text": "dropped"}),
    "reasoning without members": ({"reasoning": {}}, {}, {}),
    "include of sealed reasoning and images": (
        {"include": ["reasoning.encrypted_content", "message.input_image.image_url"]}, {}, {}),
    "include of nothing": ({"include": []}, {}, {}),
    "include of logprobs": ({"include": ["message.output_text.logprobs"]}, {"logprobs": True}, {}),
    "top_logprobs": ({"top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}, {}),
    "top_logprobs and include": (
        {"include": ["message.output_text.logprobs"], "top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}, {}),
    "top_logprobs 0": ({"top_logprobs": 0}, {}, {}),
    "include of results of OpenAI's tools": (
        {"include": list(HOSTED_INCLUDES)}, {}, {f"include.{word}": "dropped" for word in HOSTED_INCLUDES}),
    "state": (
        {"store": False, "metadata": {"a": "b"}, "previous_response_id": "resp_1"}, {}, {}),
    "conversation": ({"conversation": {"id": "conv_1"}, "store": True}, {}, {}),
    "background": ({"background": True}, {}, {}),
    "no background, not stored": ({"background": False, "store": False}, {}, {}),
    "stream": ({"stream": True, "stream_options": {"include_obfuscation": True}}, {"stream": True}, {}),
    "stream_options of chat": ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}, {}),
    "a newer member of stream_options": ({"stream_options": {"x": 1}}, {}, {"stream_options": "dropped"}),
    "max_tool_calls": ({"max_tool_calls": 3}, {}, {}),
    "truncation": ({"truncation": "disabled"}, {}, {}),
    "context_management": (
        {"context_management": [{"type": "compaction"}]}, {}, {"context_management": "dropped"}),
    "cache, user, tier": (
        {"prompt_cache_key": "k", "prompt_cache_retention": "24h", "prompt_cache_options": {"ttl": "30m"},
         "safety_identifier": "s", "user": "u", "service_tier": "flex"},
        {"prompt_cache_key": "k", "prompt_cache_retention": "24h", "prompt_cache_options": {"ttl": "30m"},
         "safety_identifier": "s", "user": "u", "service_tier": "flex"}, {}),
    "newer members": (
        {"client_metadata": {"a": "b"}, "access_programs": ["x"], "background_options": {}, "image": {}}, {},
        dict.fromkeys(("client_metadata", "access_programs", "background_options", "image"), "dropped")),
    "samplers of chat": (
        {"stop": ["x"], "seed": 7, "logit_bias": {"1": 2}, "frequency_penalty": 0.5, "presence_penalty": 0.1},
        {"stop": ["x"], "seed": 7, "logit_bias": {"1": 2}, "frequency_penalty": 0.5, "presence_penalty": 0.1}, {}),
    "other members of chat": (
        {"max_tokens": 20, "response_format": {"type": "json_object"}, "verbosity": "low", "reasoning_effort": "low",
         "logprobs": True},
        {"max_tokens": 20, "response_format": {"type": "json_object"}, "verbosity": "low", "reasoning_effort": "low",
         "logprobs": True}, {}),
    "members of chat beside their own": (
        {"max_tokens": 20, "max_output_tokens": 30, "verbosity": "low", "reasoning_effort": "low",
         "text": {"verbosity": "high"}, "reasoning": {"effort": "high"}},
        {"max_completion_tokens": 30, "verbosity": "high", "reasoning_effort": "high"},
        {"max_tokens": "dropped", "verbosity": "dropped", "reasoning_effort": "dropped"}),
    "one choice": ({"n": 1, "functions": [], "modalities": ["text"]}, {}, dict.fromkeys(("n", "functions", "modalities"), "mapped")),
    "a vendor's own members": ({"enable_thinking": True, "top_k": 4}, {"enable_thinking": True, "top_k": 4}, {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_field_in_chat(case: str) -> None:
    fields, wanted, adapted = CASES[case]

    request = translated({"input": "hi", **fields}, [{"type": "message", "role": "user", "content": "before"}])

    assert {name: value for name, value in request.fields.items() if name != "messages"} == wanted
    assert told(request) == adapted


NULLS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"text": {"format": None, "verbosity": None}}, {"text": {}}),
    ({"reasoning": {"effort": None, "summary": None, "generate_summary": None, "context": None, "mode": None}},
     {"reasoning": {}}),
    ({"tools": [{**GET, "description": None, "strict": None, "output_schema": None, "allowed_callers": None}]},
     {"tools": [GET]}),
    ({"tools": [{"type": "custom", "name": "p", "description": None, "format": None}]},
     {"tools": [{"type": "custom", "name": "p"}]}),
    ({"tools": [GET], "tool_choice": {"type": "function", "name": "get", "namespace": None}},
     {"tools": [GET], "tool_choice": {"type": "function", "name": "get"}}),
    ({"text": {"format": {**JSON_SCHEMA, "strict": None, "description": None}}}, {"text": {"format": JSON_SCHEMA}}),
    ({"input": [{"type": None, "id": None, "status": None, "phase": None, "role": "user", "content": "hi"}]}, {}),
    ({"input": [{"role": "user", "content": [
        {"type": "input_image", "image_url": "x", "file_id": None, "detail": None}]}]},
     {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}),
    ({"input": [{**call(), "id": None, "status": None, "namespace": None}, {**output(), "id": None, "status": None}]},
     {"input": [call(), output()]}),
    ({"input": [{"type": "reasoning", "id": None, "summary": None, "content": None, "encrypted_content": SEALED},
                {"role": "assistant", "content": "a"}]},
     {"input": [{"type": "reasoning", "encrypted_content": SEALED}, {"role": "assistant", "content": "a"}]}),
]  # fmt: skip


@pytest.mark.parametrize(("with_nulls", "without"), NULLS)
def test_a_null_is_an_absent_member(with_nulls: dict[str, Any], without: dict[str, Any]) -> None:
    with_null, plain = translated({"input": HI, **with_nulls}), translated({"input": HI, **without})

    assert with_null.fields == plain.fields
    assert told(with_null) == told(plain)


REFUSED: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "no input": ({}, "input", "missing_required_parameter"),
    "an empty list as input": ({"input": []}, "input", "missing_required_parameter"),
    "instructions alone": ({"instructions": "x"}, "input", "missing_required_parameter"),
    "a stored prompt": ({"prompt": {"id": "pmpt_1"}}, "prompt", "unsupported_parameter"),
    "a stored prompt beside input": ({"input": "hi", "prompt": {"id": "pmpt_1"}}, "prompt", "unsupported_parameter"),
    "moderation": ({"input": "hi", "moderation": {"model": "x"}}, "moderation", "unsupported_parameter"),
    "several choices": ({"input": "hi", "n": 2}, "n", "unsupported_parameter"),
    "messages": ({"input": "hi", "messages": HI}, "messages", "unsupported_parameter"),
    "functions": ({"input": "hi", "functions": [{"name": "get"}]}, "functions", "unsupported_parameter"),
    "audio": ({"input": "hi", "audio": {"voice": "alloy"}}, "audio", "unsupported_parameter"),
    "both states": (
        {"input": "hi", "conversation": "conv_1", "previous_response_id": "resp_1"},
        "previous_response_id", "mutually_exclusive_parameters"),
    "background, not stored": (
        {"input": "hi", "background": True, "store": False}, "background", "unsupported_value"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_named(case: str) -> None:
    fields, param, code = REFUSED[case]

    with pytest.raises(Refused) as raised:
        translated(fields)

    assert (raised.value.param, raised.value.code) == (param, code)


def test_the_request_asks_for_usage_and_keeps_what_the_client_sent() -> None:
    fields = {"input": "hi", "stream": True, "store": False}

    request = translated(fields)

    assert (request.operation, request.model, request.stream, request.include_usage) == ("chat", "gpt-4o", True, True)
    assert translation_of(request).original is fields
    assert translation_of(request).native is None


@pytest.mark.parametrize(
    ("fields", "ids"),
    [
        ({"input": "hi"}, ()),
        ({"previous_response_id": "resp_1"}, ()),
        ({"input": [{"type": "item_reference", "id": "b"}, {"role": "user", "content": "a"}, {"id": "a"}, {"id": "b"}]},
         ("b", "a")),
        ({"instructions": [{"id": "c"}], "input": [{"id": "a", "type": None}]}, ("c", "a")),
    ],
)  # fmt: skip
def test_the_references_of_a_request(fields: dict[str, Any], ids: tuple[str, ...]) -> None:
    assert references(fields) == ids


SERVER = Target("office", OPENAI_COMPATIBLE, Model("qwen2:7b"), "http://office/v1")
KIMI = Target("kimi", *CHATS["kimi/kimi-k2.6"], "http://x/v1")
DEEPSEEK = Target("deepseek", *CHATS["deepseek/deepseek-chat"], "http://x/v1")
ERNIE = Target("ernie", *CHATS["ernie/ernie-4.5-turbo-128k"], "http://x/v1")


def test_the_verdicts_of_a_vendor_have_the_names_of_this_api() -> None:
    request = translated({
        "input": [{"role": "developer", "content": "a"}, *HI], "max_output_tokens": 50, "tools": [GET],
        "text": {"format": JSON_SCHEMA, "verbosity": "low"}, "reasoning": {"effort": "minimal"}, "tool_choice": "required",
    })  # fmt: skip

    adaptations = plan(request, KIMI).adaptations

    assert adaptations["text.verbosity"].word == "dropped"
    assert adaptations["input.role"].word == "mapped"
    assert {"reasoning.effort", "max_output_tokens", "text.format", "tools", "tool_choice"} <= set(adaptations)
    assert not {"messages", "max_tokens", "max_completion_tokens", "response_format", "verbosity"} & set(adaptations)


@pytest.mark.parametrize(
    ("target", "fields", "param"),
    [
        (ERNIE, {"include": ["message.output_text.logprobs"]}, "include"),
        (ERNIE, {"top_logprobs": 2}, "top_logprobs"),
        (ERNIE, {"logprobs": True}, "logprobs"),
        (DEEPSEEK, {"text": {"format": {**JSON_SCHEMA, "schema": {"type": "object", "properties": 7}}}}, "text.format.schema"),
        (KIMI, {"input": [{"role": "user", "content": [
            {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}]}, "input[0].content[0].type"),
        (KIMI, {"input": [*HI, {"role": "user", "content": [
            {"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "https://x.example/a.png"}]}]},
         "input[1].content[1].image_url"),
    ],
)  # fmt: skip
def test_a_vendor_refuses_under_the_names_of_this_api(target: Target, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as raised:
        plan(translated({"input": "hi", **fields}), target)

    assert raised.value.param.startswith(param)
    assert param in raised.value.message


CODEX_TOOLS = [
    *({**GET, "name": name, "strict": False} for name in ("shell", "update_plan", "view_image", "a", "b", "c", "d")),
    {"type": "namespace", "name": "mcp__files", "description": "Files", "tools": [GET]},
    {"type": "web_search", "external_web_access": False},
]
CLIENTS: dict[str, tuple[dict[str, Any], list[str], dict[str, str]]] = {
    "codex 0.171": (
        {"tools": CODEX_TOOLS, "tool_choice": "auto", "parallel_tool_calls": True, "reasoning": {"summary": "auto"},
         "store": False, "stream": True, "include": ["reasoning.encrypted_content"], "prompt_cache_key": "thread",
         "client_metadata": {"session": "x"},
         "input": [
             {"type": "message", "id": "i1", "role": "developer", "content": [{"type": "input_text", "text": "rules"}]},
             {"type": "message", "id": "i2", "role": "developer", "content": [{"type": "input_text", "text": "more"}]},
             {"type": "message", "id": "i3", "role": "user", "content": [{"type": "input_text", "text": "do"}]},
             {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": SEALED},
             {**call(name="shell"), "id": "fc_1"}, output(),
         ]},
        ["developer", "developer", "user", "assistant", "tool"],
        {"tools.web_search": "dropped", "client_metadata": "dropped", "reasoning.summary": "emulated"}),
    "AI SDK 6": (
        {"tools": [{**GET, "strict": False}], "tool_choice": "auto", "text": {"format": JSON_SCHEMA}, "stream": True,
         "input": [{"role": "user", "content": [{"type": "input_text", "text": "a"}]},
                   {"type": "item_reference", "id": "msg_1"},
                   {"role": "user", "content": [{"type": "input_text", "text": "b"}]}, call(), output()]},
        ["user", "assistant", "user", "assistant", "tool"], {}),
    "openai-agents 0.24": (
        {"include": [], "tools": [GET], "stream": False, "input": [
            {"role": "user", "content": "a"},
            {**call(), "id": "fc_1", "status": "completed"}, output(),
            {"type": "message", "id": "msg_2", "role": "assistant", "status": "completed", "content": [
                {"type": "output_text", "text": "b", "annotations": [], "logprobs": []}]},
            {"role": "user", "content": "c"}]},
        ["user", "assistant", "tool", "assistant", "user"], {}),
    "langchain-openai 1.7": (
        {"stream": True, "tools": [{**GET, "strict": None}], "input": [
            {"type": "message", "role": "user", "content": "a"}, {**call(), "id": "fc_1", "status": "completed"},
            output()]},
        ["user", "assistant", "tool"], {}),
    "langchain-openai 1.7 by id": (
        {"previous_response_id": "resp_1", "input": [output("c0")], "tools": [GET]}, ["user", "assistant", "tool"], {}),
    "openai 3.57 parse": (
        {"input": "a", "text": {"format": {**JSON_SCHEMA, "strict": True}}, "instructions": "Answer."},
        ["system", "user"], {}),
}  # fmt: skip
STORED = {
    "msg_1": {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
              "content": [{"type": "output_text", "text": "earlier", "annotations": [], "logprobs": []}]},
}  # fmt: skip
CHAIN = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "first"}]}, call("c0")]


@pytest.mark.parametrize("client", CLIENTS)
def test_what_clients_send_today(client: str) -> None:
    fields, roles, adapted = CLIENTS[client]

    request = translated(fields, CHAIN if "previous_response_id" in fields else None, STORED)

    assert [message["role"] for message in request.fields["messages"]] == roles
    assert told(request) == adapted
    for target in (SERVER, KIMI):
        plan(request, target)


@st.composite
def items(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw items of several turns, whose calls all have outputs."""
    out: list[dict[str, Any]] = []
    for at in range(draw(st.integers(1, 3))):
        out.append(draw(st.sampled_from([
            {"role": "user", "content": "hi"}, {"role": "developer", "content": [{"type": "input_text", "text": "json"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}, {
                "type": "input_image", "image_url": "data:image/png;base64,aGk="}]},
            {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        ])))  # fmt: skip
        if draw(st.booleans()):
            seal = draw(st.sampled_from([SEALED, "gAAA"]))
            out.append({"type": "reasoning", "id": f"rs_{at}", "summary": [], "encrypted_content": seal})
        if draw(st.booleans()):
            out.append({"role": "assistant", "content": "answer"})
        if draw(st.booleans()):
            custom = {"type": "custom_tool_call", "call_id": f"d{at}", "name": "apply_patch", "input": "x"}
            done = {
                "type": "custom_tool_call_output",
                "call_id": f"d{at}",
                "output": [{"type": "input_text", "text": "y"}],
            }
            out += [call(f"c{at}"), custom, done, output(f"c{at}")]
    return [*out, {"role": "user", "content": "and?"}]


VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "background": st.booleans(),
    "context_management": st.just([{"type": "compaction"}]),
    "conversation": st.sampled_from(["conv_1", {"id": "conv_1"}]),
    "include": st.lists(st.sampled_from(INCLUDES), max_size=4),
    "instructions": st.sampled_from(["", "Be brief.", [{"role": "developer", "content": "Be brief."}]]),
    "max_output_tokens": st.integers(16, 2_000_000),
    "max_tool_calls": st.integers(1, 9),
    "metadata": st.sampled_from([{}, {"a": "b"}]),
    "moderation": st.just({"model": "x"}),
    "parallel_tool_calls": st.booleans(),
    "previous_response_id": st.just("resp_1"),
    "prompt": st.just({"id": "pmpt_1"}),
    "prompt_cache_key": st.text(max_size=5),
    "prompt_cache_options": st.just({"ttl": "30m"}),
    "prompt_cache_retention": st.just("24h"),
    "reasoning": st.fixed_dictionaries({}, optional={
        "effort": st.sampled_from([None, *EFFORTS]), "summary": st.sampled_from([None, "auto"]), "context": st.just("auto")}),
    "safety_identifier": st.text(max_size=5),
    "service_tier": st.sampled_from(["auto", "default", "flex"]),
    "store": st.booleans(),
    "stream": st.booleans(),
    "stream_options": st.sampled_from([{}, {"include_obfuscation": True}, {"include_usage": True}]),
    "temperature": st.floats(0, 2),
    "text": st.fixed_dictionaries({}, optional={
        "format": st.sampled_from([None, {"type": "text"}, {"type": "json_object"}, JSON_SCHEMA]),
        "verbosity": st.sampled_from([None, "low", "medium", "high"])}),
    "tool_choice": st.sampled_from([
        "none", "auto", "required", {"type": "function", "name": "get"}, {"type": "custom", "name": "apply_patch"},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get"}]}]),
    "tools": st.lists(st.sampled_from([
        GET, PATCH, {"type": "web_search"}, {"type": "namespace", "name": "ns", "tools": [GET, {**PATCH, "format": None}]},
    ]), max_size=4, unique_by=lambda tool: tool["type"]),
    "top_logprobs": st.integers(0, 20),
    "top_p": st.floats(0, 1),
    "truncation": st.sampled_from(["auto", "disabled"]),
    "user": st.text(max_size=5),
    "access_programs": st.just(["x"]),
    "background_options": st.just({}),
    "client_metadata": st.just({"a": "b"}),
    "image": st.just({}),
    "seed": st.integers(0, 9),
    "stop": st.sampled_from(["x", ["x", "y"]]),
    "max_tokens": st.integers(1, 100),
    "response_format": st.just({"type": "json_object"}),
    "enable_thinking": st.booleans(),
    "api_base": st.just("https://elsewhere.example"),
    "some_future_field": st.just({"deep": [1]}),
}  # fmt: skip
OF_OTHER_APIS = {name for name in RESPONSES if isinstance(OVER_CHAT[name], Refuse)} - {"moderation", "prompt"}
NOT_DRAWN = {"frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "prediction", "presence_penalty",
             "reasoning_effort", "verbosity"}  # fmt: skip
"""Fields of chat that are sent as those beside them."""


def test_the_values_cover_every_field() -> None:
    assert set(RESPONSES) - OF_OTHER_APIS - NOT_DRAWN - {"input"} <= set(VALUES)


def said_of(name: str, adaptations: Mapping[str, Adaptation]) -> list[Adaptation]:
    return [one for key, one in adaptations.items() if key == name or key.startswith(f"{name}.")]


@settings(max_examples=examples(1500), deadline=None)
@given(
    items(),
    st.fixed_dictionaries(
        {}, optional={name: value for name, value in VALUES.items() if name not in ("moderation", "prompt")}
    ),
    st.sampled_from(sorted(CHATS)),
    st.booleans(),
)
def test_every_field_has_a_verdict_at_every_target(
    value: list[dict[str, Any]], fields: dict[str, Any], where: str, strict: bool
) -> None:
    sent = {"input": value, **fields}
    vendor, model = CHATS[where]
    before = json.dumps(sent, sort_keys=True)
    made = refused = None
    try:
        request = translated(sent)
        made = plan(request, Target(vendor.name, vendor, model, "http://x/v1", strict=strict))
    except Refused as raised:
        refused = raised
    if refused is not None:
        param = refused.param.partition("[")[0].partition(".")[0]
        assert param in sent, f"{refused.param} was refused, which the client did not send"
        assert refused.message.isprintable()
    assert json.dumps(sent, sort_keys=True) == before, "the client's request was changed in place"
    if made is None:
        return
    for name in sent:
        said = said_of(name, made.adaptations)
        assert said, f"{name} was lost without a verdict"
        assert all(one.word != "refused" and one.why for one in said), name
    if strict:
        lost = {name for name, one in made.adaptations.items() if one.word in ("dropped", "clamped")}
        assert lost <= {"input.reasoning"}
    body = made.request.fields
    assert not UNSAFE & set(body)
    kept = {"previous_response_id", "conversation", "background", "include", "instructions", "input", "truncation",
            "client_metadata", "max_tool_calls", "text", "reasoning", "context_management"}  # fmt: skip
    assert not kept & set(body), "vendors do not receive what only this API has"
    names = {message["role"] for message in body["messages"]}
    assert names <= {"system", "developer", "user", "assistant", "tool"}
    line = adaptations_header(made.adaptations)
    assert line is None or (line.isascii() and len(line) <= 1024)


@settings(max_examples=examples(300), deadline=None)
@given(items(), st.lists(st.integers(0, 40), max_size=6, unique=True))
def test_items_that_miss_some_are_sent_in_order_or_refused(value: list[dict[str, Any]], missing: list[int]) -> None:
    left = [item for at, item in enumerate(value) if at not in missing]
    refused = None
    try:
        sent = translated({"input": left or "hi"}).fields["messages"]
    except Refused as raised:
        refused = raised
    if refused is not None:
        assert refused.param.startswith("input")
        return
    waiting: list[str] = []
    for message in sent:
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
        else:
            assert not waiting, "a call has no output"
            waiting = [one["id"] for one in message.get("tool_calls", [])]
    assert not waiting
    texts = [str(message["content"]) for message in sent if message["role"] in ("user", "developer")]
    assert len(texts) == sum(item.get("role") in ("user", "developer") for item in left or HI)


def test_a_reason_is_a_message_that_can_be_translated() -> None:
    for adaptation in translation_of(
        translated({"input": "hi", "tools": [GET, {"type": "web_search"}]})
    ).adaptations.values():
        assert isinstance(adaptation.why, Message)
