"""Requests of the Responses API as applications write them, and what comes back."""

from typing import Any

import openai

from tests.support.client_stage import Site
from tests.support.responses_grammar import holds_grammar, read_events

COMPATIBLE = "compatible"
"""The vendor's name in tests with a target of the kind openai_compatible."""
SERVER = "qwen"
"""The emulator behind that target, of whose peculiarities the proxy then knows nothing."""
SET = {"enable_thinking": False}
"""What its operator has configured, because it refuses a tool choice while it thinks."""


class ResponsesSite(Site):
    """A site whose helpers send requests of the Responses API."""

    sdk: Any
    """The client; not typed, because its events are a union of sixty types."""

    def ask(self, content: Any = "Hello", **more: Any) -> Any:
        """Return one response."""
        return self.sdk.responses.create(**{"model": "gpt-4o", "input": content, **more})

    def ask_raw(self, content: Any = "Hello", **more: Any) -> Any:
        """Return the same with its headers."""
        return self.sdk.responses.with_raw_response.create(**{"model": "gpt-4o", "input": content, **more})

    def events(self, content: Any = "Hello", **more: Any) -> list[Any]:
        """Return all events of a streamed response, whose bytes are judged by the grammar."""
        events = list(self.ask(content, stream=True, **more))
        holds_grammar(read_events(bytes(self.front.seen[-1].body)))
        assert b"[DONE]" not in self.front.seen[-1].body
        return events

    def final(self, content: Any = "Hello", *, stream: bool, **more: Any) -> Any:
        """Return the response, from its last event if it is streamed."""
        return self.events(content, **more)[-1].response if stream else self.ask(content, **more)

    def refusal(self, content: Any = "Hello", **more: Any) -> Any:
        """Return the error of a request that is refused with 400; None if it is served."""
        try:
            self.ask(content, **more)
        except openai.BadRequestError as error:
            return error
        return None

    def sent(self, at: int = -1) -> list[tuple[str, Any]]:
        """Return role and content of the messages of a call to the vendor, without system messages of its codec."""
        return [(message["role"], message.get("content")) for message in self.calls[at].body["messages"]]


def function(name: str, **properties: str) -> dict[str, Any]:
    """Return a function tool with properties of these JSON types."""
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"type": "function", "name": name, "parameters": schema, "strict": False}


WEATHER = function("get_weather", city="string", days="integer")
TIME = function("get_time", zone="string")
ONE = "get weather, city=Oslo"
TWO = "get weather, city=Oslo, and get time, zone=CET"


def calls_in(response: Any) -> list[Any]:
    """Return the calls among the items of a response."""
    return [item for item in response.output if item.type in ("function_call", "custom_tool_call")]


def output_of(call: Any, output: Any) -> dict[str, Any]:
    """Return the item with the output of a call."""
    return {"type": f"{call.type}_output", "call_id": call.call_id, "output": output}


def replayed(response: Any) -> list[dict[str, Any]]:
    """Return the output of a response as an agent replays it."""
    return [item.to_dict() for item in response.output]
