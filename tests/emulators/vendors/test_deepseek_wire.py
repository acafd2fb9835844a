"""DeepSeek's wire format, as documented in its sheet: fields, order, streams, usage, headers."""

import uuid
from typing import Any

import orjson
import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, client, function, send, with_emulator

LATE = {"BANJIA_EMULATOR_RETIRED": "1"}
EARLY = {"BANJIA_EMULATOR_RETIRED": "2025"}
WITH_USAGE: Json = {"stream": True, "stream_options": {"include_usage": True}}


def got(body: Any = None, path: str = "/chat/completions", *, method: str = "POST", **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, body, path, method=method)

    return with_emulator("deepseek", main, **more)


def thinking(text: str = "2+3?", **more: Any) -> Json:
    return {"model": "deepseek-flash", "messages": [{"role": "user", "content": text}], **more}


def deltas(answer: Raw) -> list[Json]:
    return [chunk["choices"][0]["delta"] for chunk in answer.chunks if chunk["choices"]]


def test_a_plain_answer_thinks_and_has_the_documented_members() -> None:
    answer = got(thinking())
    assert set(answer.json) == {"id", "object", "created", "model", "system_fingerprint", "choices", "usage"}
    assert str(uuid.UUID(answer.json["id"])) == answer.json["id"]
    (choice,) = answer.json["choices"]
    assert set(choice) == {"index", "message", "logprobs", "finish_reason"}
    assert choice["message"] == {
        "role": "assistant",
        "content": "You said: 2+3?",
        "reasoning_content": "Thinking about: 2+3?",
    }
    assert answer.json["usage"] == {
        "prompt_tokens": 5,
        "completion_tokens": 6,
        "total_tokens": 11,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 3},
        "prompt_cache_hit_tokens": 0,
        "prompt_cache_miss_tokens": 5,
    }


def test_without_thinking_the_member_reasoning_content_is_absent() -> None:
    assert got(chat("deepseek", "Hi")).json["choices"][0]["message"] == {"role": "assistant", "content": "You said: Hi"}
    streamed = deltas(got(chat("deepseek", "Hi", stream=True)))
    assert streamed[0] == {"role": "assistant", "content": ""}
    assert not any("reasoning_content" in delta for delta in streamed)


def test_blank_lines_come_before_the_json_of_an_answer() -> None:
    answer = got(thinking())
    assert answer.body.startswith(b"\n\n{")
    assert int(answer.headers["content-length"]) == len(answer.body)


def test_a_stream_begins_with_a_keep_alive_comment_and_ends_with_done() -> None:
    answer = got(thinking(stream=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.body.startswith(b": keep-alive\n\ndata: {")
    assert answer.body.count(b": keep-alive") == 1
    assert answer.body.endswith(b"data: [DONE]\n\n")


def test_in_a_stream_content_is_null_while_it_reasons_and_then_the_reverse() -> None:
    streamed = deltas(got(thinking(stream=True)))
    assert streamed[0] == {"role": "assistant", "content": None, "reasoning_content": ""}
    body = streamed[1:-1]
    first_text = next(index for index, delta in enumerate(body) if delta["content"] is not None)
    assert all(delta["content"] is None and delta["reasoning_content"] for delta in body[:first_text])
    assert all(delta["content"] and delta["reasoning_content"] is None for delta in body[first_text:])
    assert "".join(delta["reasoning_content"] for delta in body[:first_text]) == "Thinking about: 2+3?"
    assert streamed[-1] == {"content": ""}


def test_every_chunk_has_the_same_top_level() -> None:
    chunks = got(thinking(stream=True)).chunks
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert all(set(chunk) == {"id", "object", "created", "model", "system_fingerprint", "choices"} for chunk in chunks)
    assert len({chunk["id"] for chunk in chunks}) == 1
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]


def test_flash_has_the_usage_of_a_stream_on_the_finish_chunk() -> None:
    chunks = got(thinking(**WITH_USAGE)).chunks
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] == 11
    assert not any("usage" in chunk for chunk in chunks[:-1])


def test_pro_has_the_usage_of_a_stream_in_a_trailing_chunk() -> None:
    chunks = got(thinking(model="deepseek-v4-pro", **WITH_USAGE)).chunks
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"]) == ([], 11)
    assert not any("usage" in chunk for chunk in chunks[:-1])


def test_without_include_usage_a_stream_has_no_usage() -> None:
    assert not any("usage" in chunk for chunk in got(thinking(stream=True)).chunks)


def test_tool_deltas_have_id_type_and_name_only_once_per_call() -> None:
    body = thinking("get weather city=Oslo now", tools=[WEATHER, function("now")], stream=True)
    answer = got(body)
    calls = [call for delta in deltas(answer) for call in delta.get("tool_calls", [])]
    first = [call for call in calls if "id" in call]
    assert [call["function"]["name"] for call in first] == ["get_weather", "now"]
    assert [call["index"] for call in first] == [0, 1]
    assert all(set(call) == {"index", "id", "type", "function"} for call in first)
    later = [call for call in calls if "id" not in call]
    assert all(set(call) == {"index", "function"} and set(call["function"]) == {"arguments"} for call in later)
    arguments = "".join(call["function"]["arguments"] for call in calls if call["index"] == 0)
    assert orjson.loads(arguments) == {"city": "Oslo"}
    assert answer.chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_tool_turn_goes_on_if_its_reasoning_is_passed_back() -> None:
    body = thinking("get weather city=Oslo", tools=[WEATHER])
    message = got(body).json["choices"][0]["message"]
    assert message["reasoning_content"]
    (call,) = message["tool_calls"]
    body["messages"] += [message, {"role": "tool", "tool_call_id": call["id"], "content": "4 degrees"}]
    assert got(body).json["choices"][0]["message"]["content"] == "The tool said: 4 degrees"
    del message["reasoning_content"]
    assert got(body).status == 400


@pytest.mark.parametrize(
    ("model", "more", "thinks"),
    [
        ("deepseek-flash", {}, True),
        ("deepseek-v4-pro", {}, True),
        ("deepseek-v4-flash", {}, True),
        ("deepseek-flash", {"thinking": {"type": "enabled"}}, True),
        ("deepseek-v4-pro", {"thinking": {"type": "disabled"}}, False),
        ("deepseek-chat", {"thinking": {"type": "enabled"}}, False),
        ("deepseek-reasoner", {"thinking": {"type": "disabled"}}, True),
    ],
)
def test_a_model_thinks_as_its_row_says(model: str, more: Json, thinks: bool) -> None:
    answer = got({**thinking(), "model": model, **more}, environ=LATE).json
    assert ("reasoning_content" in answer["choices"][0]["message"]) is thinks


@pytest.mark.parametrize("model", ["deepseek-flash", "deepseek-v4-flash", "deepseek-v4-flash-vision-exp"])
def test_the_old_names_of_flash_are_served_by_flash(model: str) -> None:
    assert got(thinking(model=model)).json["model"] == "deepseek-flash"


def test_a_small_limit_can_be_used_up_by_reasoning() -> None:
    answer = got(thinking("emulator:reason=20,words=5", max_tokens=10)).json
    assert answer["choices"][0]["message"]["content"] == ""
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 10
    assert answer["usage"]["completion_tokens_details"] == {"reasoning_tokens": 10}


def test_the_limit_of_r1_is_for_the_answer_alone() -> None:
    body = thinking("emulator:reason=20,words=5", model="deepseek-reasoner", max_tokens=3)
    answer = got(body, environ=EARLY).json
    assert answer["choices"][0]["message"]["content"] == "w1 w2 w3"
    assert answer["usage"]["completion_tokens"] == 23


@pytest.mark.parametrize(
    ("more", "most"),
    [
        ({"thinking": {"type": "disabled"}}, 8 * 1024),
        ({}, 64 * 1024),
        ({"reasoning_effort": "xhigh"}, 64 * 1024),
        ({"reasoning_effort": "ultra"}, 128 * 1024),
    ],
)
def test_without_max_tokens_the_limit_depends_on_thinking_and_effort(more: Json, most: int) -> None:
    answer = got(thinking("emulator:reason=1,words=140000", **more)).json
    assert answer["usage"]["completion_tokens"] == most
    assert answer["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("reason", ["insufficient_system_resource", "aborted"])
@pytest.mark.parametrize("words", [0, 3])
def test_an_answer_can_end_because_the_servers_could_not_complete_it(reason: str, words: int) -> None:
    text = f"emulator:words={words},finish={reason}"
    choice = got(chat("deepseek", text)).json["choices"][0]
    assert (choice["finish_reason"], len(choice["message"]["content"].split())) == (reason, words)
    chunks = got(chat("deepseek", text, stream=True)).chunks
    assert chunks[-1]["choices"][0]["finish_reason"] == reason


def test_a_finish_reason_that_the_vendor_does_not_have_is_not_used() -> None:
    choice = got(chat("deepseek", "emulator:words=3,finish=tired")).json["choices"][0]
    assert choice["finish_reason"] == "stop"


def test_a_reviewed_stream_stays_open_before_its_final_chunk() -> None:
    body = thinking("emulator:words=9,moderated=2", safety_check={"level": "high"}, stream=True)
    answer = got(body)
    assert answer.body.count(b": keep-alive\n\n") == 2
    assert answer.body.rindex(b": keep-alive") > answer.body.index(b'"content":" w2"')
    assert answer.chunks[-1]["choices"][0]["finish_reason"] == "content_filter"


def test_an_answer_can_stop_with_no_content_at_all() -> None:
    choice = got(chat("deepseek", "emulator:answer\nemulator:end")).json["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("", "stop")


def test_beta_goes_on_from_a_prefix_without_repeating_it() -> None:
    body = chat("deepseek", "Hi")
    body["messages"].append({"role": "assistant", "content": "You said", "prefix": True, "reasoning_content": "First"})
    assert got(body, "/beta/chat/completions").json["choices"][0]["message"]["content"] == ": Hi"


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/chat/completions", "/beta/chat/completions"])
def test_chat_is_served_under_every_base(path: str) -> None:
    assert got(chat("deepseek", "Hi"), path).json["object"] == "chat.completion"


FIM: Json = {"model": "deepseek-v4-pro", "prompt": "def f(", "suffix": "return a"}


def test_fim_answers_without_thinking() -> None:
    answer = got({**FIM, "echo": True, "logprobs": 2, "thinking": {"type": "enabled"}}, "/beta/completions").json
    assert answer["object"] == "text_completion"
    (choice,) = answer["choices"]
    assert choice["text"] == "def f(You said: def f("
    assert choice["finish_reason"] == "stop"
    assert set(choice["logprobs"]) == {"tokens", "token_logprobs", "top_logprobs", "text_offset"}
    assert answer["usage"]["prompt_tokens"] == 4
    assert answer["usage"]["completion_tokens_details"] == {"reasoning_tokens": 0}


def test_fim_streams_texts_with_stop_and_a_limit() -> None:
    body = {**FIM, "prompt": "emulator:words=9", "stop": "w5", "max_tokens": 3, **WITH_USAGE}
    chunks = got(body, "/beta/completions").chunks
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks if chunk["choices"]) == "w1 w2 w3"
    assert chunks[-2]["choices"][0]["finish_reason"] == "length"
    assert chunks[-1]["usage"]["completion_tokens"] == 3


def test_the_official_client_completes_by_the_beta_base() -> None:
    async def main(emulator: Emulator) -> tuple[str, str]:
        async with client(emulator) as sdk:
            beta = sdk.with_options(base_url=f"{emulator.base_url}/beta")
            whole = await beta.completions.create(model="deepseek-flash", prompt="a", suffix="b")
            chunks = [
                chunk async for chunk in await beta.completions.create(model="deepseek-flash", prompt="a", stream=True)
            ]
            return whole.choices[0].text, "".join(chunk.choices[0].text for chunk in chunks)

    assert with_emulator("deepseek", main) == ("You said: a", "You said: a")


def test_logprobs_have_reasoning_beside_content_and_mark_the_impossible() -> None:
    choice = got(thinking(logprobs=True, top_logprobs=3)).json["choices"][0]
    assert set(choice["logprobs"]) == {"content", "reasoning_content"}
    entry = choice["logprobs"]["reasoning_content"][0]
    assert set(entry) == {"token", "logprob", "bytes", "top_logprobs"}
    assert entry["top_logprobs"][-1]["logprob"] == -9999.0
    plain = got(chat("deepseek", "Hi", logprobs=True)).json["choices"][0]
    assert set(plain["logprobs"]) == {"content"}
    chunks = got(thinking(logprobs=True, stream=True)).chunks
    assert any(chunk["choices"][0]["logprobs"] for chunk in chunks)


def test_a_long_prompts_prefix_is_cached_from_the_second_request_on_for_its_user_id() -> None:
    async def main(emulator: Emulator) -> list[Json]:
        body = chat("deepseek", "word " * 100, user_id="a")
        return [(await send(emulator, {**body, **more})).json["usage"] for more in ({}, {}, {"user_id": "b"})]

    first, second, other = with_emulator("deepseek", main)
    assert first["prompt_cache_hit_tokens"] == 0
    assert second["prompt_cache_hit_tokens"] == first["prompt_tokens"]
    assert second["prompt_cache_miss_tokens"] == 0
    assert second["prompt_tokens_details"] == {"cached_tokens": second["prompt_cache_hit_tokens"]}
    assert other["prompt_cache_hit_tokens"] == 0


@pytest.mark.parametrize("base", ["", "/v1"])
def test_models_and_the_balance_have_the_documented_bodies(base: str) -> None:
    models = got(path=f"{base}/models", method="GET").json
    assert models["object"] == "list"
    assert models["data"] == [
        {"id": name, "object": "model", "owned_by": "deepseek"} for name in ("deepseek-flash", "deepseek-v4-pro")
    ]
    balance = got(path=f"{base}/user/balance", method="GET").json
    assert balance["is_available"] is True
    (info,) = balance["balance_infos"]
    assert set(info) == {"currency", "total_balance", "granted_balance", "topped_up_balance"}
    assert all(isinstance(value, str) for value in info.values())


def test_retired_models_are_listed_when_told_to() -> None:
    ids = [model["id"] for model in got(path="/models", method="GET", environ=LATE).json["data"]]
    assert ids == ["deepseek-flash", "deepseek-v4-pro", "deepseek-chat", "deepseek-reasoner"]


def test_the_request_id_comes_under_one_of_two_names() -> None:
    async def main(emulator: Emulator) -> list[Raw]:
        return [await send(emulator, chat("deepseek")) for _ in range(2)]

    first, second = with_emulator("deepseek", main)
    assert ("x-request-id" in first.headers, "x-deepseek-request-id" in first.headers) == (True, False)
    assert ("x-request-id" in second.headers, "x-deepseek-request-id" in second.headers) == (False, True)
