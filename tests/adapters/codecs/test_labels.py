"""The bytes decide whether a body is a stream, not the request and not the content type."""

from typing import Any

import orjson
import pytest

from tests.adapters.play import Play, chat_plan, completions_plan, embeddings_plan

CALL = {"index": 0, "id": "a", "type": "function", "function": {"name": "get", "arguments": ""}}
USAGE = {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "c1", "created": 5, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


ANSWER = [
    chunk({"role": "assistant", "content": "he", "reasoning_content": "hm"}),
    chunk({"content": "llo", "reasoning_content": "m"}),
    chunk({"tool_calls": [CALL]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}),
    chunk({}, "tool_calls", usage=USAGE),
]
BODY = {
    "id": "c1",
    "created": 5,
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "hello",
                "reasoning_content": "hmm",
                "tool_calls": [{"id": "a", "type": "function", "function": {"name": "get", "arguments": '{"a":1}'}}],
            },
            "finish_reason": "tool_calls",
        }
    ],
    "usage": USAGE,
}
TYPES = ["text/event-stream", "application/json", "text/plain", "text/html", ""]


def framed(*payloads: Any) -> bytes:
    return b"".join(b"data: %b\n\n" % (p if type(p) is bytes else orjson.dumps(p)) for p in payloads)


@pytest.mark.parametrize("kind", TYPES)
def test_a_stream_is_read_as_one_under_any_type(kind: str) -> None:
    play = Play(chat_plan("qwen")).head(200, kind).data(framed(*ANSWER, b"[DONE]"))
    assert (play.done, len(play.events)) == (True, len(ANSWER))


@pytest.mark.parametrize("kind", TYPES)
def test_a_body_is_read_as_one_under_any_type(kind: str) -> None:
    play = Play(chat_plan("qwen", stream=False)).head(200, kind).data(orjson.dumps(BODY)).over()
    assert (play.done, play.events[0].kind) == (True, "whole")
    play = Play(chat_plan("qwen")).head(200, kind).data(orjson.dumps(BODY)).over()
    assert (play.done, play.events[0].kind) == (True, "whole")


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("end", [b"data: [DONE]\n\n", b""])
def test_a_stream_that_comes_for_a_whole_request_is_put_together(kind: str, end: bytes) -> None:
    stream = framed(*ANSWER) + end
    asked = chat_plan("qwen", stream=False)
    (event,) = Play(asked).json(BODY).events
    for size in (1, 7, len(stream)):
        play = Play(asked).head(200, kind)
        for at in range(0, len(stream), size):
            play.data(stream[at : at + size])
        assert play.over().done
        assert [made.data for made in play.events] == [event.data]
        assert play.spent[1][:2] == (4, 2)


def test_several_choices_are_put_together_each() -> None:
    pieces = [
        {"choices": [{"index": at, "delta": {"content": text}}]}
        for at, text in [(1, "c"), (0, "a"), (1, "d"), (0, "b")]
    ]
    ends: list[dict[str, Any]] = [{"choices": [{"index": at, "delta": {}, "finish_reason": "stop"}]} for at in (1, 0)]
    asked = chat_plan("kimi", "moonshot-v1-8k", stream=False, n=2)
    (event,) = Play(asked).head().data(framed(*pieces, *ends, b"[DONE]")).events
    assert [(choice["index"], choice["message"]["content"]) for choice in event.data["choices"]] == [
        (0, "ab"),
        (1, "cd"),
    ]


def test_log_probabilities_are_put_together() -> None:
    tokens: list[dict[str, Any]] = [
        {"token": text, "logprob": -1.0, "bytes": None, "top_logprobs": []} for text in "ab"
    ]
    pieces = [
        {"choices": [{"index": 0, "delta": {"content": t["token"]}, "logprobs": {"content": [t]}}]} for t in tokens
    ]
    asked = chat_plan("kimi", stream=False)
    (event,) = Play(asked).head().data(framed(*pieces, b"[DONE]")).events
    assert event.data["choices"][0]["logprobs"] == {"content": tokens, "refusal": None}


def test_texts_of_a_legacy_completion_are_put_together() -> None:
    pieces = [{"choices": [{"index": 0, "text": text}]} for text in "ab"]
    asked = completions_plan("openai_compatible", "qwen2:7b", stream=False, prompt="hi")
    (event,) = Play(asked).head().data(framed(*pieces, b"[DONE]")).events
    assert (event.data["choices"][0]["text"], event.data["choices"][0]["finish_reason"]) == ("ab", "stop")


def test_a_stream_that_breaks_off_is_no_whole_answer() -> None:
    play = Play(chat_plan("qwen", stream=False)).head().data(framed(*ANSWER[:2])).over()
    assert (play.failure.kind, play.events) == ("truncated", [])


def test_an_error_in_a_stream_is_the_error_of_a_whole_request() -> None:
    play = Play(chat_plan("qwen", stream=False)).head().data(framed(ANSWER[0], {"error": {"message": "no more"}}))
    assert (play.events, "no more" in play.failure.message) == ([], True)


@pytest.mark.parametrize("end", [b"\n\n", b"\n", b""])
def test_an_error_status_with_an_event_is_read_as_the_error(end: bytes) -> None:
    body = b'data: {"error":{"message":"slow down","code":"rate_limit_exceeded"}}' + end
    failure = Play(chat_plan("openai_compatible")).head(429).data(body).over().failure
    assert (failure.code, "slow down" in failure.message) == ("rate_limit_exceeded", True)


def test_a_stream_of_embeddings_is_no_answer() -> None:
    assert Play(embeddings_plan("a")).head().data(framed({"data": []})).failure.kind == "invalid_response"


@pytest.mark.parametrize(
    "start", [b"\xef\xbb\xbf", b"\n\n", b" \r\n", b": hello\n\n", b"event: x\n", b"id: 1\nretry: 5\n"]
)
def test_what_may_stand_before_the_first_event_does_not_hide_the_stream(start: bytes) -> None:
    stream = start + framed(*ANSWER, b"[DONE]")
    for at in range(len(start) + 8):
        play = Play(chat_plan("qwen")).head(200, "application/json").data(stream[:at]).data(stream[at:])
        assert (play.done, len(play.events)) == (True, len(ANSWER))


@pytest.mark.parametrize("body", [b"", b"d", b"data", b"\n", b"\xef\xbb"])
def test_a_body_that_ends_before_its_format_is_known_is_not_an_answer(body: bytes) -> None:
    for stream in (True, False):
        assert Play(chat_plan("qwen", stream=stream)).head().data(body).over().failure.kind == "invalid_response"


def test_one_newline_between_events_is_enough_and_none_at_the_end() -> None:
    lines = [b"data: " + orjson.dumps(one) for one in ANSWER]
    for end in (b"", b"\n", b"\ndata: [DONE]", b"\ndata: [DONE]\n\n"):
        stream = b"\n".join(lines) + end
        for size in (1, 50, len(stream)):
            play = Play(chat_plan("qwen")).head()
            for at in range(0, len(stream), size):
                play.data(stream[at : at + size])
            assert (play.over().done, len(play.events)) == (True, len(ANSWER))


def test_an_event_is_not_held_until_the_end_where_one_newline_separates_them() -> None:
    play = Play(chat_plan("qwen")).head()
    for one in ANSWER[:3]:
        play.data(b"data: " + orjson.dumps(one) + b"\n")
    assert len(play.events) == 2


def test_an_event_over_several_lines_is_one_event() -> None:
    lines = orjson.dumps(chunk({"content": "a"}, "stop"), option=orjson.OPT_INDENT_2).splitlines()
    play = Play(chat_plan("qwen")).head().data(b"".join(b"data: %b\n" % line for line in lines) + b"\n").over()
    assert (play.done, len(play.events)) == (True, 1)
