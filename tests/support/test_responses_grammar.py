"""The judge of Responses streams finds each broken rule, and nothing in a valid stream."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import orjson
import pytest

from adapters.core.event import Event
from adapters.responses.response_events import encode_all
from tests.adapters.responses.answers import (
    USAGE,
    arguments,
    assembler,
    begun_call,
    chunk,
    reasoning,
    refusal,
    streamed,
    text,
)
from tests.support.judging import violations_of_response
from tests.support.responses_grammar import faults, faults_of_response, read_events

Events = list[dict[str, Any]]
Change = Callable[[dict[str, Any]], None]
JSON = "application/json"
STREAM = "text/event-stream; charset=utf-8"

FULL: list[Event] = [
    reasoning("so"),
    reasoning(" be it"),
    text("Hel"),
    text("lo"),
    refusal("no"),
    begun_call(0, "f", '{"a":'),
    arguments(0, "1}"),
    begun_call(1, "shell", "list"),
]


def copied(events: Events) -> Events:
    """Return the events as a client parses them: no two share an object."""
    parsed: Events = orjson.loads(orjson.dumps(events))
    return parsed


def full(finish: str = "tool_calls") -> Events:
    """Return a valid stream with an item of every kind."""
    made = streamed([*FULL, chunk(finish)], using=assembler(summary=True, seal=True))
    return copied(made)


def failed(code: str = "server_error", pieces: int = 7) -> Events:
    """Return a valid stream that ends with an error while a call is open."""
    made = assembler(summary=True)
    events = made.begin() + made.feed(FULL[:pieces]) + made.fail(code, "The vendor closed the connection.")  # type: ignore[arg-type]
    return copied([event.data for event in events])


def find(events: Events, type_: str, nth: int = 0) -> dict[str, Any]:
    """Return the nth event of a type."""
    return [event for event in events if event["type"] == f"response.{type_}"][nth]


def renumbered(events: Events) -> Events:
    for number, event in enumerate(events):
        event["sequence_number"] = number
    return events


Break = Callable[[Events], Any]


def without(type_: str, nth: int = 0) -> Break:
    def change(events: Events) -> Events:
        events.remove(find(events, type_, nth))
        return renumbered(events)

    return change


def without_all(*begins: str) -> Break:
    """Remove all events whose types begin so."""

    def change(events: Events) -> Events:
        types = tuple(f"response.{one}" for one in begins)
        events[:] = [event for event in events if not event["type"].startswith(types)]
        return renumbered(events)

    return change


def twice(type_: str, nth: int = 0) -> Break:
    def change(events: Events) -> Events:
        one = find(events, type_, nth)
        events.insert(events.index(one), deepcopy(one))
        return renumbered(events)

    return change


def swapped(first: str, second: str, nth: int = 0) -> Break:
    def change(events: Events) -> Events:
        at, to = events.index(find(events, first, nth)), events.index(find(events, second, nth))
        events[at], events[to] = events[to], events[at]
        return renumbered(events)

    return change


def having(type_: str, nth: int = 0, **members: Any) -> Break:
    return lambda events: find(events, type_, nth).update(members)


def item(type_: str, nth: int, **members: Any) -> Break:
    return lambda events: find(events, type_, nth)["item"].update(members)


def final(**members: Any) -> Break:
    return lambda events: events[-1]["response"].update(members)


def output(at: int, **members: Any) -> Break:
    return lambda events: events[-1]["response"]["output"][at].update(members)


def inserted(at: int, event: dict[str, Any]) -> Break:
    def change(events: Events) -> Events:
        events.insert(at, event)
        return renumbered(events)

    return change


def status_everywhere(at: int, status: str) -> Break:
    """Change the status of an item in its done event and in the output."""

    def change(events: Events) -> None:
        find(events, "output_item.done", at)["item"]["status"] = status
        events[-1]["response"]["output"][at]["status"] = status

    return change


def late_text(events: Events) -> Events:
    """Move the delta of a call behind the end of its item."""
    delta = find(events, "function_call_arguments.delta", 1)
    events.remove(delta)
    events.insert(events.index(find(events, "output_item.added", 3)), delta)
    return renumbered(events)


def with_empty_message(events: Events) -> Events:
    """Replace the texts of the message by nothing."""
    for event in list(events):
        if event["type"] in ("response.output_text.delta", "response.refusal.delta"):
            events.remove(event)
        for part in (event.get("part"), event):
            for name in ("text", "refusal"):
                if part and name in part and "summary" not in event["type"]:
                    part[name] = ""
        if "item" in event and event["type"].endswith("done") and event["item"]["type"] == "message":
            for part in event["item"]["content"]:
                part["text" if "text" in part else "refusal"] = ""
    for part in events[-1]["response"]["output"][1]["content"]:
        part["text" if "text" in part else "refusal"] = ""
    return renumbered(events)


BROKEN: list[tuple[str, Break]] = [
    ("created is first", lambda events: events.pop(0)),
    ("created is first", lambda events: events.clear()),
    ("a terminal event is last", lambda events: events.pop()),
    ("one terminal event", twice("completed")),
    ("numbers have no gaps", having("output_text.delta", sequence_number=99)),
    ("numbers have no gaps", lambda events: events.remove(find(events, "output_text.delta"))),
    ("created, queued, in_progress in this order", twice("created")),
    ("created, queued, in_progress in this order", twice("in_progress")),
    ("items stand between in_progress and the end", without("in_progress")),
    ("only known events", inserted(5, {"type": "error", "message": "x"})),
    ("only known events", inserted(5, {"type": "response.reasoning_text.delta", "delta": "x"})),
    ("the response id is constant", final(id="resp_other")),
    ("members are constant", final(model="other")),
    ("members are constant", final(created_at=5)),
    ("members are constant", lambda events: events[-1]["response"].pop("tools")),
    ("usage is in the terminal event only", lambda events: events[1]["response"].update(usage={})),
    ("usage is complete", final(usage=None)),
    ("usage is complete", lambda events: events[-1]["response"]["usage"].pop("output_tokens_details")),
    ("usage is complete", lambda events: events[-1]["response"]["usage"]["input_tokens_details"].pop("cache_write_tokens")),
    ("usage is complete", lambda events: events[-1]["response"]["usage"].update(total_tokens=1)),
    ("output is empty at first", lambda events: events[0]["response"].update(output=[{}])),
    ("the status fits the event", lambda events: events[1]["response"].update(status="queued")),
    ("the status fits the event", lambda events: events[0]["response"].update(status="completed")),
    ("the status fits the event", final(status="incomplete")),
    ("the status of an item fits the response", status_everywhere(3, "incomplete")),
    ("the output has the items of the stream", lambda events: events[-1]["response"]["output"].pop()),
    ("the output has the items of the stream", lambda events: events[-1]["response"].update(output=None)),
    ("an item is the same in its done event and in the output", output(2, id="fc_other")),
    ("an item is the same in its done event and in the output", lambda events: events[-1]["response"]["output"].reverse()),
    ("every item is done", without("output_item.done", 3)),
    ("an answer has an item", final(output=[])),
    ("no empty message beside others", with_empty_message),
    ("only a failed response has an error", final(error={"code": "server_error", "message": ""})),
    ("only an incomplete response has a reason", final(incomplete_details={"reason": "max_output_tokens"})),
    ("output_index counts up", having("output_item.added", 1, output_index=2)),
    ("one item is open at a time", swapped("output_item.done", "output_item.added", 1)),
    ("the id fits the type", item("output_item.added", 2, id="msg_x")),
    ("ids are unique", item("output_item.added", 3, id="fc_0123456789abcdef012345670002")),
    ("an item is added empty and in progress", item("output_item.added", 2, status="completed")),
    ("an item is added empty and in progress", item("output_item.added", 2, arguments="{")),
    ("an item is added empty and in progress", item("output_item.added", 1, content=[{"type": "output_text", "text": ""}])),
    ("encrypted_content comes with the end of an item", item("output_item.added", 0, encrypted_content=None)),
    ("reasoning is sealed or absent", item("output_item.done", 0, encrypted_content=None)),
    ("reasoning is sealed or absent", item("output_item.done", 0, content=[])),
    ("a call is added with its name and call_id", item("output_item.added", 2, name="")),
    ("a call is added with its name and call_id", item("output_item.added", 3, call_id=None)),
    ("an item is added before its other events", swapped("output_item.added", "content_part.added", 1)),
    ("item_id is the same in every event of an item", having("output_text.delta", item_id="msg_other")),
    ("item_id is the same in every event of an item", having("custom_tool_call_input.done", item_id="fc_other")),
    ("item_id is the same in every event of an item", item("output_item.done", 2, id="fc_other")),
    ("an item keeps its id, type and name", item("output_item.done", 2, call_id="call_other")),
    ("no event after the end of an item", late_text),
    ("no event after the end of an item", twice("output_item.done", 1)),
    ("a part is added before its deltas", without("content_part.added")),
    ("a part is added before its deltas", without("reasoning_summary_part.added")),
    ("parts count up", having("content_part.added", 1, content_index=0)),
    ("a delta names the open part", having("refusal.delta", content_index=0)),
    ("one part is open at a time", without("content_part.done")),
    ("a part is added empty", having("content_part.added", part={"type": "output_text", "text": "H"})),
    ("a part is done before its item", without("content_part.done", 1)),
    ("a part is done before its item", without("reasoning_summary_part.done")),
    ("the text is done before its part", without("output_text.done")),
    ("the text is done before its part", without("refusal.done")),
    ("the text is done before its part", without("reasoning_summary_text.done")),
    ("the part has the text of its deltas", having("content_part.done", part={"type": "output_text", "text": "x"})),
    ("a text is done once", twice("output_text.done")),
    ("a text is done once", twice("function_call_arguments.done")),
    ("a done event has the text of the deltas", having("output_text.done", text="x")),
    ("a done event has the text of the deltas", without("output_text.delta")),
    ("a done event has the text of the deltas", twice("function_call_arguments.delta")),
    ("a done event has the text of the deltas", having("custom_tool_call_input.done", input="x")),
    ("no delta after the end of its text", swapped("output_text.delta", "output_text.done")),
    ("a delta has text", having("output_text.delta", delta="")),
    ("a delta has text", having("custom_tool_call_input.delta", delta=None)),
    ("a delta fits its part", having("refusal.delta", type="response.output_text.delta")),
    ("a delta fits its part", having("refusal.done", type="response.output_text.done")),
    ("a delta fits its part", having("custom_tool_call_input.delta", type="response.function_call_arguments.delta")),
    ("text events have logprobs", lambda events: find(events, "output_text.delta").pop("logprobs")),
    ("logprobs are those of the deltas", having("output_text.done", logprobs=[{"token": "a"}])),
    ("arguments are done with the name of their call", having("function_call_arguments.done", name="g")),
    ("a done item has a final status", item("output_item.done", 2, status="in_progress")),
    ("the item has the text of its deltas", item("output_item.done", 2, arguments="{}")),
    ("the item has its parts", lambda events: find(events, "output_item.done", 1)["item"]["content"][0].update(type="text")),
    ("a message has a part", without_all("content_part", "output_text", "refusal")),
    ("arguments are done before their item", without_all("function_call_arguments")),
]  # fmt: skip

BROKEN_ENDINGS: list[tuple[str, Callable[[], Events], Break]] = [
    ("a failed response has an error with a known code", failed, final(error=None)),
    ("a failed response has an error with a known code", failed, final(error={"code": "upstream_error", "message": "x"})),
    ("a failed response has an error with a known code", failed, final(error={"code": "server_error"})),
    ("an open item of a failed response is incomplete", failed, output(2, status="in_progress")),
    ("an unfinished item has what was shown of it", failed, output(2, arguments="")),
    ("an item keeps its id, type and name", failed, output(2, call_id="x")),
    ("the status fits the event", failed, final(status="completed")),
    ("only a completed response has completed_at", failed, final(completed_at=5)),
    ("the last item of an incomplete response is incomplete", lambda: full("length"), status_everywhere(3, "completed")),
    ("the last item of an incomplete response is incomplete", lambda: full("length"), status_everywhere(1, "incomplete")),
    ("an incomplete response has a known reason", lambda: full("length"), final(incomplete_details=None)),
    ("an incomplete response has a known reason", lambda: full("length"), final(incomplete_details={"reason": "x"})),
    ("only a completed response has completed_at", lambda: full("length"), final(completed_at=5)),
]  # fmt: skip


@pytest.mark.parametrize("at", range(len(BROKEN)), ids=[f"{at}: {rule}" for at, (rule, _) in enumerate(BROKEN)])
def test_a_broken_stream_is_caught_by_its_rule(at: int) -> None:
    rule, change = BROKEN[at]
    events = full()
    change(events)

    assert rule in [fault.rule for fault in faults(events)]


@pytest.mark.parametrize(
    "at", range(len(BROKEN_ENDINGS)), ids=[f"{at}: {rule}" for at, (rule, *_) in enumerate(BROKEN_ENDINGS)]
)
def test_a_broken_ending_is_caught_by_its_rule(at: int) -> None:
    rule, make, change = BROKEN_ENDINGS[at]
    events = make()
    change(events)

    assert rule in [fault.rule for fault in faults(events)]


def test_valid_streams_have_no_faults() -> None:
    for events in (full(), full("length"), full("content_filter"), failed(), failed("rate_limit_exceeded", 0)):
        assert faults(events) == []


def test_an_answer_of_reasoning_only_lacks_its_message() -> None:
    made = assembler()
    events = made.begin() + made.feed([reasoning("a"), chunk("length")]) + made.complete(USAGE)
    data = copied([event.data for event in events])
    for status in (data[-1]["response"], data[-1]["response"]["output"][0], data[-2]["item"]):
        status["status"] = "completed"
    data[-1]["type"] = "response.completed"
    data[-1]["response"]["incomplete_details"] = None

    assert [fault.rule for fault in faults(data)] == ["an answer has an item"]


@pytest.mark.parametrize(
    "data",
    [
        b'data: {"type":"response.created"}\n\n',
        b'event: response.failed\ndata: {"type":"response.created"}\n\n',
        b'event: response.created\ndata: {"type":"response.created"}\n',
        b'event: response.created\ndata: {"type":"response.created"}\n\ndata: [DONE]\n\n',
    ],
)
def test_bytes_in_another_frame_are_refused(data: bytes) -> None:
    with pytest.raises((AssertionError, ValueError, orjson.JSONDecodeError)):
        read_events(data)


def test_comments_may_stand_between_events() -> None:
    framed = b'event: response.created\ndata: {"type":"response.created"}\n\n'

    assert read_events(framed + b": keep-alive\n\n" + framed) == 2 * [{"type": "response.created"}]


WHOLE_FAULTS: list[tuple[str, Change]] = [
    ("the output is a list of items", lambda response: response.update(output=None)),
    ("a response has an id and a time", lambda response: response.update(id="chatcmpl-1")),
    ("the id fits the type", lambda response: response["output"][0].update(id="msg_1")),
    ("ids are unique", lambda response: response["output"].append(response["output"][-1])),
    ("usage is complete", lambda response: response.update(usage=None)),
    ("only a failed response has an error", lambda response: response.update(error={"code": "x", "message": "y"})),
    ("the status is known", lambda response: response.update(status="done")),
]


@pytest.mark.parametrize(("rule", "change"), WHOLE_FAULTS, ids=[rule for rule, _ in WHOLE_FAULTS])
def test_a_broken_response_that_was_sent_whole_is_caught_by_its_rule(rule: str, change: Change) -> None:
    response = full()[-1]["response"]
    body = orjson.dumps(response)
    assert violations_of_response("/v1/responses", b"", 200, JSON, body, ended=True) == []
    assert faults_of_response(response) == []
    change(response)
    found = violations_of_response("/openai/responses/", b"", 200, JSON, orjson.dumps(response), ended=True)
    assert any(violation.startswith(f"{rule}: ") for violation in found), found


def test_a_stream_that_its_reader_left_needs_no_terminal_event() -> None:
    made = assembler(summary=True)
    data = encode_all(made.begin() + made.feed(FULL[:4]))
    assert violations_of_response("/v1/responses", b"", 200, STREAM, data + b"event: resp", ended=False) == []
    ended = violations_of_response("/v1/responses", b"", 200, STREAM, data, ended=True)
    assert [violation.partition(":")[0] for violation in ended] == ["a terminal event is last"]
