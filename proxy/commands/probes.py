"""What the capability matrix asks of every vendor, as data: one small request a column.

``banjia vendors`` plans these requests; a test sends the same ones through the proxy to the emulators and compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.core.request import Operation
from adapters.openai_params.operations import OPERATIONS

PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
SCHEMA = {
    "name": "fruit",
    "strict": True,
    "schema": {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    },
}
REASONS = "o3"
"""The OpenAI name for what only models that reason are asked for."""

PLAIN: Mapping[Operation, Mapping[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "Name a fruit, as JSON."}]},
    "embeddings": {"input": "a fruit"},
}
"""What every request of an operation has."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One column: the request's members beyond the plain ones, and the member whose verdict fills the cell."""

    column: str
    member: str
    more: Mapping[str, Any] = field(default_factory=dict)
    operation: Operation = "chat"
    name: str = ""

    @property
    def model(self) -> str:
        """The OpenAI name that is asked for: its own, or that of the operation."""
        return self.name or OPERATIONS[self.operation].usual_model

    @property
    def body(self) -> dict[str, Any]:
        """The whole request."""
        return {"model": self.model, **PLAIN[self.operation], **self.more}


def one(name: str, value: Any, column: str = "") -> Probe:
    """A probe of one member, named after it."""
    return Probe(column or name, name, {name: value})


def seen(image: str, column: str) -> Probe:
    """A probe with an image."""
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": image}}]
    return Probe(column, "messages", {"messages": [{"role": "user", "content": parts}]})


def forced(choice: Any, column: str) -> Probe:
    """A probe of a tool choice."""
    return Probe(column, "tool_choice", {"tools": [TOOL], "tool_choice": choice})


PROBES: tuple[Probe, ...] = (
    Probe("chat", "messages"),
    one("stream", True),
    Probe("stream_usage", "stream_options", {"stream": True, "stream_options": {"include_usage": True}}),
    one("tools", [TOOL]),
    forced("auto", "choice_auto"),
    forced("none", "choice_none"),
    forced("required", "choice_required"),
    forced({"type": "function", "function": {"name": "get_weather"}}, "choice_named"),
    Probe("parallel_off", "parallel_tool_calls", {"tools": [TOOL], "parallel_tool_calls": False}),
    one("response_format", {"type": "json_object"}, "json_object"),
    one("response_format", {"type": "json_schema", "json_schema": SCHEMA}, "json_schema"),
    seen(PIXEL, "images"),
    seen("https://example.com/fruit.png", "image_urls"),
    one("n", 2),
    Probe("logprobs", "logprobs", {"logprobs": True}),
    Probe("top_logprobs", "top_logprobs", {"logprobs": True, "top_logprobs": 2}),
    one("seed", 7),
    one("stop", ["END"]),
    one("temperature", 0.2),
    one("top_p", 0.9),
    one("presence_penalty", 0.5),
    one("frequency_penalty", 0.5),
    one("logit_bias", {"50256": -100}),
    one("max_tokens", 300),
    one("max_completion_tokens", 300),
    Probe("thinking", "reasoning_effort", {"reasoning_effort": "high"}, name=REASONS),
    one("user", "u-1"),
    Probe("embeddings", "input", operation="embeddings"),
    Probe("dimensions", "dimensions", {"dimensions": 512}, "embeddings"),
    Probe("base64", "encoding_format", {"encoding_format": "base64"}, "embeddings"),
    Probe("token_ids", "input", {"input": [1, 2, 3]}, "embeddings"),
)
