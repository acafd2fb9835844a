"""Kimi's wire format, as documented in its sheet: fields, order, streams, usage, headers."""

from typing import Any

import orjson
import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, function, send, with_emulator

RETIRED = {"BANJIA_EMULATOR_RETIRED": "1"}
NOW = function("now")


def got(body: Any = None, path: str = "/chat/completions", *, method: str = "POST", **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, body, path, method=method)

    return with_emulator("kimi", main, **more)


def thinking(text: str = "2+3?", **more: Any) -> Json:
    return {"model": "kimi-k2.6", "messages": [{"role": "user", "content": text}], **more}


def test_a_plain_answer_has_the_documented_members_and_headers() -> None:
    answer = got(thinking())
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert {"msh-request-id", "msh-uid", "msh-gid", "server-timing", "x-msh-trace-id"} <= answer.headers.keys()
    assert set(answer.json) == {"id", "object", "created", "model", "choices", "usage"}
    assert answer.json["id"].startswith("chatcmpl-")
    message = answer.json["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "You said: 2+3?", "reasoning_content": "Thinking about: 2+3?"}
    usage = answer.json["usage"]
    assert usage["cached_tokens"] == 0
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 3}
    assert usage["completion_tokens"] == 6


def test_usage_hides_in_the_last_choice_of_a_stream() -> None:
    chunks = got(thinking(stream=True)).chunks
    assert chunks[0]["choices"] == [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]
    last = chunks[-1]["choices"][0]
    assert (last["delta"], last["finish_reason"]) == ({}, "stop")
    assert set(last["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens"}
    assert not any("usage" in chunk for chunk in chunks)


def test_with_include_usage_an_extra_chunk_is_sent() -> None:
    chunks = got(thinking(stream=True, stream_options={"include_usage": True})).chunks
    assert chunks[-2]["choices"][0]["usage"]["total_tokens"] == chunks[-1]["usage"]["total_tokens"]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens_details"] == {"reasoning_tokens": 3}


def test_a_stream_is_data_lines_and_done_with_reasoning_before_content() -> None:
    answer = got(thinking(stream=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.body.endswith(b"data: [DONE]\n\n")
    kinds = [next(iter(c["choices"][0]["delta"]), "end") for c in answer.chunks]
    assert kinds == sorted(kinds, key=["role", "reasoning_content", "content", "end"].index)


def test_tool_pieces_have_id_and_name_once_and_ids_start_again_each_turn() -> None:
    body = chat("kimi", "get weather city=Oslo now", tools=[WEATHER, NOW], stream=True)
    chunks = got(body).chunks
    pieces = [delta for chunk in chunks for delta in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert pieces[0] == {
        "index": 0,
        "id": "get_weather:0",
        "type": "function",
        "function": {"name": "get_weather", "arguments": ""},
    }
    later = [piece for piece in pieces if "id" not in piece]
    assert all(set(piece) == {"index", "function"} and set(piece["function"]) == {"arguments"} for piece in later)
    arguments = "".join(piece["function"]["arguments"] for piece in pieces if piece["index"] == 0)
    assert arguments == '{"city": "Oslo"}'
    assert [piece["id"] for piece in pieces if "id" in piece] == ["get_weather:0", "now:1"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_small_limit_can_be_eaten_up_by_reasoning() -> None:
    answer = got(thinking("emulator:reason=20,words=5", max_tokens=10)).json
    assert answer["choices"][0]["message"]["content"] == ""
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 10
    assert answer["usage"]["completion_tokens_details"] == {"reasoning_tokens": 10}


@pytest.mark.parametrize(
    ("model", "more", "thinks"),
    [
        ("kimi-k2.6", {}, True),
        ("kimi-k2.6", {"thinking": {"type": "disabled"}}, False),
        ("kimi-k2.7-code", {}, True),
        ("kimi-k3", {}, True),
        ("kimi-k3", {"thinking": {"type": "disabled"}}, False),
        ("moonshot-v1-8k", {}, False),
        ("kimi-k2-thinking", {}, True),
    ],
)
def test_a_model_thinks_according_to_its_row(model: str, more: Json, thinks: bool) -> None:
    answer = got({**thinking(), "model": model, **more}, environ=RETIRED).json
    assert ("reasoning_content" in answer["choices"][0]["message"]) is thinks


def test_retired_models_answer_as_in_2024_by_an_option() -> None:
    body = {"model": "moonshot-v1-8k", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.3, "n": 2}
    answer = got(body, environ=RETIRED).json
    assert answer["id"].startswith("cmpl-")
    assert len(answer["id"]) == len("cmpl-") + 32
    assert [choice["index"] for choice in answer["choices"]] == [0, 1]
    assert got(body).status == 404
    assert len(got(path="/models", method="GET").json["data"]) == 4
    assert len(got(path="/models", method="GET", environ=RETIRED).json["data"]) > 10


def test_choices_of_a_stream_interleave_and_each_has_its_usage() -> None:
    body = {**thinking(), "model": "moonshot-v1-8k", "temperature": 0.5, "n": 3, "stream": True}
    chunks = got(body, environ=RETIRED).chunks
    assert [chunk["choices"][0]["index"] for chunk in chunks[:6]] == [0, 1, 2, 0, 1, 2]
    assert all("usage" in chunk["choices"][0] for chunk in chunks[-3:])


def test_the_builtin_search_stops_with_its_call_and_goes_on_with_the_result() -> None:
    search = {"type": "builtin_function", "function": {"name": "$web_search"}}
    body = chat("kimi", "web search: kites", tools=[search])
    message = got(body).json["choices"][0]["message"]
    (call,) = message["tool_calls"]
    assert (call["type"], call["function"]["name"], call["id"]) == ("builtin_function", "$web_search", "$web_search:0")
    del message["content"]
    result = {"role": "tool", "tool_call_id": call["id"], "name": "$web_search", "content": "found"}
    body["messages"] += [message, result]
    assert got(body).json["choices"][0]["message"]["content"] == "The tool said: found"


def test_partial_mode_goes_on_without_repeating_the_prefix() -> None:
    body = chat("kimi", "Hi")
    body["messages"].append({"role": "assistant", "content": "You said", "partial": True})
    assert got(body).json["choices"][0]["message"]["content"] == ": Hi"


def test_logprobs_come_in_openais_shape() -> None:
    answer = got(chat("kimi", "Hi", logprobs=True, top_logprobs=2)).json
    (first, *_) = answer["choices"][0]["logprobs"]["content"]
    assert set(first) == {"token", "logprob", "bytes", "top_logprobs"}
    assert len(first["top_logprobs"]) == 2
    chunks = got(chat("kimi", "Hi", logprobs=True, stream=True)).chunks
    assert any(chunk["choices"][0].get("logprobs") for chunk in chunks)


def test_a_long_prompts_prefix_is_cached_from_the_second_request_on() -> None:
    async def main(emulator: Emulator) -> tuple[Json, Json]:
        body = chat("kimi", "word " * 300)
        first = (await send(emulator, body)).json["usage"]
        body["messages"] += [{"role": "assistant", "content": "yes"}, {"role": "user", "content": "more"}]
        return first, (await send(emulator, body)).json["usage"]

    first, second = with_emulator("kimi", main)
    assert first["cached_tokens"] == 0
    assert second["cached_tokens"] == first["prompt_tokens"] < second["prompt_tokens"]
    assert second["prompt_tokens_details"]["cached_tokens"] == second["cached_tokens"]


def test_models_have_their_context_window_and_capabilities() -> None:
    models = {model["id"]: model for model in got(path="/models", method="GET").json["data"]}
    assert models["kimi-k3"]["context_length"] == 1_048_576
    assert models["kimi-k3"]["think_efforts"] == ["low", "high", "max"]
    expected = {"supports_image_in", "supports_video_in", "supports_reasoning", "supports_dynamic_tools", "permission"}
    assert all(expected <= model.keys() for model in models.values())
    assert got(path="/models/kimi-k2.6", method="GET").json == models["kimi-k2.6"]
    assert got(path="/models/none", method="GET").status == 404


def test_tokens_are_counted_and_the_balance_is_returned() -> None:
    body = thinking("one two 三")
    count = got({"model": body["model"], "messages": body["messages"]}, "/tokenizers/estimate-token-count").json
    assert count == {"data": {"total_tokens": got(body).json["usage"]["prompt_tokens"]}}
    balance = got(path="/users/me/balance", method="GET").json
    assert (balance["code"], balance["scode"], balance["status"]) == (0, "0x0", True)
    assert set(balance["data"]) == {"available_balance", "voucher_balance", "cash_balance"}


def test_a_rate_limit_error_names_concurrency_or_requests_per_minute_and_has_both_headers() -> None:
    short = got(thinking(), faults=["rate_limit"])
    assert (short.status, short.headers["retry-after"], short.headers["x-retry-after"]) == (429, "1", "1")
    assert "max organization concurrency: 1, please try again after 1 seconds" in short.json["error"]["message"]
    assert short.json["error"]["type"] == "rate_limit_reached_error"
    long = got(thinking(), faults=["rate_limit=7"])
    assert long.headers["retry-after"] == "7"
    assert "max organization RPM: 3, please try again after 7 seconds" in long.json["error"]["message"]


def test_json_mode_that_runs_into_its_limit_is_cut_json() -> None:
    body = chat("kimi", "a b c d e f", response_format={"type": "json_object"}, max_completion_tokens=3)
    choice = got(body).json["choices"][0]
    assert choice["finish_reason"] == "length"
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(choice["message"]["content"])
