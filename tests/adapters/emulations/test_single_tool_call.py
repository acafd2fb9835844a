"""``parallel_tool_calls: false`` at vendors without that parameter: an answer has the first call of each choice."""

from typing import Any

import orjson
import pytest

from adapters.core.failures import Refused
from tests.adapters.add_up import add_up
from tests.adapters.play import Play, chat_plan

TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("one", "two")]


def played(*, stream: bool, **fields: Any) -> Play:
    return Play(chat_plan("deepseek", stream=stream, tools=TOOLS, **fields)).head()


def call(index: int, name: str | None = None, arguments: str = "") -> dict[str, Any]:
    begin = {"id": f"call_{index}", "type": "function"} if name else {}
    return {"index": index, **begin, "function": {**({"name": name} if name else {}), "arguments": arguments}}


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"id": "c", "created": 1, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


CHUNKS = [
    chunk({"role": "assistant", "content": None}),
    chunk({"tool_calls": [call(0, "one")]}),
    chunk({"tool_calls": [call(0, None, '{"a"')]}),
    chunk({"tool_calls": [call(0, None, ":1}"), call(1, "two")]}),
    chunk({"tool_calls": [call(1, None, "{}")]}),
    chunk({}, "tool_calls"),
]


def calls_of(play: Play) -> tuple[list[tuple[str, str]], str | None]:
    choice = add_up(play.events)[0]
    calls = choice["message"].get("tool_calls") or []
    return [(one["function"]["name"], one["function"]["arguments"]) for one in calls], choice["finish_reason"]


def test_a_stream_has_only_the_pieces_of_the_first_call() -> None:
    play = played(stream=True, parallel_tool_calls=False)
    for payload in [*CHUNKS, "[DONE]"]:
        play.sse(payload)

    assert play.done
    assert calls_of(play) == ([("one", '{"a":1}')], "tool_calls")
    assert play.plan.adaptations["parallel_tool_calls"].word == "emulated"
    assert "parallel_tool_calls" not in play.plan.request.fields


def test_every_cut_of_the_bytes_gives_the_same_call() -> None:
    body = b"".join(b"data: " + orjson.dumps(one) + b"\n\n" for one in CHUNKS) + b"data: [DONE]\n\n"
    for cut in range(1, len(body)):
        play = played(stream=True, parallel_tool_calls=False).data(body[:cut]).data(body[cut:])
        assert calls_of(play) == ([("one", '{"a":1}')], "tool_calls"), cut


def test_a_whole_answer_has_one_call_and_its_text_and_usage() -> None:
    message = {"content": "I call.", "tool_calls": [call(0, "one", "{}"), call(1, "two", "{}")]}
    play = played(stream=False, parallel_tool_calls=False).json(
        {"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 3}}
    )

    (choice,) = play.events[0].data["choices"]
    assert [one["function"]["name"] for one in choice["message"]["tool_calls"]] == ["one"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("I call.", "tool_calls")
    assert play.spent[1].prompt == 3


@pytest.mark.parametrize("sent", [True, None])
def test_both_calls_are_returned_unless_the_client_asks_for_one(sent: bool | None) -> None:
    fields = {} if sent is None else {"parallel_tool_calls": sent}
    play = played(stream=True, **fields)
    for payload in [*CHUNKS, "[DONE]"]:
        play.sse(payload)

    assert [name for name, _ in calls_of(play)[0]] == ["one", "two"]
    assert not play.plan.emulations


def test_with_the_emulation_off_the_field_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        chat_plan(
            "deepseek",
            tools=TOOLS,
            parallel_tool_calls=False,
            settings={"disabled_emulations": frozenset({"parallel_tool_calls"})},
        )
    assert refused.value.param == "parallel_tool_calls"
