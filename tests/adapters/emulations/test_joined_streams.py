"""Whole responses of models that only stream: however the stream is split, the joined response is the same."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.adaptations import adaptations_header
from adapters.core.event import WHOLE
from adapters.core.exchange import Began
from adapters.core.failures import Refused
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan
from adapters.core.wire import Head
from adapters.planning import plan
from adapters.registry import BY_CATALOG
from adapters.translations.completions_as_chat import as_chat
from tests.adapters.play import HELLO, Play, chat_plan
from tests.adapters.rules.test_facts import planned

SSE = [(b"content-type", b"text/event-stream")]
DONE = b"data: [DONE]\n\n"


def joined(model: str = "qwq-plus", **fields: Any) -> Plan:
    return chat_plan("qwen", model, stream=False, **fields)


def chunk(delta: dict[str, Any], finish: str | None = None, at: int = 0) -> dict[str, Any]:
    return {"id": "c", "created": 1, "choices": [{"index": at, "delta": delta, "finish_reason": finish}]}


def usage(prompt: int = 7, completion: int = 5) -> dict[str, Any]:
    return {"id": "c", "choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion}}


def wire(*events: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events) + DONE


CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "get", "arguments": ""}}
REST = {"index": 0, "id": "", "type": "function", "function": {"name": "", "arguments": '{"city":"奥斯陆"}'}}
BODY = wire(
    chunk({"role": "assistant", "content": None, "reasoning_content": ""}),
    chunk({"reasoning_content": "想一"}),
    chunk({"reasoning_content": "想。"}),
    chunk({"content": "Pe"}),
    chunk({"content": "ar 梨"}),
    chunk({"tool_calls": [CALL]}),
    chunk({"tool_calls": [REST]}),
    chunk({}, "tool_calls"),
    usage(),
)


def test_a_model_that_only_streams_is_asked_for_a_stream_with_usage_and_the_change_is_reported() -> None:
    made = joined()
    (send,) = Play(made).sends
    body = orjson.loads(send.call.body)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert send.call.streams, "the time limits of a stream apply"
    assert not made.request.stream, "the client gets a whole response"
    assert adaptations_header(made.adaptations) == "stream=emulated"


def test_an_explicit_stream_false_is_the_same() -> None:
    made = plan(ApiRequest("chat", "gpt-4o", {"messages": HELLO, "stream": False}), joined().target)
    assert made.request.fields["stream"] is True
    assert made.adaptations["stream"].word == "emulated"


def test_a_client_that_streams_gets_the_stream_and_nothing_is_emulated() -> None:
    made = chat_plan("qwen", "qwq-plus", stream=True)
    assert (made.emulations, made.adaptations["stream"].word) == ({}, "honoured")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_cut_of_the_bytes_gives_the_same_response(data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(BODY)), max_size=5)))
    play = Play(joined()).head()
    for begin, end in zip([0, *cuts], [*cuts, len(BODY)], strict=True):
        if play.end is None:
            play.data(BODY[begin:end])
    assert play.done
    (event,) = play.events
    assert event.kind is WHOLE
    (choice,) = event.data["choices"]
    message = choice["message"]
    assert (message["reasoning_content"], message["content"]) == ("想一想。", "Pear 梨")
    assert [call["function"] for call in message["tool_calls"]] == [{"name": "get", "arguments": '{"city":"奥斯陆"}'}]
    assert (choice["finish_reason"], choice["logprobs"]) == ("tool_calls", None)
    assert event.data["usage"]["total_tokens"] == 12
    assert play.spent[1][:2] == (7, 5)


def test_each_single_cut_gives_the_same_response() -> None:
    bodies = set()
    for at in range(len(BODY) + 1):
        play = Play(joined()).head().data(BODY[:at])
        if play.end is None:
            play.data(BODY[at:])
        bodies.add(play.raws[0])
    assert len(bodies) == 1


def test_the_first_content_is_reported_once_and_a_role_is_none() -> None:
    play = Play(joined()).head().sse(chunk({"role": "assistant", "content": ""}))
    assert Began(1) not in play.dos
    play.sse(chunk({"reasoning_content": "a"}), chunk({"content": "b"}), chunk({}, "stop"), "[DONE]")
    assert play.dos.count(Began(1)) == 1
    assert play.done


def test_a_stream_that_breaks_off_is_a_failure_and_nothing_of_it_is_shown() -> None:
    for lost in (True, False):
        play = Play(joined()).head().sse(chunk({"content": "a"}))
        play = play.lost() if lost else play.over()
        assert play.failure.kind == ("reset" if lost else "truncated")
        assert play.events == []


def test_a_vendor_that_answers_whole_all_the_same_is_understood() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    play = Play(joined()).json({"choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    assert play.done
    assert play.events[0].data["choices"][0]["message"]["content"] == "a"


def test_an_error_of_the_vendor_keeps_its_meaning() -> None:
    play = Play(joined()).json({"error": {"message": "no", "code": "limit_requests"}}, status=429)
    assert play.failure.kind == "rate_limited"


def test_several_choices_are_as_many_streams_joined_and_merged() -> None:
    play = Play(joined(n=3))
    assert [orjson.loads(send.call.body)["stream"] for send in play.sends] == [True] * 3
    for id_ in (3, 1, 2):
        play.got(Head(id_, 200, SSE))
        play.data(wire(chunk({"content": str(id_)}), chunk({}, "stop"), usage(1, 1)), id_=id_)
    assert play.done
    (event,) = play.events
    assert [choice["message"]["content"] for choice in event.data["choices"]] == ["1", "2", "3"]
    assert event.data["usage"]["total_tokens"] == 6


def test_stop_strings_are_cut_from_the_joined_text() -> None:
    made = joined()._replace(emulations={"stream": True, "stop": ["END"]})
    play = Play(made).head().data(wire(chunk({"content": "a E"}), chunk({"content": "ND b"}), chunk({}, "stop")))
    assert play.done
    assert play.events[0].data["choices"][0]["message"]["content"] == "a "


@pytest.mark.parametrize("vendor", sorted(BY_CATALOG))
def test_the_fact_works_at_every_vendor(vendor: str) -> None:
    made = planned(vendor, {"stream_only": True})
    assert (made.request.fields["stream"], made.request.stream) == (True, False)
    assert made.request.fields["stream_options"] == {"include_usage": True}
    assert made.adaptations["stream"].word == "emulated"


def test_switched_off_the_request_is_refused_with_the_cure() -> None:
    with pytest.raises(Refused) as caught:
        joined(settings={"disabled_emulations": frozenset({"stream"})})
    assert (caught.value.param, caught.value.code) == ("stream", "unsupported_parameter")
    assert "emulate: {stream: on}" in str(caught.value.message)


def test_under_strict_nothing_is_lost_so_it_is_emulated_still() -> None:
    assert joined(settings={"strict": True}).adaptations["stream"].word == "emulated"


@pytest.mark.parametrize(
    ("asked", "fields", "thinks"),
    [
        ("o3", {}, True),
        ("qwen3-32b", {}, True),
        ("gpt-4o", {"enable_thinking": True}, True),
        ("gpt-4o", {"reasoning_effort": "high"}, True),
        ("gpt-4o", {}, False),
        ("o3", {"max_tokens": 500}, False),
        ("o3", {"enable_thinking": False}, False),
    ],
)
def test_open_qwen3_thinks_in_a_joined_stream_where_thinking_is_wanted(
    asked: str, fields: dict[str, Any], thinks: bool
) -> None:
    made = joined("qwen3-32b", asked=asked, shipped=True, **fields)
    assert made.thinks is thinks
    assert made.request.fields.get("stream") is (True if thinks else None)
    assert made.request.fields.get("enable_thinking", True) is thinks
    assert ("stream" in made.emulations) is thinks


def test_with_the_emulation_off_open_qwen3_answers_whole_without_thinking() -> None:
    off = {"disabled_emulations": frozenset({"stream"})}
    made = joined("qwen3-32b", asked="o3", shipped=True, settings=off, enable_thinking=True)
    assert (made.thinks, made.request.fields["enable_thinking"]) == (False, False)
    assert "stream" not in made.request.fields
    assert made.adaptations["enable_thinking"].word == "dropped"


def test_all_prompts_of_a_legacy_completion_are_joined() -> None:
    asked = ApiRequest("completions", "gpt-3.5-turbo-instruct", {"prompt": ["a", "b"]})
    made = plan(as_chat(asked), joined().target)
    assert [request.fields["stream"] for request in (made.request, *made.further_requests)] == [True, True]
