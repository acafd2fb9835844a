"""Each request that Kimi refuses, one row each, beside a request that it accepts.

Texts that the vendor's sheet quotes are compared; otherwise only the status and the type are.
"""

from typing import Any

import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, function, send, with_emulator

OFF = {"type": "disabled"}
THINKING: Json = {"thinking": {"type": "enabled"}}
USER = {"role": "user", "content": "Hi"}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
PNG = "data:image/png;base64,aGVsbG8h"


def part(kind: str, value: Any) -> Json:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "see"}, {"type": kind, kind: value}]}]}


def history(**assistant: Any) -> Json:
    call = {"id": "get_weather:0", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    turn = {"role": "assistant", "tool_calls": [call], **assistant}
    return {"messages": [USER, turn, {"role": "tool", "tool_call_id": "get_weather:0", "content": "x"}]}


def schema(value: Json) -> Json:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": value}}}


def object_of(**properties: Any) -> Json:
    return {"type": "object", "properties": properties}


def got(more: Json) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("kimi", **more))

    return with_emulator("kimi", main, environ={"BANJIA_EMULATOR_RETIRED": "1"})


V1 = {"model": "moonshot-v1-8k"}
K2P = {"model": "kimi-k2-0905-preview"}
K3 = {"model": "kimi-k3"}
CODE = {"model": "kimi-k2.7-code", "thinking": None}

REFUSED: list[tuple[str, Json, str]] = [
    (
        "temperature, thinking",
        {**THINKING, "temperature": 0.7},
        "invalid temperature: only 1 is allowed for this model",
    ),
    ("temperature, not thinking", {"temperature": 1}, "invalid temperature: only 0.6 is allowed for this model"),
    ("temperature, K3", {**K3, **THINKING, "temperature": 0}, "invalid temperature: only 1 is allowed for this model"),
    ("temperature, V1", {**V1, "temperature": 1.01}, ""),
    ("temperature, K2p", {**K2P, "temperature": -0.1}, ""),
    ("top_p, K", {"top_p": 1}, "invalid top_p: only 0.95 is allowed for this model"),
    ("top_p, V1", {**V1, "top_p": 1.5}, ""),
    ("n, K", {"n": 2}, "invalid n: only 1 is allowed for this model"),
    ("n, V1", {**V1, "n": 6, "temperature": 1}, ""),
    ("n, V1 and cold", {**V1, "n": 2, "temperature": 0}, ""),
    ("n, V1 and cold by default", {**V1, "n": 2}, ""),
    ("presence_penalty, K", {"presence_penalty": 0.5}, "invalid presence_penalty: only 0 is allowed for this model"),
    ("frequency_penalty, K", {"frequency_penalty": 1}, "invalid frequency_penalty: only 0 is allowed for this model"),
    ("presence_penalty, V1", {**V1, "presence_penalty": 2.5}, ""),
    (
        "stop, too many",
        {"stop": list("abcdef")},
        "stop array too long. Expected an array with maximum length 5, but got 6",
    ),
    ("stop, too long", {"stop": ["x" * 33]}, ""),
    ("stop, too many bytes", {"stop": ["字" * 11]}, ""),
    ("stop, no text", {"stop": [1]}, ""),
    ("max_tokens", {"max_tokens": 0}, ""),
    ("max_completion_tokens", {"max_completion_tokens": "9"}, ""),
    ("top_logprobs", {"logprobs": True, "top_logprobs": 21}, ""),
    ("role developer", {"messages": [{"role": "developer", "content": "x"}, USER]}, ""),
    ("role function", {"messages": [USER, {"role": "function", "name": "f", "content": "x"}]}, ""),
    ("no messages", {"messages": []}, ""),
    ("no content", {"messages": [{"role": "user"}]}, ""),
    ("empty content beside tool_calls", history(content=""), "text content is empty"),
    ("tool_call_id unknown", {"messages": [USER, {"role": "tool", "tool_call_id": "x:0", "content": "y"}]}, ""),
    (
        "reasoning_content, absent",
        {**THINKING, **history()},
        "thinking is enabled but reasoning_content is missing in assistant tool call message at index 1",
    ),
    (
        "reasoning_content, null",
        {**CODE, **history(reasoning_content=None)},
        "thinking is enabled but reasoning_content is missing in assistant tool call message at index 1",
    ),
    ("parts, text-only model", {**V1, "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, ""),
    ("image_url, public", part("image_url", {"url": "https://example.invalid/x.png"}), ""),
    ("image_url, public and bare", part("image_url", "http://example.invalid/x.png"), ""),
    ("image_url, format", part("image_url", {"url": "data:image/svg+xml;base64,aGVsbG8h"}), ""),
    ("image_url, no base64", part("image_url", {"url": "data:image/png;base64,%%%"}), ""),
    ("video_url, public", part("video_url", {"url": "https://example.invalid/x.mp4"}), ""),
    ("input_audio", part("input_audio", {"data": "aGVsbG8h", "format": "wav"}), ""),
    ("file", part("file", {"file_id": "file-1"}), ""),
    ("tools, too many", {"tools": [function(f"tool_{i}") for i in range(129)]}, ""),
    ("tools, name too short", {"tools": [function("ab")]}, ""),
    ("tools, name with a dot", {"tools": [function("a.bcd")]}, ""),
    ("tools, name with a digit first", {"tools": [function("1abc")]}, ""),
    ("tools, name too long", {"tools": [function("a" * 65)]}, ""),
    ("tools, parameters", {"tools": [{"type": "function", "function": {"name": "abc", "parameters": {}}}]}, ""),
    ("tools, type", {"tools": [{"type": "custom", "custom": {"name": "abc"}}]}, ""),
    (
        "web search, thinking",
        {**THINKING, "tools": [{"type": "builtin_function", "function": {"name": "$web_search"}}]},
        "",
    ),
    (
        "tool_choice required, thinking",
        {**THINKING, "tools": [WEATHER], "tool_choice": "required"},
        "tool_choice 'required' is incompatible with thinking enabled",
    ),
    (
        "tool_choice named, thinking",
        {**THINKING, "tools": [WEATHER], "tool_choice": NAMED},
        "tool_choice 'specified' is incompatible with thinking enabled",
    ),
    (
        "tool_choice required, K2.7",
        {**CODE, "tools": [WEATHER], "tool_choice": "required"},
        "tool_choice 'required' is incompatible with thinking enabled",
    ),
    ("tool_choice required, V1", {**V1, "tools": [WEATHER], "tool_choice": "required"}, ""),
    ("thinking, K2.7", {**CODE, "thinking": OFF}, "invalid thinking: only type=enabled is allowed for this model"),
    ("thinking, no type", {"thinking": {"type": "auto"}}, ""),
    ("reasoning_effort, K3", {**K3, **THINKING, "reasoning_effort": "medium"}, ""),
    ("json_schema, V1", {**V1, **schema(object_of())}, ""),
    ("json_schema, no object", schema({"type": "array", "items": {"type": "string"}}), ""),
    ("json_schema, no type", schema(object_of(city={})), "At path 'properties.city': type is not defined"),
    (
        "json_schema, no type inside",
        schema(object_of(a=object_of(b={"enum": [1]}))),
        "At path 'properties.a.properties.b': type is not defined",
    ),
    ("json_schema, tuple", schema(object_of(a={"type": "array", "items": [{"type": "string"}]})), ""),
    ("json_schema, type beside anyOf", schema(object_of(a={"type": "string", "anyOf": [{"type": "string"}]})), ""),
    ("json_schema, $schema", schema({"$schema": "x", **object_of()}), ""),
    ("json_schema, no name", {"response_format": {"type": "json_schema", "json_schema": {"schema": object_of()}}}, ""),
    (
        "too long with max_tokens",
        {"max_completion_tokens": 262_144},
        "Invalid request: Your request exceeded model token limit: 262144 (requested: 262149)",
    ),
    ("too long", {**V1, "messages": [{"role": "user", "content": "w " * 9000}]}, "Input token length too long"),
]

TAKEN: list[tuple[str, Json]] = [
    ("temperature, the fixed one", {**THINKING, "temperature": 1.0, "top_p": 0.95, "n": 1}),
    ("temperature, the fixed one without thinking", {"temperature": 0.6}),
    ("penalties of 0", {"presence_penalty": 0, "frequency_penalty": 0.0}),
    ("temperature, V1", {**V1, "temperature": 1, "top_p": 0, "n": 5}),
    ("stop, five of 32 bytes", {"stop": ["x" * 32] * 5}),
    ("members that no schema has", {"logit_bias": {}, "seed": 1, "user": "u", "metadata": {}, "store": True, "x": 1}),
    ("null content beside tool_calls", history(content=None)),
    ("absent content beside tool_calls", history()),
    ("a blank reasoning_content", {**THINKING, **history(reasoning_content=" ")}),
    ("image_url, data", part("image_url", {"url": PNG, "detail": "low"})),
    ("image_url, bare", part("image_url", PNG)),
    ("image_url, uploaded", part("image_url", {"url": "ms://file-1"})),
    ("video_url, data", part("video_url", {"url": "data:video/mp4;base64,aGVsbG8h"})),
    ("tools, 128", {"tools": [function(f"tool_{i}") for i in range(128)]}),
    ("tools, name", {"tools": [function("_a-9" + "b" * 60)]}),
    ("tool_choice null", {**THINKING, "tools": [WEATHER], "tool_choice": None}),
    ("tool_choice required, K3", {**K3, **THINKING, "tools": [WEATHER], "tool_choice": "required"}),
    ("tool_choice named", {"tools": [WEATHER], "tool_choice": NAMED}),
    ("reasoning_effort, K3", {**K3, **THINKING, "reasoning_effort": "max"}),
    ("reasoning_effort, K2.6", {"reasoning_effort": "medium"}),
    (
        "json_schema, anyOf and $ref",
        schema({**object_of(a={"$ref": "#/$defs/A"}, b={"anyOf": [{"type": "null"}]}), "$defs": {"A": object_of()}}),
    ),
    ("system message with tools, K3", {**K3, "messages": [{"role": "system", "tools": [WEATHER]}, USER]}),
]


@pytest.mark.parametrize(("more", "wording"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_kimi_refuses_it_with_400_and_its_own_words(more: Json, wording: str) -> None:
    answer = got(more)
    assert answer.status == 400
    assert set(answer.json) == {"error"}
    assert set(answer.json["error"]) == {"message", "type"}
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert wording in answer.json["error"]["message"]


@pytest.mark.parametrize("more", [row[1] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_kimi_takes_it(more: Json) -> None:
    answer = got(more)
    assert (answer.status, answer.json["object"]) == (200, "chat.completion")


@pytest.mark.parametrize(
    ("headers", "kind", "message"),
    [
        ({"authorization": "Bearer sk-wrong"}, "invalid_authentication_error", "Invalid Authentication"),
        ({"authorization": ""}, "incorrect_api_key_error", "Incorrect API key provided"),
        ({"authorization": "Basic abc"}, "incorrect_api_key_error", "Incorrect API key provided"),
    ],
)
def test_kimi_refuses_a_key_that_is_wrong_or_missing(headers: dict[str, str], kind: str, message: str) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("kimi"), headers=headers)

    answer = with_emulator("kimi", main)
    assert (answer.status, answer.json) == (401, {"error": {"message": message, "type": kind}})


@pytest.mark.parametrize("model", ["gpt-4o", "moonshot-v1-8k", "kimi-k2.5"])
def test_kimi_does_not_find_unknown_and_retired_models(model: str) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("kimi", model=model))

    answer = with_emulator("kimi", main)
    message = f"Not found the model {model} or Permission denied"
    assert (answer.status, answer.json) == (404, {"error": {"message": message, "type": "resource_not_found_error"}})


@pytest.mark.parametrize("path", ["/embeddings", "/completions", "/images/generations", "/moderations", "/assistants"])
def test_kimi_has_no_such_endpoint(path: str) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, {}, path)

    assert with_emulator("kimi", main).status == 404


FAULTS = [
    ("overloaded", 429, "engine_overloaded_error", "The engine is currently overloaded, please try again later"),
    ("quota", 429, "exceeded_current_quota_error", "is suspended due to insufficient balance, please recharge"),
    ("inspection", 400, "content_filter", "The request was rejected because it was considered high risk"),
    ("bad_key", 401, "invalid_authentication_error", "Invalid Authentication"),
    ("model_missing", 404, "resource_not_found_error", "Not found the model kimi-k2.6 or Permission denied"),
    ("context", 400, "invalid_request_error", "Your request exceeded model token limit: 262144 (requested: 265359)"),
    ("error_500", 500, "server_error", "invalid state transition"),
]


@pytest.mark.parametrize(("fault", "status", "kind", "wording"), FAULTS)
def test_a_fault_in_kimis_words_has_its_row_of_the_error_table(
    fault: str, status: int, kind: str, wording: str
) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("kimi"))

    answer = with_emulator("kimi", main, faults=[fault])
    assert (answer.status, answer.json["error"]["type"]) == (status, kind)
    assert wording in answer.json["error"]["message"]
