"""Each request that Qwen refuses in compatible mode, one row each, beside a request that it accepts.

Texts that the vendor's sheet quotes are compared; otherwise only the status and the code are.
"""

from typing import Any

import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, function, send, with_emulator

USER = {"role": "user", "content": "Hi, json"}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
TOOL = {"role": "tool", "tool_call_id": "call_1", "content": "x"}
JSON_OBJECT = {"response_format": {"type": "json_object"}}
JSON_SCHEMA = {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}}
OPEN = {"model": "qwen3-32b"}
NEW = {"model": "qwen3.7-plus"}
EMBED = {"model": "text-embedding-v4", "input": "a"}


def part(kind: str, value: Any) -> Json:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "see"}, {"type": kind, kind: value}]}]}


def history(function: Json, **assistant: Any) -> Json:
    call = {"id": "call_1", "type": "function", "function": function}
    return {"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [call], **assistant}, TOOL]}


def got(more: Json, path: str = "/chat/completions") -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("qwen", **more) if path.startswith("/chat") else more, path)

    return with_emulator("qwen", main)


THINKING_CHOICE = (
    "<400> InternalError.Algo.InvalidParameter: The tool_choice parameter does not support being set to required or "
    "object in thinking mode"
)
OLD_CHOICE = 'tool_choice is one of the strings that should be ["none", "auto"]'
ORDER = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
STREAM_ONLY = "This model only support stream mode, please enable the stream parameter to access the model."

REFUSED: list[tuple[str, Json, str]] = [
    ("messages, empty", {"messages": []}, "[] is too short"),
    ("temperature of 2", {"temperature": 2}, "Temperature should be in [0.0, 2.0)"),
    ("temperature below 0", {"temperature": -0.1}, "Temperature should be in [0.0, 2.0)"),
    ("top_p of 0", {"top_p": 0}, "top_p"),
    ("top_p above 1", {"top_p": 1.01}, "top_p"),
    ("n of 5", {"n": 5}, "Range of n should be [1, 4]"),
    ("n of 0", {"n": 0}, "Range of n should be [1, 4]"),
    ("n, model", {"model": "qwen-max", "n": 2}, "Range of n should be [1, 4]"),
    ("n, tools", {"n": 2, "tools": [WEATHER]}, "Range of n should be [1, 4]"),
    ("n, thinking", {**OPEN, "n": 2, "stream": True}, "Range of n should be [1, 4]"),
    ("stop, mixed", {"stop": ["a", 1]}, "stop"),
    ("presence_penalty", {"presence_penalty": 2.1}, "Range of presence_penalty should be [-2.0, 2.0]"),
    ("repetition_penalty", {"repetition_penalty": 0}, "repetition_penalty"),
    ("top_k", {"top_k": -1}, "top_k"),
    ("max_tokens of 0", {"max_tokens": 0}, "Range of max_tokens should be [1, 32768]"),
    ("max_tokens, model", {"model": "qwen-max", "max_tokens": 8193}, "Range of max_tokens should be [1, 8192]"),
    ("seed below 0", {"seed": -1}, "Range of seed should be [0, 2147483647]"),
    ("seed of 2^31", {"seed": 2**31}, "Range of seed should be [0, 2147483647]"),
    ("top_logprobs", {"logprobs": True, "top_logprobs": 6}, "Range of top_logprobs should be [0, 5]"),
    ("json_object without the word", JSON_OBJECT, "json"),
    (
        "json_object, thinking",
        {**JSON_OBJECT, "messages": [USER], "enable_thinking": True},
        "Json mode response is not supported when enable_thinking is true",
    ),
    ("json_schema, model", JSON_SCHEMA, "json_schema"),
    ("tools, search", {"tools": [function("search")]}, "Tool names are not allowed to be [search]"),
    ("tools, model", {"model": "qwen-long", "tools": [WEATHER]}, "tools"),
    ("tool_choice required, older model", {"tools": [WEATHER], "tool_choice": "required"}, OLD_CHOICE),
    ("tool_choice required, thinking", {**NEW, "tools": [WEATHER], "tool_choice": "required"}, THINKING_CHOICE),
    ("tool_choice named, thinking", {**NEW, "tools": [WEATHER], "tool_choice": NAMED}, THINKING_CHOICE),
    ("reasoning_effort, 3.8", {"model": "qwen3.8-max", "reasoning_effort": "high"}, "reasoning_effort"),
    (
        "thinking without a stream",
        OPEN,
        "parameter.enable_thinking must be set to false for non-streaming calls",
    ),
    ("stream only", {"model": "qwq-plus"}, STREAM_ONLY),
    ("stream only, omni", {"model": "qwen3-omni-flash"}, STREAM_ONLY),
    ("role developer", {"messages": [{"role": "developer", "content": "x"}, USER]}, "developer"),
    ("role function", {"messages": [USER, {"role": "function", "name": "f", "content": "x"}]}, "function"),
    ("tool first", {"messages": [TOOL]}, ORDER),
    ("tool after user", {"messages": [USER, TOOL]}, ORDER),
    ("tool after an answer", {"messages": [USER, {"role": "assistant", "content": "x"}, TOOL]}, ORDER),
    ("arguments missing", history({"name": "get_weather"}), "arguments"),
    ("image_url, text-only model", part("image_url", {"url": "https://example.invalid/x.png"}), "image_url"),
    ("file", {"model": "qwen3-vl-plus", **part("file", {"file_id": "x"})}, "file"),
    ("input_audio, not omni", {"model": "qwen3-vl-plus", **part("input_audio", {"data": "x", "format": "wav"})}, ""),
    ("translation_options", {"model": "qwen-mt-plus"}, "translation_options"),
    ("an embedding model", {"model": "text-embedding-v4"}, "url error, please check url"),
    (
        "too long",
        {"model": "qwen-max", "messages": [{"role": "user", "content": "w " * 31_000}]},
        "Range of input length should be [1, 30720]",
    ),
]

TAKEN: list[tuple[str, Json]] = [
    ("temperature just below 2", {"temperature": 1.99, "top_p": 1.0}),
    ("temperature of 0", {"temperature": 0, "top_p": 0.001}),
    ("n of 4", {"n": 4}),
    ("n, open model without thinking", {**OPEN, "n": 2, "enable_thinking": False}),
    ("stop, many", {"stop": [str(i) for i in range(20)]}),
    ("stop, token ids", {"stop": [1, 2]}),
    ("seed", {"seed": 2**31 - 1}),
    ("ignored members", {"frequency_penalty": 9, "logit_bias": {}, "user": "u", "metadata": {}, "store": True, "x": 1}),
    ("json_object with the word", {**JSON_OBJECT, "messages": [USER]}),
    ("json_schema", {**NEW, **JSON_SCHEMA}),
    (
        "tool_choice required, new model",
        {**NEW, "enable_thinking": False, "tools": [WEATHER], "tool_choice": "required"},
    ),
    ("tool_choice named", {"tools": [WEATHER], "tool_choice": NAMED}),
    ("reasoning_effort, 3.8", {"model": "qwen3.8-max", "reasoning_effort": "xhigh"}),
    ("reasoning_effort, ignored", {"reasoning_effort": "high"}),
    ("null content beside tool_calls", history({"name": "get_weather", "arguments": ""})),
    ("empty content beside tool_calls", history({"name": "get_weather", "arguments": "{}"}, content="")),
    ("text parts", {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}),
    ("image_url, public", {"model": "qwen3-vl-plus", **part("image_url", {"url": "https://example.invalid/x.png"})}),
    ("image_url, data", {"model": "qwen3-vl-plus", **part("image_url", {"url": "data:image/png;base64,aGVsbG8h"})}),
    ("video, frames", {"model": "qwen3-vl-plus", **part("video", ["https://example.invalid/1.png"])}),
    (
        "translation",
        {"model": "qwen-mt-plus", "translation_options": {"source_lang": "auto", "target_lang": "English"}},
    ),
]


@pytest.mark.parametrize(("more", "wording"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_qwen_refuses_it_with_400_and_its_own_words(more: Json, wording: str) -> None:
    answer = got(more)
    assert answer.status == 400
    assert set(answer.json) == {"error", "request_id"}
    error = answer.json["error"]
    assert (error["code"], error["type"], error["param"]) == ("invalid_parameter_error", "invalid_request_error", None)
    assert wording in error["message"]


@pytest.mark.parametrize("more", [row[1] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_qwen_takes_it(more: Json) -> None:
    answer = got(more)
    assert (answer.status, answer.json["object"]) == (200, "chat.completion")


EMBEDDINGS: list[tuple[str, Json]] = [
    ("eleven texts, v4", {**EMBED, "input": ["a"] * 11}),
    ("eleven texts, v3", {"model": "text-embedding-v3", "input": ["a"] * 11}),
    ("26 texts, v2", {"model": "text-embedding-v2", "input": ["a"] * 26}),
    ("base64", {**EMBED, "encoding_format": "base64"}),
    ("token ids", {**EMBED, "input": [1, 2]}),
    ("lists of token ids", {**EMBED, "input": [[1, 2]]}),
    ("nothing", {**EMBED, "input": []}),
    ("an empty text", {**EMBED, "input": [""]}),
    ("dimensions", {**EMBED, "dimensions": 100}),
    ("dimensions, v3", {"model": "text-embedding-v3", "input": "a", "dimensions": 2048}),
    ("dimensions, v1", {"model": "text-embedding-v1", "input": "a", "dimensions": 1024}),
    ("too long", {**EMBED, "input": "w " * 8193}),
    ("too long, v1", {"model": "text-embedding-v1", "input": "w " * 2049}),
]


@pytest.mark.parametrize("body", [row[1] for row in EMBEDDINGS], ids=[row[0] for row in EMBEDDINGS])
def test_qwen_refuses_to_embed_it(body: Json) -> None:
    answer = got(body, "/embeddings")
    assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_parameter_error")


@pytest.mark.parametrize(("model", "texts"), [("text-embedding-v4", 10), ("text-embedding-v2", 25)])
def test_qwen_embeds_a_full_batch(model: str, texts: int) -> None:
    assert len(got({"model": model, "input": ["a"] * texts}, "/embeddings").json["data"]) == texts


OTHER: list[tuple[str, Json, int, str, str]] = [
    (
        "unknown model",
        {"model": "gpt-4o"},
        404,
        "model_not_found",
        "The model gpt-4o does not exist or you do not have access to it.",
    ),
    ("dated snapshot", {"model": "qwen-max-0428"}, 404, "model_not_found", "The model qwen-max-0428 does not exist"),
    (
        "native only",
        {"model": "qwen-audio-turbo"},
        404,
        "model_not_supported",
        "Unsupported model qwen-audio-turbo for OpenAI compatibility mode.",
    ),
    ("no model", {"model": ""}, 400, "BadRequest.EmptyModel", ""),
    ("bad url", {"model": "qwen3-vl-plus", **part("image_url", {"url": "ftp://x"})}, 400, "InvalidURL", ""),
]


@pytest.mark.parametrize(
    ("more", "status", "code", "wording"), [row[1:] for row in OTHER], ids=[row[0] for row in OTHER]
)
def test_qwen_refuses_it_with_a_code_of_its_own(more: Json, status: int, code: str, wording: str) -> None:
    answer = got(more)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)
    assert wording in answer.json["error"]["message"]


@pytest.mark.parametrize("given", ["Bearer sk-wrong", "", "Basic x"])
def test_qwen_refuses_a_key_that_is_wrong_or_missing(given: str) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("qwen"), headers={"authorization": given})

    answer = with_emulator("qwen", main)
    assert (answer.status, answer.json["error"]["code"]) == (401, "invalid_api_key")
    assert answer.json["error"]["message"] == "Incorrect API key provided."


FAULTS = [
    ("rate_limit", 429, "limit_requests", "You exceeded your current requests list."),
    ("overloaded", 503, "ModelServingError", "Too many requests"),
    ("quota", 400, "Arrearage", "Access denied, please make sure your account is in good standing."),
    ("inspection", 400, "data_inspection_failed", "Input data may contain inappropriate content."),
    ("bad_key", 401, "invalid_api_key", "Incorrect API key provided."),
    ("model_missing", 404, "model_not_found", "The model qwen-plus does not exist or you do not have access to it."),
    ("context", 400, "invalid_parameter_error", "Range of input length should be [1, 997952]"),
    ("error_500", 500, "internal_error", ""),
]


@pytest.mark.parametrize(("fault", "status", "code", "wording"), FAULTS)
def test_a_fault_in_qwens_words_has_its_row_of_the_error_table(
    fault: str, status: int, code: str, wording: str
) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("qwen"))

    answer = with_emulator("qwen", main, faults=[fault])
    assert (answer.status, answer.json["error"]["code"]) == (status, code)
    assert wording in answer.json["error"]["message"]
