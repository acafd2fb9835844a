"""Each request that Doubao refuses, one row each, beside a request that it accepts.

Texts that the vendor's sheet or its page of error codes quotes are compared; otherwise the status, code and param are.
"""

from typing import Any

import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, function, send, with_emulator

USER = {"role": "user", "content": "Hi"}
NEWEST: Json = {}
NEW: Json = {"model": "doubao-seed-2-1-pro-260628"}
FLASH: Json = {"model": "doubao-seed-1-6-flash-250715"}
OLD: Json = {"model": "doubao-1-5-pro-32k-250115", "thinking": None}
OF_2024: Json = {"model": "doubao-pro-32k-240615", "thinking": None}
THINKING: Json = {"thinking": {"type": "enabled"}}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
PNG = "data:image/png;base64,aGVsbG8h"
SCHEMA: Json = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}
OBJECT: Json = {"response_format": {"type": "json_object"}}
INVALID = "The parameter `{}` specified in the request are not valid: {}. Request id: 02"
MISSING = "The request failed because it is missing `{}` parameter. Request id: 02"
ROLES = "supported values are: `system`, `assistant`, `user`, `tool`"


def said(*messages: Json) -> Json:
    return {"messages": list(messages)}


def part(kind: str, value: Any) -> Json:
    return said({"role": "user", "content": [{"type": "text", "text": "see"}, {"type": kind, kind: value}]})


def history(*results: Json, calls: int = 1, **assistant: Any) -> Json:
    made = [
        {"id": f"call_{index}", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
        for index in range(calls)
    ]
    return said(USER, {"role": "assistant", "content": "x", "tool_calls": made, **assistant}, *results)


def result(call_id: str = "call_0", content: str = "4 degrees") -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def got(body: Any, path: str = "/chat/completions", **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, body, path, **more)

    return with_emulator("doubao", main)


def wrong(param: str, detail: str) -> tuple[str, str, str]:
    return "InvalidParameter", param, INVALID.format(param, detail)


def above(param: str, most: int, value: int) -> tuple[str, str, str]:
    return wrong(param, f"integer above maximum value, expected a value <= {most}, but got {value} instead")


def missing(param: str) -> tuple[str, str, str]:
    return "MissingParameter", param, MISSING.format(param)


TOGETHER = wrong("max_tokens", "max_tokens and max_completion_tokens cannot be set at the same time")
REFUSED: list[tuple[str, Json, tuple[str, str, str]]] = [
    ("messages, none", {"messages": []}, missing("messages")),
    ("messages, absent", {"messages": None}, missing("messages")),
    ("messages, type", {"messages": "Hi"}, ("InvalidParameter", "messages", "")),
    ("message, type", {"messages": ["Hi"]}, ("InvalidParameter", "messages", "")),
    ("role, absent", said({"content": "x"}), missing("messages.role")),
    (
        "role developer",
        {**NEW, **said({"role": "developer", "content": "x"}, USER)},
        wrong("messages.role", f"invalid value: `developer`, {ROLES}"),
    ),
    (
        "role in upper case",
        said({"role": "SYSTEM", "content": "x"}, USER),
        wrong("messages.role", f"invalid value: `SYSTEM`, {ROLES}"),
    ),
    (
        "role function",
        said({"role": "function", "name": "f", "content": "x"}),
        ("InvalidParameter", "messages.role", ""),
    ),
    ("name, type", said({**USER, "name": 3}), ("InvalidParameter", "messages.name", "")),
    ("content, absent", said({"role": "user"}), missing("messages.content")),
    ("content, number", said({"role": "user", "content": 3}), ("InvalidParameter", "messages.content", "")),
    ("empty content", {**NEW, **said({"role": "user", "content": ""})}, missing("messages.content")),
    ("empty content, 2024", {**OF_2024, **said({"role": "user", "content": ""})}, missing("messages.content")),
    ("empty content beside tool_calls", {**NEW, **history(result(), content="")}, missing("messages.content")),
    ("null content beside tool_calls", {**NEW, **history(result(), content=None)}, missing("messages.content")),
    (
        "null content without tool_calls",
        said(USER, {"role": "assistant", "content": None}),
        missing("messages.content"),
    ),
    ("empty result", {**NEW, **history(result(content=""))}, missing("messages.content")),
    ("tool_call_id, absent", history({"role": "tool", "content": "x"}), missing("messages.tool_call_id")),
    ("tool_call_id, empty", {**NEW, **history(result(""))}, missing("messages.tool_call_id")),
    ("tool_call_id, unknown", history(result("call_9")), ("InvalidParameter", "messages.tool_call_id", "")),
    ("tool_call_id, twice", history(result(), result()), ("InvalidParameter", "messages.tool_call_id", "")),
    ("a result without a call", said(USER, result()), ("InvalidParameter", "messages.tool_call_id", "")),
    ("a call without a result", history(), ("InvalidParameter", "messages.tool_calls", "")),
    ("two calls, one result", history(result(), calls=2), ("InvalidParameter", "messages.tool_calls", "")),
    ("a turn before the result", history(USER, result()), ("InvalidParameter", "messages.tool_calls", "")),
    ("tool_calls, no id", history(result(), tool_calls=[NAMED]), missing("messages.tool_calls.id")),
    ("part, unknown", part("file", {"file_id": "f"}), ("InvalidParameter", "messages.content.type", "")),
    (
        "an image, on a model of texts",
        {**OLD, **part("image_url", {"url": PNG})},
        ("InvalidParameter", "", "One or more parameters specified in the request are not valid. Request id: 02"),
    ),
    (
        "a video, on a model of images",
        {**OLD, "model": "doubao-1-5-vision-pro-32k-250115", **part("video_url", {"url": "https://x.invalid"})},
        ("InvalidParameter", "", ""),
    ),
    ("audio", part("input_audio", {"url": "https://x.invalid"}), ("InvalidParameter", "", "")),
    ("image_url, bare", part("image_url", PNG), missing("messages.content.image_url")),
    ("image_url, empty", part("image_url", {"url": ""}), ("InvalidImageURL.EmptyURL", "", "Empty base64 image url.")),
    (
        "image_url, no base64",
        part("image_url", {"url": "data:image/png;base64,%%%"}),
        ("InvalidImageURL.InvalidFormat", "", "Invalid base64 image url."),
    ),
    (
        "image_url, detail",
        part("image_url", {"url": PNG, "detail": "xhigh"}),
        ("InvalidArgumentError.InvalidImageDetail", "", "Invalid image detail: xhigh"),
    ),
    (
        "image_url, pixels",
        part("image_url", {"url": PNG, "min_pixels": 100, "max_pixels": 50}),
        ("InvalidArgumentError.InvalidPixelLimit", "", "Customized min_pixels 100 is greater than max_pixels 50"),
    ),
    ("both limits", {"max_tokens": 5, "max_completion_tokens": 5}, TOGETHER),
    ("both limits, 2024", {**OF_2024, "max_tokens": 9_999, "max_completion_tokens": 5}, TOGETHER),
    ("max_tokens, 2024", {**OF_2024, "max_tokens": 8192}, above("max_tokens", 4096, 8192)),
    ("max_tokens, 1.5", {**OLD, "max_tokens": 12_289}, above("max_tokens", 12_288, 12_289)),
    ("max_tokens, 1.6", {"model": "doubao-seed-1-6-251015", "max_tokens": 32_769}, above("max_tokens", 32_768, 32_769)),
    ("max_tokens, newest", {"max_tokens": 262_145}, above("max_tokens", 262_144, 262_145)),
    (
        "max_completion_tokens",
        {"max_completion_tokens": 65_537},
        above("max_completion_tokens", 65_536, 65_537),
    ),
    (
        "max_completion_tokens, 1.5",
        {**OLD, "max_completion_tokens": 16_384},
        above("max_completion_tokens", 12_288, 16_384),
    ),
    ("max_tokens, negative", {"max_tokens": -1}, ("InvalidParameter", "max_tokens", "")),
    ("max_tokens, type", {"max_tokens": 1.5}, ("InvalidParameter", "max_tokens", "")),
    ("temperature, 2024", {**OF_2024, "temperature": 1.1}, ("InvalidParameter", "temperature", "")),
    ("temperature", {"temperature": 2.1}, ("InvalidParameter", "temperature", "")),
    ("temperature, type", {"temperature": "1"}, ("InvalidParameter", "temperature", "")),
    ("top_p", {"top_p": 1.01}, ("InvalidParameter", "top_p", "")),
    ("frequency_penalty", {"frequency_penalty": -2.1}, ("InvalidParameter", "frequency_penalty", "")),
    ("presence_penalty", {"presence_penalty": 2.1}, ("InvalidParameter", "presence_penalty", "")),
    ("logit_bias", {"logit_bias": {"7": 101}}, ("InvalidParameter", "7", "")),
    ("n", {"n": 0}, ("InvalidParameter", "n", "")),
    ("stop, 5", {"stop": ["x"] * 5}, ("InvalidParameter", "stop", "")),
    ("stop, type", {"stop": [1]}, ("InvalidParameter", "stop", "")),
    ("stop while it thinks", {**THINKING, "stop": ["x"]}, ("InvalidParameter", "stop", "")),
    ("stop while it thinks by default", {"thinking": None, "stop": "x"}, ("InvalidParameter", "stop", "")),
    ("logprobs of Seed 1", {**FLASH, "logprobs": True}, ("InvalidParameter", "logprobs", "")),
    ("top_logprobs, 21", {"logprobs": True, "top_logprobs": 21}, ("InvalidParameter", "top_logprobs", "")),
    ("top_logprobs without logprobs", {"top_logprobs": 2}, ("InvalidParameter", "top_logprobs", "")),
    ("service_tier", {"service_tier": "flex"}, ("InvalidParameter", "service_tier", "")),
    ("user, type", {"user": 3}, ("InvalidParameter", "user", "")),
    ("stream, type", {"stream": "yes"}, ("InvalidParameter", "stream", "")),
    ("stream_options without stream", {"stream_options": {}}, ("InvalidParameter", "stream_options", "")),
    (
        "stream_options with stream false",
        {"stream": False, "stream_options": {"include_usage": True}},
        ("InvalidParameter", "stream_options", ""),
    ),
    (
        "json_object, 2024",
        {**OF_2024, **OBJECT},
        wrong("response_format.type", "`json_object` is not supported by this model"),
    ),
    (
        "json_schema, 1.5",
        {**OLD, "response_format": SCHEMA},
        wrong("response_format.type", "`json_schema` is not supported by this model"),
    ),
    (
        "json_object, 1.6-flash-250715",
        {**FLASH, **OBJECT},
        wrong("response_format.type", "`json_object` is not supported by this model"),
    ),
    (
        "response_format, unknown",
        {"response_format": {"type": "xml"}},
        ("InvalidParameter", "response_format.type", ""),
    ),
    (
        "json_schema without a name",
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
        missing("response_format.json_schema.name"),
    ),
    ("tools, 129", {"tools": [function(f"f{i}") for i in range(129)]}, ("InvalidParameter", "tools", "")),
    (
        "tools, no type",
        {"tools": [{"function": {"name": "f"}}]},
        ("InvalidParameter", "", "Invalid function format: 'type' Request id: 02"),
    ),
    ("tools, type", {"tools": [{"type": "web_search"}]}, ("InvalidParameter", "tools.type", "")),
    ("tools, no name", {"tools": [{"type": "function", "function": {}}]}, missing("tools.function.name")),
    ("tools, name", {"tools": [function("a b")]}, ("InvalidParameter", "tools.function.name", "")),
    (
        "tool_choice required, 1.5",
        {**OLD, "tools": [WEATHER], "tool_choice": "required"},
        ("InvalidParameter", "tool_choice", ""),
    ),
    (
        "tool_choice required, 2024",
        {**OF_2024, "tools": [WEATHER], "tool_choice": "required"},
        ("InvalidParameter", "tool_choice", ""),
    ),
    ("tool_choice, unknown", {"tools": [WEATHER], "tool_choice": "any"}, ("InvalidParameter", "tool_choice", "")),
    ("tool_choice without tools", {"tool_choice": "required"}, ("InvalidParameter", "tool_choice", "")),
    (
        "tool_choice, absent function",
        {"tools": [function("other")], "tool_choice": NAMED},
        ("InvalidParameter", "tool_choice", ""),
    ),
    ("functions", {"functions": [{"name": "f"}]}, ("InvalidParameter", "functions", "")),
    ("thinking, boolean", {"thinking": True}, ("InvalidParameter", "thinking", "")),
    ("thinking, no type", {"thinking": {}}, missing("thinking.type")),
    ("thinking, unknown", {"thinking": {"type": "on"}}, ("InvalidParameter", "thinking.type", "")),
    (
        "thinking auto",
        {"thinking": {"type": "auto"}},
        ("InvalidParameter", "", "Unsupported thinking type for the current model: auto"),
    ),
    (
        "thinking enabled, 1.5",
        {**OLD, **THINKING},
        ("InvalidParameter", "", "Unsupported thinking type for the current model: enabled"),
    ),
    (
        "reasoning_effort, 1.5",
        {**OLD, "reasoning_effort": "low"},
        ("InvalidParameter.UnsupportedParameter", "reasoning_effort", "The parameters reasoning_effort specified"),
    ),
    (
        "reasoning_effort, unknown",
        {"thinking": None, "reasoning_effort": "ultra"},
        ("InvalidParameter", "reasoning_effort", ""),
    ),
    (
        "reasoning_effort none",
        {"thinking": None, "reasoning_effort": "none"},
        ("InvalidParameter", "reasoning_effort", ""),
    ),
    (
        "reasoning_effort max",
        {"thinking": None, "reasoning_effort": "max"},
        ("InvalidParameter", "reasoning_effort", ""),
    ),
    (
        "an effort without thinking",
        {"reasoning_effort": "low"},
        ("InvalidParameter", "", "Invalid combination of reasoning_effort and thinking type: low + disabled"),
    ),
    (
        "an effort of seed-character",
        {"model": "doubao-seed-character-260628", "thinking": None, "reasoning_effort": "high"},
        ("InvalidParameter", "", "Invalid combination of reasoning_effort and thinking type: high + disabled"),
    ),
    (
        "a prompt that is too long",
        {**OLD, **said({"role": "user", "content": "w " * 32_768})},
        ("InvalidParameter", "", "Input length 32772 exceeds the maximum length 32768. Request id: 02"),
    ),
    (
        "a prompt with an image that is too long",
        {
            "model": "doubao-1-5-vision-pro-32k-250115",
            **said(
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "w " * 32_768},
                        {"type": "image_url", "image_url": {"url": PNG}},
                    ],
                }
            ),
        },
        ("OutofContextError", "", "Total tokens of image and text exceed max message tokens."),
    ),
    (
        "a model of embeddings",
        {"model": "doubao-embedding-text-240715"},
        (
            "InvalidParameter",
            "model",
            INVALID.format("model", "the requested model doubao-embedding-text-240715 does not support this api."),
        ),
    ),
    (
        "a closed endpoint",
        {"model": "ep-20240601123456-close"},
        ("InvalidEndpoint.ClosedEndpoint", "", "The request targeted an endpoint that is currently closed"),
    ),
]

TAKEN: list[tuple[str, Json]] = [
    ("role developer, newest", said({"role": "developer", "content": "x"}, USER)),
    ("empty content, newest", said({"role": "user", "content": ""})),
    ("null content beside tool_calls, newest", history(result(), content=None)),
    ("empty content beside tool_calls, newest", history(result(), content="")),
    ("tool_call_id, empty, newest", history(result("call_1"), result(""), calls=2)),
    ("two calls, two results", {**NEW, **history(result("call_1"), result("call_0"), calls=2)}),
    ("calls in two turns", {**NEW, **said(*history(result())["messages"], *history(result())["messages"])}),
    ("reasoning and encrypted content", history(result(), reasoning_content="r", encrypted_content="e")),
    ("names", said({"role": "system", "content": "x", "name": "a"}, {**USER, "name": None})),
    ("text parts", {**OLD, **said({"role": "user", "content": [{"type": "text", "text": "x"}]})}),
    ("image_url, data", part("image_url", {"url": PNG, "detail": "auto", "min_pixels": 50, "max_pixels": 100})),
    (
        "image_url, public",
        {"model": "doubao-1-5-vision-pro-32k-250115", **part("image_url", {"url": "https://x.invalid"})},
    ),
    ("video_url", part("video_url", {"url": "https://x.invalid", "fps": 0.5})),
    ("audio", {"model": "doubao-seed-2-1-lite-260915", **part("input_audio", {"data": "aGk=", "format": "mp3"})}),
    ("max_tokens at the cap", {"max_tokens": 262_144}),
    ("max_completion_tokens at the cap", {"max_completion_tokens": 65_536}),
    ("max_completion_tokens, 1.5", {**OLD, "max_completion_tokens": 12_288}),
    ("max_tokens null beside the other", {"max_tokens": None, "max_completion_tokens": 5}),
    ("temperature, 2024", {**OF_2024, "temperature": 1}),
    ("temperature, 1.5", {**OLD, "temperature": 2}),
    (
        "sampling",
        {"temperature": 2, "top_p": 0, "frequency_penalty": -2, "presence_penalty": 2, "repetition_penalty": 1.1},
    ),
    ("stop, 4", {"stop": ["x"] * 4}),
    ("stop, 1.5", {**OLD, "stop": "x"}),
    ("an empty list of stops while it thinks", {**THINKING, "stop": []}),
    ("logprobs, 2024", {**OF_2024, "logprobs": True, "top_logprobs": 20}),
    ("logit_bias", {"logit_bias": {"7": -100}}),
    ("members that the sheet does not name", {"seed": 1, "store": True, "metadata": {"a": "b"}, "x": 1}),
    ("service_tier", {"service_tier": "auto", "user": "u", "parallel_tool_calls": True}),
    ("response_format text, 2024", {**OF_2024, "response_format": {"type": "text"}}),
    ("json_object, 1.6", {"model": "doubao-seed-1-6-250615", **OBJECT}),
    ("json_object, 1.6-flash-250828", {"model": "doubao-seed-1-6-flash-250828", **OBJECT}),
    (
        "json_schema, strict",
        {**NEW, "response_format": {**SCHEMA, "json_schema": {**SCHEMA["json_schema"], "strict": True}}},
    ),
    ("tools, 128", {"tools": [function(f"f{i}") for i in range(128)]}),
    ("tool_choice required", {"tools": [WEATHER], "tool_choice": "required"}),
    ("tool_choice named, 2024", {**OF_2024, "tools": [WEATHER], "tool_choice": NAMED}),
    ("tool_choice none without tools", {"tool_choice": "none"}),
    ("thinking disabled, 1.5", {**OLD, "thinking": {"type": "disabled"}}),
    ("thinking auto, 1.6", {"model": "doubao-seed-1-6-250615", "thinking": {"type": "auto"}}),
    ("minimal beside disabled", {"reasoning_effort": "minimal"}),
    *(
        (f"reasoning_effort {one}", {"thinking": None, "reasoning_effort": one})
        for one in ("minimal", "low", "medium", "high")
    ),
    *(
        (
            f"reasoning_effort {one}, 2.0-lite-260428",
            {"model": "doubao-seed-2-0-lite-260428", "thinking": None, "reasoning_effort": one},
        )
        for one in ("none", "xhigh", "max")
    ),
    (
        "an effort of seed-character, with thinking",
        {"model": "doubao-seed-character-260628", **THINKING, "reasoning_effort": "high"},
    ),
]


@pytest.mark.parametrize(("more", "expected"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_doubao_refuses_it_with_400_and_its_own_words(more: Json, expected: tuple[str, str, str]) -> None:
    answer = got(chat("doubao", **more))
    error = answer.json["error"]
    code, param, wording = expected
    assert (answer.status, error["code"], error["param"]) == (400, code, param)
    assert wording in error["message"]
    assert error["message"].endswith(f" Request id: {answer.headers['x-request-id']}")
    assert (set(error), error["type"]) == ({"code", "message", "param", "type"}, "BadRequest")


@pytest.mark.parametrize("more", [row[1] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_doubao_takes_it(more: Json) -> None:
    answer = got(chat("doubao", **more))
    assert (answer.status, answer.json["object"]) == (200, "chat.completion")


def test_the_refusal_of_both_limits_has_the_live_text() -> None:
    answer = got(chat("doubao", max_tokens=1, max_completion_tokens=1))
    message = (
        "The parameter `max_tokens` specified in the request are not valid: max_tokens and max_completion_tokens cannot be "
        f"set at the same time. Request id: {answer.headers['x-request-id']}"
    )
    error = {"code": "InvalidParameter", "message": message, "param": "max_tokens", "type": "BadRequest"}
    assert answer.json == {"error": error}


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]"])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    answer = got(body)
    assert (answer.status, answer.json["error"]["code"]) == (400, "InvalidParameter")
    assert (
        "The parameter `` specified in the request are not valid: we could not parse" in answer.json["error"]["message"]
    )


@pytest.mark.parametrize("model", [None, ""])
def test_a_request_without_a_model_is_refused(model: str | None) -> None:
    assert got({"model": model}).json["error"]["code"] == "MissingParameter"


@pytest.mark.parametrize("path", ["/chat/completions", "/embeddings", "/embeddings/multimodal", "/tokenization"])
@pytest.mark.parametrize(
    ("model", "code", "wording"),
    [
        (
            "gpt-4o",
            "InvalidEndpointOrModel.NotFound",
            "The model or endpoint gpt-4o does not exist or you do not have access",
        ),
        ("doubao-seed-2-1-pro", "InvalidEndpointOrModel.NotFound", "endpoint doubao-seed-2-1-pro does not exist"),
        (
            "ep-20240701123456-other",
            "InvalidEndpointOrModel.NotFound",
            "endpoint ep-20240701123456-other does not exist",
        ),
        (
            "deepseek-v3-1-250821",
            "ModelNotOpen",
            "has not activated the model deepseek-v3-1-250821. Please activate the model service in the Ark Console.",
        ),
    ],
)
def test_a_model_that_is_unknown_or_not_open_is_a_404(path: str, model: str, code: str, wording: str) -> None:
    error = got({"model": model, "messages": [USER], "input": "x", "text": "x"}, path)
    assert (error.status, error.json["error"]["code"], error.json["error"]["type"]) == (404, code, "NotFound")
    assert wording in error.json["error"]["message"]


EMBED: Json = {"model": "doubao-embedding-large-text-250515", "input": "a"}
VISION: Json = {"model": "doubao-embedding-vision-250615", "input": [{"type": "text", "text": "a"}]}
VECTORS: list[tuple[str, str, Json, str, str]] = [
    ("no input", "/embeddings", {**EMBED, "input": None}, "MissingParameter", "input"),
    ("an empty text", "/embeddings", {**EMBED, "input": ["a", ""]}, "MissingParameter", "input[1]"),
    ("token ids", "/embeddings", {**EMBED, "input": [1, 2]}, "InvalidParameter", "input[0]"),
    ("parts", "/embeddings", {**EMBED, "input": VISION["input"]}, "InvalidParameter", "input[0]"),
    ("too many dimensions", "/embeddings", {**EMBED, "dimensions": 2049}, "InvalidParameter", "dimensions"),
    ("no dimensions", "/embeddings", {**EMBED, "dimensions": 0}, "InvalidParameter", "dimensions"),
    ("encoding_format", "/embeddings", {**EMBED, "encoding_format": "int8"}, "InvalidParameter", "encoding_format"),
    ("a model of chat", "/embeddings", {**EMBED, "model": "doubao-seed-1-6-250615"}, "InvalidParameter", "model"),
    ("a model of parts", "/embeddings", {**EMBED, "model": VISION["model"]}, "InvalidParameter", "model"),
    ("a model of texts", "/embeddings/multimodal", {**VISION, "model": EMBED["model"]}, "InvalidParameter", "model"),
    ("a text", "/embeddings/multimodal", {**VISION, "input": "a"}, "MissingParameter", "input"),
    ("audio", "/embeddings/multimodal", {**VISION, "input": [{"type": "input_audio"}]}, "InvalidParameter", ""),
    ("dimensions", "/embeddings/multimodal", {**VISION, "dimensions": 512}, "InvalidParameter", "dimensions"),
    ("no text", "/tokenization", {"model": "doubao-pro-32k-240615"}, "MissingParameter", "text"),
]


@pytest.mark.parametrize(
    ("path", "body", "code", "param"), [row[1:] for row in VECTORS], ids=[row[0] for row in VECTORS]
)
def test_doubao_refuses_to_embed_it(path: str, body: Json, code: str, param: str) -> None:
    answer = got(body, path)
    assert (answer.status, answer.json["error"]["code"], answer.json["error"]["param"]) == (400, code, param)


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer ", "Bearer wrong", "Basic abc", "emulated-0000-doubao-0001", "bearer emulated-0000-doubao-0001"],
)
@pytest.mark.parametrize("path", ["/chat/completions", "/nowhere"])
def test_doubao_refuses_a_key_that_is_wrong_or_missing(authorization: str, path: str) -> None:
    answer = got(chat("doubao"), path, headers={"authorization": authorization})
    error = answer.json["error"]
    assert (answer.status, error["code"], error["type"]) == (401, "AuthenticationError", "Unauthorized")
    assert error["message"].startswith("The API key or AK/SK in the request is missing or invalid. Request id: 02")


@pytest.mark.parametrize("path", ["/completions", "/moderations", "/responses", "/files"])
def test_an_endpoint_that_is_not_served_is_a_404(path: str) -> None:
    assert got(chat("doubao"), path).status == 404


FAULTS = [
    (
        "rate_limit",
        429,
        "TooManyRequests",
        "ModelAccountRpmRateLimitExceeded",
        "RPM (Requests Per Minute) limit of the model",
    ),
    (
        "overloaded",
        429,
        "TooManyRequests",
        "ServerOverloaded",
        "The service is currently unable to handle additional requests",
    ),
    ("quota", 403, "Forbidden", "AccountOverdueError", "your account has an overdue balance. Request id: 02"),
    (
        "inspection",
        400,
        "BadRequest",
        "InputTextSensitiveContentDetected",
        "the input text may contain sensitive information",
    ),
    (
        "bad_key",
        401,
        "Unauthorized",
        "AuthenticationError",
        "The API key or AK/SK in the request is missing or invalid.",
    ),
    (
        "model_missing",
        404,
        "NotFound",
        "InvalidEndpointOrModel.NotFound",
        "The model or endpoint doubao-pro-32k-240615 does not",
    ),
    ("context", 400, "BadRequest", "InvalidParameter", "Input length 35983 exceeds the maximum length 32768"),
    ("error_500", 500, "InternalServerError", "InternalServiceError", "encountered an unexpected internal error"),
]


@pytest.mark.parametrize(("fault", "status", "kind", "code", "wording"), FAULTS)
def test_a_fault_in_doubaos_words_has_its_row_of_the_error_table(
    fault: str, status: int, kind: str, code: str, wording: str
) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("doubao", model="doubao-pro-32k-240615"))

    answer = with_emulator("doubao", main, faults=[fault])
    error = answer.json["error"]
    assert (answer.status, error["type"], error["code"]) == (status, kind, code)
    assert wording in error["message"]


def test_the_rate_limit_of_an_endpoint_has_a_code_of_its_own() -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("doubao", model="ep-20240701123456-abcde"))

    answer = with_emulator("doubao", main, faults=["rate_limit"])
    assert answer.json["error"]["code"] == "RateLimitExceeded.EndpointRPMExceeded"
