"""Functions, the predecessor of tools, and completions, the predecessor of chat."""

import json
from typing import Any

import pytest

from tests.clients.sdk028.client import Site, openai, text_of
from tests.support.client_stage import user

WEATHER = {
    "name": "get_weather",
    "description": "The weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
}
TIME = {"name": "get_time", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}}
BOTH = {"functions": [WEATHER, TIME]}
ONE = "get weather, city=Oslo"
INSTRUCT = "gpt-3.5-turbo-instruct"


def joined(chunks: list[Any]) -> tuple[str, str, str]:
    """The name, the arguments and the finish of a streamed call, put together as code of 2023 does."""
    name = arguments = finish = ""
    for chunk in chunks:
        (choice,) = chunk["choices"]
        piece = choice["delta"].get("function_call") or {}
        name += piece.get("name") or ""
        arguments += piece.get("arguments") or ""
        finish = choice["finish_reason"] or finish
    return name, arguments, finish


def test_a_function_is_called_whole_and_streamed_alike(site: Site) -> None:
    (choice,) = site.chat(ONE, **BOTH).choices
    call = choice.message["function_call"]
    name, arguments, finish = joined(site.stream(ONE, **BOTH))

    assert (call["name"], json.loads(call["arguments"])) == ("get_weather", {"city": "Oslo", "days": 1})
    assert (name, json.loads(arguments)) == (call["name"], json.loads(call["arguments"]))
    assert choice.finish_reason == finish == "function_call"
    assert "tool_calls" not in choice.message
    assert not choice.message["content"]


def test_without_need_of_a_function_there_is_an_answer(site: Site) -> None:
    (choice,) = site.chat("Hello", **BOTH).choices

    assert (choice.message["content"], choice.finish_reason) == ("You said: Hello", "stop")
    assert not choice.message.get("function_call")


def test_the_result_of_a_function_is_answered(site: Site) -> None:
    message = site.chat(ONE, **BOTH).choices[0].message
    result = {"role": "function", "name": "get_weather", "content": "4 degrees"}

    assert site.chat([user(ONE), message, result], **BOTH).choices[0].message.content == "The tool said: 4 degrees"


@pytest.mark.parametrize(
    ("wish", "called"), [("none", None), ({"name": "get_time"}, "get_time"), ("auto", "get_weather")]
)
def test_function_call_selects_the_function(site: Site, wish: Any, called: str | None) -> None:
    message = site.chat(ONE, **BOTH, function_call=wish).choices[0].message

    assert (message.get("function_call") or {}).get("name") == called


@pytest.mark.parametrize("by", ["model", "engine"])
def test_a_completion_of_before_chat_is_answered_whole_and_streamed(site: Site, by: str) -> None:
    answer = openai.Completion.create(**{by: INSTRUCT}, prompt="Hello", max_tokens=50)
    chunks = list(openai.Completion.create(**{by: INSTRUCT}, prompt="Hello", max_tokens=50, stream=True))

    assert (answer.object, answer.model, answer.choices[0].text) == ("text_completion", INSTRUCT, "You said: Hello")
    assert "".join(choice["text"] for chunk in chunks for choice in chunk["choices"]) == "You said: Hello"
    assert answer.usage.total_tokens > 0


def test_completions_of_several_prompts_are_in_order(site: Site) -> None:
    answer = openai.Completion.create(model=INSTRUCT, prompt=["one", "two"], max_tokens=50)

    assert [(one.index, one.text) for one in answer.choices] == [(0, "You said: one"), (1, "You said: two")]


def test_completions_are_found_under_azures_deployment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "api_type", "azure")
    monkeypatch.setattr(openai, "api_version", "2023-05-15")
    monkeypatch.setattr(openai, "api_base", site.front.running.url)

    answer = openai.Completion.create(engine=INSTRUCT, prompt="Hello", max_tokens=50)
    named = openai.ChatCompletion.create(engine="gpt-4o", messages=[user(ONE)], **BOTH)

    assert answer.choices[0].text == "You said: Hello"
    assert named.choices[0].message.function_call.name == "get_weather"


def test_two_choices_come_if_they_are_requested(site: Site) -> None:
    answer = site.chat("Hello", n=2)
    chunks = site.stream("Hello", n=2)

    assert [choice.message.content for choice in answer.choices] == ["You said: Hello"] * 2
    assert {choice["index"] for chunk in chunks for choice in chunk["choices"]} == {0, 1}
    first = [chunk for chunk in chunks if chunk["choices"][0]["index"] == 0]
    assert text_of(first) == "You said: Hello"
