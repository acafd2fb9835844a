"""The response to a client of functions: tool calls in the legacy format, at most one."""

from typing import Any

import orjson

from adapters.core.event import Event
from proxy.openai_api.chat.legacy_functions import to_legacy_functions
from tests.proxy.play import BOTH, DONE, chunk, play, stream


def delta(delta: dict[str, Any], finish: str | None = None) -> Event:
    return Event(orjson.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}))


def piece(at: int, **function: str) -> dict[str, Any]:
    first = {"id": f"c{at}", "type": "function"} if "name" in function else {}
    return {"index": at, **first, "function": function}


def test_the_first_call_is_the_answer_and_the_others_are_counted() -> None:
    events = [
        delta(
            {
                "role": "assistant",
                "content": None,
                "function_call": None,
                "tool_calls": [piece(0, name="f", arguments="")],
            }
        ),
        delta({"tool_calls": [piece(0, arguments="{}"), piece(1, name="g", arguments="")]}),
        delta({"tool_calls": [piece(1, arguments="{}")]}),
        delta({}, "tool_calls"),
    ]
    kept, left_out = to_legacy_functions(events)

    deltas = [event.data["choices"][0]["delta"] for event in kept]
    assert deltas == [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
        {},
    ]
    assert kept[-1].data["choices"][0]["finish_reason"] == "function_call"
    assert left_out == 1


def test_text_passes_as_it_came() -> None:
    event = delta({"content": "a"}, "stop")
    raw = event.raw
    assert to_legacy_functions([event]) == ([event], 0)
    assert event.raw is raw


def test_the_log_line_has_the_number_of_dropped_calls() -> None:
    calls = [
        {"index": at, "id": f"c{at}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for at in (0, 1)
    ]
    played = play(
        {"kimi": [stream(chunk({"tool_calls": calls}), chunk({}, "tool_calls"), DONE)]},
        BOTH,
        stream=True,
        functions=[{"name": "fff"}],
    )

    assert played.lines[0]["calls_left_out"] == 1
    assert played.lines[0]["adapted"]["functions"] == "mapped"
