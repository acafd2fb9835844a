"""Each request that TokenHub refuses, one row each, beside one that it accepts. Only codes are compared, not texts."""

from typing import Any

import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, function, send, with_emulator

USER = {"role": "user", "content": "Hi"}
HY4 = {"model": "hy4-preview"}
ROLE = {"model": "hunyuan-role-latest"}
MT2 = {"model": "hy-mt2-pro"}
ON, OFF = {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
PARAMETER, CONTEXT, MODEL, CAPABILITY, FORMAT = "400001", "400003", "400004", "400005", "400006"


def part(kind: str, value: Any) -> Json:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "see"}, {"type": kind, kind: value}]}]}


def history(**assistant: Any) -> Json:
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    turn = {"role": "assistant", "tool_calls": [call], **assistant}
    return {"messages": [USER, turn, {"role": "tool", "tool_call_id": "c1", "content": "x"}]}


def schema(**more: Any) -> Json:
    given = {"name": "s", "schema": {"type": "object", "properties": {}}, **more}
    return {"response_format": {"type": "json_schema", "json_schema": given}}


def got(body: Any, path: str = "/chat/completions", headers: dict[str, str] | None = None, method: str = "POST") -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, body, path, headers=headers, method=method)

    return with_emulator("hunyuan", main)


def code_of(answer: Raw) -> Any:
    return answer.json["error"]["code"]


REFUSED: list[tuple[str, Json, str]] = [
    ("no messages", {"messages": []}, PARAMETER),
    ("messages, no list", {"messages": "Hi"}, PARAMETER),
    ("role developer", {"messages": [{"role": "developer", "content": "x"}, USER]}, PARAMETER),
    ("role function", {"messages": [USER, {"role": "function", "name": "f", "content": "x"}]}, PARAMETER),
    ("no content", {"messages": [{"role": "user"}]}, PARAMETER),
    ("null content without tool_calls", {"messages": [USER, {"role": "assistant", "content": None}, USER]}, PARAMETER),
    ("tool_call_id unknown", {"messages": [USER, {"role": "tool", "tool_call_id": "x", "content": "y"}]}, PARAMETER),
    ("tool_calls malformed", history(tool_calls=[{"id": "c1", "function": {"name": "f"}}]), PARAMETER),
    ("image_url", part("image_url", {"url": "https://example.invalid/x.png"}), CAPABILITY),
    ("image_url, hy4", {**HY4, **part("image_url", {"url": "https://example.invalid/x.png"})}, CAPABILITY),
    ("input_audio", part("input_audio", {"data": "aGVsbG8h", "format": "wav"}), CAPABILITY),
    ("temperature, high", {"temperature": 2.1}, PARAMETER),
    ("temperature, low", {"temperature": -0.1}, PARAMETER),
    ("temperature, text", {"temperature": "1"}, PARAMETER),
    ("top_p", {"top_p": 1.1}, PARAMETER),
    ("seed", {"seed": 1.5}, PARAMETER),
    ("n", {"n": 2}, CAPABILITY),
    ("n, 0", {"n": 0}, PARAMETER),
    ("stop, too many", {"stop": list("abcde")}, PARAMETER),
    ("stop, no text", {"stop": [1]}, PARAMETER),
    ("max_tokens, 0", {"max_tokens": 0}, PARAMETER),
    ("max_tokens, more than the model has", {"max_tokens": 64_001}, PARAMETER),
    ("max_tokens, more than hy4 has", {**HY4, "max_tokens": 65_537}, PARAMETER),
    ("thinking, type", {"thinking": {"type": "auto"}}, PARAMETER),
    ("thinking, no object", {"thinking": True}, PARAMETER),
    ("thinking, a model that does not", {**ROLE, **ON}, CAPABILITY),
    ("reasoning_effort none", {"reasoning_effort": "none"}, PARAMETER),
    ("reasoning_effort minimal", {**HY4, "reasoning_effort": "minimal"}, PARAMETER),
    ("reasoning_effort xhigh", {**ON, "reasoning_effort": "xhigh"}, PARAMETER),
    ("tools, a model that has none", {**MT2, "tools": [WEATHER]}, CAPABILITY),
    ("tools, no list", {"tools": WEATHER}, PARAMETER),
    ("tools, type", {"tools": [{"type": "custom", "custom": {"name": "abc"}}]}, PARAMETER),
    ("tools, no name", {"tools": [{"type": "function", "function": {}}]}, PARAMETER),
    (
        "tools, parameters",
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": "{}"}}]},
        PARAMETER,
    ),
    ("tool_choice, unknown", {"tools": [WEATHER], "tool_choice": "custom"}, PARAMETER),
    ("tool_choice required without tools", {"tool_choice": "required"}, PARAMETER),
    ("tool_choice, a tool that is not there", {"tools": [function("other")], "tool_choice": NAMED}, PARAMETER),
    ("response_format, unknown", {"response_format": {"type": "xml"}}, PARAMETER),
    ("json_object, translation", {**MT2, "response_format": {"type": "json_object"}}, FORMAT),
    ("json_object, role play", {**ROLE, "response_format": {"type": "json_object"}}, FORMAT),
    ("json_schema, role play", {**ROLE, **schema()}, FORMAT),
    ("json_schema, no schema", schema(schema=None), PARAMETER),
    ("json_schema, no name", schema(name=None), PARAMETER),
    ("web_search_options, OpenAI's", {"web_search_options": {"search_context_size": "low"}}, PARAMETER),
    ("too long", {**MT2, "messages": [{"role": "user", "content": "w " * 4_100}]}, CONTEXT),
    (
        "too long with max_tokens",
        {**HY4, "max_tokens": 65_536, "messages": [{"role": "user", "content": "w " * 983_100}]},
        CONTEXT,
    ),
    ("an unknown model", {"model": "gpt-4o"}, MODEL),
    ("a retired model", {"model": "hunyuan-2.0-instruct-20251111"}, MODEL),
    ("a model of the classic edition", {"model": "hunyuan-turbos-latest"}, MODEL),
    ("an embedder", {"model": "kinfra-text-embedding-4b"}, CAPABILITY),
    ("no model", {"model": None}, PARAMETER),
]

TAKEN: list[tuple[str, Json]] = [
    ("the ends of the ranges", {"temperature": 2, "top_p": 0, "n": 1, "seed": 0, "max_tokens": 64_000}),
    ("stop, four", {"stop": list("wxyz")}),
    ("a system message anywhere, users in a row", {"messages": [USER, USER, {"role": "system", "content": "x"}]}),
    ("null content beside tool_calls", history(content=None)),
    ("absent content beside tool_calls", history()),
    ("reasoning_content in history", history(reasoning_content="hm")),
    ("parts of text", {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}),
    ("thinking and effort", {**ON, "reasoning_effort": "medium"}),
    ("thinking off where there is none", {**ROLE, **OFF}),
    ("tool_choice none", {"tools": [WEATHER], "tool_choice": "none"}),
    ("tool_choice null", {"tools": [WEATHER], "tool_choice": None}),
    ("json_object, hy4", {**HY4, "response_format": {"type": "json_object"}}),
    ("json_schema, hy4", {**HY4, **schema()}),
    ("json_schema, hy3-preview", {"model": "hy3-preview", **schema()}),
    ("response_format text", {**MT2, "response_format": {"type": "text"}}),
    ("web_search_options", {"web_search_options": {"enable": True}}),
    (
        "members that are ignored",
        {"presence_penalty": 9, "frequency_penalty": -9, "logit_bias": {}, "logprobs": True, "user": "u", "x": 1},
    ),
]


@pytest.mark.parametrize(("more", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_tokenhub_refuses_it_with_400_and_the_code_of_its_row(more: Json, code: str) -> None:
    answer = got(chat("hunyuan", **more))
    assert (answer.status, code_of(answer)) == (400, code)
    assert set(answer.json) == {"error"}
    assert set(answer.json["error"]) == {"type", "code", "message", "source", "request_id"}
    assert answer.json["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("more", [row[1] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_tokenhub_takes_it(more: Json) -> None:
    answer = got(chat("hunyuan", **more))
    assert (answer.status, answer.json["object"]) == (200, "chat.completion")


@pytest.mark.parametrize("choice", ["required", NAMED])
def test_a_call_can_be_forced_but_not_while_the_model_thinks(choice: Any) -> None:
    forced = {"tools": [WEATHER], "tool_choice": choice}
    for more in ({}, OFF, {**HY4, **OFF}):
        answer = got(chat("hunyuan", "Hello", **forced, **more)).json["choices"][0]
        assert [call["function"]["name"] for call in answer["message"]["tool_calls"]] == ["get_weather"]
        assert answer["finish_reason"] == "tool_calls"
    for thinks in (ON, HY4):
        refused = got(chat("hunyuan", "Hello", **forced, **thinks))
        assert (refused.status, code_of(refused)) == (400, CAPABILITY)


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("Bearer sk-wrong", "401002"),
        ("Bearer sk-emulated-hunyuan-0000000000000001", "401002"),
        ("", "401001"),
        ("Bearer ", "401001"),
        ("Basic abc", "401001"),
    ],
)
def test_tokenhub_refuses_a_key_that_is_wrong_missing_or_the_other_editions(authorization: str, code: str) -> None:
    answer = got(chat("hunyuan"), headers={"authorization": authorization})
    assert (answer.status, code_of(answer)) == (401, code)
    assert answer.json["error"]["type"] == "authentication_error"


@pytest.mark.parametrize("body", [None, [], "hy3", b"{", {}])
def test_a_body_that_is_no_request_is_a_bad_parameter(body: Any) -> None:
    answer = got(body)
    assert (answer.status, code_of(answer)) == (400, PARAMETER)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/completions"), ("POST", "/moderations"), ("GET", "/models/hy3"), ("GET", "//elsewhere"), ("GET", "//")],
)
def test_tokenhub_has_no_such_endpoint(method: str, path: str) -> None:
    answer = got({}, path, method=method)
    assert (answer.status, answer.json["error"]["type"]) == (404, "gateway_error")


KINFRA = {"model": "kinfra-text-embedding-0.6b", "input": "x"}
NO_EMBEDDING: list[tuple[str, Json, str]] = [
    ("dimensions", {**KINFRA, "dimensions": 512}, PARAMETER),
    ("dimensions, its own", {**KINFRA, "dimensions": 1024}, PARAMETER),
    ("base64", {**KINFRA, "encoding_format": "base64"}, PARAMETER),
    ("token ids", {**KINFRA, "input": [1, 2]}, PARAMETER),
    ("nothing", {**KINFRA, "input": []}, PARAMETER),
    ("an empty text", {**KINFRA, "input": ["x", ""]}, PARAMETER),
    ("too long", {**KINFRA, "input": "w " * 32_769}, CONTEXT),
    ("an unknown model", {**KINFRA, "model": "hunyuan-embedding"}, MODEL),
    ("a model that chats", {**KINFRA, "model": "hy3"}, CAPABILITY),
    ("a multimodal embedder", {**KINFRA, "model": "kinfra-vl-embedding-2b"}, CAPABILITY),
]


@pytest.mark.parametrize(("body", "code"), [row[1:] for row in NO_EMBEDDING], ids=[row[0] for row in NO_EMBEDDING])
def test_tokenhub_does_not_embed_it(body: Json, code: str) -> None:
    answer = got(body, "/embeddings")
    assert (answer.status, code_of(answer)) == (400, code)
