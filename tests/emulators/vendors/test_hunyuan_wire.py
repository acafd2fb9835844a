"""TokenHub's wire format, as documented in Hunyuan's sheet: fields, order, streams, usage, errors."""

from typing import Any

import orjson
import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, function, send, with_emulator

THINKING: Json = {"thinking": {"type": "enabled"}}
NOW = function("now")


def got(body: Any = None, path: str = "/chat/completions", *, method: str = "POST", **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, body, path, method=method)

    return with_emulator("hunyuan", main, **more)


def chat_body(text: str = "3*7?", **more: Any) -> Json:
    return chat("hunyuan", text, **more)


def test_a_plain_answer_has_the_documented_members() -> None:
    answer = got(chat_body(**THINKING))
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json) == {"id", "object", "created", "model", "choices", "usage"}
    message = answer.json["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "You said: 3*7?", "reasoning_content": "Thinking about: 3*7?"}
    assert answer.json["usage"] == {
        "prompt_tokens": 5,
        "completion_tokens": 6,
        "total_tokens": 11,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }


def test_the_id_is_a_uuid_and_a_new_one_each_time() -> None:
    async def main(emulator: Emulator) -> list[str]:
        return [(await send(emulator, chat_body())).json["id"] for _ in range(2)]

    one, two = with_emulator("hunyuan", main)
    assert [len(part) for part in one.split("-")] == [8, 4, 4, 4, 12]
    assert one != two


def test_a_stream_begins_with_role_and_reasoning_and_ends_in_the_last_of_the_content() -> None:
    answer = got(chat_body(stream=True, **THINKING))
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.body.endswith(b"data: [DONE]\n\n")
    first, *_, last = (chunk["choices"][0] for chunk in answer.chunks)
    assert first == {
        "index": 0,
        "delta": {"role": "assistant", "content": "", "reasoning_content": "Thin"},
        "finish_reason": None,
    }
    assert last["finish_reason"] == "stop"
    assert last["delta"]["content"]
    assert not any("usage" in chunk for chunk in answer.chunks)


def test_a_stream_without_thinking_begins_with_the_role_alone() -> None:
    chunks = got(chat_body(stream=True)).chunks
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert not any("reasoning_content" in chunk["choices"][0]["delta"] for chunk in chunks)


def test_with_include_usage_a_last_chunk_without_choices_has_it() -> None:
    chunks = got(chat_body(stream=True, stream_options={"include_usage": True}, **THINKING)).chunks
    assert [chunk for chunk in chunks if "usage" in chunk] == chunks[-1:]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens_details"] == {"reasoning_tokens": 3}


def test_calls_have_the_vendors_ids_and_come_in_pieces() -> None:
    body = chat_body("get weather city=Oslo now", tools=[WEATHER, NOW], stream=True)
    chunks = got(body).chunks
    pieces = [delta for chunk in chunks for delta in chunk["choices"][0]["delta"].get("tool_calls", [])]
    begun = [piece for piece in pieces if "id" in piece]
    assert [piece["function"] for piece in begun] == [
        {"name": "get_weather", "arguments": ""},
        {"name": "now", "arguments": ""},
    ]
    assert all(piece["id"].startswith("chatcmpl-tool-") for piece in begun)
    assert len({piece["id"] for piece in begun}) == 2
    arguments = "".join(piece["function"]["arguments"] for piece in pieces if piece["index"] == 0)
    assert arguments == '{"city": "Oslo"}'
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("model", "more", "thinks"),
    [
        ("hy3", {}, False),
        ("hy3", THINKING, True),
        ("hy3", {"reasoning_effort": "high"}, False),
        ("hy3", {"thinking": {"type": "disabled"}, "reasoning_effort": "low"}, False),
        ("hy3-preview", {}, False),
        ("hy4-preview", {}, True),
        ("hy4-preview", {"thinking": {"type": "disabled"}}, False),
        ("hy-mt2-plus", {"thinking": {"type": "disabled"}}, False),
        ("hunyuan-2.0-thinking-20251109", {}, True),
        ("hunyuan-2.0-instruct-20251111", {}, False),
    ],
)
def test_a_model_thinks_according_to_its_row_and_the_switch(model: str, more: Json, thinks: bool) -> None:
    answer = got(chat_body(model=model, **more), environ={"BANJIA_EMULATOR_RETIRED": "1"})
    assert answer.status == 200
    assert ("reasoning_content" in answer.json["choices"][0]["message"]) is thinks


def test_a_small_limit_is_eaten_up_by_thinking_and_only_max_tokens_is_one() -> None:
    body = chat_body("emulator:reason=20,words=5", **THINKING)
    answer = got({**body, "max_tokens": 10}).json
    assert answer["choices"][0]["message"]["content"] == ""
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 10
    assert answer["usage"]["completion_tokens_details"] == {"reasoning_tokens": 10}
    assert got({**body, "max_completion_tokens": 10}).json["usage"]["completion_tokens"] == 25


@pytest.mark.parametrize("stream", [False, True])
def test_the_content_check_ends_an_answer_with_openais_word(stream: bool) -> None:
    answer = got(chat_body("emulator:words=9,moderated=2", stream=stream))
    if stream:
        text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in answer.chunks)
        finish = answer.chunks[-1]["choices"][0]["finish_reason"]
    else:
        choice = answer.json["choices"][0]
        text, finish = choice["message"]["content"], choice["finish_reason"]
    assert (text, finish) == ("w1 w2", "content_filter")


def test_an_answer_of_one_piece_can_be_broken_as_well() -> None:
    answer = got(chat_body("emulator:words=1", stream=True), faults=["bad_json"])
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(answer.events[1])


def test_models_have_a_status_and_retired_ones_are_listed_by_an_option() -> None:
    models = got(path="/models", method="GET").json["data"]
    assert {model["status"] for model in models} == {"online"}
    names = [model["id"] for model in models]
    assert {"hy3", "hy4-preview", "hy-mt2-lite", "kinfra-text-embedding-4b"} <= set(names)
    assert not any(name.startswith("hunyuan-2.0") for name in names)
    more = got(path="/models", method="GET", environ={"BANJIA_EMULATOR_RETIRED": "1"}).json["data"]
    assert {model["id"] for model in more} - set(names) == {
        "hunyuan-2.0-thinking-20251109",
        "hunyuan-2.0-instruct-20251111",
    }


def test_fifty_texts_are_embedded_and_the_same_text_always_alike() -> None:
    body = {"model": "kinfra-text-embedding-0.6b", "input": ["x y", *(f"text {i}" for i in range(48)), "x y"]}
    answer = got(body, "/embeddings").json
    assert set(answer) == {"object", "data", "model", "usage"}
    assert [item["index"] for item in answer["data"]] == list(range(50))
    assert answer["data"][0]["embedding"] == answer["data"][-1]["embedding"] != answer["data"][1]["embedding"]
    assert answer["usage"] == {"prompt_tokens": 100, "total_tokens": 100}


FAULTS = [
    ("bad_key", 401, "authentication_error", "401002"),
    ("model_missing", 400, "invalid_request_error", "400004"),
    ("context", 400, "invalid_request_error", "400003"),
    ("inspection", 451, "content_filter_error", "451001"),
    ("quota", 402, "permission_error", "403004"),
    ("rate_limit", 429, "rate_limit_error", "429002"),
    ("overloaded", 429, "rate_limit_error", "429006"),
    ("error_500", 500, "server_error", 500001),
]


@pytest.mark.parametrize(("fault", "status", "kind", "code"), FAULTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_fault_in_tokenhubs_words_has_its_row_of_the_error_table(
    fault: str, status: int, kind: str, code: str | int, stream: bool
) -> None:
    answer = got(chat_body(stream=stream), faults=[fault])
    error = answer.json["error"]
    assert (answer.status, error["type"], error["code"]) == (status, kind, code)
    assert {"type", "code", "message", "source", "request_id"} <= set(error)
    assert error["source"] in ("client", "gateway", "upstream")
    assert ("retry-after" in answer.headers) is (status == 429)


@pytest.mark.parametrize(("fault", "wait"), [("rate_limit", "1"), ("rate_limit=7", "7"), ("rate_limit=0", "0")])
def test_a_rate_limit_has_the_seconds_to_wait(fault: str, wait: str) -> None:
    assert got(chat_body(), faults=[fault]).headers["retry-after"] == wait
