"""Estimated usage of calls whose vendor reports none."""

from typing import Any

import orjson

from adapters.core.event import Event
from adapters.core.tokens import estimate_counts
from proxy.attempts.usage import estimates, text_of

BODY = orjson.dumps({"messages": [{"role": "user", "content": "hello"}]})


def event(*choices: dict[str, Any]) -> Event:
    return Event.of({"choices": list(choices)})


def delta(**members: Any) -> dict[str, Any]:
    return {"delta": members}


def test_a_call_costs_its_prompt_and_the_text_that_was_received() -> None:
    [estimated] = estimates([BODY], 10, 2)
    assert estimated.source == "estimated"
    assert estimated.prompt > 0
    assert estimated.completion == estimate_counts(10, 2)


def test_of_several_calls_the_first_costs_the_text_and_each_its_prompt() -> None:
    first, second = estimates([BODY, BODY], 400, 0)
    assert (first.prompt, first.completion) == (second.prompt, estimate_counts(400, 0))
    assert second.completion == estimate_counts(0, 0)


def test_what_was_reported_is_not_estimated() -> None:
    assert estimates([], 400, 0) == []


def test_the_text_of_an_event_is_the_content_or_reasoning_of_all_choices() -> None:
    assert text_of(event(delta(content="ab"), delta(reasoning_content="你好"))) == "ab你好"
    assert text_of(event({"text": "ij"})) == "ij"
    assert text_of(event(delta(tool_calls=[]))) == text_of(event()) == ""
