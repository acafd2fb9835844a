"""The parameters of the Responses API: all are known, what clients send is valid, and a wrong value is named."""

import json
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import response_create_params as params
from openai.types.responses import response_input_item_param as item_params
from openai.types.responses.response_includable import ResponseIncludable

from adapters.openai_params.chat import CHAT
from adapters.openai_params.items import CHECKS, MAX_ITEMS, OF_OTHER_SERVERS
from adapters.openai_params.operations import validate
from adapters.openai_params.param import Invalid
from adapters.openai_params.responses import (
    INCLUDES,
    NEWER,
    OF_CHAT,
    RESPONSES,
    RESPONSES_OF_OPENAI,
    check_combinations,
)
from tests.adapters.openai_params.test_openai_params import described

NEWER_THAN_THE_COPY = {"moderation", "prompt_cache_options", "context_management"}
"""In OpenAI's description of 2026-08, and not in the copy of it that the tests read."""


def test_the_table_is_openais_description_and_the_newer_members_and_those_of_chat() -> None:
    of_openai = described("CreateResponse") - {"model"}
    assert of_openai <= set(RESPONSES_OF_OPENAI)
    assert set(RESPONSES_OF_OPENAI) - of_openai <= NEWER_THAN_THE_COPY
    assert set(RESPONSES) == set(RESPONSES_OF_OPENAI) | set(NEWER) | set(OF_CHAT)
    assert set(NEWER) == {"client_metadata", "access_programs", "background_options", "image"}
    assert set(OF_CHAT) == set(CHAT) - set(RESPONSES_OF_OPENAI)


def test_the_table_has_every_parameter_of_openais_client() -> None:
    hints = get_type_hints(params.ResponseCreateParamsBase) | get_type_hints(params.ResponseCreateParamsStreaming)
    assert set(hints) - {"model"} <= set(RESPONSES_OF_OPENAI) | set(NEWER)


def test_every_type_of_item_of_openais_client_is_known() -> None:
    types = {
        word
        for item in get_args(item_params.ResponseInputItemParam)
        for hint in [get_type_hints(item).get("type")]
        for word in literals(hint)
    }
    assert {"message", "reasoning", "function_call_output"} <= types
    assert types <= set(CHECKS) | OF_OTHER_SERVERS


def literals(hint: Any) -> list[str]:
    """Return the words in a type hint."""
    return [hint] if type(hint) is str else [word for part in get_args(hint) for word in literals(part)]


def test_every_include_of_openais_client_is_taken() -> None:
    assert set(literals(ResponseIncludable)) == set(INCLUDES)


TEXT = {"type": "input_text", "text": "a"}
MESSAGE = {"role": "user", "content": "hi"}
CALL = {"type": "function_call", "call_id": "c1", "name": "get", "arguments": "{}"}
CUSTOM_CALL = {"type": "custom_tool_call", "call_id": "c1", "name": "p", "input": ""}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "4"}
IMAGE = {"type": "input_image", "image_url": "data:,", "detail": "original"}
FILE = {"type": "input_file", "file_data": "data:,", "filename": "a"}
AUDIO = {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}
GET = {"type": "function", "name": "get"}
ANY_JSON: list[Any] = [{}, [], "a", True, 1, 0.5]
VALID: list[dict[str, Any]] = [
    {"input": "hi"},
    {"input": []},
    *({"input": [item]} for item in (
        MESSAGE, {**MESSAGE, "type": "message", "phase": None, "id": None, "status": None},
        {"role": "assistant", "content": [{"type": "output_text", "text": "", "annotations": [], "logprobs": []}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "status": "incomplete"},
        {"role": "user", "content": [TEXT, IMAGE, FILE, AUDIO, {"type": "input_image", "file_id": "f", "image_url": None}]},
        CALL, {**CALL, "namespace": "n", "status": "in_progress", "caller": None}, CUSTOM_CALL,
        OUTPUT, {**OUTPUT, "output": [TEXT, IMAGE, FILE]}, {**OUTPUT, "type": "custom_tool_call_output"},
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": None},
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "s"}]},
        {"type": "item_reference", "id": "msg_1"}, {"id": "msg_1"}, {"id": "msg_1", "type": None},
        {"type": "compaction", "encrypted_content": "x", "id": "cmp_1"},
        *({"type": type_} for type_ in sorted(OF_OTHER_SERVERS)),
    )),
    {"instructions": "", "input": "hi"},
    {"instructions": [MESSAGE]},
    {"max_output_tokens": 16, "max_tool_calls": 1, "top_logprobs": 20, "temperature": 2, "top_p": 0},
    {"metadata": {"k" * 64: "v" * 512, **{str(at): "" for at in range(15)}}},
    {"conversation": "conv_1"}, {"conversation": {"id": "conv_1"}},
    {"include": list(INCLUDES)},
    {"reasoning": {"effort": "xhigh", "summary": "detailed", "context": "auto", "mode": "pro", "generate_summary": None}},
    {"reasoning": {"new": 1}},
    {"text": {"format": {"type": "json_schema", "name": "a", "schema": {}, "strict": None, "description": None},
              "verbosity": None}},
    {"stream_options": {"include_obfuscation": False, "include_usage": None}},
    {"truncation": "auto"}, {"truncation": "disabled"},
    {"tools": [GET, {**GET, "description": None, "parameters": None, "strict": None}, {"type": "web_search"},
               {"type": "a_tool_of_2027"}, {"type": "custom", "name": "p", "format": {"type": "text"}},
               {"type": "custom", "name": "p", "format": {"type": "grammar", "syntax": "regex", "definition": "x"}},
               {"type": "namespace", "name": "n", "tools": [GET, {"type": "custom", "name": "p"}]}]},
    *({"tool_choice": choice} for choice in (
        "none", "auto", "required", GET, {"type": "custom", "name": "p"}, {"type": "web_search_preview"},
        {"type": "mcp", "server_label": "x"},
        {"type": "allowed_tools", "mode": "auto", "tools": [GET, {"type": "image_generation"}]})),
    *({name: value} for name in NEWER for value in ANY_JSON),
]  # fmt: skip


@pytest.mark.parametrize("body", VALID, ids=lambda body: json.dumps(body)[:60])
def test_what_openai_takes_is_taken(body: dict[str, Any]) -> None:
    validate("responses", body)


def item(**members: Any) -> dict[str, Any]:
    return {"input": [MESSAGE, members]}


def part(**members: Any) -> dict[str, Any]:
    return item(role="user", content=[TEXT, members])


def tool(**members: Any) -> dict[str, Any]:
    return {"tools": [GET, members]}


MISSING, TYPE, VALUE = "missing_required_parameter", "invalid_type", "unsupported_value"
WRONG: list[tuple[dict[str, Any], str, str | None]] = [
    ({"input": ""}, "input", None),
    ({"input": 7}, "input", TYPE),
    ({"input": {}}, "input", TYPE),
    ({"input": ["hi"]}, "input[0]", TYPE),
    ({"input": [MESSAGE] * (MAX_ITEMS + 1)}, "input", "array_above_max_length"),
    ({"input": [{"role": "user", "content": [TEXT] * 30_000}] * 2}, "input", None),
    (item(), "input[1].type", MISSING),
    (item(text="a"), "input[1].type", MISSING),
    (item(type=7), "input[1].type", TYPE),
    (item(type="a_new_item"), "input[1].type", VALUE),
    (item(type="message", content="a"), "input[1].role", MISSING),
    (item(role="tool", content="a"), "input[1].role", VALUE),
    (item(role=["user"], content="a"), "input[1].role", VALUE),
    (item(role="user"), "input[1].content", MISSING),
    (item(role="user", content=7), "input[1].content", TYPE),
    (item(role="user", content="a", status="done"), "input[1].status", VALUE),
    (item(role="user", content="a", id=7), "input[1].id", TYPE),
    (item(**CALL, status="done"), "input[1].status", VALUE),
    (item(role="user", content=["a"]), "input[1].content[0]", TYPE),
    (part(text="a"), "input[1].content[1].type", MISSING),
    (part(type=7), "input[1].content[1].type", TYPE),
    (part(type="image_url", image_url={"url": "x"}), "input[1].content[1].type", VALUE),
    (part(type="input_text"), "input[1].content[1].text", MISSING),
    (part(type="input_text", text=7), "input[1].content[1].text", TYPE),
    (part(type="refusal", text="a"), "input[1].content[1].refusal", MISSING),
    (part(type="input_image"), "input[1].content[1].image_url", MISSING),
    (part(type="input_image", image_url={"url": "x"}), "input[1].content[1].image_url", TYPE),
    (part(type="input_image", image_url=7), "input[1].content[1].image_url", TYPE),
    (part(type="input_image", image_url="x", detail="all"), "input[1].content[1].detail", VALUE),
    (part(type="input_file"), "input[1].content[1].file_data", MISSING),
    (part(type="input_file", file_data="x", filename=7), "input[1].content[1].filename", TYPE),
    (part(type="input_audio"), "input[1].content[1].input_audio", TYPE),
    ({"input": [{**CALL, "call_id": None}]}, "input[0].call_id", MISSING),
    ({"input": [{**CALL, "call_id": ""}]}, "input[0].call_id", None),
    ({"input": [{**CALL, "call_id": 7}]}, "input[0].call_id", TYPE),
    ({"input": [{**CALL, "name": ""}]}, "input[0].name", None),
    ({"input": [{**CALL, "name": "x" * 300}]}, "input[0].name", "string_above_max_length"),
    ({"input": [{**CALL, "namespace": 7}]}, "input[0].namespace", TYPE),
    ({"input": [{**CALL, "arguments": {}}]}, "input[0].arguments", TYPE),
    ({"input": [{**CUSTOM_CALL, "input": None}]}, "input[0].input", MISSING),
    ({"input": [{**OUTPUT, "call_id": None}]}, "input[0].call_id", MISSING),
    ({"input": [{**OUTPUT, "output": None}]}, "input[0].output", MISSING),
    ({"input": [{**OUTPUT, "output": 4}]}, "input[0].output", TYPE),
    ({"input": [{**OUTPUT, "output": [{"type": "x"}]}]}, "input[0].output[0].type", VALUE),
    (item(type="reasoning", summary="a"), "input[1].summary", TYPE),
    (item(type="reasoning", summary=["a"]), "input[1].summary[0]", TYPE),
    (item(type="reasoning", summary=[], content=[{"type": "reasoning_text"}]), "input[1].content[0].text", MISSING),
    (item(type="reasoning", summary=[], encrypted_content=7), "input[1].encrypted_content", TYPE),
    (item(type="item_reference"), "input[1].id", MISSING),
    (item(type="item_reference", id=""), "input[1].id", None),
    (item(type="compaction"), "input[1].encrypted_content", MISSING),
    ({"instructions": 7}, "instructions", TYPE),
    ({"instructions": [{"role": "x", "content": "a"}]}, "instructions[0].role", VALUE),
    ({"max_output_tokens": 15}, "max_output_tokens", None),
    ({"max_output_tokens": "16"}, "max_output_tokens", TYPE),
    ({"max_tool_calls": -1}, "max_tool_calls", None),
    ({"temperature": 2.1}, "temperature", None),
    ({"top_p": -0.1}, "top_p", None),
    ({"top_logprobs": 21}, "top_logprobs", None),
    ({"metadata": {"a": 7}}, "metadata.a", TYPE),
    ({"metadata": {"\x1f": 7}}, "metadata", TYPE),
    ({"metadata": {"a": "v" * 513}}, "metadata.a", "string_above_max_length"),
    ({"metadata": {"k" * 65: "v"}}, "metadata", "string_above_max_length"),
    ({"metadata": {str(at): "" for at in range(17)}}, "metadata", "object_above_max_properties"),
    ({"metadata": []}, "metadata", TYPE),
    ({"store": "yes"}, "store", TYPE),
    ({"background": 1}, "background", TYPE),
    ({"previous_response_id": ""}, "previous_response_id", None),
    ({"previous_response_id": 7}, "previous_response_id", TYPE),
    ({"conversation": ""}, "conversation", None),
    ({"conversation": {}}, "conversation.id", MISSING),
    ({"conversation": {"id": 7}}, "conversation.id", TYPE),
    ({"conversation": {"id": ""}}, "conversation.id", None),
    ({"conversation": []}, "conversation", TYPE),
    ({"include": ["everything"]}, "include[0]", VALUE),
    ({"include": [7]}, "include[0]", TYPE),
    ({"include": "reasoning.encrypted_content"}, "include", TYPE),
    ({"reasoning": {"effort": "extreme"}}, "reasoning.effort", VALUE),
    ({"reasoning": {"effort": 7}}, "reasoning.effort", TYPE),
    ({"reasoning": {"summary": "long"}}, "reasoning.summary", VALUE),
    ({"reasoning": {"context": "x"}}, "reasoning.context", VALUE),
    ({"reasoning": {"mode": 7}}, "reasoning.mode", TYPE),
    ({"reasoning": "high"}, "reasoning", TYPE),
    ({"text": {"verbosity": "loud"}}, "text.verbosity", VALUE),
    ({"text": {"format": "json"}}, "text.format", TYPE),
    ({"text": {"format": {}}}, "text.format.type", MISSING),
    ({"text": {"format": {"type": "xml"}}}, "text.format.type", VALUE),
    ({"text": {"format": {"type": ["text"]}}}, "text.format.type", VALUE),
    ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name", MISSING),
    ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema", MISSING),
    ({"text": {"format": {"type": "json_schema", "name": "a", "schema": []}}}, "text.format.schema", TYPE),
    ({"text": {"format": {"type": "json_schema", "name": "a", "schema": {}, "strict": 1}}}, "text.format.strict", TYPE),
    ({"stream_options": {"include_obfuscation": 1}}, "stream_options.include_obfuscation", TYPE),
    ({"truncation": "middle"}, "truncation", VALUE),
    ({"tools": {}}, "tools", TYPE),
    ({"tools": [GET] * 129}, "tools", "array_above_max_length"),
    ({"tools": [{"type": "namespace", "name": str(at), "tools": [GET] * 43} for at in range(3)]}, "tools",
     "array_above_max_length"),
    (tool(), "tools[1].type", MISSING),
    (tool(type=7), "tools[1].type", TYPE),
    (tool(type="function"), "tools[1].name", MISSING),
    (tool(type="function", function={"name": "get"}), "tools[1].name", MISSING),
    (tool(type="function", name="x" * 257), "tools[1].name", "string_above_max_length"),
    (tool(type="function", name="get", parameters=[]), "tools[1].parameters", TYPE),
    (tool(type="function", name="get", strict="yes"), "tools[1].strict", TYPE),
    (tool(type="custom", name="p", format=[]), "tools[1].format", TYPE),
    (tool(type="custom", name="p", format={}), "tools[1].format.type", MISSING),
    (tool(type="custom", name="p", format={"type": "xml"}), "tools[1].format.type", VALUE),
    (tool(type="custom", name="p", format={"type": "grammar", "definition": "x"}), "tools[1].format.syntax", VALUE),
    (tool(type="custom", name="p", format={"type": "grammar", "syntax": "lark"}), "tools[1].format.definition", TYPE),
    (tool(type="namespace", tools=[]), "tools[1].name", MISSING),
    (tool(type="namespace", name="n"), "tools[1].tools", MISSING),
    (tool(type="namespace", name="n", tools={}), "tools[1].tools", TYPE),
    (tool(type="namespace", name="n", tools=[{"type": "web_search"}]), "tools[1].tools[0].type", VALUE),
    (tool(type="namespace", name="n", tools=[{"type": "custom"}]), "tools[1].tools[0].name", MISSING),
    ({"tool_choice": "any"}, "tool_choice", VALUE),
    ({"tool_choice": {}}, "tool_choice.type", MISSING),
    ({"tool_choice": {"type": "function"}}, "tool_choice.name", MISSING),
    ({"tool_choice": {"type": "function", "name": "get", "namespace": 7}}, "tool_choice.namespace", TYPE),
    ({"tool_choice": {"type": "allowed_tools", "tools": []}}, "tool_choice.mode", MISSING),
    ({"tool_choice": {"type": "allowed_tools", "mode": "none", "tools": []}}, "tool_choice.mode", VALUE),
    ({"tool_choice": {"type": "allowed_tools", "mode": "auto"}}, "tool_choice.tools", MISSING),
    ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": {}}}, "tool_choice.tools", TYPE),
    ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{}]}}, "tool_choice.tools[0].type", MISSING),
    ({"n": 0}, "n", None),
    ({"seed": "a"}, "seed", TYPE),
    ({"stop": ["a"] * 5}, "stop", None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "param", "code"), WRONG, ids=lambda value: str(value)[:60])
def test_a_wrong_value_is_named(body: dict[str, Any], param: str, code: str | None) -> None:
    with pytest.raises(Invalid) as raised:
        validate("responses", body)

    assert (raised.value.param, raised.value.code) == (param, code)
    assert f"'{param}'" in raised.value.message


def test_a_nested_function_is_told_how_tools_look_here() -> None:
    with pytest.raises(Invalid, match="are flat"):
        validate("responses", tool(type="function", function={"name": "get"}))


def test_an_image_of_chat_is_told_how_images_look_here() -> None:
    with pytest.raises(Invalid, match="image_url is the URL itself"):
        validate("responses", part(type="input_image", image_url={"url": "x"}))


@pytest.mark.parametrize(
    "fields",
    [
        {"input": "hi"},
        {"input": [], "previous_response_id": "r"},
        {"conversation": "c"},
        {"input": "hi", "background": True},
        {"input": "hi", "background": False, "store": False},
        {"prompt": {"id": "p"}},
    ],
)
def test_fields_that_fit_together(fields: dict[str, Any]) -> None:
    check_combinations(fields)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "role", "content", "type", "name", "text", "call_id", "output", "arguments", "input", "summary", "id", "format",
        "tools", "mode", "image_url", "status", "encrypted_content", "effort", "syntax", "definition", "input_audio",
    ]), inner | st.sampled_from([
        "user", "message", "function_call", "function_call_output", "custom_tool_call", "reasoning", "compaction",
        "input_text", "input_image", "input_file", "input_audio", "output_text", "function", "custom", "namespace",
        "grammar", "allowed_tools", "json_schema", "item_reference",
    ]), max_size=5),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=800, deadline=None)
@given(st.sampled_from(sorted(RESPONSES_OF_OPENAI)), JSON)
def test_any_value_is_right_or_invalid_and_nothing_else(name: str, value: Any) -> None:
    wrong = None
    try:
        validate("responses", {name: value})
    except Invalid as invalid:
        wrong = invalid
    if wrong is not None:
        assert wrong.param.startswith(name)
        assert wrong.message.isprintable()
