"""Tools, with vendors that differ in ids, names, defaults and in how they stream a call."""

import json
from typing import Any

import openai
import pytest

from tests.support.client_stage import Site, chat_body, user


def function(name: str, **properties: str) -> dict[str, Any]:
    """A tool with properties of these JSON types."""
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


WEATHER = function("get_weather", city="string", days="integer")
TIME = function("get_time", zone="string")
BOTH = {"tools": [WEATHER, TIME]}
HIGH = {"extra_body": {"reasoning_effort": "high"}}
"""Asks for thinking; the SDK of July 2024 has no argument for it."""
ONE = "get weather, city=Oslo"
TWO = "get weather, city=Oslo, and get time, zone=CET"


def calls_of(message: Any) -> list[tuple[str, Any]]:
    return [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or []]


def accumulated(chunks: list[Any]) -> list[dict[str, Any]]:
    """The tool calls that a stream's pieces add up to, put together as SDKs do: by index, texts joined."""
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for piece in chunk.choices[0].delta.tool_calls or [] if chunk.choices else []:
            assert type(piece.index) is int
            call = calls.setdefault(piece.index, {"id": "", "type": "", "name": "", "arguments": ""})
            call["id"] += piece.id or ""
            call["type"] += piece.type or ""
            call["name"] += (piece.function.name if piece.function else None) or ""
            call["arguments"] += (piece.function.arguments if piece.function else None) or ""
    assert sorted(calls) == list(range(len(calls))), "indexes count from 0 without gaps"
    return [calls[at] for at in sorted(calls)]


def test_a_tool_is_called_with_arguments_by_its_schema(site: Site) -> None:
    (choice,) = site.chat(ONE, **BOTH).choices

    assert choice.finish_reason == "tool_calls"
    assert calls_of(choice.message) == [("get_weather", {"city": "Oslo", "days": 1})]
    (call,) = choice.message.tool_calls
    assert call.id
    assert call.type == "function"
    assert not choice.message.content


def test_two_tools_are_called_at_once_as_openai_would(site: Site) -> None:
    message = site.chat(TWO, **BOTH).choices[0].message

    assert calls_of(message) == [("get_weather", {"city": "Oslo", "days": 1}), ("get_time", {"zone": "CET"})]
    assert len({call.id for call in message.tool_calls}) == 2


def test_without_need_of_a_tool_there_is_an_answer(site: Site) -> None:
    (choice,) = site.chat("Hello", **BOTH).choices

    assert (choice.message.content, choice.finish_reason) == ("You said: Hello", "stop")
    assert not choice.message.tool_calls


@pytest.mark.parametrize("prompt", [ONE, TWO, "Hello"])
def test_a_streams_pieces_add_up_to_the_whole_answers_calls(site: Site, prompt: str) -> None:
    whole = site.chat(prompt, **BOTH).choices[0]
    chunks = site.stream(prompt, **BOTH)

    pieces = accumulated(chunks)
    assert [(one["name"], json.loads(one["arguments"])) for one in pieces] == calls_of(whole.message)
    assert all(one["type"] == "function" and one["id"] for one in pieces)
    assert len({one["id"] for one in pieces}) == len(pieces)
    assert chunks[-1].choices[0].finish_reason == whole.finish_reason


def test_the_sdks_own_accumulator_gives_the_whole_answers_calls(site: Site) -> None:
    helper = getattr(site.sdk.chat.completions, "stream", None)
    if helper is None:
        assert openai.__version__.startswith("1."), "only the first generation has no such helper for chat"
        return
    with helper(**chat_body(TWO, **BOTH)) as events:
        final = events.get_final_completion()

    assert calls_of(final.choices[0].message) == calls_of(site.chat(TWO, **BOTH).choices[0].message)


def test_ids_of_calls_differ_between_answers(site: Site) -> None:
    first, second = (site.chat(ONE, **BOTH).choices[0].message.tool_calls[0].id for _ in range(2))

    assert first != second, "a conversation with both would have one id twice"


def test_tool_choice_none_gives_an_answer(site: Site) -> None:
    (choice,) = site.chat(ONE, **BOTH, tool_choice="none").choices

    assert choice.message.content == f"You said: {ONE}"
    assert not choice.message.tool_calls


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_tool_that_is_named_must_be_called(site: Site, stream: bool) -> None:
    choice = {"type": "function", "function": {"name": "get_time"}}
    request = chat_body("Hello", **BOTH, tool_choice=choice)

    if stream:
        names = [one["name"] for one in accumulated(list(site.sdk.chat.completions.create(**request, stream=True)))]
    else:
        names = [name for name, _ in calls_of(site.sdk.chat.completions.create(**request).choices[0].message)]

    assert names == ["get_time"]


@pytest.mark.parametrize("tools", [[WEATHER], [WEATHER, TIME]], ids=["one tool", "two tools"])
def test_required_gives_a_call(site: Site, tools: list[Any]) -> None:
    (choice,) = site.chat("Hello", tools=tools, tool_choice="required").choices

    assert [name for name, _ in calls_of(choice.message)] == ["get_weather"]


def test_a_tool_choice_that_names_no_tool_is_the_clients_error(site: Site) -> None:
    with pytest.raises(openai.BadRequestError):
        site.chat("Hello", **BOTH, tool_choice={"type": "function", "function": {"name": "get_lost"}})


@pytest.mark.parametrize("model", ["gpt-4o", "o3"], ids=["not thinking", "thinking"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_three_turns_with_tools_work_for_a_client_that_knows_no_reasoning(site: Site, model: str, stream: bool) -> None:
    prompts = [(ONE, "4 degrees"), ("get time, zone=CET", "noon"), (TWO, "rain")]
    messages: list[dict[str, Any]] = [{"role": "system", "content": "Use the tools."}]
    ids: list[str] = []
    for prompt, result in prompts:
        messages.append(user(prompt))
        calls = _called(site, messages, model, stream)
        assert calls, f"{prompt} called nothing"
        ids += [call["id"] for call in calls]
        shown = [{"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
                 for c in calls]  # fmt: skip
        messages.append({"role": "assistant", "content": None, "tool_calls": shown})
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": result} for call in calls]
        message = site.chat(messages, model=model, **BOTH).choices[0].message
        assert message.content == "The tool said: " + "; ".join([result] * len(calls))
        messages.append({"role": "assistant", "content": message.content})

    assert len(set(ids)) == len(ids)


def _called(site: Site, messages: list[dict[str, Any]], model: str, stream: bool) -> list[dict[str, Any]]:
    if stream:
        return accumulated(site.stream(messages, model=model, **BOTH))
    calls = site.chat(messages, model=model, **BOTH).choices[0].message.tool_calls
    return [{"id": c.id, "name": c.function.name, "arguments": c.function.arguments} for c in calls]


@pytest.mark.parametrize("name", ["search", "f", "x-9", "tool_search"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_name_that_one_vendor_would_refuse_works_at_both(site: Site, name: str, stream: bool) -> None:
    tools = [function(name, q="string")]
    prompt = f"call tool {name} search, q=fish"
    if stream:
        (call,) = accumulated(site.stream(prompt, tools=tools))
    else:
        (made,) = site.chat(prompt, tools=tools).choices[0].message.tool_calls
        call = {"id": made.id, "name": made.function.name, "arguments": made.function.arguments}
    assert (call["name"], json.loads(call["arguments"])) == (name, {"q": "fish"})

    shown = {"id": call["id"], "type": "function", "function": {"name": name, "arguments": call["arguments"]}}
    reported = [user(prompt), {"role": "assistant", "content": "", "tool_calls": [shown]},
            {"role": "tool", "tool_call_id": call["id"], "content": "cod"}]  # fmt: skip
    assert site.chat(reported, tools=tools).choices[0].message.content == "The tool said: cod"


def test_a_tool_without_parameters_is_called_with_an_empty_object(site: Site) -> None:
    tools = [{"type": "function", "function": {"name": "ping_all"}}]

    (whole,) = site.chat("ping all", tools=tools).choices[0].message.tool_calls
    (streamed,) = accumulated(site.stream("ping all", tools=tools))

    assert (whole.function.arguments, streamed["arguments"]) == ("{}", "{}")


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_reasoning_model_is_forced_too(site: Site, choice: Any) -> None:
    message = site.chat("Hello", model="o3", **BOTH, tool_choice=choice, **HIGH).choices[0].message

    assert [name for name, _ in calls_of(message)] == ["get_weather"]


def test_parallel_tool_calls_false_returns_one_call(site: Site) -> None:
    (whole,) = site.chat(TWO, **BOTH, parallel_tool_calls=False).choices[0].message.tool_calls
    (streamed,) = accumulated(site.stream(TWO, **BOTH, parallel_tool_calls=False))

    assert (whole.function.name, whole.function.arguments) == (streamed["name"], streamed["arguments"])


def test_a_tool_of_another_kind_is_refused_by_name(site: Site) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        site.chat("Hello", tools=[{"type": "custom", "custom": {"name": "x"}}])

    assert caught.value.param == "tools[0].type"
    assert not site.calls
