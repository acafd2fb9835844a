"""Legacy functions: sent as tools to any vendor, and answered in the format that the application reads."""

import json
from typing import Any

import openai
import pytest

from tests.support.client_stage import Site, adapted, chat_body, user


def function(name: str, **properties: str) -> dict[str, Any]:
    """A function with properties of these JSON types."""
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"name": name, "description": name, "parameters": schema}


FUNCTIONS = [function("get_weather", city="string", days="integer"), function("get_time", zone="string")]
ONE = "get weather, city=Oslo"
TWO = "get weather, city=Oslo, and get time, zone=CET"


def added_up(chunks: list[Any]) -> tuple[str, str]:
    """The call that a stream's pieces add up to: its name and its arguments."""
    calls = [c.delta.function_call for chunk in chunks for c in chunk.choices if c.delta.function_call]
    return "".join(call.name or "" for call in calls), "".join(call.arguments or "" for call in calls)


@pytest.mark.parametrize("prompt", [ONE, TWO])
def test_a_function_is_called_in_the_legacy_shape_and_only_one(site: Site, prompt: str) -> None:
    response = site.raw(prompt, functions=FUNCTIONS)
    (choice,) = response.parse().choices

    call = choice.message.function_call
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Oslo", "days": 1})
    assert choice.finish_reason == "function_call"
    assert not choice.message.tool_calls
    assert not choice.message.content
    assert adapted(response)["functions"] == "mapped"


@pytest.mark.parametrize("prompt", [ONE, TWO])
def test_a_streams_pieces_add_up_to_the_whole_answers_call(site: Site, prompt: str) -> None:
    chunks = site.stream(prompt, functions=FUNCTIONS)

    name, arguments = added_up(chunks)
    assert (name, json.loads(arguments)) == ("get_weather", {"city": "Oslo", "days": 1})
    assert [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason] == ["function_call"]
    assert not any(c.delta.tool_calls for chunk in chunks for c in chunk.choices)
    assert all(chunk.choices for chunk in chunks)


def test_the_vendor_sees_tools_and_nothing_of_functions(site: Site) -> None:
    response = site.raw(ONE, functions=FUNCTIONS, function_call={"name": "get_weather"})

    body = site.calls[-1].body
    names = [tool["function"]["name"] for tool in body["tools"]]
    assert not {"functions", "function_call"} & set(body)
    if adapted(response).get("tool_choice") == "emulated":
        assert names == ["get_weather"], "the prompt asks for the call, so no other tool is sent"
        return
    assert names == ["get_weather", "get_time"]
    named = {"type": "function", "function": {"name": "get_weather"}}
    custom = {"tool_choice": "custom", "custom_tool": body["tools"][0]}  # the word of a vendor with a member of its own
    assert body["tool_choice"] == named or custom.items() <= body.items()
    assert not {"functions", "function_call"} & set(body)


def test_without_need_of_a_function_there_is_an_answer(site: Site) -> None:
    (choice,) = site.chat("Hello", functions=FUNCTIONS).choices

    assert (choice.message.content, choice.finish_reason) == ("You said: Hello", "stop")
    assert choice.message.function_call is None


def test_function_call_none_gives_an_answer_and_a_name_forces_a_call(site: Site) -> None:
    none = site.raw(ONE, functions=FUNCTIONS, function_call="none")
    named = site.chat("Hello", functions=FUNCTIONS, function_call={"name": "get_time"}).choices[0]

    assert none.parse().choices[0].message.content == f"You said: {ONE}"
    assert adapted(none)["function_call"] == "mapped"
    assert named.message.function_call.name == "get_time"


@pytest.mark.parametrize("model", ["gpt-4o", "o3"], ids=["not thinking", "thinking"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_conversation_of_functions_goes_on(site: Site, model: str, stream: bool) -> None:
    messages: list[dict[str, Any]] = []
    for prompt, result in ((ONE, "4 degrees"), ("get time, zone=CET", "noon")):
        messages.append(user(prompt))
        if stream:
            name, arguments = added_up(site.stream(messages, model=model, functions=FUNCTIONS))
        else:
            call = site.chat(messages, model=model, functions=FUNCTIONS).choices[0].message.function_call
            name, arguments = call.name, call.arguments
        messages.append({"role": "assistant", "content": None, "function_call": {"name": name, "arguments": arguments}})
        messages.append({"role": "function", "name": name, "content": result})
        message = site.chat(messages, model=model, functions=FUNCTIONS).choices[0].message
        assert message.content == f"The tool said: {result}"
        messages.append({"role": "assistant", "content": message.content})


def test_a_result_whose_call_was_left_out_is_taken(site: Site) -> None:
    messages = [user(ONE), {"role": "function", "name": "get_weather", "content": "4 degrees"}]

    assert site.chat(messages, functions=FUNCTIONS).choices[0].message.content == "The tool said: 4 degrees"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"functions": FUNCTIONS, "function_call": {"name": "get_lost"}}, "function_call"),
        ({"function_call": {"name": "get_weather"}}, "function_call"),
        ({"functions": [{}]}, "functions[0].name"),
        ({"functions": FUNCTIONS, "function_call": "required"}, "function_call"),
        ({"functions": FUNCTIONS, "tools": [{"type": "function", "function": FUNCTIONS[0]}]}, "functions"),
    ],
)
def test_the_error_of_a_contradiction_names_the_sent_fields(site: Site, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        site.sdk.chat.completions.create(**chat_body(ONE), extra_body=fields)

    assert caught.value.param == param
    assert not site.calls


@pytest.mark.parametrize("name", ["search", "f"])
def test_a_name_that_one_vendor_would_refuse_works_everywhere(site: Site, name: str) -> None:
    call = site.chat(f"call tool {name} search, q=fish", functions=[function(name, q="string")]).choices[0].message

    assert call.function_call.name == name
