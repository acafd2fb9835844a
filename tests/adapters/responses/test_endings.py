"""How responses end: completed, incomplete, failed or cancelled, at any point of the answer."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from adapters.core.event import Event
from adapters.core.message import Message
from adapters.responses.assembler import ErrorCode, ResponseAssembler, failed_code
from tests.adapters.responses.answers import (
    SKELETON,
    USAGE,
    arguments,
    assembler,
    begun_call,
    brief,
    checked,
    chunk,
    reasoning,
    refusal,
    streamed,
    text,
)

ANSWER = [
    reasoning("so"),
    reasoning(" be it"),
    text("Hel"),
    text("lo"),
    refusal("no"),
    begun_call(0, "f", "{"),
    begun_call(1, "shell", "list"),
    text("and"),
    arguments(0, "}"),
    begun_call(2, "g", "{}"),
    arguments(1, " all"),
    chunk("tool_calls"),
]
GONE = "The vendor closed the connection. (upstream_stream_truncated)"


def final(events: list[dict[str, Any]]) -> dict[str, Any]:
    response: dict[str, Any] = events[-1]["response"]
    return response


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
@pytest.mark.parametrize("count", range(len(ANSWER)))
def test_an_answer_that_was_cut_off_is_incomplete(finish: str, reason: str, count: int) -> None:
    """Its last item is incomplete, and it has no time of completion."""
    made = assembler(summary=True)
    events = streamed([*ANSWER[:count], chunk(finish)], using=made)

    assert events[-1]["type"] == "response.incomplete"
    assert made.status == final(events)["status"] == "incomplete"
    assert final(events)["incomplete_details"] == {"reason": reason}
    assert final(events)["completed_at"] is None
    assert final(events)["usage"]["total_tokens"] == 19
    assert [item["status"] for item in made.items] == ["completed"] * (len(made.items) - 1) + ["incomplete"]


def test_what_was_shown_before_a_filter_is_kept() -> None:
    """The vendor's inspection ends the stream with an error; what the client has got stays the answer."""
    made = assembler()
    events = made.begin() + made.feed([text("Hel"), text("lo")])
    events += made.complete(USAGE, 1764500009, incomplete="content_filter")

    response = final(checked(events))
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
    assert response["completed_at"] is None
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["content"][0]["text"] == "Hello"


def test_a_filter_after_the_finish_changes_nothing() -> None:
    made = assembler()
    events = made.begin() + made.feed([text("Hello"), chunk("stop")])
    events += made.complete(USAGE, 5, incomplete="content_filter")

    assert final(checked(events))["status"] == "completed"


def test_an_error_message_that_can_be_translated_is_stored_as_text() -> None:
    made = assembler()
    made.fail("server_error", Message("{vendor} is gone.", vendor="Kimi"))

    assert type(made.response["error"]["message"]) is str


@pytest.mark.parametrize("count", range(len(ANSWER) + 1))
@pytest.mark.parametrize("together", [True, False])
def test_a_failure_at_any_point_is_a_valid_end(count: int, together: bool) -> None:
    made = assembler(summary=True, seal=True)
    events = made.begin()
    for read in [ANSWER[:count]] if together else [[one] for one in ANSWER[:count]]:
        events += made.feed(read)
    shown = [event.data["item"]["id"] for event in events if event.type == "response.output_item.added"]
    done = [event.data["item"] for event in events if event.type == "response.output_item.done"]
    before = len(events)
    events += made.fail("server_error", GONE)

    response = final(checked(events))
    assert [event.type for event in events[before:]] == ["response.failed"]
    assert made.status == response["status"] == "failed"
    assert response["error"] == {"code": "server_error", "message": GONE}
    assert response["usage"] is None
    assert [item["id"] for item in response["output"]] == shown
    assert response["output"][: len(done)] == done
    assert [item["status"] for item in response["output"][len(done) :]] == ["incomplete"] * (len(shown) - len(done))
    assert made.items == response["output"]


def test_a_failed_response_has_the_text_that_was_shown() -> None:
    made = assembler()
    made.begin()
    made.feed([text("Hel"), text("lo"), begun_call(0, "f", '{"a"')])
    made.fail("server_error", GONE)

    message, call = made.items
    assert message["content"][0]["text"] == "Hello"
    assert (call["arguments"], call["status"]) == ('{"a"', "incomplete")


def test_reasoning_of_a_failed_response_is_not_sealed() -> None:
    made = assembler(summary=True, seal=True)
    made.begin()
    made.feed([reasoning("half a tho")])
    made.fail("server_error", GONE)

    (item,) = made.items
    assert "encrypted_content" not in item
    assert item["summary"] == [{"type": "summary_text", "text": "half a tho"}]


@pytest.mark.parametrize("count", range(len(ANSWER) + 1))
def test_a_cancelled_response_ends_at_any_point(count: int) -> None:
    """OpenAI's description has no event for it, so the last one is response.failed, with the status cancelled."""
    made = assembler()
    events = made.begin(queued=True) + made.feed(ANSWER[:count]) + made.cancel()

    response = final(checked(events))
    assert events[-1].type == "response.failed"
    assert made.status == response["status"] == "cancelled"
    assert response["error"] is None


ENDS: dict[str, Callable[[ResponseAssembler], list[Any]]] = {
    "complete": lambda made: made.complete(USAGE, 5),
    "fail": lambda made: made.fail("server_error", GONE),
    "cancel": lambda made: made.cancel(),
}


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("count", [0, 4, len(ANSWER)])
def test_nothing_follows_the_end(first: str, count: int) -> None:
    made = assembler()
    made.begin()
    made.feed(ANSWER[:count])
    assert ENDS[first](made)
    response, status = made.response, made.status

    for end in ENDS.values():
        assert end(made) == []
    assert made.begin() == made.enqueue() == made.feed(ANSWER) == []
    assert made.feed_bytes([Event(b'{"choices":[]}', text="a"), *ANSWER]) == b""
    assert made.response is response
    assert made.status == status


@pytest.mark.parametrize("end", ENDS)
def test_an_end_without_a_begin_is_a_whole_stream(end: str) -> None:
    assert brief(checked(ENDS[end](assembler())))[:2] == ["created", "in_progress"]


def test_an_answer_that_was_never_begun_is_a_whole_stream() -> None:
    made = assembler()
    events = made.feed([text("a"), chunk("stop")]) + made.complete(USAGE)

    assert brief(checked(events))[:3] == ["created", "in_progress", "output_item.added(0 msg)"]


def test_a_background_response_is_queued_first() -> None:
    made = assembler()
    events = made.enqueue()
    assert (made.status, made.response["status"]) == ("queued", "queued")
    assert [event.data["response"]["status"] for event in events] == ["queued", "queued"]
    assert made.enqueue() == []
    events += made.begin()
    assert (made.status, made.response["status"]) == ("in_progress", "in_progress")
    events += made.feed([text("a")]) + made.complete(USAGE)

    assert brief(checked(events))[:3] == ["created", "queued", "in_progress"]
    assert [event.type for event in assembler().begin(queued=True)] == [event.type for event in events[:3]]


@pytest.mark.parametrize("end", ["fail", "cancel"])
def test_a_background_response_may_end_in_the_queue(end: str) -> None:
    made = assembler()
    events = made.enqueue() + ENDS[end](made)

    assert brief(checked(events)) == ["created", "queued", "failed"]
    assert made.begin() == made.enqueue() == made.feed(ANSWER) == []


def test_a_whole_response_is_the_same_object_and_has_no_events() -> None:
    def made(*, events: bool) -> ResponseAssembler:
        out = assembler(events=events, seal=True, summary=True)
        out.begin()
        out.feed([reasoning("so"), text("Hel"), text("lo"), begun_call(0, "get", "{}"), chunk("tool_calls")])
        assert bool(out.complete(USAGE, 1764500009)) is events
        return out

    assert made(events=False).response == made(events=True).response
    assert made(events=False).stored_items == made(events=True).stored_items


def test_begin_gives_its_events_once() -> None:
    made = assembler()

    assert [event.type for event in made.begin()] == ["response.created", "response.in_progress"]
    assert made.begin() == made.begin(queued=True) == made.enqueue() == []


def test_the_skeleton_is_not_changed() -> None:
    before = {**SKELETON}
    made = ResponseAssembler(
        SKELETON, "a", tool_names=cast(Any, None), summary=False, seal=None, custom_input=cast(Any, None)
    )
    made.begin()
    made.feed([text("a")])
    made.complete(USAGE)

    assert before == SKELETON


def test_an_error_code_that_openai_does_not_have_becomes_server_error() -> None:
    made = assembler()
    made.fail(cast(ErrorCode, "upstream_stream_truncated"), GONE)

    assert made.response["error"] == {"code": "server_error", "message": GONE}


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "invalid_prompt"), (404, "invalid_prompt"), (429, "rate_limit_exceeded"), (500, "server_error"),
     (502, "server_error"), (503, "server_error"), (504, "server_error")],
)  # fmt: skip
def test_a_failure_has_a_code_by_its_status(status: int, code: str) -> None:
    assert failed_code(status) == code
