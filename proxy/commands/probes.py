"""The requests of the capability matrix, as data: one small request per column.

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
REASONING_MODEL = "o3"
"""The OpenAI name for features of reasoning models."""

BASE_FIELDS: Mapping[Operation, Mapping[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "Name a fruit, as JSON."}]},
    "embeddings": {"input": "a fruit"},
}
"""The fields that every request of an operation has."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One column: the fields that the request adds to the base fields, and the field whose verdict fills the cell."""

    column: str
    member: str
    extra_fields: Mapping[str, Any] = field(default_factory=dict)
    operation: Operation = "chat"
    openai_name: str = ""

    @property
    def model(self) -> str:
        """The requested OpenAI name: the probe's own, or that of the operation."""
        return self.openai_name or OPERATIONS[self.operation].usual_model

    @property
    def body(self) -> dict[str, Any]:
        """The whole request."""
        return {"model": self.model, **BASE_FIELDS[self.operation], **self.extra_fields}


def field_probe(name: str, value: Any, column: str = "") -> Probe:
    """Return a probe of one field; its column has the name of the field by default."""
    return Probe(column or name, name, {name: value})


def image_probe(image: str, column: str) -> Probe:
    """Return a probe with an image."""
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": image}}]
    return Probe(column, "messages", {"messages": [{"role": "user", "content": parts}]})


def tool_choice_probe(choice: Any, column: str) -> Probe:
    """Return a probe of a tool choice."""
    return Probe(column, "tool_choice", {"tools": [TOOL], "tool_choice": choice})


PROBES: tuple[Probe, ...] = (
    Probe("chat", "messages"),
    field_probe("stream", True),
    Probe("stream_usage", "stream_options", {"stream": True, "stream_options": {"include_usage": True}}),
    field_probe("tools", [TOOL]),
    tool_choice_probe("auto", "choice_auto"),
    tool_choice_probe("none", "choice_none"),
    tool_choice_probe("required", "choice_required"),
    tool_choice_probe({"type": "function", "function": {"name": "get_weather"}}, "choice_named"),
    Probe("parallel_off", "parallel_tool_calls", {"tools": [TOOL], "parallel_tool_calls": False}),
    field_probe("response_format", {"type": "json_object"}, "json_object"),
    field_probe("response_format", {"type": "json_schema", "json_schema": SCHEMA}, "json_schema"),
    image_probe(PIXEL, "images"),
    image_probe("https://example.com/fruit.png", "image_urls"),
    field_probe("n", 2),
    Probe("logprobs", "logprobs", {"logprobs": True}),
    Probe("top_logprobs", "top_logprobs", {"logprobs": True, "top_logprobs": 2}),
    field_probe("seed", 7),
    field_probe("stop", ["END"]),
    field_probe("temperature", 0.2),
    field_probe("top_p", 0.9),
    field_probe("presence_penalty", 0.5),
    field_probe("frequency_penalty", 0.5),
    field_probe("logit_bias", {"50256": -100}),
    field_probe("max_tokens", 300),
    field_probe("max_completion_tokens", 300),
    Probe("thinking", "reasoning_effort", {"reasoning_effort": "high"}, openai_name=REASONING_MODEL),
    field_probe("user", "u-1"),
    Probe("embeddings", "input", operation="embeddings"),
    Probe("dimensions", "dimensions", {"dimensions": 512}, "embeddings"),
    Probe("base64", "encoding_format", {"encoding_format": "base64"}, "embeddings"),
    Probe("token_ids", "input", {"input": [1, 2, 3]}, "embeddings"),
)
