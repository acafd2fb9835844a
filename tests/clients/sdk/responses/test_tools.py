"""Tools: functions, custom tools and namespaces, replayed or by id, and tools that only OpenAI runs."""

import json
from typing import Any

import openai
import pytest

from tests.clients.sdk.responses.calls import (
    ONE,
    TIME,
    TWO,
    WEATHER,
    ResponsesSite,
    calls_in,
    output_of,
    replayed,
)

BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
TOOLS = {"tools": [WEATHER, TIME], "parallel_tool_calls": True}
SHELL = {"type": "custom", "name": "run_script", "description": "Runs a script."}


def named(calls: list[Any]) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in calls]


@BOTH_WAYS
def test_a_function_is_called_with_arguments_by_its_schema(site: ResponsesSite, stream: bool) -> None:
    (call,) = calls_in(site.final(ONE, stream=stream, **TOOLS))

    assert named([call]) == [("get_weather", {"city": "Oslo", "days": 1})]
    assert call.id.startswith("fc_")
    assert call.call_id
    assert call.status == "completed"


@BOTH_WAYS
def test_two_calls_at_once_are_two_items(site: ResponsesSite, stream: bool) -> None:
    response = site.final(TWO, stream=stream, **TOOLS)
    calls = calls_in(response)

    assert named(calls) == [("get_weather", {"city": "Oslo", "days": 1}), ("get_time", {"zone": "CET"})]
    assert len({call.call_id for call in calls}) == len({call.id for call in calls}) == 2
    assert not response.output_text


@BOTH_WAYS
@pytest.mark.parametrize("choice", ["none", "required", {"type": "function", "name": "get_time"}], ids=str)
def test_the_choice_of_a_tool_is_kept(site: ResponsesSite, stream: bool, choice: Any) -> None:
    response = site.final("Hello", stream=stream, **TOOLS, tool_choice=choice)
    names = [call.name for call in calls_in(response)]

    assert names == {"none": [], "required": ["get_weather"]}.get(str(choice), ["get_time"])


def test_of_allowed_tools_the_others_are_not_offered(site: ResponsesSite) -> None:
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_time"}]}
    response = site.ask(TWO, **TOOLS, tool_choice=allowed)

    assert [call.name for call in calls_in(response)] == ["get_time"]
    assert response.to_dict()["tool_choice"] == allowed


@BOTH_WAYS
@pytest.mark.parametrize("parts", [False, True], ids=["text", "parts"])
def test_a_loop_is_replayed_by_a_client_that_stores_nothing(site: ResponsesSite, stream: bool, parts: bool) -> None:
    items: list[Any] = [{"role": "user", "content": TWO}]
    first = site.final(items, stream=stream, store=False, **TOOLS)
    output = [{"type": "input_text", "text": "4 degrees"}] if parts else "4 degrees"
    items += [*replayed(first), *(output_of(call, output) for call in calls_in(first))]
    second = site.final(items, stream=stream, store=False, **TOOLS)

    assert second.output_text == "The tool said: 4 degrees; 4 degrees"


@BOTH_WAYS
def test_a_loop_goes_on_by_the_id_of_its_response(site: ResponsesSite, stream: bool) -> None:
    first = site.final(ONE, stream=stream, **TOOLS)
    outputs = [output_of(call, "4 degrees") for call in calls_in(first)]
    second = site.final(outputs, stream=stream, previous_response_id=first.id, **TOOLS)
    third = site.final("get time, zone=CET", stream=stream, previous_response_id=second.id, **TOOLS)

    assert second.output_text == "The tool said: 4 degrees"
    assert named(calls_in(third)) == [("get_time", {"zone": "CET"})]
    assert calls_in(third)[0].call_id != calls_in(first)[0].call_id


def test_an_output_without_its_call_and_a_call_without_its_output_are_refused_by_name(site: ResponsesSite) -> None:
    call = {"type": "function_call", "call_id": "call_7", "name": "get_weather", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "call_8", "output": "x"}
    for items, message in (
        ([{"role": "user", "content": "x"}, output], "No tool call found for function call output with call_id call_8"),
        ([call, {"role": "user", "content": "x"}], "No tool output found for function call call_7"),
    ):
        with pytest.raises(openai.BadRequestError) as caught:
            site.ask(items, **TOOLS)
        assert message in caught.value.message
        assert caught.value.param == "input"
    assert not site.calls


def test_a_call_that_a_chain_left_open_is_named_when_it_is_continued(site: ResponsesSite) -> None:
    first = site.ask(ONE, **TOOLS)
    calls = len(site.calls)
    with pytest.raises(openai.BadRequestError) as caught:
        site.ask("never mind", previous_response_id=first.id, **TOOLS)
    assert f"No tool output found for function call {calls_in(first)[0].call_id}" in caught.value.message
    assert len(site.calls) == calls


@BOTH_WAYS
def test_without_parallel_calls_there_is_one(site: ResponsesSite, stream: bool) -> None:
    response = site.final(TWO, stream=stream, tools=[WEATHER, TIME], parallel_tool_calls=False)
    assert [call.name for call in calls_in(response)] == ["get_weather"]


@BOTH_WAYS
def test_a_custom_tool_has_free_text_as_its_input(site: ResponsesSite, stream: bool) -> None:
    first = site.final("run script, input=ls", stream=stream, tools=[SHELL])
    (call,) = calls_in(first)
    assert (call.type, call.name) == ("custom_tool_call", "run_script")
    assert call.id.startswith("ctc_")
    assert type(call.input) is str
    assert not call.input.startswith("{")

    second = site.final([output_of(call, "a.txt")], stream=stream, previous_response_id=first.id, tools=[SHELL])
    assert second.output_text == "The tool said: a.txt"
    again: list[Any] = [{"role": "user", "content": "run script"}, *replayed(first), output_of(call, "b.txt")]
    assert site.final(again, stream=stream, store=False, tools=[SHELL]).output_text == "The tool said: b.txt"


@BOTH_WAYS
def test_a_namespaces_function_is_called_by_its_own_name(site: ResponsesSite, stream: bool) -> None:
    space = {"type": "namespace", "name": "mail", "description": "Mail.", "tools": [{**TIME, "name": "send_mail"}]}
    (call,) = calls_in(site.final("call mail__send_mail, zone=CET", stream=stream, tools=[space]))
    assert (call.name, call.to_dict().get("namespace")) == ("send_mail", "mail")


@pytest.mark.parametrize("hosted", ["web_search", "web_search_preview", "image_generation"])
def test_a_hosted_tool_beside_others_is_dropped_and_reported(site: ResponsesSite, hosted: str) -> None:
    raw = site.ask_raw(ONE, tools=[WEATHER, {"type": hosted}])
    assert f"tools.{hosted}=dropped" in raw.headers["x-banjia-adapted"]
    assert [call.name for call in calls_in(raw.parse())] == ["get_weather"]


@pytest.mark.parametrize(
    ("tools", "more", "param"),
    [
        ([{"type": "web_search"}], {}, "tools[0].type"),
        ([WEATHER, {"type": "file_search", "vector_store_ids": ["vs_1"]}], {}, "tools[1].type"),
        ([WEATHER, {"type": "code_interpreter", "container": {"type": "auto"}}], {}, "tools[1].type"),
        ([WEATHER, {"type": "mcp", "server_label": "a", "server_url": "https://example.com"}], {}, "tools[1].type"),
    ],
)
def test_a_hosted_tool_that_the_answer_rests_on_is_refused(
    site: ResponsesSite, tools: Any, more: Any, param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        site.ask(ONE, tools=tools, **more)
    assert caught.value.param == param
    assert not site.calls


def test_a_request_of_codex_is_served(site: ResponsesSite) -> None:
    message = {
        "type": "message",
        "id": "msg_own",
        "role": "developer",
        "content": [{"type": "input_text", "text": "Be brief."}],
    }
    user = {"type": "message", "id": "msg_two", "role": "user", "content": [{"type": "input_text", "text": ONE}]}
    space = {"type": "namespace", "name": "agents", "description": "Agents.", "tools": [TIME]}
    events = site.events(
        [message, message | {"id": "msg_three"}, user],
        tools=[WEATHER, space, {"type": "web_search", "external_web_access": True}],
        tool_choice="auto", parallel_tool_calls=True, reasoning={"summary": "auto"}, store=False,
        include=["reasoning.encrypted_content"], prompt_cache_key="k", extra_body={"client_metadata": {"a": "b"}},
    )  # fmt: skip
    assert [call.name for call in calls_in(events[-1].response)] == ["get_weather"]
    assert "client_metadata" not in site.calls[-1].body
