"""For any JSON a vendor's emulator answers or refuses with a 4xx; it never fails."""

from typing import Any

import hypothesis.strategies as st
import orjson
import pytest
from hypothesis import given, settings

import emulators
from emulators.core.http import HttpRequest
from emulators.core.responses import ModelResponse, Response
from tests.emulators.facts import Facts
from tests.emulators.helpers import FACTS, WEATHER

FIELDS = [
    *("temperature", "top_p", "n", "stop", "max_tokens", "max_completion_tokens", "presence_penalty"),
    *("frequency_penalty", "seed", "logprobs", "top_logprobs", "parallel_tool_calls", "tools", "tool_choice"),
    *("response_format", "stream", "stream_options", "thinking", "enable_thinking", "thinking_budget"),
    *("reasoning_effort", "modalities", "top_k", "repetition_penalty", "input", "dimensions"),
    *("encoding_format", "translation_options", "custom_tool", "web_search_options"),
    *("penalty_score", "metadata", "user", "web_search", "thinking_strategy"),
    *("safety_check", "user_id", "prompt", "suffix", "echo"),
]
KEYWORDS = [
    "anyOf",
    "allOf",
    "$ref",
    "$defs",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "required",
    "type",
    "properties",
]
NAMES = [
    *("role", "content", "tool_calls", "tool_call_id", "type", "function", "name", "arguments", "parameters"),
    *("properties", "items", "anyOf", "$ref", "schema", "json_schema", "image_url", "url", "include_usage", "text"),
    *("partial", "id", "reasoning_content", "tools"),
    *("prefix", "strict", "level", "file_id", "detail", "additionalProperties", "required"),
]
WORDS = st.sampled_from(
    [
        *("user", "system", "assistant", "tool", "function", "object", "array", "text", "image_url", "json_object"),
        *(
            "json_schema",
            "required",
            "auto",
            "custom",
            "enabled",
            "disabled",
            "get_weather",
            "data:image/png;base64,aGVs",
            "",
        ),
    ]
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-2, 9), st.floats(-3, 3, allow_nan=False), WORDS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)),
    max_leaves=12,
)
SCHEMAS = st.builds(
    lambda properties, more: {"type": "object", "properties": properties, **more},
    st.one_of(st.none(), st.dictionaries(st.sampled_from(["a", "b"]), VALUES, max_size=2)),
    st.dictionaries(st.sampled_from(KEYWORDS), VALUES, max_size=2),
)
PLAIN = [{"role": "user", "content": "get weather, json"}]
MESSAGES = st.one_of(
    st.just(PLAIN), VALUES, st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5), max_size=3)
)
FORMED = st.builds(
    lambda schema, stream: {
        "messages": PLAIN,
        "stream": stream,
        "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": schema}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    },
    SCHEMAS,
    st.booleans(),
)
BODIES = st.one_of(
    VALUES,
    FORMED,
    st.builds(
        lambda messages, fields, tools: {"messages": messages, **({"tools": [WEATHER]} if tools else {}), **fields},
        MESSAGES,
        st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3),
        st.booleans(),
    ),
)


def status_of(facts: Facts, path: str, body: Any) -> int:
    """Return the status, after rendering the response both ways."""
    vendor = emulators.VENDORS[facts.emulator]({"BANJIA_EMULATOR_RETIRED": "1"})
    headers = {"authorization": f"Bearer {vendor.environment('')[facts.variables[0]]}"}
    reply = vendor.answer(HttpRequest("POST", facts.prefix + path, "", headers, orjson.dumps(body)))
    if isinstance(reply, ModelResponse):
        orjson.loads(reply.whole())
        assert [frame.part for frame in reply.frames()][-1] == "done"
    else:
        assert isinstance(reply, Response)
        orjson.loads(reply.body)
    return reply.status


@pytest.mark.parametrize(
    ("vendor", "path", "model"), [(name, *endpoint) for name, facts in FACTS.items() for endpoint in facts.endpoints]
)
@settings(max_examples=100, deadline=None)
@given(body=BODIES)
def test_any_json_is_answered_or_refused(vendor: str, path: str, model: str, body: Any) -> None:
    if isinstance(body, dict):
        body = {"model": model, **body}
    assert status_of(FACTS[vendor], path, body) in (200, 400, 404)
