"""OpenAI's own SDK and published description accept what the assembler makes."""

from typing import Any

import httpx2
import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from adapters.core.event import Event
from adapters.responses.response_events import encode_all
from tests.adapters.responses.answers import USAGE, assembler, begun_call, checked, chunk, reasoning, text, whole
from tests.adapters.responses.test_endings import ANSWER
from tests.adapters.responses.test_examples import EXAMPLES
from tests.support.openai_spec import holds

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
LOGPROBS = {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}], "refusal": None}
ANSWERS: dict[str, list[Event]] = {
    **{name: events for name, (events, _) in EXAMPLES.items()},
    "all kinds": ANSWER,
    "cut off": [text("a"), chunk("length")],
    "filtered": [text("a"), chunk("content_filter")],
    "a call that was cut off": [begun_call(0, "f", '{"a"'), chunk("length")],
    "a namespace": [begun_call(0, "mail__send", "{}"), chunk("tool_calls")],
    "logprobs": [chunk(content="a", logprobs=LOGPROBS), chunk("stop")],
    "whole logprobs": [whole({"content": "a"}, logprobs=LOGPROBS)],
}


def made_from(answer: list[Event], *, fails_after: int | None = None) -> tuple[bytes, list[dict[str, Any]]]:
    """Return a stream as bytes and as data; with an error at the end if it ``fails_after`` so many events."""
    made = assembler(summary=True, seal=True)
    events = made.begin() + made.feed(answer[:fails_after])
    events += made.complete(USAGE, 1764500009) if fails_after is None else made.fail("server_error", "Gone.")
    return encode_all(events), checked(events)


def client(data: bytes) -> openai.OpenAI:
    """Return the SDK before a server that answers with this stream."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=data)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return openai.OpenAI(api_key="none", base_url="http://127.0.0.1/v1", http_client=http, max_retries=0)


@pytest.mark.parametrize("name", ANSWERS)
def test_the_stream_helper_of_the_sdk_builds_the_same_response(name: str) -> None:
    data, events = made_from(ANSWERS[name])
    final = events[-1]["response"]

    with client(data) as sdk, sdk.responses.stream(model="gpt-4o", input="Hi") as stream:
        seen = [event.type for event in stream]
        assert seen == [event["type"] for event in events]
        if final["status"] == "completed":
            response = stream.get_final_response()
            assert response.id == final["id"]
            assert response.output_text == "".join(
                part.get("text", "") for item in final["output"] for part in item.get("content", ())
            )
            assert [item.to_dict()["id"] for item in response.output] == [item["id"] for item in final["output"]]


@pytest.mark.parametrize("count", range(len(ANSWER) + 1))
def test_the_stream_helper_of_the_sdk_reads_a_failure_at_any_point(count: int) -> None:
    data, _ = made_from(ANSWER, fails_after=count)

    with client(data) as sdk, sdk.responses.stream(model="gpt-4o", input="Hi") as stream:
        last = list(stream)[-1]
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert last.response.error.code == "server_error"


@pytest.mark.parametrize("name", ANSWERS)
def test_the_types_of_the_sdk_hold_strictly(name: str) -> None:
    _, events = made_from(ANSWERS[name])

    Response.model_validate(events[-1]["response"], strict=True)
    for event in events:
        kept = EVENT.validate_python(event, strict=True)
        assert type(kept).__name__.lower() not in ("dict", "none")
        assert kept.type == event["type"]


@pytest.mark.parametrize("name", ANSWERS)
def test_the_published_description_holds(name: str) -> None:
    _, events = made_from(ANSWERS[name])
    _, failed = made_from(ANSWERS[name], fails_after=1)

    for event in [*events, failed[-1]]:
        holds(SCHEMAS[event["type"]], event)
    holds("Response", events[-1]["response"])


SCHEMAS = {
    "response.created": "ResponseCreatedEvent",
    "response.in_progress": "ResponseInProgressEvent",
    "response.completed": "ResponseCompletedEvent",
    "response.incomplete": "ResponseIncompleteEvent",
    "response.failed": "ResponseFailedEvent",
    "response.output_item.added": "ResponseOutputItemAddedEvent",
    "response.output_item.done": "ResponseOutputItemDoneEvent",
    "response.content_part.added": "ResponseContentPartAddedEvent",
    "response.content_part.done": "ResponseContentPartDoneEvent",
    "response.output_text.delta": "ResponseTextDeltaEvent",
    "response.output_text.done": "ResponseTextDoneEvent",
    "response.refusal.delta": "ResponseRefusalDeltaEvent",
    "response.refusal.done": "ResponseRefusalDoneEvent",
    "response.function_call_arguments.delta": "ResponseFunctionCallArgumentsDeltaEvent",
    "response.function_call_arguments.done": "ResponseFunctionCallArgumentsDoneEvent",
    "response.custom_tool_call_input.delta": "ResponseCustomToolCallInputDeltaEvent",
    "response.custom_tool_call_input.done": "ResponseCustomToolCallInputDoneEvent",
    "response.reasoning_summary_part.added": "ResponseReasoningSummaryPartAddedEvent",
    "response.reasoning_summary_part.done": "ResponseReasoningSummaryPartDoneEvent",
    "response.reasoning_summary_text.delta": "ResponseReasoningSummaryTextDeltaEvent",
    "response.reasoning_summary_text.done": "ResponseReasoningSummaryTextDoneEvent",
}


def test_a_seal_reaches_the_client_with_the_end_of_the_item() -> None:
    data, _ = made_from([reasoning("so"), text("a"), chunk("stop")])

    with client(data) as sdk, sdk.responses.stream(model="gpt-4o", input="Hi") as stream:
        first = stream.get_final_response().output[0]
    assert first.type == "reasoning"
    assert first.encrypted_content == "sealed 2"
    assert [part.text for part in first.summary] == ["so"]
