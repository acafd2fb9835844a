"""Tools with the official SDK where the model has none, and forced calls where a model can't be forced."""

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.clients.sdk.test_tools import BOTH, HIGH, ONE, TWO, accumulated, calls_of
from tests.support.client_stage import Front, Site, Stage, adapted, chat_body, user

WITHOUT_TOOLS = {
    "qwen": "qwen-long",
    "ernie": "qianfan-8b",
    "hunyuan": "hunyuan-role-latest",
    "hunyuan-classic": "hunyuan-lite",
}
"""A model without tools for each vendor that has one."""
UNFORCED = {
    "kimi": ("kimi-k2.6", HIGH),
    "qwen": ("qwen-plus", {}),
    "deepseek": ("deepseek-v4-flash", HIGH),
    "hunyuan": ("hy3", HIGH),
    "hunyuan-classic": ("hunyuan-turbos-latest", {}),
}
"""A model of each vendor that can't be forced to call one of several tools, and the fields with which it can't."""
FORCED = [{"type": "function", "function": {"name": "get_time"}}, "required"]
WRONG = ["unknown", "invalid", "broken"]


def site_of(stage: Stage, start: Callable[..., Front], vendor: str, model: str, **policy: Any) -> Site:
    more = {"policy": policy} if policy else {}
    front = start(vendor, models={"gpt-4o": f"{vendor}/{model}"}, **more)
    return Site(vendor, stage.emulators[vendor], front, front.sdk())


@pytest.fixture(params=WITHOUT_TOOLS)
def weak(request: pytest.FixtureRequest, stage: Stage, start: Callable[..., Front]) -> Site:
    """A model without tools, behind the proxy."""
    return site_of(stage, start, request.param, WITHOUT_TOOLS[request.param])


@pytest.fixture(params=UNFORCED)
def unforced(request: pytest.FixtureRequest, stage: Stage, start: Callable[..., Front]) -> tuple[Site, dict[str, Any]]:
    """A model that can't be forced, behind the proxy, and the fields of the requests."""
    model, fields = UNFORCED[request.param]
    return site_of(stage, start, request.param, model), {**BOTH, **fields}


@pytest.mark.parametrize("prompt", [ONE, TWO, "Hello"])
def test_calls_and_answers_are_those_of_a_model_with_tools_whole_and_streamed(weak: Site, prompt: str) -> None:
    response = weak.raw(prompt, **BOTH)
    (choice,) = response.parse().choices
    chunks = weak.stream(prompt, **BOTH)

    expected = [("get_weather", {"city": "Oslo", "days": 1}), ("get_time", {"zone": "CET"})]
    assert calls_of(choice.message) == expected[: {ONE: 1, TWO: 2, "Hello": 0}[prompt]]
    assert choice.message.content == ("You said: Hello" if prompt == "Hello" else None)
    assert choice.finish_reason == ("stop" if prompt == "Hello" else "tool_calls")
    pieces = accumulated(chunks)
    assert [(one["name"], json.loads(one["arguments"])) for one in pieces] == calls_of(choice.message)
    assert all(one["type"] == "function" and one["id"] for one in pieces)
    assert chunks[-1].choices[0].finish_reason == choice.finish_reason
    assert adapted(response)["tools"] == "emulated"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_three_turns_work(weak: Site, stream: bool) -> None:
    messages: list[dict[str, Any]] = [{"role": "system", "content": "Use the tools."}]
    ids: list[str] = []
    for prompt, result in [(ONE, "4 degrees"), ("get time, zone=CET", "noon"), (TWO, "rain")]:
        messages.append(user(prompt))
        if stream:
            calls = accumulated(weak.stream(messages, **BOTH))
        else:
            made = weak.chat(messages, **BOTH).choices[0].message.tool_calls
            calls = [{"id": c.id, "name": c.function.name, "arguments": c.function.arguments} for c in made]
        assert calls, f"{prompt} called nothing"
        ids += [call["id"] for call in calls]
        shown = [
            {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
            for c in calls
        ]
        messages.append({"role": "assistant", "content": None, "tool_calls": shown})
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": result} for call in calls]
        message = weak.chat(messages, **BOTH).choices[0].message
        assert message.content == "The tool said: " + "; ".join([result] * len(calls))
        messages.append({"role": "assistant", "content": message.content})
    assert len(set(ids)) == len(ids)


def test_each_choice_and_one_call_at_a_time_are_honoured(weak: Site) -> None:
    assert not weak.chat(ONE, **BOTH, tool_choice="none").choices[0].message.tool_calls
    named, required = (weak.chat("Hello", **BOTH, tool_choice=choice).choices[0].message for choice in FORCED)
    assert [name for name, _ in calls_of(named)] == ["get_time"]
    assert [name for name, _ in calls_of(required)] == ["get_weather"]
    single = weak.chat(TWO, **BOTH, parallel_tool_calls=False).choices[0].message
    assert [name for name, _ in calls_of(single)] == ["get_weather"]


def test_legacy_functions_are_called_and_answered(weak: Site) -> None:
    functions = [tool["function"] for tool in BOTH["tools"]]
    (choice,) = weak.chat(TWO, functions=functions).choices
    assert (choice.finish_reason, choice.message.function_call.name) == ("function_call", "get_weather")
    call = {"name": "get_weather", "arguments": choice.message.function_call.arguments}
    messages = [
        user(TWO),
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "get_weather", "content": "4 degrees"},
    ]
    assert weak.chat(messages, functions=functions).choices[0].message.content == "The tool said: 4 degrees"


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_call_is_repaired(weak: Site, wrong: str) -> None:
    response = weak.sdk.chat.completions.create(**chat_body(f"{ONE} emulator:calls={wrong}", **BOTH))
    assert [name for name, _ in calls_of(response.choices[0].message)] == ["get_weather"]
    assert len(weak.calls) == 2


def test_wrong_calls_without_repair_and_tools_that_are_off_are_errors(
    stage: Stage, start: Callable[..., Front]
) -> None:
    checked = site_of(stage, start, "qwen", "qwen-long", emulate={"tools": "no_repair"}, attempts=1)
    with pytest.raises(openai.APIStatusError) as caught:
        checked.chat(f"{ONE} emulator:calls=unknown", **BOTH)
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_invalid_response")
    assert len(checked.calls) == 1
    off = site_of(stage, start, "qwen", "qwen-long", emulate={"tools": "off"})
    with pytest.raises(openai.BadRequestError) as refused:
        off.chat(ONE, **BOTH)
    assert refused.value.param == "tools"


def test_of_thirty_percent_wrong_answers_none_is_a_wrong_call(stage: Stage, start: Callable[..., Front]) -> None:
    site = site_of(stage, start, "qwen", "qwen-long", attempts=2)
    outcomes = [outcome(site, f"{ONE} ({number}) emulator:wrong=30") for number in range(100)]
    assert set(outcomes) == {"get_weather {'city': 'Oslo', 'days': 1}", "upstream_invalid_response"}
    assert 88 <= outcomes.count("get_weather {'city': 'Oslo', 'days': 1}") < 100
    assert 115 < len(site.calls) < 150


def outcome(site: Site, prompt: str) -> str:
    """Return the call in the answer, or the code of the error."""
    try:
        ((name, arguments),) = calls_of(site.chat(prompt, **BOTH).choices[0].message)
    except openai.APIStatusError as error:
        return str(error.code)
    return f"{name} {arguments}"


@pytest.mark.parametrize("choice", FORCED, ids=["named", "required"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_model_that_can_not_be_forced_calls_the_tool(
    unforced: tuple[Site, dict[str, Any]], choice: Any, stream: bool
) -> None:
    site, fields = unforced
    if stream:
        names = [one["name"] for one in accumulated(site.stream("Hello", tool_choice=choice, **fields))]
    else:
        names = [name for name, _ in calls_of(site.chat("Hello", tool_choice=choice, **fields).choices[0].message)]
    assert names == ["get_weather" if choice == "required" else "get_time"]


def test_required_is_repaired_and_reported_as_emulated(unforced: tuple[Site, dict[str, Any]]) -> None:
    site, fields = unforced
    response = site.raw("Hello", tool_choice="required", **fields)
    assert adapted(response)["tool_choice"] == "emulated"
    made = len(site.calls)
    wrong = site.chat("Hello emulator:calls=words", tool_choice="required", **fields)
    assert [name for name, _ in calls_of(wrong.choices[0].message)] == ["get_weather"]
    assert len(site.calls) == made + 2
