"""The response object and the stream of a text, with the SDK's own classes and its strict stream helper."""

import asyncio
from typing import Any

import openai
import pytest
from openai.types.responses import Response

from tests.clients.sdk.responses.calls import WEATHER, ResponsesSite
from tests.support.client_stage import until

BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
SPOKEN = "搬家 👩‍👩‍👧 café"


@BOTH_WAYS
def test_a_text_is_a_response_with_one_message(site: ResponsesSite, stream: bool) -> None:
    response = site.final("Hello", stream=stream)
    prompt, completion, total = site.counted()

    assert (response.object, response.status, response.error) == ("response", "completed", None)
    assert response.id.startswith("resp_")
    (message,) = [item for item in response.output if item.type != "reasoning"]
    assert (message.type, message.role, message.status) == ("message", "assistant", "completed")
    assert message.id.startswith("msg_")
    assert response.output_text == "You said: Hello"
    assert (response.usage.input_tokens, response.usage.output_tokens) == (prompt, completion)
    assert response.usage.total_tokens == total
    assert response.created_at <= response.to_dict()["completed_at"]
    assert type(response) is Response


def test_what_was_asked_is_echoed_with_defaults(site: ResponsesSite) -> None:
    tools = [{"type": "function", "name": "get_it", "parameters": {"type": "object", "properties": {}}}]
    raw = site.ask_raw("Hello", instructions="Be brief.", metadata={"a": "1"}, tools=tools).http_response.json()

    assert raw["instructions"] == "Be brief."
    assert raw["metadata"] == {"a": "1"}
    expected = {
        "type": "function",
        "name": "get_it",
        "description": None,
        "parameters": tools[0]["parameters"],
        "strict": False,
    }
    assert raw["tools"] == [expected]
    assert (raw["tool_choice"], raw["parallel_tool_calls"], raw["truncation"]) == ("auto", True, "disabled")
    assert raw["text"] == {"format": {"type": "text"}}
    assert raw["reasoning"] == {"effort": None, "summary": None}
    assert (raw["previous_response_id"], raw["store"], raw["background"]) == (None, True, False)
    assert "conversation" not in raw
    assert "output_text" not in raw


def test_a_stream_is_the_whole_answer_in_pieces(site: ResponsesSite) -> None:
    whole = site.ask(SPOKEN)
    events = site.events(SPOKEN)
    final = events[-1].response

    assert final.output_text == whole.output_text
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text
    assert [item.type for item in final.output] == [item.type for item in whole.output]
    assert final.usage.input_tokens == whole.usage.input_tokens


def test_the_sdks_strict_accumulator_builds_the_response(site: ResponsesSite) -> None:
    with site.sdk.responses.stream(model="gpt-4o", input=SPOKEN, tools=[WEATHER]) as stream:
        seen = list(stream)
        final = stream.get_final_response()

    assert seen[-1].type == "response.completed"
    assert final.output_text == f"You said: {SPOKEN}"


def test_the_async_client_gets_the_same(site: ResponsesSite) -> None:
    async def run() -> tuple[Any, Any]:
        client: Any = site.front.async_sdk()
        async with client as sdk:
            whole = await sdk.responses.create(model="gpt-4o", input="Hello")
            stream = await sdk.responses.create(model="gpt-4o", input="Hello", stream=True)
            events = [event async for event in stream]
            return whole, events[-1].response

    whole, final = asyncio.run(run())
    assert whole.output_text == final.output_text == "You said: Hello"


def test_a_stream_arrives_while_the_vendor_still_answers(site: ResponsesSite) -> None:
    stream = site.ask("emulator:words=500,gap=20", stream=True)
    for event in stream:
        if event.type == "response.output_text.delta":
            break
    assert site.emulator.active == 1
    stream.close()
    until(lambda: site.emulator.active == 0)


@pytest.mark.parametrize("options", [{"include_obfuscation": True}, {"include_obfuscation": False}])
def test_stream_options_are_accepted_and_nothing_is_padded(site: ResponsesSite, options: Any) -> None:
    events = site.events("Hello", stream_options=options)
    assert not [event for event in events if event.to_dict().get("obfuscation")]


@BOTH_WAYS
def test_a_limit_of_tokens_makes_the_response_incomplete(site: ResponsesSite, stream: bool) -> None:
    response = site.final("emulator:words=200", stream=stream, max_output_tokens=16)

    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert [item.status for item in response.output if item.type == "message"] == ["incomplete"]


def test_more_than_one_kind_of_input_is_one_conversation(site: ResponsesSite) -> None:
    items: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "one"}]},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "re one", "annotations": []}],
        },
        {"role": "user", "content": "two"},
    ]
    assert site.ask(items).output_text == "You said: two"
    texts = [content if type(content) is str else content[0]["text"] for _, content in site.sent()]
    assert texts[-3:] == ["one", "re one", "two"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"input": ""}, "input"),
    ({"input": 3}, "input"),
    ({"input": [3]}, "input[0]"),
    ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
    ({"temperature": "hot"}, "temperature"),
    ({"top_p": []}, "top_p"),
    ({"max_output_tokens": "many"}, "max_output_tokens"),
    ({"max_output_tokens": 3}, "max_output_tokens"),
    ({"metadata": []}, "metadata"),
    ({"metadata": {"a": 1}}, "metadata.a"),
    ({"store": "yes"}, "store"),
    ({"tools": {}}, "tools"),
    ({"tools": [{"type": "function"}]}, "tools[0].name"),
    ({"tool_choice": 7}, "tool_choice"),
    ({"parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ({"include": ["everything"]}, "include[0]"),
    ({"truncation": "some"}, "truncation"),
    ({"reasoning": {"effort": "some"}}, "reasoning.effort"),
    ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
    ({"previous_response_id": 3}, "previous_response_id"),
    ({"conversation": 3}, "conversation"),
    ({"instructions": 3}, "instructions"),
    ({"background": True, "store": False}, "background"),
]


def test_a_field_of_the_wrong_type_is_refused_by_name(site: ResponsesSite) -> None:
    for fields, param in WRONG:
        with pytest.raises(openai.BadRequestError) as caught:
            site.ask(content="Hello", extra_body=fields)
        assert caught.value.param == param, (fields, caught.value.body)
    assert not site.calls
