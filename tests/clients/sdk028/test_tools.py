"""Tools, which this client passes through without knowing them."""

import json
from typing import Any

import pytest

from tests.clients.sdk.test_tools import BOTH, ONE, TWO, accumulated
from tests.clients.sdk028.client import Site
from tests.support.client_stage import user


class Chunk:
    """A chunk of this client's, a dictionary, with members for the accumulator of the other suite."""

    def __init__(self, data: dict[str, Any]) -> None:
        for name, value in data.items():
            wrapped = Chunk(value) if isinstance(value, dict) else value
            if isinstance(value, list):
                wrapped = [Chunk(one) if isinstance(one, dict) else one for one in value]
            setattr(self, name, wrapped)

    def __getattr__(self, name: str) -> None:
        return None


def calls_of(message: Any) -> list[tuple[str, Any]]:
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in message["tool_calls"]]


@pytest.mark.parametrize(("prompt", "names"), [(ONE, ["get_weather"]), (TWO, ["get_weather", "get_time"])])
def test_tools_are_called_whole_and_streamed_alike(site: Site, prompt: str, names: list[str]) -> None:
    (choice,) = site.chat(prompt, **BOTH).choices
    pieces = accumulated([Chunk(chunk) for chunk in site.stream(prompt, **BOTH)])

    assert choice.finish_reason == "tool_calls"
    assert [name for name, _ in calls_of(choice.message)] == names
    assert [(one["name"], json.loads(one["arguments"])) for one in pieces] == calls_of(choice.message)


def test_the_result_of_a_tool_is_answered(site: Site) -> None:
    message = site.chat(ONE, **BOTH).choices[0].message
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "4 degrees"}

    assert site.chat([user(ONE), message, result], **BOTH).choices[0].message.content == "The tool said: 4 degrees"


def test_a_tool_that_is_named_must_be_called(site: Site) -> None:
    choice = {"type": "function", "function": {"name": "get_time"}}

    assert calls_of(site.chat("Hello", **BOTH, tool_choice=choice).choices[0].message)[0][0] == "get_time"
