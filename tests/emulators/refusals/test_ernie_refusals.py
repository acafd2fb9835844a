"""Each request that ERNIE v2 refuses, one row each, beside a request that it accepts.

Texts that the vendor's sheet quotes are compared; otherwise only the status and the code are.
"""

from typing import Any

import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, send, with_emulator

RETIRED = {"BANJIA_EMULATOR_RETIRED": "1"}
USER = {"role": "user", "content": "Hi"}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
TOOL = {"role": "tool", "tool_call_id": "call_1", "content": "x"}
JSON_OBJECT = {"response_format": {"type": "json_object"}}
JSON_SCHEMA = {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}}
X1 = {"model": "ernie-x1.1"}
TURBO = {"model": "ernie-4.5-turbo-128k"}
FIVE = {"model": "ernie-5.1"}
SWITCHED = {"model": "ernie-4.5-turbo-vl-preview", "enable_thinking": True}
NOVEL = {"model": "ernie-novel-8k"}
VL = {"model": "ernie-4.5-turbo-vl"}
OLD = {"model": "ernie-3.5-8k"}
FREE = {"model": "ernie-speed-8k"}
EMBED = {"model": "embedding-v1", "input": "a"}
PICTURE = "https://example.invalid/x.png"
ARGUMENT, MESSAGES = "invalid_argument", "invalid_messages"
SAID, SYSTEM = {"role": "assistant", "content": "You"}, {"role": "system", "content": "x"}


def part(kind: str, value: Any, text: str = "see") -> Json:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": text}, {"type": kind, kind: value}]}]}


def history(*more: Json, **assistant: Any) -> Json:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    turn = {"role": "assistant", "content": None, "tool_calls": [call], **assistant}
    return {"messages": [USER, turn, *(more or [TOOL])]}


def user_message(text: str) -> Json:
    return {"messages": [{"role": "user", "content": text}]}


def got(more: Json, path: str = "/chat/completions") -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("ernie", **more) if path.startswith("/chat") else more, path)

    return with_emulator("ernie", main, environ=RETIRED)


REFUSED: list[tuple[str, Json, str, str]] = [
    ("no model", {"model": ""}, "invalid_model", "model is empty"),
    ("model null", {"model": None}, "invalid_model", "model is empty"),
    ("temperature of 0", {"temperature": 0}, ARGUMENT, "temperature"),
    ("temperature above 1", {"temperature": 1.01}, ARGUMENT, "temperature"),
    ("temperature, text", {"temperature": "1"}, ARGUMENT, "temperature"),
    ("temperature, 5.5", {"model": "ernie-5.5-flash-preview", "temperature": 0.5}, ARGUMENT, "temperature"),
    ("temperature, X1, out of range", {**X1, "temperature": 2}, ARGUMENT, "temperature"),
    ("top_p below 0", {"top_p": -0.1}, ARGUMENT, "top_p"),
    ("top_p above 1", {"top_p": 1.1}, ARGUMENT, "top_p"),
    ("frequency_penalty", {"frequency_penalty": 0.5}, ARGUMENT, "frequency_penalty"),
    ("presence_penalty, 2024", {**OLD, "presence_penalty": 0}, ARGUMENT, "presence_penalty"),
    ("presence_penalty, X1, out of range", {**X1, "presence_penalty": 2.1}, ARGUMENT, "presence_penalty"),
    ("penalty_score below 1", {"penalty_score": 0.9}, ARGUMENT, "penalty_score"),
    ("penalty_score above 2", {"penalty_score": 2.1}, ARGUMENT, "penalty_score"),
    ("penalty_score, X1", {**X1, "penalty_score": 1.5}, ARGUMENT, "penalty_score"),
    ("repetition_penalty of 0", {"repetition_penalty": 0}, ARGUMENT, "repetition_penalty"),
    ("n", {"n": 2}, ARGUMENT, "n must"),
    ("stop, five", {"stop": list("abcde")}, ARGUMENT, "stop"),
    ("stop, 21 characters", {"stop": ["x" * 21]}, ARGUMENT, "stop"),
    ("stop, empty", {"stop": [""]}, ARGUMENT, "stop"),
    ("stop, a bare string", {"stop": "x"}, ARGUMENT, "stop"),
    ("stop, no text", {"stop": [1]}, ARGUMENT, "stop"),
    ("stop, X1", {**X1, "stop": ["x"]}, ARGUMENT, "stop"),
    ("seed of 0", {"seed": 0}, ARGUMENT, "seed"),
    ("seed, largest", {"seed": 2**31 - 1}, ARGUMENT, "seed"),
    ("seed, X1", {**X1, "seed": 1}, ARGUMENT, "seed"),
    ("max_tokens of 0", {"max_tokens": 0}, ARGUMENT, "max_tokens"),
    ("max_tokens, model", {**TURBO, "max_tokens": 12_289}, ARGUMENT, "[1, 12288]"),
    ("max_tokens, the smaller window", {"model": "ernie-4.5-turbo-vl-32k", "max_tokens": 12_289}, ARGUMENT, "12288]"),
    ("max_tokens, 2024", {**OLD, "max_tokens": 2_049}, ARGUMENT, "[1, 2048]"),
    ("max_completion_tokens", {"max_completion_tokens": 9}, ARGUMENT, "max_completion_tokens"),
    ("logprobs", {"logprobs": True}, ARGUMENT, "logprobs"),
    ("top_logprobs", {"top_logprobs": 1}, ARGUMENT, "top_logprobs"),
    ("logit_bias", {"logit_bias": {}}, ARGUMENT, "logit_bias"),
    ("store", {"store": False}, ARGUMENT, "store"),
    ("service_tier", {"service_tier": "auto"}, ARGUMENT, "service_tier"),
    ("prediction", {"prediction": {}}, ARGUMENT, "prediction"),
    ("modalities", {"modalities": ["text"]}, ARGUMENT, "modalities"),
    ("audio", {"audio": {}}, ARGUMENT, "audio"),
    ("web_search_options", {"web_search_options": {}}, ARGUMENT, "web_search_options"),
    ("functions", {"functions": [{"name": "f"}]}, ARGUMENT, "functions"),
    ("function_call", {"function_call": "auto"}, ARGUMENT, "function_call"),
    ("metadata, 17 pairs", {"metadata": {str(i): "x" for i in range(17)}}, ARGUMENT, "metadata"),
    ("metadata, a number", {"metadata": {"a": 1}}, ARGUMENT, "metadata"),
    ("user", {"user": 7}, ARGUMENT, "user"),
    ("stream", {"stream": 1}, ARGUMENT, "stream"),
    ("stream_options without a stream", {"stream_options": {"include_usage": True}}, ARGUMENT, "stream_options"),
    ("include_usage", {"stream": True, "stream_options": {"include_usage": "yes"}}, ARGUMENT, "include_usage"),
    ("enable_thinking, no boolean", {"enable_thinking": "yes"}, ARGUMENT, "enable_thinking"),
    ("enable_thinking, a model that can't", {**TURBO, "enable_thinking": True}, ARGUMENT, "enable_thinking"),
    ("enable_thinking, a model that must", {**X1, "enable_thinking": False}, ARGUMENT, "enable_thinking"),
    ("enable_thinking, ERNIE 5", {**FIVE, "enable_thinking": False}, ARGUMENT, "enable_thinking"),
    ("enable_thinking, no preview", {**VL, "enable_thinking": True}, ARGUMENT, "enable_thinking"),
    ("thinking_budget below 100", {**SWITCHED, "thinking_budget": 99}, ARGUMENT, "thinking_budget"),
    ("thinking_budget too large", {**SWITCHED, "thinking_budget": 16_385}, ARGUMENT, "thinking_budget"),
    ("thinking_budget, a model that can't", {**TURBO, "thinking_budget": 100}, ARGUMENT, "thinking_budget"),
    ("thinking_strategy", {**SWITCHED, "thinking_strategy": "long"}, ARGUMENT, "thinking_strategy"),
    ("reasoning_effort", {**FIVE, "reasoning_effort": "minimal"}, ARGUMENT, "reasoning_effort"),
    ("reasoning_effort, a model that can't", {**TURBO, "reasoning_effort": "low"}, ARGUMENT, "reasoning_effort"),
    ("tools, model", {**TURBO, "tools": [WEATHER]}, ARGUMENT, "tools"),
    ("tools, 2024", {**FREE, "tools": [WEATHER]}, ARGUMENT, "tools"),
    ("tools, no list", {"tools": WEATHER}, ARGUMENT, "tools"),
    ("tools, type", {"tools": [{"type": "custom", "custom": {"name": "abc"}}]}, ARGUMENT, "tools"),
    ("tools, no name", {"tools": [{"type": "function", "function": {"name": ""}}]}, ARGUMENT, "tools"),
    ("tool_choice, unknown", {"tools": [WEATHER], "tool_choice": "any"}, ARGUMENT, "tool_choice"),
    ("tool_choice without tools", {"tool_choice": "required"}, ARGUMENT, "tool_choice"),
    ("tool_choice, no such tool", {"tools": [WEATHER], "tool_choice": {**NAMED, "function": {}}}, ARGUMENT, ""),
    ("parallel_tool_calls", {"tools": [WEATHER], "parallel_tool_calls": "no"}, ARGUMENT, "parallel_tool_calls"),
    ("response_format, X1", {**X1, **JSON_OBJECT}, ARGUMENT, "response_format"),
    ("response_format text, X1", {**X1, "response_format": {"type": "text"}}, ARGUMENT, "response_format"),
    ("response_format, v1's string", {"response_format": "json_object"}, ARGUMENT, "response_format"),
    ("json_schema, 2024", {**OLD, **JSON_SCHEMA}, ARGUMENT, "json_schema"),
    ("json_object, writing", {**NOVEL, **JSON_OBJECT}, ARGUMENT, "json_object"),
    ("json_object, 2024 and free", {**FREE, **JSON_OBJECT}, ARGUMENT, "json_object"),
    (
        "json_schema, no schema",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "s"}}},
        ARGUMENT,
        "",
    ),
    ("web_search", {"web_search": True}, ARGUMENT, "web_search"),
    ("search_number", {"web_search": {"enable": True, "search_number": 29}}, ARGUMENT, "search_number"),
    ("search_mode", {"web_search": {"enable": True, "search_mode": "never"}}, ARGUMENT, "search_mode"),
    ("messages, empty", {"messages": []}, MESSAGES, ""),
    ("messages, absent", {"messages": None}, MESSAGES, ""),
    ("role developer", {"messages": [{"role": "developer", "content": "x"}, USER]}, MESSAGES, "role"),
    ("role function", {"messages": [USER, {"role": "function", "name": "f", "content": "x"}]}, MESSAGES, "role"),
    ("name", {"messages": [{**USER, "name": 1}]}, MESSAGES, "name"),
    ("content null", {"messages": [USER, {"role": "assistant", "content": None}, USER]}, MESSAGES, "content"),
    ("an answer first", {"messages": [SAID, USER]}, MESSAGES, "first"),
    ("an answer last", {"messages": [USER, SAID]}, MESSAGES, "last"),
    ("system alone", {"messages": [SYSTEM]}, MESSAGES, "first"),
    ("system later", {"messages": [USER, SYSTEM]}, MESSAGES, "system"),
    ("system twice", {"messages": [SYSTEM, SYSTEM, USER]}, MESSAGES, "system"),
    ("two users in a row", {"messages": [{**USER, "name": "ann"}, USER]}, MESSAGES, "alternate"),
    ("two answers in a row", {"messages": [USER, SAID, SAID, USER]}, MESSAGES, "alternate"),
    ("a user after a tool", history(TOOL, USER), MESSAGES, "alternate"),
    ("last message blank", user_message(" \n\r\f"), MESSAGES, "blank"),
    ("last message empty", user_message(""), MESSAGES, "blank"),
    ("last message without text", history({"role": "assistant", "content": None, "tool_calls": []}), MESSAGES, ""),
    ("last part blank", {"messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]}, MESSAGES, ""),
    ("tool result blank", history({**TOOL, "content": "\n"}), MESSAGES, "blank"),
    ("tool result without a call", {"messages": [USER, TOOL]}, MESSAGES, "tool_call_id"),
    ("tool result to another call", history({**TOOL, "tool_call_id": "call_2"}), MESSAGES, "tool_call_id"),
    ("tool call without arguments", history(tool_calls=[{"id": "call_1", "type": "function", **NAMED}]), MESSAGES, ""),
    ("image_url, text-only model", {**FIVE, **part("image_url", {"url": PICTURE})}, MESSAGES, "image_url"),
    (
        "video_url, pictures only",
        {"model": "ernie-4.5-8k-preview", **part("video_url", {"url": PICTURE})},
        MESSAGES,
        "",
    ),
    ("input_audio", {"model": "ernie-5.0", **part("input_audio", {"data": "x", "format": "wav"})}, MESSAGES, ""),
    ("file", {**VL, **part("file", {"file_id": "x"})}, MESSAGES, "file"),
    ("image_url, another scheme", {**VL, **part("image_url", {"url": "ftp://x"})}, "invalid_image_url", ""),
    ("image_url, bare", {**VL, **part("image_url", PICTURE)}, "invalid_image_url", ""),
    ("image_url, no base64", {**VL, **part("image_url", {"url": "data:image/png;base64,%"})}, "invalid_image_url", ""),
    ("too long", {**OLD, **user_message("w " * 5_200)}, "tokens_too_long", "Prompt tokens too long"),
    ("too long, 5.1", {**FIVE, **user_message("w " * 121_900)}, "tokens_too_long", "Prompt tokens too long"),
    ("too many characters", {**OLD, **user_message("w" * 20_001)}, "characters_too_long", ""),
]

TAKEN: list[tuple[str, Json]] = [
    ("the ends of ranges", {"temperature": 1, "top_p": 0, "penalty_score": 2, "max_tokens": 16_384, "n": 1}),
    ("temperature just above 0", {"temperature": 0.001, "top_p": 1.0, "penalty_score": 1.0, "repetition_penalty": 2}),
    ("penalties that X1 ignores", {**X1, "frequency_penalty": -2, "presence_penalty": 2}),
    ("stop, four of 20 characters", {"stop": ["字" * 20] * 4}),
    ("seed, ends", {"seed": 2**31 - 2}),
    ("user and 16 labels", {"user": "u", "metadata": {str(i): "x" for i in range(16)}}),
    ("members that the sheet does not name", {"x": 1, "thinking": {"type": "enabled"}}),
    ("what the vendor's SDK adds", {"extra_parameters": {"request_source": "qianfan_py_sdk_v0.4.12.3"}}),
    ("nulls", {"stop": None, "n": None, "logprobs": None, "tools": None, "seed": None, "max_completion_tokens": None}),
    ("tool_choice required", {"tools": [WEATHER], "tool_choice": "required"}),
    ("tool_choice named", {"tools": [WEATHER], "tool_choice": NAMED}),
    ("tool_choice required, thinking", {**X1, "tools": [WEATHER], "tool_choice": "required"}),
    ("tools without parameters", {"tools": [NAMED]}),
    ("json_object", JSON_OBJECT),
    ("json_object, thinking", {**JSON_OBJECT, **FIVE}),
    ("json_object, 2024", {**OLD, **JSON_OBJECT}),
    ("json_schema, 4.5", {**TURBO, **JSON_SCHEMA}),
    ("thinking", {**SWITCHED, "thinking_budget": 100, "thinking_strategy": "short_think"}),
    ("reasoning_effort", {**FIVE, "reasoning_effort": "high"}),
    ("enable_thinking off where there is none", {**TURBO, "enable_thinking": False}),
    ("null content beside tool_calls", history()),
    ("empty content beside tool_calls", history(content="")),
    ("empty content before the last message", {"messages": [USER, {"role": "assistant", "content": ""}, USER]}),
    ("system first", {"messages": [SYSTEM, {**USER, "name": "ann"}, SAID, USER]}),
    ("two results in a row", history(TOOL, TOOL)),
    ("text parts", {**TURBO, "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}),
    ("a picture without words", {**VL, **part("image_url", {"url": PICTURE}, " ")}),
    ("image_url, data", {**VL, **part("image_url", {"url": "data:image/png;base64,aGVsbG8h"})}),
    ("video_url", {"model": "ernie-5.0", **part("video_url", {"url": "https://example.invalid/x.mp4"})}),
    ("web_search", {"web_search": {"enable": True, "search_mode": "auto", "search_number": 28}}),
    ("20000 characters", {**OLD, **user_message("w" * 20_000)}),
]


@pytest.mark.parametrize(("more", "code", "wording"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_ernie_refuses_it_with_400_and_its_code(more: Json, code: str, wording: str) -> None:
    answer = got(more)
    assert answer.status == 400
    assert set(answer.json) == {"error", "id"}
    assert answer.json["id"].startswith("as-")
    assert set(answer.json["error"]) == {"code", "message", "type"}
    assert (answer.json["error"]["code"], answer.json["error"]["type"]) == (code, "invalid_request_error")
    assert wording in answer.json["error"]["message"]


@pytest.mark.parametrize("more", [row[1] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_ernie_takes_it(more: Json) -> None:
    answer = got(more)
    assert (answer.status, answer.json["object"]) == (200, "chat.completion")


def test_ernie_cannot_read_what_is_no_json_object() -> None:
    async def main(emulator: Emulator) -> list[str]:
        answers = [await send(emulator, body) for body in (b"{", b"[]", b"")]
        assert {answer.status for answer in answers} == {400}
        return [answer.json["error"]["code"] for answer in answers]

    assert with_emulator("ernie", main) == ["malformed_json"] * 3


EMBEDDINGS: list[tuple[str, Json, str]] = [
    ("17 texts", {**EMBED, "input": ["a"] * 17}, ARGUMENT),
    ("two texts, tao-8k", {"model": "tao-8k", "input": ["a", "b"]}, ARGUMENT),
    ("base64", {**EMBED, "encoding_format": "base64"}, ARGUMENT),
    ("dimensions", {**EMBED, "dimensions": 384}, ARGUMENT),
    ("token ids", {**EMBED, "input": [1, 2]}, ARGUMENT),
    ("lists of token ids", {**EMBED, "input": [[1, 2]]}, ARGUMENT),
    ("nothing", {**EMBED, "input": []}, ARGUMENT),
    ("an empty text", {**EMBED, "input": [""]}, ARGUMENT),
    ("user", {**EMBED, "user": 1}, ARGUMENT),
    ("no model", {"input": "a"}, "invalid_model"),
    ("too many tokens", {**EMBED, "input": "w " * 385}, "tokens_too_long"),
    ("too many tokens, one of several", {"model": "bge-large-en", "input": ["a", "w " * 513]}, "tokens_too_long"),
    ("too many tokens, qwen3", {"model": "qwen3-embedding-4b", "input": "w " * 8_193}, "tokens_too_long"),
    ("too many characters", {**EMBED, "input": "w" * 1_001}, "characters_too_long"),
]


@pytest.mark.parametrize(("body", "code"), [row[1:] for row in EMBEDDINGS], ids=[row[0] for row in EMBEDDINGS])
def test_ernie_refuses_to_embed_it(body: Json, code: str) -> None:
    answer = got(body, "/embeddings")
    assert (answer.status, answer.json["error"]["code"]) == (400, code)


KEYS = [
    ("wrong", {"authorization": "Bearer bce-v3/ALTAK-x/1"}),
    ("missing", {"authorization": ""}),
    ("of another scheme", {"authorization": "Basic x"}),
    ("v1's signature", {"authorization": "bce-auth-v1/x/2026-01-01T00:00:00Z/300/host/00"}),
]


@pytest.mark.parametrize("headers", [row[1] for row in KEYS], ids=[row[0] for row in KEYS])
@pytest.mark.parametrize("path", ["/chat/completions", "/embeddings"])
def test_ernie_refuses_a_key_that_is_wrong_or_missing(path: str, headers: dict[str, str]) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("ernie"), path, headers=headers)

    answer = with_emulator("ernie", main)
    error = {"code": "invalid_iam_token", "message": "IAM Certification failed", "type": "access_denied"}
    assert (answer.status, answer.json["error"]) == (401, error)


@pytest.mark.parametrize(("given", "status"), [("", 403), ("Bearer wrong", 401)])
def test_ernie_lists_no_models_without_a_key(given: str, status: int) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, None, "/models", method="GET", headers={"authorization": given})

    answer = with_emulator("ernie", main)
    assert (answer.status, answer.json["error"]["type"]) == (status, "access_denied")


@pytest.mark.parametrize(
    ("known", "given", "status"),
    [("", "app-demo", 200), ("", "demo", 401), ("app-mine", "app-mine", 200), ("app-mine", "app-demo", 401)],
)
def test_ernie_refuses_an_app_that_it_does_not_know(known: str, given: str, status: int) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("ernie"), headers={"appid": given})

    answer = with_emulator("ernie", main, environ={"QIANFAN_APP_ID": known})
    assert answer.status == status
    if status == 401:
        assert (answer.json["error"]["code"], answer.json["error"]["type"]) == ("invalid_appid", "access_denied")


@pytest.mark.parametrize(
    ("path", "model"),
    [("/chat/completions", "gpt-4o"), ("/chat/completions", "bge-large-zh"), ("/embeddings", "gpt-4o")],
)
def test_ernie_answers_unknown_models_with_401(path: str, model: str) -> None:
    answer = got({"model": model, "input": "a"}, path)
    message = "The model does not exist or you do not have access to it."
    error = {"code": "invalid_model", "message": message, "type": "access_denied"}
    assert (answer.status, answer.json["error"]) == (401, error)


@pytest.mark.parametrize("model", ["ernie-3.5-8k", "ernie-4.0-8k", "ernie-x1-turbo-32k"])
def test_retired_models_are_offline(model: str) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("ernie", model=model))

    answer = with_emulator("ernie", main)
    assert (answer.status, answer.json["error"]["code"]) == (403, "model_offline")
    assert answer.json["error"]["type"] == "access_denied"


@pytest.mark.parametrize("path", ["/completions", "/responses", "/images/generations", "/moderations", "/elsewhere"])
def test_ernie_has_no_such_endpoint_here(path: str) -> None:
    assert got({}, path).status == 404


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/chat/completions"), ("DELETE", "/embeddings"), ("POST", "/models")]
)
def test_ernie_refuses_another_method(method: str, path: str) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, None, path, method=method)

    answer = with_emulator("ernie", main)
    assert (answer.status, answer.json["error"]["code"]) == (405, "method_not_supported")


FAULTS = [
    ("rate_limit", 429, "rate_limit_exceeded", "rpm_rate_limit_exceeded", ""),
    ("overloaded", 429, "rate_limit_exceeded", "cluster_rate_limit_exceeded", ""),
    ("quota", 403, "access_denied", "account_overdue", ""),
    ("inspection", 403, "unsafe_request", "system_unsafe", ""),
    ("bad_key", 401, "access_denied", "invalid_iam_token", "IAM Certification failed"),
    (
        "model_missing",
        401,
        "access_denied",
        "invalid_model",
        "The model does not exist or you do not have access to it.",
    ),
    ("context", 400, "invalid_request_error", "tokens_too_long", "Prompt tokens too long"),
    ("error_500", 500, "Internal_error", "internal_error", ""),
]


@pytest.mark.parametrize(("fault", "status", "kind", "code", "wording"), FAULTS)
def test_a_fault_in_ernies_words_has_its_row_of_the_error_table(
    fault: str, status: int, kind: str, code: str, wording: str
) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("ernie"))

    answer = with_emulator("ernie", main, faults=[fault])
    error = answer.json["error"]
    assert (answer.status, error["type"], error["code"]) == (status, kind, code)
    assert wording in error["message"]
    assert answer.json["id"].startswith("as-")
