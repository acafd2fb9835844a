"""Chat answers in pieces, and the assembler that they are fed to."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from adapters.core.event import WHOLE, Event
from adapters.core.usage import Usage
from adapters.responses.assembler import ResponseAssembler
from adapters.responses.response_events import ResponseEvent, encode_all
from tests.support.responses_grammar import holds_grammar, read_events

ANSWER_ID = "0123456789abcdef01234567"
USAGE = Usage(12, 7, cached=4, reasoning=3)
SKELETON: dict[str, Any] = {
    "id": f"resp_{ANSWER_ID}00000000",
    "object": "response",
    "created_at": 1764500000,
    "status": "in_progress",
    "background": False,
    "completed_at": None,
    "error": None,
    "frequency_penalty": 0,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "model": "gpt-4o",
    "output": [],
    "parallel_tool_calls": True,
    "presence_penalty": 0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1,
    "truncation": "disabled",
    "usage": None,
}


class Tool(NamedTuple):
    kind: str
    name: str
    namespace: str | None = None


class Tools:
    """``shell`` is a custom tool, ``mail__send`` the function ``send`` of the namespace ``mail``."""

    def of(self, name: str) -> Tool:
        return {"shell": Tool("custom", "shell"), "mail__send": Tool("function", "send", "mail")}.get(
            name, Tool("function", name)
        )


class Upper:
    """A stand-in for the reader of a custom tool's input: it returns the arguments in capitals, two pieces late."""

    def __init__(self) -> None:
        self.text = ""
        self.returned = 0

    def feed(self, piece: str) -> str:
        self.text += piece.upper()
        ready, self.returned = self.text[self.returned : -2], max(self.returned, len(self.text) - 2)
        return ready

    def done(self) -> str:
        return self.text


def sealed(text: str) -> str:
    return f"sealed {len(text)}"


def assembler(*, summary: bool = False, seal: bool = False, events: bool = True, **skeleton: Any) -> ResponseAssembler:
    return ResponseAssembler(
        {**SKELETON, **skeleton},
        ANSWER_ID,
        tool_names=Tools(),
        summary=summary,
        seal=sealed if seal else None,
        custom_input=Upper,
        events=events,
    )


def chunk(finish: str | None = None, *, logprobs: Any = None, **delta: Any) -> Event:
    """Return a chunk with this delta."""
    choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
    return Event.of({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]})


def text(piece: str) -> Event:
    return chunk(content=piece)


def reasoning(piece: str) -> Event:
    return chunk(reasoning_content=piece)


def refusal(piece: str) -> Event:
    return chunk(refusal=piece)


def begun_call(index: int, name: str, arguments: str = "") -> Event:
    """Return the first piece of a call."""
    function = {"name": name, "arguments": arguments}
    return chunk(tool_calls=[{"index": index, "id": f"call_{index}", "type": "function", "function": function}])


def arguments(index: int, piece: str) -> Event:
    """Return a later piece of a call."""
    return chunk(tool_calls=[{"index": index, "function": {"arguments": piece}}])


def whole(message: dict[str, Any], finish: str = "stop", logprobs: Any = None) -> Event:
    """Return a whole chat response."""
    full = {"role": "assistant", "content": None, "refusal": None, **message}
    choice = {"index": 0, "message": full, "logprobs": logprobs, "finish_reason": finish}
    return Event.of({"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]}, WHOLE)


def whole_call(index: int, name: str, arguments: str) -> dict[str, Any]:
    return {"id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": arguments}}


def streamed(
    events: Iterable[Event], *, usage: Usage = USAGE, using: ResponseAssembler | None = None
) -> list[dict[str, Any]]:
    """Return the events of a complete stream, after their bytes and their grammar were checked."""
    made = using or assembler()
    out = made.begin()
    for event in events:
        out += made.feed([event])
    out += made.complete(usage, 1764500009)
    return checked(out)


def checked(events: list[ResponseEvent]) -> list[dict[str, Any]]:
    """Return the data of a stream's events. Fails if they break the grammar, or their bytes hold anything else."""
    data = [event.data for event in events]
    assert all(event.type == event.data["type"] for event in events)
    assert read_events(encode_all(events)) == orjson.loads(orjson.dumps(data))
    holds_grammar(data)
    return data


def brief(events: list[dict[str, Any]]) -> list[str]:
    """Return each event as its type without ``response.``, with its delta or the type of its item."""
    out = []
    for event in events:
        name = event["type"].removeprefix("response.")
        if "item" in event:
            name += f"({event['output_index']} {event['item']['id'].partition('_')[0]})"
        elif "delta" in event:
            name += f" {event['delta']}"
        out.append(name)
    return out
