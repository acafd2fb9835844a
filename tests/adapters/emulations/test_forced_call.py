"""Forced calls of models that can't be forced: an answer without the call is repaired once, and otherwise a 502."""

from typing import Any

import orjson
import pytest

from adapters.core.exchange import Done, Fail
from adapters.core.vendor import Plan
from tests.adapters.play import Play, chat_plan

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("get_weather", "f")  # Kimi refuses names of one letter: it is sent under another name
]
NAMED = {"type": "function", "function": {"name": "f"}}


def forced(choice: Any = "required", *, stream: bool = False, **fields: Any) -> Plan:
    return chat_plan("kimi", "moonshot-v1-8k", stream=stream, tools=TOOLS, tool_choice=choice, **fields)


def answer(*names: str, content: str | None = None, finish: str | None = None) -> dict[str, Any]:
    calls = [{"id": "x", "type": "function", "function": {"name": name, "arguments": "{}"}} for name in names]
    message = {"role": "assistant", "content": content, **({"tool_calls": calls} if calls else {})}
    finish = finish or ("tool_calls" if calls else "stop")
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}


def names_of(play: Play) -> list[str]:
    assert type(play.end) is Done
    return [call["function"]["name"] for call in play.events[-1].data["choices"][0]["message"]["tool_calls"]]


def test_the_named_function_is_kept_if_only_one_call_is_wanted() -> None:
    play = Play(forced(NAMED, parallel_tool_calls=False)).json(answer("get_weather", "tool_f", "tool_f"))
    assert names_of(play) == ["f"]
    assert len(play.sends) == 1


def test_an_answer_with_the_call_takes_one_call_and_passes() -> None:
    play = Play(forced()).json(answer("get_weather"))
    assert names_of(play) == ["get_weather"]
    assert len(play.sends) == 1


def test_a_named_function_is_the_only_one_that_is_sent_and_keeps_the_clients_name() -> None:
    plan = forced(NAMED)
    (tool,) = plan.request.fields["tools"]
    assert tool["function"]["name"] == "tool_f"
    assert "Call the function tool_f now" in plan.request.fields["messages"][-1]["content"]
    assert names_of(Play(plan).json(answer("tool_f"))) == ["f"]
    assert names_of(Play(plan).json(answer("get_weather", "tool_f"))) == ["f"]


@pytest.mark.parametrize("content", ["I would rather not.", None])
def test_an_answer_without_the_call_is_repaired_once(content: str | None) -> None:
    play = Play(forced()).json(answer(content=content)).json(answer("get_weather"), id_=2)
    assert names_of(play) == ["get_weather"]
    assert [send.optional for send in play.sends] == [False, True]
    messages = orjson.loads(play.sends[1].call.body)["messages"]
    assert len(messages) == (3 if content else 1)
    assert messages[-1]["content"].endswith(
        "Call at least one of the functions now: answer with the call and with no text."
    )


@pytest.mark.parametrize(("choice", "names"), [("required", []), (NAMED, ["get_weather"])])
def test_a_second_answer_without_it_is_an_invalid_response(choice: Any, names: list[str]) -> None:
    play = Play(forced(choice)).json(answer(*names, content="No.")).json(answer(*names, content="No."), id_=2)
    assert type(play.end) is Fail
    assert (play.end.failure.status, play.end.failure.code) == (502, "upstream_invalid_response")
    once = Play(forced(choice, settings={"unrepaired": frozenset({"tool_choice"})})).json(answer(*names, content="No."))
    assert type(once.end) is Fail
    assert len(once.sends) == 1


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_an_answer_that_was_cut_off_passes_as_it_came(finish: str) -> None:
    play = Play(forced()).json(answer(content="Let me", finish=finish))
    assert play.events[-1].data["choices"][0]["finish_reason"] == finish


def test_a_stream_is_requested_whole_and_parallel_calls_can_be_off() -> None:
    plan = forced(stream=True, parallel_tool_calls=False)
    assert "stream" not in plan.request.fields
    assert names_of(Play(plan).json(answer("get_weather", "tool_f"))) == ["get_weather"]
