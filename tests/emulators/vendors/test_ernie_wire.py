"""ERNIE's wire format on v2, as documented in its sheet."""

import math
from typing import Any

import orjson
import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, function, send, with_emulator

RETIRED = {"BANJIA_EMULATOR_RETIRED": "1"}
NOW = function("now")
X1 = {"model": "ernie-x1.1"}
USAGE = {"include_usage": True}
LIMITS = {
    f"x-ratelimit-{kind}-{what}"
    for kind in ("limit", "remaining")
    for what in ("requests", "input-tokens", "output-tokens")
}


def got(body: Any = None, path: str = "/chat/completions", *, method: str = "POST", **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, body, path, method=method)

    return with_emulator("ernie", main, **more)


def choices(answer: Raw) -> list[Json]:
    return [choice for chunk in answer.chunks for choice in chunk["choices"]]


def test_a_plain_answer_has_the_documented_members_and_headers() -> None:
    answer = got(chat("ernie", "Hi"))
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers.keys() >= LIMITS
    assert set(answer.json) == {"id", "object", "created", "model", "choices", "usage"}
    assert answer.json["id"].startswith("as-")
    message = {"role": "assistant", "content": "You said: Hi"}
    assert answer.json["choices"] == [{"index": 0, "message": message, "finish_reason": "stop", "flag": 0}]
    assert answer.json["usage"] == {
        "prompt_tokens": 5,
        "completion_tokens": 3,
        "total_tokens": 8,
        "completion_tokens_details": {"reasoning_tokens": 0},
        "prompt_tokens_details": {"cached_tokens": 0},
    }


def test_a_stream_is_that_of_the_sample() -> None:
    body = chat("ernie", "emulator:words=2,reason=1", **X1, stream=True, stream_options=USAGE)
    answer = got(body)
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert choices(answer) == [
        {"index": 0, "delta": {"role": "assistant", "content": "", "reasoning_content": "r1"}, "flag": 0},
        {"index": 0, "delta": {"content": "w1"}, "flag": 0},
        {"index": 0, "delta": {"content": " w2"}, "flag": 0},
        {"index": 0, "delta": {"content": ""}, "finish_reason": "stop", "flag": 0},
    ]
    assert {chunk["object"] for chunk in answer.chunks} == {"chat.completion"}
    assert ["usage" in chunk for chunk in answer.chunks] == [False] * 4 + [True]
    assert answer.chunks[-1]["choices"] == []
    assert answer.chunks[-1]["usage"]["completion_tokens"] == 3
    assert answer.chunks[-1]["usage"]["completion_tokens_details"] == {"reasoning_tokens": 1}


def test_the_first_delta_has_the_role_and_already_text() -> None:
    first, *later = choices(got(chat("ernie", "Hi", stream=True)))
    assert first["delta"] == {"role": "assistant", "content": "You "}
    assert not any("role" in choice["delta"] for choice in later)
    assert not any("usage" in chunk for chunk in got(chat("ernie", "Hi", stream=True)).chunks)


def test_running_totals_are_on_every_chunk_if_requested() -> None:
    fields = {"include_usage": True, "chunk_include_usage": True}
    body = chat("ernie", "emulator:words=3,reason=2", **X1, stream=True, stream_options=fields)
    usage = [chunk["usage"]["completion_tokens"] for chunk in got(body).chunks]
    assert usage[-1] == usage[-2] == 5
    assert usage == sorted(usage)


def test_a_call_comes_whole_in_one_delta() -> None:
    body = chat("ernie", "get weather city=Oslo, now", tools=[WEATHER, NOW], stream=True)
    answer = got(body)
    deltas = [choice["delta"] for choice in choices(answer) if "tool_calls" in choice["delta"]]
    calls = [call for delta in deltas for call in delta["tool_calls"]]
    assert [call["index"] for call in calls] == [0, 1]
    assert [call["function"]["name"] for call in calls] == ["get_weather", "now"]
    assert orjson.loads(calls[0]["function"]["arguments"]) == {"city": "Oslo"}
    assert calls[1]["function"]["arguments"] == "{}"
    assert len({call["id"] for call in calls}) == 2
    assert choices(answer)[-1]["finish_reason"] == "tool_calls"
    whole = got({**body, "stream": False}).json["choices"][0]
    assert whole["finish_reason"] == "tool_calls"
    assert [call["function"] for call in whole["message"]["tool_calls"]] == [call["function"] for call in calls]


def test_only_the_first_tool_is_called_if_parallel_calls_are_not_wanted() -> None:
    body = chat("ernie", "get weather and now", tools=[WEATHER, NOW], parallel_tool_calls=False)
    (call,) = got(body).json["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"


@pytest.mark.parametrize(
    ("model", "more", "thinks"),
    [
        ("ernie-5.1", {}, True),
        ("ernie-5.0", {}, True),
        ("ernie-5.0-thinking-latest", {}, True),
        ("ernie-5.0-thinking-latest", {"enable_thinking": False}, False),
        ("ernie-4.5-turbo-vl", {}, False),
        ("ernie-4.5-turbo-vl-preview", {}, False),
        ("ernie-4.5-turbo-vl-preview", {"enable_thinking": True}, True),
        ("ernie-4.5-turbo-128k", {}, False),
        ("ernie-x1.1", {}, True),
        ("ernie-5.5-flash-preview", {}, True),
        ("ernie-x1-turbo-32k", {}, True),
        ("ernie-3.5-8k", {}, False),
    ],
)
def test_a_model_thinks_according_to_its_row(model: str, more: Json, thinks: bool) -> None:
    answer = got(chat("ernie", "Hi", model=model, **more), environ=RETIRED)
    assert answer.status == 200
    assert (b'"reasoning_content":"Thinking about: Hi"' in answer.body) is thinks


def test_a_budget_cuts_the_reasoning_and_max_tokens_cuts_both() -> None:
    def result(**more: Any) -> tuple[int, str, str]:
        answer = got(chat("ernie", "emulator:reason=150,words=30", **X1, **more)).json
        choice, usage = answer["choices"][0], answer["usage"]
        return usage["completion_tokens"], choice["message"]["content"][:5], choice["finish_reason"]

    assert result(thinking_budget=100) == (130, "w1 w2", "stop")
    assert result(max_tokens=152) == (152, "w1 w2", "length")
    assert result(max_tokens=10) == (10, "", "length")


@pytest.mark.parametrize(("flag", "finish"), [(1, "stop"), (2, "stop"), (3, "content_filter"), (4, "content_filter")])
def test_the_content_check_sends_its_verdict_at_the_end(flag: int, finish: str) -> None:
    text = f"emulator:words=2,flag={flag}"
    whole = got(chat("ernie", text)).json["choices"][0]
    assert (whole["flag"], whole["ban_round"], whole["finish_reason"]) == (flag, -1, finish)
    *before, last = choices(got(chat("ernie", text, stream=True)))
    assert {choice["flag"] for choice in before} == {0}
    assert (last["flag"], last["ban_round"], last["finish_reason"]) == (flag, -1, finish)


def test_a_search_reports_its_state_in_deltas_without_content_and_then_its_results() -> None:
    search = {"enable": True, "enable_status": True, "enable_trace": True}
    first, *later = choices(answer := got(chat("ernie", "Hi", stream=True, web_search=search)))
    assert first["delta"]["delta_tag"] == "search_status"
    assert not any("delta_tag" in choice["delta"] for choice in later)
    assert "".join(choice["delta"]["content"] for choice in later) == "You said: Hi"
    found = answer.chunks[-1]["search_results"]
    assert [set(one) for one in found] == [{"index", "url", "title", "datasource_id"}]
    assert got(chat("ernie", "Hi", web_search=search)).json["search_results"] == found
    quiet = got(chat("ernie", "Hi", stream=True, web_search={"enable": True}))
    assert b"search" not in quiet.body


def test_retired_models_answer_as_in_2024_by_an_option() -> None:
    body = chat("ernie", "emulator:words=2", model="ernie-3.5-8k")
    whole = got(body, environ=RETIRED).json
    assert whole["choices"][0]["finish_reason"] == "normal"
    assert set(whole["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    chunks = got({**body, "stream": True}, environ=RETIRED).chunks
    reported = [chunk["choices"][0] for chunk in chunks]
    assert [one["is_end"] for one in reported] == [False, False, True]
    assert {one["finish_reason"] for one in reported} == {"normal"}
    assert {one["need_clear_history"] for one in reported} == {False}
    assert [chunk["usage"]["completion_tokens"] for chunk in chunks] == [1, 2, 2]
    unsafe = got(chat("ernie", "emulator:flag=2", model="ernie-3.5-8k", stream=True), environ=RETIRED)
    assert [one["need_clear_history"] for one in choices(unsafe)][-2:] == [False, True]


def test_a_cut_answer_of_a_retired_model_still_has_finish_reason_length() -> None:
    body = chat("ernie", "emulator:words=9", model="ernie-3.5-8k", max_tokens=2)
    assert got(body, environ=RETIRED).json["choices"][0]["finish_reason"] == "length"


def test_there_is_no_retry_after_unless_the_fault_names_the_wait() -> None:
    limited = got(chat("ernie"), faults=["rate_limit"])
    assert "retry-after" not in limited.headers
    assert limited.headers["x-ratelimit-remaining-requests"] == "0"
    assert not any("reset" in name for name in limited.headers)
    assert got(chat("ernie"), faults=["rate_limit=3"]).headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("model", "texts", "width"),
    [
        ("embedding-v1", 16, 384),
        ("bge-large-zh", 16, 1024),
        ("bge-large-en", 2, 1024),
        ("tao-8k", 1, 1024),
        ("qwen3-embedding-0.6b", 2, 1024),
        ("qwen3-embedding-4b", 2, 2560),
        ("qwen3-embedding-8b", 2, 4096),
    ],
)
def test_vectors_have_the_models_width_and_length_one(model: str, texts: int, width: int) -> None:
    body = {"model": model, "input": ["a", "b", "a"][:texts] + ["a"] * (texts - 3), "encoding_format": "float"}
    answer = got(body, "/embeddings").json
    assert answer["object"] == "embedding_list"
    assert [item["index"] for item in answer["data"]] == list(range(texts))
    vectors = [item["embedding"] for item in answer["data"]]
    assert all(len(vector) == width and math.isclose(math.hypot(*vector), 1.0) for vector in vectors)
    assert answer["usage"] == {"prompt_tokens": texts, "total_tokens": texts}


def test_the_vector_depends_on_the_text_alone() -> None:
    body = {"model": "embedding-v1", "input": ["a", "b", "a"], "user": "u"}
    first, other, again = (item["embedding"] for item in got(body, "/embeddings").json["data"])
    assert first == again != other
    assert got({**body, "input": "a"}, "/embeddings").json["data"][0]["embedding"] == first


def test_models_have_their_context_window_and_price_but_no_creation_date() -> None:
    reported = got(path="/models", method="GET").json
    assert reported["object"] == "list"
    models = {model["id"]: model for model in reported["data"]}
    assert models["ernie-5.1"] == {
        "id": "ernie-5.1",
        "object": "model",
        "type": "chat",
        "context_length": 131_072,
        "max_completions_tokens": 65_536,
        "max_tokens": 65_536,
        "pricing": {"prompt": "0.004", "completion": "0.018"},
    }
    assert "pricing" not in models["ernie-5.5-flash-preview"], "the sheet has no price for it"
    assert "ernie-3.5-8k" not in models
    assert len(got(path="/models", method="GET", environ=RETIRED).json["data"]) > len(models)
