"""MiniMax's wire format, as documented in its sheet: members, reasoning, streams, usage, the native path."""

import math
from typing import Any

import orjson
import pytest

from emulators import Emulator
from emulators.minimax.models import MODELS
from tests.emulators.helpers import WEATHER, Json, Raw, chat, client, function, send, with_emulator

NATIVE = "/text/chatcompletion_v2"
BOTH: Json = {"tools": [WEATHER, function("now")]}
CALL_BOTH = "get weather city=Oslo, now"
WITH_USAGE: Json = {"stream": True, "stream_options": {"include_usage": True}}
RETIRED = {"BANJIA_EMULATOR_RETIRED": "1"}
EARLY: Json = {"model": "abab6.5s-chat"}
SIGNED = {"role": "assistant", "name": "MiniMax AI", "audio_content": ""}
MARKED = "<think>\nThinking about: 2+3?\n</think>\n\nYou said: 2+3?"
TIGHT = "<think>Thinking about: 2+3?</think>\n\nYou said: 2+3?"
FLAGS: Json = {
    "input_sensitive": False,
    "output_sensitive": False,
    "input_sensitive_type": 0,
    "output_sensitive_type": 0,
    "output_sensitive_int": 0,
}


def got(body: Any = None, path: str = "/chat/completions", *, method: str = "POST", **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, body, path, method=method)

    return with_emulator("minimax", main, **more)


def thinking(text: str = "2+3?", **more: Any) -> Json:
    return {"model": "MiniMax-M3", "messages": [{"role": "user", "content": text}], **more}


def deltas(chunks: list[Json]) -> list[Json]:
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"] if "delta" in choice]


def text_of(chunks: list[Json]) -> str:
    return "".join(delta.get("content", "") for delta in deltas(chunks))


def finishes(chunks: list[Json]) -> list[Any]:
    return [choice.get("finish_reason") for chunk in chunks for choice in chunk["choices"]]


def detail(text: str) -> Json:
    return {
        "type": "reasoning.text",
        "id": "reasoning-text-1",
        "format": "MiniMax-response-v1",
        "index": 0,
        "text": text,
    }


def test_a_plain_answer_of_m3_has_its_reasoning_in_the_content() -> None:
    answer = got(thinking())
    body = answer.json
    assert body.pop("created") > 0
    assert body == {
        "id": answer.headers["trace-id"],
        "choices": [{"finish_reason": "stop", "index": 0, "message": {"content": MARKED, **SIGNED}}],
        "model": "MiniMax-M3",
        "object": "chat.completion",
        "usage": {"total_tokens": 11, "total_characters": 0, "prompt_tokens": 5, "completion_tokens": 6},
        **FLAGS,
        "service_tier": "standard",
        "base_resp": {"status_code": 0, "status_msg": ""},
    }


def test_every_response_has_two_ids_in_its_headers() -> None:
    async def main(emulator: Emulator) -> list[Raw]:
        bodies = [thinking(), thinking(stream=True), thinking(n=2)]
        return [*[await send(emulator, body) for body in bodies], await send(emulator, None, "/models", method="GET")]

    answers = with_emulator("minimax", main)
    ids = [answer.headers["trace-id"] for answer in answers]
    assert ids == [answer.headers["minimax-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)


def test_m2_7_counts_its_reasoning() -> None:
    usage = got(thinking(model="MiniMax-M2.7")).json["usage"]
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 3}


def test_messages_of_m2_5_have_no_name_and_tight_marks() -> None:
    body = got(thinking(model="MiniMax-M2.5")).json
    assert body["choices"][0]["message"] == {"role": "assistant", "content": TIGHT}
    assert "completion_tokens_details" not in body["usage"]
    assert "service_tier" not in body


@pytest.mark.parametrize(
    ("model", "more", "thinks"),
    [
        ("MiniMax-M3", {}, True),
        ("MiniMax-M3", {"thinking": {"type": "adaptive"}}, True),
        ("MiniMax-M3", {"thinking": {}}, True),
        ("MiniMax-M3", {"thinking": {"type": "disabled"}}, False),
        ("MiniMax-M2.7", {"thinking": {"type": "disabled"}}, True),
        ("MiniMax-M2", {}, True),
        ("M2-her", {}, False),
        ("MiniMax-Text-01", {}, False),
        ("abab6.5-chat", {}, False),
    ],
)
def test_a_model_thinks_as_its_row_says(model: str, more: Json, thinks: bool) -> None:
    content = got(thinking(model=model, **more), environ=RETIRED).json["choices"][0]["message"]["content"]
    assert content.startswith("<think>") is thinks
    assert content.endswith("You said: 2+3?")


def test_with_reasoning_split_the_reasoning_has_two_members_of_its_own() -> None:
    message = got(thinking(reasoning_split=True)).json["choices"][0]["message"]
    thought = "Thinking about: 2+3?"
    assert message == {
        "content": "You said: 2+3?",
        **SIGNED,
        "reasoning_content": thought,
        "reasoning_details": [detail(thought)],
    }


def test_with_reasoning_split_a_stream_has_the_pieces_of_both_members() -> None:
    streamed = deltas(got(thinking(reasoning_split=True, stream=True)).chunks)
    first = next(index for index, delta in enumerate(streamed) if delta["content"])
    assert all(delta["reasoning_details"] == [detail(delta["reasoning_content"])] for delta in streamed[:first])
    assert "".join(delta["reasoning_content"] for delta in streamed[:first]) == "Thinking about: 2+3?"
    assert not any("reasoning_content" in delta for delta in streamed[first:])
    assert "".join(delta["content"] for delta in streamed) == "You said: 2+3?"


@pytest.mark.parametrize("model", ["MiniMax-M3.1-Flash-Preview", "MiniMax-M1"])
def test_some_models_have_reasoning_content_without_being_asked(model: str) -> None:
    message = got(thinking(model=model)).json["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("You said: 2+3?", "Thinking about: 2+3?")
    assert "reasoning_details" not in message
    streamed = deltas(got(thinking(model=model, stream=True)).chunks)
    assert "".join(delta.get("reasoning_content", "") for delta in streamed) == "Thinking about: 2+3?"


def test_a_stream_has_the_role_in_every_delta_and_the_finish_beside_the_last_piece() -> None:
    answer = got(thinking(stream=True))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert text_of(answer.chunks) == MARKED
    assert all(SIGNED.items() <= delta.items() for delta in deltas(answer.chunks))
    assert all("finish_reason" not in chunk["choices"][0] for chunk in answer.chunks[:-1])
    last = answer.chunks[-1]["choices"][0]
    assert (last["finish_reason"], last["delta"]["content"]) == ("stop", "3?")
    assert all(FLAGS.items() <= chunk.items() for chunk in answer.chunks)


def test_without_include_usage_the_stream_of_m3_has_no_usage() -> None:
    chunks = got(thinking(stream=True)).chunks
    assert {chunk["usage"] for chunk in chunks} == {None}
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}


@pytest.mark.parametrize("model", ["MiniMax-M3", "MiniMax-M2.7", "MiniMax-M2.5"])
def test_with_include_usage_the_last_chunk_has_usage_and_no_choices(model: str) -> None:
    *before, last = got(thinking(model=model, **WITH_USAGE)).chunks
    assert {chunk["usage"] for chunk in before} == {None}
    assert (last["choices"], last["object"]) == ([], "chat.completion.chunk")
    assert last["usage"]["total_tokens"] == 11
    assert last["base_resp"] == {"status_code": 0, "status_msg": ""}


def test_the_stream_of_m2_7_ends_without_done() -> None:
    answer = got(thinking(model="MiniMax-M2.7", **WITH_USAGE))
    assert b"[DONE]" not in answer.body
    assert not answer.reset
    assert finishes(answer.chunks)[-1] == "stop"


def test_the_stream_of_m2_7_highspeed_ends_with_the_whole_message() -> None:
    answer = got(thinking(model="MiniMax-M2.7-highspeed", stream=True))
    *before, last = answer.chunks
    assert text_of(before) == MARKED
    assert finishes(before)[-1] == "stop"
    assert {str(chunk["usage"]) for chunk in before} == {str({"total_tokens": 0, "total_characters": 0})}
    assert last["object"] == "chat.completion"
    message = {"content": MARKED, **SIGNED}
    assert last["choices"] == [{"finish_reason": "stop", "index": 0, "message": message}]
    assert last["usage"]["total_tokens"] == 11
    assert answer.events[-1] == b"[DONE]"


def test_the_marks_of_m2_5_are_cut_by_its_chunks() -> None:
    chunks = got(thinking(model="MiniMax-M2.5", stream=True)).chunks
    assert text_of(chunks) == TIGHT
    assert not any("<think>" in delta["content"] or "</think>" in delta["content"] for delta in deltas(chunks))


def test_only_the_first_delta_of_m2_5_has_a_role_that_is_not_empty() -> None:
    streamed = deltas(got(thinking(model="MiniMax-M2.5", stream=True)).chunks)
    assert [delta["role"] for delta in streamed] == ["assistant"] + [""] * (len(streamed) - 1)


@pytest.mark.parametrize("model", ["MiniMax-M3", "MiniMax-M2.7", "MiniMax-M2.5", "MiniMax-Text-01"])
@pytest.mark.parametrize("include_usage", [False, True])
def test_a_native_stream_ends_with_the_whole_message_and_no_done(model: str, include_usage: bool) -> None:
    body = thinking(model=model, stream=True, stream_options={"include_usage": include_usage})
    answer = got(body, NATIVE)
    *before, last = answer.chunks
    assert last["object"] == "chat.completion"
    assert last["choices"][0]["message"]["content"] == text_of(before)
    assert finishes(answer.chunks)[-2:] == ["stop", "stop"]
    assert last["usage"]["total_tokens"] > 0
    assert last["base_resp"]["status_code"] == 0
    assert b"[DONE]" not in answer.body
    assert {chunk["id"] for chunk in answer.chunks} == {last["id"]}


def test_the_native_path_answers_like_the_other_one() -> None:
    openai, native = got(thinking()).json, got(thinking(), NATIVE).json
    assert {**openai, "created": 0} == {**native, "created": 0}


@pytest.mark.parametrize("path", ["/chat/completions", NATIVE])
def test_a_model_of_2024_counts_the_total_only_and_has_a_reply(path: str) -> None:
    body = got(thinking(**EARLY), path, environ=RETIRED).json
    assert body["usage"] == {"total_tokens": 8}
    assert body["reply"] == "You said: 2+3?"
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "You said: 2+3?"}


def test_a_stream_of_2024_is_that_of_the_sample() -> None:
    answer = got(thinking("emulator:words=1", **EARLY, stream=True), NATIVE, environ=RETIRED)
    first, last = answer.chunks
    assert first["choices"] == [{"finish_reason": "stop", "index": 0, "delta": {"role": "assistant", "content": "w1"}}]
    assert set(first) == {"id", "choices", "created", "model", "object"}
    assert last["choices"][0]["message"]["content"] == "w1"
    assert last["usage"] == {"total_tokens": 6}


@pytest.mark.parametrize("model", ["MiniMax-Text-01", "MiniMax-M1", "abab6.5s-chat"])
def test_older_models_name_an_unknown_member_beside_the_number_0(model: str) -> None:
    body = got(thinking(model=model, user="u", seed=1), environ=RETIRED).json
    warning = 'Invalid parameters detected, json: unknown field "user"'
    assert body["base_resp"] == {"status_code": 0, "status_msg": warning}
    assert got(thinking(user="u")).json["base_resp"]["status_msg"] == ""


def test_content_beside_calls_is_the_reasoning_or_empty() -> None:
    quiet = got(chat("minimax", CALL_BOTH, **BOTH)).json["choices"][0]
    assert (quiet["message"]["content"], quiet["finish_reason"]) == ("", "tool_calls")
    first, second = quiet["message"]["tool_calls"]
    assert set(first) == {"id", "type", "function", "index"}
    assert (first["index"], first["function"]["name"]) == (0, "get_weather")
    assert orjson.loads(first["function"]["arguments"]) == {"city": "Oslo"}
    assert (second["index"], second["function"]) == (1, {"name": "now", "arguments": "{}"})
    assert first["id"].startswith("call_function_")
    assert first["id"] != second["id"]
    loud = got(thinking(CALL_BOTH, **BOTH)).json["choices"][0]["message"]
    assert loud["content"] == f"<think>\nThinking about: {CALL_BOTH}\n</think>\n"


def test_a_call_comes_in_pieces_and_the_finish_beside_the_last_one() -> None:
    chunks = got(chat("minimax", CALL_BOTH, **BOTH, stream=True)).chunks
    streamed = deltas(chunks)
    assert all(set(delta) == {"role", "name", "tool_calls"} for delta in streamed)
    calls = [call for delta in streamed for call in delta["tool_calls"]]
    assert [call["function"]["name"] for call in calls if "id" in call] == ["get_weather", "now"]
    assert all(set(call) == {"index", "function"} for call in calls if "id" not in call)
    arguments = "".join(call["function"]["arguments"] for call in calls if call["index"] == 0)
    assert orjson.loads(arguments) == {"city": "Oslo"}
    assert finishes(chunks) == [None] * (len(chunks) - 1) + ["tool_calls"]


def test_a_call_of_2024_is_whole_in_one_delta() -> None:
    chunks = got(thinking(CALL_BOTH, **EARLY, **BOTH, stream=True), environ=RETIRED).chunks
    calls = [call for delta in deltas(chunks) for call in delta["tool_calls"]]
    assert [orjson.loads(call["function"]["arguments"]) for call in calls] == [{"city": "Oslo"}, {}]


@pytest.mark.parametrize("split", [False, True])
def test_a_tool_turn_goes_on_with_the_message_that_was_received(split: bool) -> None:
    body = thinking("get weather city=Oslo", tools=[WEATHER], reasoning_split=split)
    message = got(body).json["choices"][0]["message"]
    # an empty content beside calls is refused
    message["content"] = message["content"] or None
    (call,) = message["tool_calls"]
    body["messages"] += [message, {"role": "tool", "tool_call_id": call["id"], "content": "4 degrees"}]
    content = got(body).json["choices"][0]["message"]["content"]
    assert content.endswith("The tool said: 4 degrees")


@pytest.mark.parametrize("choice", ["none", "required", {"type": "function", "function": {"name": "other"}}])
def test_the_openai_path_ignores_the_choice_of_tools(choice: Any) -> None:
    body = chat("minimax", "get weather", tools=[function("other"), WEATHER], tool_choice=choice)
    (call,) = got(body).json["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"


@pytest.mark.parametrize(("choice", "finish"), [("none", "stop"), ("auto", "tool_calls")])
def test_the_native_path_obeys_two_choices_of_tools(choice: str, finish: str) -> None:
    body = chat("minimax", "get weather", tools=[WEATHER], tool_choice=choice)
    assert got(body, NATIVE).json["choices"][0]["finish_reason"] == finish


@pytest.mark.parametrize("model", ["MiniMax-M3", "MiniMax-M2.7"])
@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
def test_response_format_is_ignored_by_all_models_but_text_01(model: str, kind: str) -> None:
    json_schema = {"name": "s", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
    form = {"type": kind, "json_schema": json_schema}
    content = got(thinking("Hi", model=model, response_format=form)).json["choices"][0]["message"]["content"]
    assert content.endswith("You said: Hi")


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_can_be_used_up_by_reasoning_and_the_mark_is_closed(name: str) -> None:
    body = got(thinking("emulator:reason=20,words=5", **{name: 10})).json
    (choice,) = body["choices"]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"] == "<think>\nr1 r2 r3 r4 r5 r6 r7 r8 r9 r10\n</think>\n"
    assert body["usage"]["completion_tokens"] == 10


@pytest.mark.parametrize(
    ("model", "most"), [("abab6.5s-chat", 256), ("MiniMax-Text-01", 2048), ("M2-her", 2048), ("MiniMax-M1", 8192)]
)
def test_without_a_limit_the_answer_of_an_older_model_is_short(model: str, most: int) -> None:
    body = got(thinking("emulator:reason=1,words=9000", model=model), environ=RETIRED).json
    assert body["choices"][0]["finish_reason"] == "length"
    assert len(body["choices"][0]["message"]["content"].split()) == most - ("M1" in model)


def test_a_limit_over_the_cap_is_cut_to_it() -> None:
    body = got(thinking("emulator:words=3000", model="M2-her", max_completion_tokens=2900)).json
    assert body["usage"]["completion_tokens"] == MODELS["M2-her"].most_out == 2048


def test_an_answer_that_the_content_check_ends_is_marked_as_sensitive() -> None:
    text = "emulator:words=9,moderated=2"
    whole = got(chat("minimax", text)).json
    assert whole["choices"][0]["message"]["content"] == "w1 w2"
    assert whole["choices"][0]["finish_reason"] == "content_filter"
    assert (whole["output_sensitive"], whole["output_sensitive_type"]) == (True, 1)
    *before, last = got(chat("minimax", text, stream=True)).chunks
    assert (last["choices"][0]["finish_reason"], last["output_sensitive"]) == ("content_filter", True)
    assert not any(chunk["output_sensitive"] for chunk in before)


def test_an_answer_can_stop_with_no_content_at_all() -> None:
    body = chat("minimax", "emulator:answer\nemulator:end")
    choice = got(body).json["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("", "stop")
    (chunk,) = got({**body, "stream": True}).chunks
    assert (chunk["choices"][0]["delta"]["content"], chunk["choices"][0]["finish_reason"]) == ("", "stop")


def test_images_and_reasoning_count_in_the_prompt() -> None:
    def counted(*messages: Json) -> int:
        tokens: int = got({"model": "MiniMax-M3", "messages": list(messages)}).json["usage"]["prompt_tokens"]
        return tokens

    user = {"role": "user", "content": "Hi"}
    parts = [
        {"type": "text", "text": "Hi"},
        {"type": "image_url", "image_url": {"url": "https://example.invalid/x.png"}},
    ]
    assert counted({"role": "user", "content": parts}) - counted(user) == 256
    earlier = {"role": "assistant", "content": "a"}
    reasoned = {**earlier, "reasoning_details": [detail("one two three")]}
    assert counted(user, reasoned, user) - counted(user, earlier, user) == 3


def test_a_long_prompts_prefix_is_cached_from_the_second_request_on() -> None:
    async def main(emulator: Emulator) -> list[Json]:
        body = chat("minimax", "word " * 600)
        return [(await send(emulator, body)).json["usage"] for _ in range(2)]

    first, second = with_emulator("minimax", main)
    assert "prompt_tokens_details" not in first
    assert second["prompt_tokens_details"] == {"cached_tokens": first["prompt_tokens"]}


def test_the_tier_is_repeated_by_m3() -> None:
    assert got(thinking(service_tier="priority")).json["service_tier"] == "priority"


def test_vectors_have_their_own_form_and_differ_between_documents_and_queries() -> None:
    def embedded(kind: str) -> Json:
        body = {"model": "embo-01", "texts": ["a b", "c", "a b"], "type": kind}
        answer: Json = got(body, "/embeddings?GroupId=1234").json
        return answer

    answer = embedded("db")
    assert set(answer) == {"vectors", "total_tokens", "base_resp"}
    assert all(len(vector) == 1536 and math.isclose(math.hypot(*vector), 1.0) for vector in answer["vectors"])
    assert answer["vectors"][0] == answer["vectors"][2] != answer["vectors"][1]
    assert (answer["total_tokens"], answer["base_resp"]) == (5, {"status_code": 0, "status_msg": ""})
    assert embedded("query")["vectors"] != answer["vectors"]


def test_models_are_listed_in_openais_form_and_each_has_an_entry() -> None:
    listed = got(path="/models", method="GET").json
    assert listed["object"] == "list"
    assert [entry["id"] for entry in listed["data"]] == [
        "MiniMax-M3",
        "MiniMax-M2.7",
        "MiniMax-M2.7-highspeed",
        "MiniMax-M2.5",
        "MiniMax-M2.5-highspeed",
        "MiniMax-M2.1",
        "MiniMax-M2.1-highspeed",
        "MiniMax-M2",
    ]
    entry = {"id": "MiniMax-M2.7", "object": "model", "created": 1_773_799_200, "owned_by": "minimax"}
    assert entry in listed["data"]
    assert got(path="/models/MiniMax-M2.7", method="GET").json == entry


def test_the_official_client_reads_reasoning_and_usage() -> None:
    async def main(emulator: Emulator) -> tuple[Any, list[Any]]:
        async with client(emulator) as sdk:
            messages: Any = [{"role": "user", "content": "2+3?"}]
            split = {"reasoning_split": True}
            whole = await sdk.chat.completions.create(model="MiniMax-M3", messages=messages, extra_body=split)
            chunks = [
                chunk
                async for chunk in await sdk.chat.completions.create(
                    model="MiniMax-M2.7", messages=messages, stream=True, stream_options={"include_usage": True}
                )
            ]
            return whole.choices[0].message, chunks

    message, chunks = with_emulator("minimax", main)
    assert (message.content, message.reasoning_details[0]["text"]) == ("You said: 2+3?", "Thinking about: 2+3?")
    assert chunks[-1].usage.total_tokens == 11
