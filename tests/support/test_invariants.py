"""The response checks accept OpenAI's responses, and report each error that its clients fail on."""

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.support.invariants import (
    Wanted,
    added_up,
    read_wire,
    violations_of_body,
    violations_of_error,
    violations_of_stream,
    violations_of_wire,
)

Json = dict[str, Any]
Change = Callable[[Any], object]


def chunk(delta: Json | None = None, finish: str | None = None, **members: Any) -> Json:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"}
    return {**head, "choices": choices, **members}


def piece(arguments: str, **members: Any) -> Json:
    return {"index": 0, "function": {"arguments": arguments}, **members}


def text_stream() -> list[Json]:
    return [chunk({"role": "assistant", "content": ""}), chunk({"content": "hi"}), chunk({}, "stop")]


def call_stream() -> list[Json]:
    first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": ""}}
    return [
        chunk({"role": "assistant", "content": None, "tool_calls": [first]}),
        chunk({"tool_calls": [piece('{"a":')]}),
        chunk({"tool_calls": [piece("1}")]}),
        chunk({}, "tool_calls"),
    ]


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
ERROR = {"error": {"message": "no", "type": "server_error", "param": None, "code": None}}


def body() -> Json:
    function = {"name": "look", "arguments": '{"a":1}'}
    message = {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o"}
    return {**head, "choices": [choice], "usage": dict(USAGE)}


def wire(*events: Json, end: bytes = b"data: [DONE]\n\n") -> bytes:
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events) + end


@pytest.mark.parametrize("stream", [text_stream(), call_stream()])
def test_a_stream_as_openai_sends_it_has_no_violation(stream: list[Json]) -> None:
    assert violations_of_stream(stream) == []
    assert violations_of_wire(b": ping\n\n" + wire(*stream)) == []


def test_usage_is_in_the_last_chunk_if_requested() -> None:
    request = [{**event, "usage": None} for event in text_stream()] + [chunk(usage=USAGE)]
    assert violations_of_stream(request, wanted=Wanted(usage=True)) == []
    assert violations_of_stream(request) != []
    assert violations_of_stream(text_stream(), wanted=Wanted(usage=True)) == ["no chunk has the usage"]
    in_the_choices_chunk = [*text_stream()[:-1], chunk({}, "stop", usage=USAGE)]
    assert violations_of_stream(in_the_choices_chunk, wanted=Wanted(usage=True)) != []


def delta(at: int) -> Callable[[list[Json]], Json]:
    return lambda stream: stream[at]["choices"][0]["delta"]


BROKEN_TEXT: dict[str, Change] = {
    "a second role": lambda s: delta(1)(s).update(role="assistant"),
    "no role": lambda s: delta(0)(s).pop("role"),
    "another role": lambda s: delta(0)(s).update(role="ai"),
    "a role that is null": lambda s: delta(1)(s).update(role=None),
    "tool_calls that is null": lambda s: delta(1)(s).update(tool_calls=None),
    "tool_calls that is empty": lambda s: delta(1)(s).update(tool_calls=[]),
    "function_call that is null": lambda s: delta(1)(s).update(function_call=None),
    "a stub of a function_call": lambda s: delta(1)(s).update(function_call={"name": "", "arguments": ""}),
    "content in parts": lambda s: delta(1)(s).update(content=[{"type": "text", "text": "hi"}]),
    "no finish_reason": lambda s: s[0]["choices"][0].pop("finish_reason"),
    "an empty finish_reason": lambda s: s[0]["choices"][0].update(finish_reason=""),
    "a foreign finish": lambda s: s[2]["choices"][0].update(finish_reason="end_turn"),
    "no finish at all": lambda s: s.pop(),
    "two finishes": lambda s: s.append(copy.deepcopy(s[-1])),
    "text after the finish": lambda s: s.append(copy.deepcopy(s[1])),
    "a finish of calls without a call": lambda s: s[2]["choices"][0].update(finish_reason="tool_calls"),
    "logprobs as a list": lambda s: s[1]["choices"][0].update(logprobs=[]),
    "a foreign member of a choice": lambda s: s[1]["choices"][0].update(flag=0),
    "a message in a chunk": lambda s: s[2]["choices"][0].update(message={"content": "hi"}),
    "another id": lambda s: s[1].update(id="chatcmpl-2"),
    "an id of the vendor's own": lambda s: [event.update(id="as-1") for event in s],
    "another created": lambda s: s[1].update(created=2),
    "another model": lambda s: s[1].update(model="kimi-k2.6"),
    "the object of a body": lambda s: s[2].update(object="chat.completion"),
    "no delta": lambda s: s[2]["choices"][0].pop("delta"),
    "no index": lambda s: s[1]["choices"][0].pop("index"),
    "a chunk that says nothing": lambda s: s.insert(1, chunk()),
    "the choice twice": lambda s: s[1]["choices"].append(copy.deepcopy(s[1]["choices"][0])),
    "events after an error": lambda s: s.insert(1, ERROR),
    "an event that is no object": lambda s: s.insert(1, None),
}


@pytest.mark.parametrize("change", BROKEN_TEXT.values(), ids=BROKEN_TEXT)
def test_violations_of_a_text_stream_are_named(change: Change) -> None:
    stream = text_stream()
    change(stream)
    assert violations_of_stream(stream) != []


def slot(at: int) -> Callable[[list[Json]], Json]:
    return lambda stream: delta(at)(stream)["tool_calls"][0]


BROKEN_CALLS: dict[str, Change] = {
    "no index": lambda s: slot(1)(s).pop("index"),
    "an index as text": lambda s: slot(1)(s).update(index="0"),
    "a first index of 1": lambda s: [slot(at)(s).update(index=1) for at in range(3)],
    "no id": lambda s: slot(0)(s).pop("id"),
    "an empty id": lambda s: slot(0)(s).update(id=""),
    "no type": lambda s: slot(0)(s).pop("type"),
    "no name": lambda s: slot(0)(s)["function"].pop("name"),
    "an empty name": lambda s: slot(0)(s)["function"].update(name=""),
    "no arguments at first": lambda s: slot(0)(s)["function"].pop("arguments"),
    "a piece without function": lambda s: slot(1)(s).pop("function"),
    "an id that is repeated": lambda s: slot(1)(s).update(id="call_1"),
    "an empty id later": lambda s: slot(1)(s).update(id=""),
    "a type that is repeated": lambda s: slot(1)(s).update(type="function"),
    "a name that is repeated": lambda s: slot(1)(s)["function"].update(name="look"),
    "a name that is null later": lambda s: slot(1)(s)["function"].update(name=None),
    "arguments that are null": lambda s: slot(1)(s)["function"].update(arguments=None),
    "arguments as an object": lambda s: slot(1)(s)["function"].update(arguments={"a": 1}),
    "arguments that do not parse": lambda s: s.pop(2),
    "arguments that are empty": lambda s: [s.pop(1), s.pop(1)],
    "two pieces of a call in a chunk": lambda s: delta(1)(s)["tool_calls"].append(piece("")),
    "a phantom call": lambda s: delta(2)(s)["tool_calls"].append({"index": 1, "function": {"arguments": ""}}),
    "a finish of text": lambda s: s[3]["choices"][0].update(finish_reason="stop"),
}


@pytest.mark.parametrize("change", BROKEN_CALLS.values(), ids=BROKEN_CALLS)
def test_violations_of_a_stream_with_calls_are_named(change: Change) -> None:
    stream = call_stream()
    change(stream)
    assert violations_of_stream(stream) != []


def test_arguments_may_be_incomplete_if_the_answer_was_cut_short() -> None:
    stream = [*call_stream()[:2], chunk({}, "length")]
    assert violations_of_stream(stream) == []


def test_members_and_arguments_that_the_vendor_is_known_for_are_allowed() -> None:
    stream = call_stream()
    stream[1]["choices"][0]["flag"] = 0
    stream[1]["search_info"] = {}
    stream.pop(2)
    known = Wanted(
        choice_members=frozenset(["flag"]), json_arguments=False,
        calls={0: [("look", '{"a":')]},
    )  # fmt: skip
    assert violations_of_stream(stream, wanted=known) == []


def test_calls_that_are_not_the_vendors_are_named() -> None:
    assert violations_of_stream(call_stream(), wanted=Wanted(calls={0: [("look", '{"a":1}')]})) == []
    assert violations_of_stream(call_stream(), wanted=Wanted(calls={0: [("look", '{"a":2}')]})) != []
    assert violations_of_stream(text_stream(), wanted=Wanted(calls={0: [("look", "{}")]})) != []


def test_a_failed_stream_has_no_finish_that_the_vendor_did_not_send() -> None:
    half = text_stream()[:2]
    assert violations_of_stream([*half, ERROR]) == []
    finished = [*text_stream(), ERROR]
    assert violations_of_stream(finished, wanted=Wanted(finished=frozenset([0]))) == []
    assert violations_of_stream(finished, wanted=Wanted(finished=frozenset())) != []


@pytest.mark.parametrize(
    "raw",
    [
        wire(*text_stream(), end=b""),
        wire(*text_stream(), end=b"data: [DONE]\n"),
        wire(*text_stream()) + b"data: [DONE]\n\n" + wire(*text_stream()),
        wire(*text_stream()).replace(b"\n", b"\r\n"),
        wire(*text_stream(), ERROR),
        b"event: x\n" + wire(*text_stream()),
        b"data: null\n\n" + wire(*text_stream()),
        b"\xff" + wire(*text_stream()),
    ],
)
def test_framing_that_is_not_openais_is_named(raw: bytes) -> None:
    assert violations_of_wire(raw) != []


def test_a_stream_that_its_reader_left_needs_no_end() -> None:
    assert violations_of_wire(wire(*text_stream()[:2], end=b""), ended=False) == []
    assert violations_of_wire(wire(*text_stream()[:1], ERROR, end=b"")) == []
    assert read_wire(wire(*text_stream())).done


def test_a_body_as_openai_sends_it_has_no_violation() -> None:
    assert violations_of_body(body()) == []


def message(whole: Json) -> Json:
    return whole["choices"][0]["message"]  # type: ignore[no-any-return]


BROKEN_BODIES: dict[str, Change] = {
    "no usage": lambda b: b.pop("usage"),
    "usage that does not add up": lambda b: b["usage"].update(total_tokens=4),
    "usage as text": lambda b: b["usage"].update(total_tokens="5"),
    "no choices": lambda b: b.update(choices=[]),
    "choices from 1": lambda b: b["choices"][0].update(index=1),
    "no logprobs": lambda b: b["choices"][0].pop("logprobs"),
    "no finish": lambda b: b["choices"][0].update(finish_reason=None),
    "a finish of text": lambda b: b["choices"][0].update(finish_reason="stop"),
    "no content": lambda b: message(b).pop("content"),
    "no refusal": lambda b: message(b).pop("refusal"),
    "another role": lambda b: message(b).update(role=None),
    "tool_calls that is null": lambda b: message(b).update(tool_calls=None),
    "function_call that is null": lambda b: message(b).update(function_call=None),
    "a phantom call": lambda b: message(b)["tool_calls"].append(
        {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
    ),
    "arguments as an object": lambda b: message(b)["tool_calls"][0]["function"].update(arguments={}),
    "a foreign member of a choice": lambda b: b["choices"][0].update(flag=0),
    "the vendor's id": lambda b: b.update(id="as-1"),
    "an error without a type": lambda b: b.update(error={"message": "no"}),
}


@pytest.mark.parametrize("change", BROKEN_BODIES.values(), ids=BROKEN_BODIES)
def test_forbidden_members_of_a_body_are_named(change: Change) -> None:
    whole = body()
    change(whole)
    assert violations_of_body(whole) != []


def test_legacy_completions_are_judged_by_their_own_shape() -> None:
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-3.5-turbo-instruct"}
    choice = {"index": 0, "text": "Lima", "logprobs": None, "finish_reason": "stop"}
    whole = {**head, "choices": [choice], "usage": USAGE}
    assert violations_of_body(whole, "completions") == []
    assert violations_of_stream([{**head, "choices": [choice]}], wanted=Wanted("completions")) == []
    assert violations_of_body({**whole, "id": "chatcmpl-1"}, "completions") != []
    assert violations_of_stream([{**head, "choices": [{**choice, "text": None}]}], wanted=Wanted("completions")) != []


def test_embeddings_have_their_vectors_in_order() -> None:
    item = {"object": "embedding", "index": 0, "embedding": [0.5, 1]}
    whole = {"object": "list", "data": [item], "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    assert violations_of_body(whole, "embeddings") == []
    assert violations_of_body({**whole, "data": [{**item, "embedding": "AAAA"}]}, "embeddings") == []
    assert violations_of_body({**whole, "data": [{**item, "index": 1}]}, "embeddings") != []
    assert violations_of_body({**whole, "usage": None}, "embeddings") != []


def test_an_error_has_its_four_members() -> None:
    assert violations_of_error(ERROR) == []
    assert violations_of_error({"error": "no"}) != []
    assert violations_of_error({"error": {**ERROR["error"], "code": 429}}) != []


def test_streams_are_added_up_by_index() -> None:
    assert added_up(call_stream()) == {
        0: {"content": "", "reasoning": "", "calls": [("look", '{"a":1}')], "finish": "tool_calls"}
    }
