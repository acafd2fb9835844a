"""The members that are forwarded byte for byte, and those that are normalized, for every vendor."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from adapters.core.json_limits import SMALL
from adapters.core.request import ApiRequest
from adapters.planning import plan
from tests.adapters.play import Play, chat_plan, completions_plan, embeddings_plan, target

LOGPROBS = {"content": [{"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": []}], "refusal": None}


def chunk(delta: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk as OpenAI sends it for gpt-4o."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **more}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "gpt-4o", "choices": [choice]}


def body(message: dict[str, Any], finish: Any = "stop", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": finish, **more}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


def streamed(*chunks: Any, vendor: str = "kimi", **fields: Any) -> Play:
    return Play(chat_plan(vendor, **fields)).head().sse(*chunks, "[DONE]")


def whole(answer: Any, vendor: str = "kimi", **fields: Any) -> Play:
    return Play(chat_plan(vendor, stream=False, **fields)).json(answer)


def test_chunks_that_need_no_change_are_forwarded_byte_for_byte() -> None:
    chunks = [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "a"}),
        chunk({"content": "b"}, logprobs=LOGPROBS),
        chunk({"content": "c"}, logprobs=None),
        chunk({"reasoning_content": "hm"}),
        chunk({}, "stop"),
    ]
    spaced = [orjson.dumps(one).replace(b',"', b', "').decode() for one in chunks]
    assert streamed(*spaced).raws == [one.encode() for one in spaced]


@pytest.mark.parametrize("told", [{"content": []}, {"refusal": None}, {}])
def test_logprobs_have_both_members_in_chunks_and_bodies(told: dict[str, Any]) -> None:
    want = {"content": None, "refusal": None, **told}
    events = streamed(
        chunk({"role": "assistant", "content": "a"}, logprobs=told), chunk({"content": "b"}, "stop", logprobs=told)
    ).events
    assert [event.data["choices"][0]["logprobs"] for event in events] == [want, want]
    [event] = whole(body({"content": "a"}, logprobs=told)).events
    assert event.data["choices"][0]["logprobs"] == want


def test_a_body_without_logprobs_has_null() -> None:
    [event] = whole(body({"role": "assistant", "content": "a"})).events
    assert event.data["choices"][0]["logprobs"] is None


def test_the_role_of_each_choice_is_in_its_first_chunk_whatever_the_vendor_sends() -> None:
    first = chunk({"content": "a"})
    first["choices"].append({"index": 1, "delta": {"role": "model", "content": "b"}})
    events = streamed(first, chunk({"content": "c"}, "stop"), vendor="openai_compatible", n=2).events
    assert [choice["delta"].get("role") for choice in events[0].data["choices"]] == ["assistant", "assistant"]
    assert "role" not in events[1].data["choices"][0]["delta"]


def test_a_choice_without_an_index_has_that_of_its_place() -> None:
    both = chunk({"content": "a"})
    both["choices"] = [{"delta": {"content": "a"}}, {"index": None, "delta": {"content": "b"}}]
    events = streamed(both, vendor="openai_compatible", n=2).events
    assert [choice["index"] for choice in events[0].data["choices"]] == [0, 1]
    [event] = whole({**body({}), "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}).events
    assert event.data["choices"][0]["index"] == 0


def test_a_choice_without_a_delta_has_an_empty_one() -> None:
    raws = streamed(chunk(None), chunk(None), chunk({"content": "a"}, "stop")).raws
    assert [orjson.loads(raw)["choices"][0]["delta"] for raw in raws] == [{"role": "assistant"}, {}, {"content": "a"}]


def test_a_message_has_role_content_and_refusal_and_no_empty_calls() -> None:
    [event] = whole(body({"tool_calls": [], "function_call": None})).events
    assert event.data["choices"][0]["message"] == {"role": "assistant", "content": None, "refusal": None}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"id": "x" * 128}, "chatcmpl-" + "x" * 128),
        ({"id": "chatcmpl-2"}, "chatcmpl-2"),
        ({"id": "x" * 129}, "chatcmpl-" + "a" * 24),
        ({"id": ""}, "chatcmpl-" + "a" * 24),
        ({"id": 5}, "chatcmpl-" + "a" * 24),
        ({"id": None}, "chatcmpl-" + "a" * 24),
    ],
)
def test_an_id_has_openais_prefix_and_the_vendors_id_if_it_is_a_text_of_128_characters_at_most(
    given: dict[str, Any], shown: str
) -> None:
    [event] = whole({**body({"content": "a"}), **given}).events
    assert event.data["id"] == shown


def test_all_chunks_have_the_id_and_the_time_of_the_first() -> None:
    later = {**chunk({"content": "b"}, "stop"), "id": "chatcmpl-2", "created": 8}
    events = streamed(chunk({"role": "assistant", "content": "a"}), later).events
    assert [(event.data["id"], event.data["created"]) for event in events] == [("chatcmpl-1", 7), ("chatcmpl-1", 7)]
    timeless = {**chunk({"content": "a"}, "stop"), "created": "now"}
    assert streamed(timeless).events[0].data["created"] == 1_700_000_000


@pytest.mark.parametrize("choices", [{}, "no", [1], [None], 5])
def test_choices_that_are_no_list_of_objects_are_a_failure(choices: Any) -> None:
    assert streamed({**chunk({}), "choices": choices}).failure.kind == "invalid_response"
    assert whole({**body({}), "choices": choices}).failure.kind == "invalid_response"


@pytest.mark.parametrize(("number", "wanted", "whole_"), [(128, 1, True), (129, 1, False), (129, 129, True)])
def test_an_answer_has_128_choices_at_most_unless_more_were_requested(number: int, wanted: int, whole_: bool) -> None:
    choices = [{"index": at, "message": {"content": "a"}, "finish_reason": "stop"} for at in range(number)]
    play = whole({**body({}), "choices": choices}, vendor="openai_compatible", n=wanted)
    assert play.done is whole_
    pieces = [{"index": at, "delta": {"content": "a"}, "finish_reason": "stop"} for at in range(number)]
    play = streamed({**chunk({}), "choices": pieces}, vendor="openai_compatible", n=wanted)
    assert play.done is whole_


def test_a_stream_of_two_choices_is_finished_when_both_are() -> None:
    def piece(at: int, finish: str | None) -> dict[str, Any]:
        return {**chunk({}), "choices": [{"index": at, "delta": {"content": "a"}, "finish_reason": finish}]}

    for pieces, done in (
        ([piece(0, "stop"), piece(1, "stop")], True),
        ([piece(0, "stop"), piece(1, None)], False),
        ([piece(0, "stop")], False),
    ):
        play = Play(chat_plan("openai_compatible", n=2)).head().sse(*pieces).over()
        assert play.done is done


@pytest.mark.parametrize("reason", ["error", "aborted", "network_error", "insufficient_system_resource"])
def test_an_answer_that_the_vendor_gave_up_is_a_failure(reason: str) -> None:
    assert streamed(chunk({"content": "a"}, reason)).failure.kind == "truncated"
    assert whole(body({"content": "a"}, reason)).failure.kind == "truncated"


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("eos", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("sensitive", "content_filter"),
        ("stop", "stop"),
        ("content_filter", "content_filter"),
    ],
)
def test_finish_reasons_are_openais_words(reason: str, shown: str) -> None:
    [event] = whole(body({"content": "a"}, reason)).events
    assert event.data["choices"][0]["finish_reason"] == shown
    assert streamed(chunk({"content": "a"}, reason)).events[0].data["choices"][0]["finish_reason"] == shown


@pytest.mark.parametrize("reason", [None, "", "null", 5])
def test_a_whole_answer_without_a_finish_reason_is_finished_unless_it_is_empty(reason: Any) -> None:
    [event] = whole(body({"content": "a"}, reason)).events
    assert event.data["choices"][0]["finish_reason"] == "stop"
    assert whole(body({"content": ""}, reason)).failure.kind == "truncated"


def test_a_call_is_named_as_the_caller_named_it() -> None:
    tools = [{"type": "function", "function": {"name": "get.weather"}}]
    call = {"index": 0, "id": "x", "type": "function", "function": {"name": "tool_get_weather", "arguments": "{}"}}
    [event] = whole(body({"tool_calls": [call]}, "tool_calls"), tools=tools).events
    assert event.data["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "get.weather"
    events = streamed(chunk({"tool_calls": [call]}, "tool_calls"), tools=tools).events
    assert events[0].data["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] == "get.weather"


def test_usage_is_estimated_if_a_whole_answer_has_none_and_the_vendors_if_it_has() -> None:
    answer = body({"content": "some words of an answer"})
    told = whole(answer)
    del answer["usage"]
    guessed = whole(answer)
    assert (told.spent[1].prompt, told.spent[1].completion, told.spent[1].source) == (3, 2, "vendor")
    assert guessed.spent[1].source == "estimated"
    assert guessed.spent[1].completion > 0
    assert guessed.events[0].data["usage"]["completion_tokens"] == guessed.spent[1].completion


@pytest.mark.parametrize(
    "more", [{"message": "ok"}, {"code": 0}, {"code": "", "message": ""}, {"error": None}, {"error": {}}]
)
def test_an_answer_is_no_error_whatever_stands_beside_it(more: dict[str, Any]) -> None:
    assert whole({**body({"content": "a"}), **more}).done
    assert streamed({**chunk({"content": "a"}, "stop"), **more}).done
    vectors = {"data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 1, "total_tokens": 1}, **more}
    assert Play(embeddings_plan(["a"])).json(vectors).done


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "no"}},
        {"error": "no", "code": 5},
        {"error": True, "message": "no"},
        {"code": "X", "message": "no"},
        {"message": "no"},
        {"object": "error", "message": "no"},
        {"error": {}, "message": "no"},
    ],
)
def test_an_error_is_found_wherever_a_vendor_puts_it(error: dict[str, Any]) -> None:
    for play in (whole(error), streamed(error)):
        assert play.failure.fault == "vendor"
        assert play.failure.cause == "error_in_200"


def test_an_answer_has_the_requested_name_or_the_vendors_by_setting() -> None:
    for said, requested, vendors in (("m", "gpt-4o", "m"), ("", "gpt-4o", "kimi-k2.6"), (None, "gpt-4o", "kimi-k2.6")):
        planned = chat_plan("kimi")
        as_vendor = planned._replace(target=replace(planned.target, report_model="vendor"))
        piece = {**chunk({"content": "a"}, "stop"), "model": said}
        assert Play(planned).head().sse(piece, "[DONE]").events[0].data["model"] == requested
        assert Play(as_vendor).head().sse(piece, "[DONE]").events[0].data["model"] == vendors


def test_an_answer_of_our_own_emulators_is_marked() -> None:
    planned = chat_plan("kimi")
    ours = planned._replace(target=replace(planned.target, emulated=True))
    [event] = Play(ours).head().sse(chunk({"content": "a"}, "stop"), "[DONE]").events
    assert event.data["system_fingerprint"] == "fp_emulator"
    assert "system_fingerprint" not in Play(planned).head().sse(chunk({"content": "a"}, "stop")).events[0].data


# --- legacy completions and moderations


def completion(text: Any, finish: Any = "stop", **more: Any) -> dict[str, Any]:
    choice = {"text": text, "finish_reason": finish, "logprobs": None, "index": 0, **more}
    asked = "gpt-3.5-turbo-instruct"
    return {"id": "cmpl-1", "object": "text_completion", "created": 7, "model": asked, "choices": [choice]}


def texts(stream: bool, prompt: Any = "a", **fields: Any) -> Play:
    return Play(completions_plan("openai_compatible", "qwen2:7b", stream=stream, prompt=prompt, **fields))


def test_a_completions_chunks_that_need_no_change_are_forwarded_byte_for_byte() -> None:
    chunks = [
        orjson.dumps(completion(text, finish)).replace(b',"', b', "') for text, finish in (("a", None), ("b", "stop"))
    ]
    play = texts(stream=True).head().sse(*(one.decode() for one in chunks), "[DONE]")
    assert play.raws == chunks


@pytest.mark.parametrize(("prompt", "wanted"), [("a", 1), (["a"], 1), (["a", "b"], 2), ([1, 2], 1), ([[1], [2]], 2)])
@pytest.mark.parametrize("n", [1, 2])
def test_a_stream_of_completions_is_finished_when_each_prompts_choices_are(prompt: Any, wanted: int, n: int) -> None:
    for came in range(1, wanted * n + 1):
        play = texts(True, prompt, n=n).head().sse(*(completion("a", index=at) for at in range(came))).over()
        assert play.done == (came == wanted * n)


def test_a_completions_choice_is_filled_in_and_its_text_is_a_text() -> None:
    [event] = texts(stream=False).json({**completion("a"), "choices": [{"text": None, "finish_reason": "eos"}]}).events
    assert event.data["choices"] == [{"text": "", "finish_reason": "stop", "index": 0, "logprobs": None}]
    assert texts(stream=False).json(completion(["a"])).failure.kind == "invalid_response"
    assert texts(stream=False).json(completion("", None)).failure.kind == "truncated"
    [event] = (
        texts(stream=True)
        .head()
        .sse({**completion(None, "stop"), "choices": [{"finish_reason": "stop"}]}, "[DONE]")
        .events
    )
    assert event.data["choices"] == [{"text": "", "finish_reason": "stop", "index": 0, "logprobs": None}]


def test_a_completion_without_an_id_has_one_of_ours() -> None:
    [event] = texts(stream=False).json({**completion("a"), "id": None}).events
    assert event.data["id"] == "cmpl-" + "a" * 24


@pytest.mark.parametrize(
    ("results", "whole_"),
    [([{"flagged": False}], True), ([], False), (None, False), ([{}], False), ([1], False), ({}, False)],
)
def test_moderations_have_a_flag_for_each_input(results: Any, whole_: bool) -> None:
    ask = ApiRequest("moderations", "omni-moderation-latest", {"input": "a"})
    planned = plan(ask, target("openai_compatible", "guard", shipped=True))
    play = Play(planned).json({"id": "m", "model": "guard", "results": results})
    assert play.done is whole_
    if whole_:
        assert play.events[0].data == {"id": "m", "model": "omni-moderation-latest", "results": results}


# --- when to come back


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "7", "x-retry-after": "9"}, 7.0),
        ({"x-retry-after": "9"}, 9.0),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan", "x-retry-after": "9"}, 9.0),
        ({"retry-after": "604801"}, 604_800.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2027 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 604_800.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_a_vendor_requests_is_in_seconds_and_at_most_a_week(
    headers: dict[str, Any], wait_s: float | None
) -> None:
    for status, told in ((429, wait_s), (503, wait_s), (200, None)):
        play = Play(chat_plan("kimi")).head(status, "application/json", **headers)
        play.data(b'{"error":{"message":"no","type":"rate_limit_reached_error"}}').over()
        assert play.failure.retry_after_s == told


def test_only_the_headers_of_openais_rate_limits_are_handed_on() -> None:
    names = [f"x-ratelimit-{what}-{of}" for what in ("limit", "remaining", "reset") for of in ("requests", "tokens")]
    given: dict[str, Any] = dict.fromkeys([*names, "x-ratelimit-limit-images", "x-ratelimit", "server"], "5")
    assert Play(chat_plan("kimi")).head(200, "application/json", **given).said == dict.fromkeys(names, "5")


@pytest.mark.parametrize(("status", "kind"), [(301, "vendor_error"), (307, "vendor_error"), (399, "vendor_error")])
def test_a_redirect_is_never_followed(status: int, kind: str) -> None:
    play = Play(chat_plan("kimi")).head(status, "text/html", location="https://elsewhere.example")
    assert (play.failure.kind, len(play.sends)) == (kind, 1)


@pytest.mark.parametrize(
    ("encoding", "taken"), [("identity", True), ("Identity", True), ("gzip", False), ("br", False)]
)
def test_an_encoded_body_that_was_not_requested_is_a_failure(encoding: str, taken: bool) -> None:
    play = Play(chat_plan("kimi", stream=False)).head(200, "application/json", content_encoding=encoding)
    assert (play.end is None) is taken
    if not taken:
        assert play.failure.kind == "invalid_response"


@pytest.mark.parametrize(
    ("status", "content", "cause"),
    [
        (502, b"<html>bad gateway</html>", "html"),
        (200, b"<!DOCTYPE html><p>log in</p>", "html"),
        (500, b'{"error":{"message":"no"}}', "5xx"),
        (200, b'{"error":{"message":"no"}}', "error_in_200"),
        (200, b'{"choices":[{"index":0,"message":{"content":""}}]}', "reset"),
    ],
)
def test_a_failure_has_its_origin(status: int, content: bytes, cause: str) -> None:
    play = Play(chat_plan("kimi", stream=False)).head(status, "application/json").data(content).over()
    assert play.failure.cause == cause


def test_an_error_with_its_status_is_reported_also_if_its_body_is_lost() -> None:
    play = (
        Play(chat_plan("kimi", stream=False))
        .head(429, "application/json", retry_after="3")
        .data(b'{"err')
        .lost("reset")
    )
    assert (play.failure.kind, play.failure.retry_after_s) == ("rate_limited", 3.0)


def test_a_large_body_that_comes_in_pieces_causes_no_actions_until_it_is_complete() -> None:
    content = orjson.dumps(body({"content": "a" * SMALL}))
    play = Play(chat_plan("kimi", stream=False)).head(200, "application/json")
    for at in range(0, len(content), SMALL // 2):
        play.data(content[at : at + SMALL // 2])
        assert len(play.dos) == 1, "the call alone"
    assert play.over().done
