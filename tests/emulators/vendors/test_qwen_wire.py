"""Qwen's wire format in compatible mode, as documented in its sheet."""

import math
from typing import Any

import orjson
import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, function, send, with_emulator

NOW = function("now")


def got(body: Any = None, path: str = "/chat/completions", *, method: str = "POST", **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, body, path, method=method)

    return with_emulator("qwen", main, **more)


def test_a_plain_answer_has_the_documented_members_and_headers() -> None:
    answer = got(chat("qwen", "Hi"))
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-dashscope-call-gateway"] == "true"
    assert answer.json["id"] == f"chatcmpl-{answer.headers['x-request-id']}"
    assert answer.json["system_fingerprint"] is None
    choice = {"index": 0, "finish_reason": "stop", "logprobs": None}
    assert answer.json["choices"] == [{**choice, "message": {"role": "assistant", "content": "You said: Hi"}}]
    assert answer.json["usage"]["completion_tokens_details"] is None
    assert answer.json["usage"]["prompt_tokens_details"] == {"audio_tokens": None, "cached_tokens": 0}


def test_chunks_are_filled_with_nulls_and_have_no_usage_unless_requested() -> None:
    answer = got(chat("qwen", "Hi", stream=True))
    assert answer.headers["content-type"] == "text/event-stream;charset=UTF-8"
    assert answer.events[-1] == b"[DONE]"
    first, *_, last = answer.chunks
    assert first["choices"][0] == {
        "delta": {"content": "", "function_call": None, "refusal": None, "role": "assistant", "tool_calls": None},
        "finish_reason": None,
        "index": 0,
        "logprobs": None,
    }
    assert [chunk["choices"][0]["delta"]["role"] for chunk in answer.chunks[1:]] == [None] * (len(answer.chunks) - 1)
    assert all(chunk["usage"] is None and chunk["service_tier"] is None for chunk in answer.chunks)
    assert (last["choices"][0]["finish_reason"], last["choices"][0]["delta"]["content"]) == ("stop", "")


def test_with_include_usage_a_last_chunk_without_choices_has_it() -> None:
    chunks = got(chat("qwen", "Hi", stream=True, stream_options={"include_usage": True})).chunks
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == got(chat("qwen", "Hi")).json["usage"]["total_tokens"]
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


def test_reasoning_comes_first_with_null_content() -> None:
    chunks = got(chat("qwen", "Hi", stream=True, enable_thinking=True)).chunks
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    thought = [delta for delta in deltas if delta["reasoning_content"]]
    assert "".join(delta["reasoning_content"] for delta in thought) == "Thinking about: Hi"
    assert all(delta["content"] is None for delta in thought)
    whole = got(chat("qwen", "Hi", enable_thinking=True)).json
    assert whole["choices"][0]["message"]["reasoning_content"] == "Thinking about: Hi"
    assert whole["usage"]["completion_tokens_details"] == {"reasoning_tokens": 3, "text_tokens": 3}


def test_later_tool_pieces_carry_an_empty_id_and_name() -> None:
    body = chat("qwen", "get weather city=Oslo, now", tools=[WEATHER, NOW], stream=True, parallel_tool_calls=True)
    chunks = got(body).chunks
    pieces = [
        piece for chunk in chunks if chunk["choices"] for piece in chunk["choices"][0]["delta"]["tool_calls"] or []
    ]
    first = [piece for piece in pieces if piece["id"]]
    assert [piece["function"]["name"] for piece in first] == ["get_weather", "now"]
    assert all(piece["function"]["arguments"] == "" for piece in first)
    later = [piece for piece in pieces if not piece["id"]]
    assert {piece["function"]["name"] for piece in later} == {""}
    assert orjson.loads("".join(piece["function"]["arguments"] for piece in later)) == {"city": "Oslo"}
    assert {piece["index"] for piece in later} == {0}, "a tool without parameters ends with arguments that are empty"
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_only_the_first_tool_is_called_unless_parallel_calls_are_requested() -> None:
    def called(**more: Any) -> list[str]:
        body = chat("qwen", "get weather and now", tools=[WEATHER, NOW], **more)
        return [call["function"]["name"] for call in got(body).json["choices"][0]["message"]["tool_calls"]]

    assert called() == ["get_weather"]
    assert called(parallel_tool_calls=True) == ["get_weather", "now"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_named_tool_is_called_and_the_finish_reason_is_stop(stream: bool) -> None:
    choice = {"type": "function", "function": {"name": "now"}}
    answer = got(chat("qwen", "Hi", tools=[WEATHER, NOW], tool_choice=choice, stream=stream))
    last = answer.chunks[-1] if stream else answer.json
    assert last["choices"][0]["finish_reason"] == "stop"
    assert b'"now"' in answer.body


@pytest.mark.parametrize(
    ("model", "more", "thinks"),
    [
        ("qwen-plus", {}, False),
        ("qwen-plus", {"enable_thinking": True}, True),
        ("qwen3-max", {}, False),
        ("qwen3.5-plus", {}, True),
        ("qwen3.5-plus", {"enable_thinking": False}, False),
        ("qwen3-32b", {"stream": True}, True),
        ("qwen3-32b", {"enable_thinking": False}, False),
        ("qwen3-235b-a22b-instruct-2507", {"enable_thinking": True}, False),
        ("qwen3-coder-plus", {"enable_thinking": True}, False),
        ("qwq-plus", {"enable_thinking": False, "stream": True}, True),
    ],
)
def test_a_model_thinks_according_to_its_row(model: str, more: Json, thinks: bool) -> None:
    answer = got(chat("qwen", "Hi", **{"model": model, **more}))
    assert answer.status == 200
    assert (b'"reasoning_content"' in answer.body) is thinks


def test_limits_of_the_answer_and_of_everything_differ() -> None:
    def result(**more: Any) -> tuple[int, str, str]:
        answer = got(chat("qwen", "emulator:reason=20,words=30", **more)).json
        choice, usage = answer["choices"][0], answer["usage"]
        return usage["completion_tokens"], choice["message"]["content"], choice["finish_reason"]

    new = {"model": "qwen3.5-plus"}
    assert result(**new, max_tokens=2) == (22, "w1 w2", "length"), "max_tokens does not cap reasoning"
    assert result(**new, max_completion_tokens=10) == (10, "", "length"), "max_completion_tokens caps both"
    assert result(**new, max_completion_tokens=22) == (22, "w1 w2", "length")
    assert result(**new, thinking_budget=5, max_tokens=1) == (6, "w1", "length")
    assert result(max_completion_tokens=2)[0] == 30, "older models do not know max_completion_tokens"


def test_several_choices_and_logprobs_come_where_the_model_has_them() -> None:
    two = got(chat("qwen", "Hi", n=2, stream=True)).chunks
    assert {chunk["choices"][0]["index"] for chunk in two} == {0, 1}
    body = chat("qwen", "Hi", model="qwen3-32b", enable_thinking=False, logprobs=True, top_logprobs=5)
    assert len(got(body).json["choices"][0]["logprobs"]["content"][0]["top_logprobs"]) == 5
    assert got(chat("qwen", "Hi", logprobs=True)).json["choices"][0]["logprobs"] is None


def test_errors_carry_the_request_id_and_a_null_param() -> None:
    answer = got({"model": "none", "messages": []})
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert answer.json["error"]["param"] is None
    assert set(answer.json) == {"error", "request_id"}
    inspected = got(chat("qwen"), faults=["inspection"]).json
    assert inspected["id"] == f"chatcmpl-{inspected['request_id']}"


def test_there_is_no_retry_after_unless_the_fault_names_the_wait() -> None:
    assert "retry-after" not in got(chat("qwen"), faults=["rate_limit"]).headers
    assert got(chat("qwen"), faults=["rate_limit=3"]).headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("model", "dimensions", "width"),
    [
        ("text-embedding-v4", None, 1024),
        ("text-embedding-v4", 2048, 2048),
        ("text-embedding-v3", 64, 64),
        ("text-embedding-v1", None, 1536),
    ],
)
def test_vectors_have_length_one_and_depend_on_the_text_alone(model: str, dimensions: int | None, width: int) -> None:
    body = {"model": model, "input": ["a", "b", "a"], "dimensions": dimensions, "encoding_format": "float"}
    answer = got(body, "/embeddings").json
    vectors = [item["embedding"] for item in answer["data"]]
    assert all(len(vector) == width for vector in vectors)
    assert all(math.isclose(math.hypot(*vector), 1.0) for vector in vectors)
    assert vectors[0] == vectors[2] != vectors[1]
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert answer["id"]
