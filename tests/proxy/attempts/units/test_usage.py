"""Estimated usage of calls whose vendor reports none."""

from typing import Any

import orjson

from adapters.core.event import Event
from adapters.core.tokens import estimate_counts
from proxy.attempts.usage import UnreportedUsage

BODY = orjson.dumps({"messages": [{"role": "user", "content": "hello"}]})


def event(*choices: dict[str, Any]) -> Event:
    return Event.of({"choices": list(choices)})


def delta(**members: Any) -> dict[str, Any]:
    return {"delta": members}


def test_a_call_costs_its_prompt_and_the_text_that_was_sent() -> None:
    usage = UnreportedUsage()
    usage.calls[1] = BODY
    usage.count([event(delta(content="abcd"), delta(reasoning_content="efgh")), event(delta(content="你好"))])
    usage.count([event(delta(tool_calls=[])), event({"text": "ij"}), event()])
    [estimated] = usage.estimates()
    assert estimated.source == "estimated"
    assert estimated.prompt > 0
    assert estimated.completion == estimate_counts(10, 2)
    assert usage.calls == {}


def test_of_several_calls_the_first_costs_the_text_and_each_its_prompt() -> None:
    usage = UnreportedUsage()
    usage.calls.update({1: BODY, 2: BODY})
    usage.count([event(delta(content="a" * 400))])
    first, second = usage.estimates()
    assert (first.prompt, first.completion) == (second.prompt, estimate_counts(400, 0))
    assert second.completion == estimate_counts(0, 0)


def test_what_was_reported_is_not_estimated() -> None:
    assert UnreportedUsage().estimates() == []
