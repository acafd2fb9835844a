"""Doubao's wire format, as documented in its sheet."""

import array
import base64
import math
from typing import Any

import orjson
import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, function, send, with_emulator

ENDPOINT = "ep-20240701123456-abcde"
OLD = {"model": "doubao-1-5-pro-32k-250115"}
WITH_USAGE: Json = {"stream": True, "stream_options": {"include_usage": True}}


def got(body: Any = None, path: str = "/chat/completions", *, method: str = "POST", **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, body, path, method=method)

    return with_emulator("doubao", main, **more)


def thinking(text: str = "Hello", **more: Any) -> Json:
    return chat("doubao", text, **{"thinking": {"type": "enabled"}, **more})


def test_a_plain_answer_has_the_documented_members() -> None:
    answer = got(chat("doubao", "Hi"))
    assert answer.headers["content-type"] == "application/json"
    body = answer.json
    assert (body["object"], body["model"], body["service_tier"]) == (
        "chat.completion",
        "doubao-seed-2-1-pro-260915",
        "default",
    )
    assert body["id"] == answer.headers["x-request-id"]
    assert body["id"].startswith("02")
    (choice,) = body["choices"]
    assert choice == {
        "index": 0,
        "finish_reason": "stop",
        "logprobs": None,
        "message": {"role": "assistant", "content": "You said: Hi"},
    }
    assert body["usage"] == {
        "completion_tokens": 3,
        "prompt_tokens": 5,
        "total_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


@pytest.mark.parametrize("stream", [False, True])
def test_an_endpoint_answers_with_its_underlying_model(stream: bool) -> None:
    answer = got({"model": ENDPOINT, "messages": [{"role": "user", "content": "Hi"}], "stream": stream})
    models = {chunk["model"] for chunk in answer.chunks} if stream else {answer.json["model"]}
    assert models == {"doubao-pro-32k-240615"}


def test_a_stream_begins_with_role_and_text_and_ends_with_empty_content() -> None:
    answer = got(chat("doubao", "Hi", stream=True))
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.events[-1] == b"[DONE]"
    first, *_, last = answer.chunks
    assert first["choices"] == [{"index": 0, "delta": {"role": "assistant", "content": "You "}}]
    assert last["choices"] == [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}]
    assert all("usage" not in chunk and chunk["service_tier"] == "default" for chunk in answer.chunks)
    assert {chunk["id"] for chunk in answer.chunks} == {answer.headers["x-request-id"]}


def test_with_include_usage_a_last_chunk_without_choices_has_it_and_the_others_have_null() -> None:
    *others, last = got(chat("doubao", "Hi", **WITH_USAGE)).chunks
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 8)
    assert all(chunk["usage"] is None for chunk in others)


def test_with_chunk_include_usage_each_chunk_has_the_usage_so_far() -> None:
    options = {"chunk_include_usage": True}
    chunks = got(thinking("emulator:words=3,reason=2", stream=True, stream_options=options)).chunks
    assert all(chunk["choices"] for chunk in chunks)
    counts = [chunk["usage"]["completion_tokens"] for chunk in chunks]
    assert counts == sorted(counts)
    assert counts[-1] == 5
    assert chunks[-1]["usage"]["completion_tokens_details"] == {"reasoning_tokens": 2}
    both = got(chat("doubao", "Hi", stream=True, stream_options={**options, "include_usage": True})).chunks
    assert both[-1]["choices"] == []
    assert both[-1]["usage"] == both[-2]["usage"]


def test_reasoning_comes_first_beside_empty_content() -> None:
    chunks = got(thinking("Hi", stream=True)).chunks
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    thought = [delta for delta in deltas if "reasoning_content" in delta]
    assert thought[0]["role"] == "assistant"
    assert all(delta["content"] == "" for delta in thought)
    assert "".join(delta["reasoning_content"] for delta in thought) == "Thinking about: Hi"
    assert deltas[: len(thought)] == thought
    whole = got(thinking("Hi")).json
    assert whole["choices"][0]["message"]["reasoning_content"] == "Thinking about: Hi"
    assert whole["usage"]["completion_tokens_details"] == {"reasoning_tokens": 3}


@pytest.mark.parametrize(
    ("more", "thinks"),
    [
        ({"thinking": None}, True),
        ({}, False),
        ({"thinking": {"type": "enabled"}}, True),
        ({"thinking": None, "reasoning_effort": "high"}, True),
        ({"thinking": None, "reasoning_effort": "minimal"}, False),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "minimal"}, False),
        ({"model": "doubao-seed-2-0-mini-260428", "thinking": None, "reasoning_effort": "none"}, False),
        ({"model": "doubao-seed-2-0-mini-260428", "thinking": None, "reasoning_effort": "max"}, True),
        ({"model": "doubao-seed-1-6-flash-250828", "thinking": {"type": "auto"}}, True),
        ({"model": "doubao-seed-character-260628", "thinking": None}, False),
        ({"model": "doubao-seed-character-260628", "thinking": {"type": "enabled"}}, True),
        ({**OLD, "thinking": None}, False),
        (OLD, False),
        ({"model": ENDPOINT, "thinking": None}, False),
    ],
)
def test_a_model_thinks_by_default_from_seed_on(more: Json, thinks: bool) -> None:
    answer = got(chat("doubao", "Hi", **more))
    assert answer.status == 200
    assert ("reasoning_content" in answer.json["choices"][0]["message"]) is thinks


def test_max_tokens_is_for_the_answer_and_max_completion_tokens_for_everything() -> None:
    def result(**more: Any) -> tuple[int, str, str]:
        answer = got(thinking("emulator:reason=20,words=30", **more)).json
        choice, usage = answer["choices"][0], answer["usage"]
        return usage["completion_tokens"], choice["message"]["content"], choice["finish_reason"]

    assert result(max_tokens=2) == (22, "w1 w2", "length")
    assert result(max_tokens=0) == (20, "", "length")
    assert result(max_completion_tokens=10) == (10, "", "length")
    assert result(max_completion_tokens=22) == (22, "w1 w2", "length")


def test_without_a_limit_the_answer_has_at_most_4096_tokens() -> None:
    answer = got(thinking("emulator:reason=9,words=5000")).json
    assert answer["usage"]["completion_tokens"] == 9 + 4096
    assert answer["choices"][0]["finish_reason"] == "length"
    longer = got(thinking("emulator:reason=9,words=5000", max_completion_tokens=9000)).json
    assert longer["usage"]["completion_tokens"] == 5009


def test_tool_calls_have_ids_of_their_own_and_come_in_parallel_unless_told_not_to() -> None:
    tools = [WEATHER, function("now")]

    def called(**more: Any) -> list[Json]:
        answer = got(chat("doubao", "get weather city=Oslo, now", tools=tools, **more)).json
        return list(answer["choices"][0]["message"]["tool_calls"])

    calls = called()
    assert [call["function"]["name"] for call in calls] == ["get_weather", "now"]
    assert len({call["id"] for call in calls}) == 2
    assert len(called(parallel_tool_calls=False)) == 1


def test_a_streamed_tool_call_has_its_id_and_name_on_the_first_piece_only() -> None:
    chunks = got(chat("doubao", "get weather city=Oslo", tools=[WEATHER], **WITH_USAGE)).chunks
    pieces = [
        piece for chunk in chunks if chunk["choices"] for piece in chunk["choices"][0]["delta"].get("tool_calls", [])
    ]
    assert pieces[0]["function"] == {"name": "get_weather", "arguments": ""}
    assert all(set(piece) == {"index", "function"} for piece in pieces[1:])
    arguments = "".join(piece["function"]["arguments"] for piece in pieces)
    assert orjson.loads(arguments) == {"city": "Oslo"}
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"


def test_several_choices_interleave() -> None:
    chunks = got(chat("doubao", "Hi", n=2, stream=True)).chunks
    assert [chunk["choices"][0]["index"] for chunk in chunks[:4]] == [0, 1, 0, 1]
    whole = got(chat("doubao", "Hi", n=2)).json
    assert [choice["index"] for choice in whole["choices"]] == [0, 1]
    assert whole["usage"]["completion_tokens"] == 6


def test_a_content_check_ends_a_choice_with_its_kind() -> None:
    choice = got(chat("doubao", "emulator:words=9,moderated=2")).json["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("content_filter", "w1 w2")
    assert choice["moderation_hit_type"] == "severe_violation"
    last = got(chat("doubao", "emulator:words=9,moderated=2", stream=True)).chunks[-1]
    assert last["choices"][0]["moderation_hit_type"] == "severe_violation"


def test_logprobs_come_in_openais_shape() -> None:
    choice = got(chat("doubao", "Hi", logprobs=True, top_logprobs=2)).json["choices"][0]
    (first, *_) = choice["logprobs"]["content"]
    assert set(first) == {"token", "logprob", "bytes", "top_logprobs"}
    assert len(first["top_logprobs"]) == 2
    chunks = got(chat("doubao", "Hi", logprobs=True, stream=True)).chunks
    assert chunks[0]["choices"][0]["logprobs"]["content"][0]["token"] == "You "
    assert got(chat("doubao", "Hi", **{**OLD, "logprobs": True})).json["choices"][0]["logprobs"]


def test_a_developer_message_is_read_as_a_system_message_by_the_newest_models() -> None:
    body = chat("doubao", "Hi")
    body["messages"].insert(0, {"role": "developer", "content": "emulator:answer\nYes\nemulator:end"})
    assert got(body).json["choices"][0]["message"]["content"] == "Yes"


def test_an_image_counts_as_tokens_of_the_prompt() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.invalid/a.png", "detail": "high"}}
    body = {**chat("doubao"), "messages": [{"role": "user", "content": [{"type": "text", "text": "see"}, part]}]}
    assert got(body).json["usage"]["prompt_tokens"] == 4 + 1 + 256


def test_an_error_in_a_stream_is_a_data_line_in_the_form_of_other_errors() -> None:
    answer = got(chat("doubao", "emulator:words=9", stream=True), faults=["error_event=2"])
    error = answer.chunks[-1]["error"]
    assert (error["code"], error["type"], error["param"]) == ("InternalServiceError", "InternalServerError", "")
    assert b"event:" not in answer.body


@pytest.mark.parametrize(
    ("model", "dimensions", "width"),
    [
        ("doubao-embedding-text-240715", None, 2560),
        ("doubao-embedding-large-text-240915", None, 4096),
        ("doubao-embedding-large-text-250515", None, 2048),
        ("doubao-embedding-large-text-250515", 256, 256),
        ("ep-20240801123456-embed", 512, 512),
    ],
)
def test_vectors_have_length_one_and_depend_on_the_text_alone(model: str, dimensions: int | None, width: int) -> None:
    answer = got({"model": model, "input": ["a", "b c", "a"], "dimensions": dimensions}, "/embeddings")
    vectors = [item["embedding"] for item in answer.json["data"]]
    assert all(len(vector) == width and math.isclose(math.hypot(*vector), 1.0) for vector in vectors)
    assert vectors[0] == vectors[2] != vectors[1]
    assert answer.json["model"].startswith("doubao-embedding-")
    assert answer.json["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert answer.json["id"] == answer.headers["x-request-id"]


def test_a_vector_in_base64_has_the_same_numbers() -> None:
    body = {"model": "doubao-embedding-text-240715", "input": "a", "dimensions": 8}
    plain = got(body, "/embeddings").json["data"][0]["embedding"]
    packed = got({**body, "encoding_format": "base64"}, "/embeddings").json["data"][0]["embedding"]
    assert array.array("f", base64.b64decode(packed)).tolist() == pytest.approx(plain)


def test_a_multimodal_input_has_one_vector_and_data_is_no_list() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.invalid/a.png"}}
    body = {"model": "doubao-embedding-vision-250615", "input": [{"type": "text", "text": "a b"}, image]}
    answer = got(body, "/embeddings/multimodal").json
    assert len(answer["data"]["embedding"]) == 2048
    assert answer["usage"]["prompt_tokens_details"] == {"text_tokens": 2, "image_tokens": 1312}
    small = got({**body, "dimensions": 1024}, "/embeddings/multimodal").json
    assert len(small["data"]["embedding"]) == 1024


def test_tokenization_has_ids_and_the_place_of_each_token() -> None:
    answer = got({"model": ENDPOINT, "text": ["天 is blue", "is"]}, "/tokenization").json
    assert (answer["object"], answer["model"]) == ("list", "doubao-pro-32k-240615")
    first, second = answer["data"]
    assert first["offset_mapping"] == [[0, 1], [2, 4], [5, 9]]
    assert (first["object"], first["index"], first["total_tokens"]) == ("tokenization", 0, 3)
    assert first["token_ids"][1:2] == second["token_ids"]
    assert got({"model": ENDPOINT, "text": "a b"}, "/tokenization").json["data"][0]["total_tokens"] == 2


def test_models_are_listed_by_their_dated_ids_with_their_limits() -> None:
    models = {model["id"]: model for model in got(path="/models", method="GET").json["data"]}
    assert models["doubao-seed-1-8-251228"]["token_limits"] == {
        "context_window": 262_144,
        "max_output_token_length": 65_536,
    }
    assert "doubao-embedding-text-240715" in models
    assert not [name for name in models if name.startswith("ep-")]


def test_there_is_no_retry_after_unless_the_fault_names_the_wait() -> None:
    assert "retry-after" not in got(chat("doubao"), faults=["rate_limit"]).headers
    assert got(chat("doubao"), faults=["rate_limit=3"]).headers["retry-after"] == "3"
