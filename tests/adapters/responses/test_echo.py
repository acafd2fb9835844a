"""The object of a response that has begun repeats what the client asked for, with OpenAI's defaults."""

from typing import Any

import pytest
from openai.types.responses import Response

from adapters.core.request import ApiRequest
from adapters.responses.echo import response_object
from tests.adapters.openai_params.test_openai_params import described
from tests.adapters.responses.conversions import translated

GET = {"type": "function", "name": "get"}
OPEN_RESPONSES = {
    "id", "object", "created_at", "completed_at", "status", "incomplete_details", "model", "previous_response_id",
    "instructions", "output", "error", "tools", "tool_choice", "truncation", "parallel_tool_calls", "text", "top_p",
    "presence_penalty", "frequency_penalty", "top_logprobs", "temperature", "reasoning", "usage", "max_output_tokens",
    "max_tool_calls", "store", "background", "service_tier", "metadata", "safety_identifier", "prompt_cache_key",
}  # fmt: skip
"""The members that Open Responses 2026-04-24 requires (``ResponseResource``)."""
ONLY_IF_SENT = {"user", "conversation", "prompt_cache_options", "output_text"}
"""Members that are not there by default; ``output_text`` is made by the SDK."""
DEFAULTS: dict[str, Any] = {
    "background": False, "completed_at": None, "error": None, "frequency_penalty": 0, "incomplete_details": None,
    "instructions": None, "max_output_tokens": None, "max_tool_calls": None, "metadata": {}, "output": [],
    "parallel_tool_calls": True, "presence_penalty": 0, "previous_response_id": None, "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None}, "safety_identifier": None, "service_tier": "default",
    "status": "in_progress", "store": True, "temperature": 1, "text": {"format": {"type": "text"}},
    "tool_choice": "auto", "tools": [], "top_logprobs": 0, "top_p": 1, "truncation": "disabled", "usage": None,
}  # fmt: skip


def echo(**fields: Any) -> dict[str, Any]:
    request = ApiRequest("responses", "gpt-4o", {"input": "hi", **fields})
    return response_object(request, response_id="resp_1", created=1_700_000_000, model="gpt-4o")


def test_every_member_is_there_with_its_default() -> None:
    made = echo()

    assert {name: made[name] for name in DEFAULTS} == DEFAULTS
    assert (made["id"], made["object"], made["created_at"], made["model"]) == (
        "resp_1", "response", 1_700_000_000, "gpt-4o"
    )  # fmt: skip
    assert made.keys() >= OPEN_RESPONSES
    assert made.keys() >= described("Response") - ONLY_IF_SENT
    assert not ONLY_IF_SENT & made.keys()


ASKED: dict[str, Any] = {
    "background": True, "instructions": "Be brief.", "max_output_tokens": 50, "max_tool_calls": 2,
    "metadata": {"a": "b"}, "parallel_tool_calls": False, "presence_penalty": 0.5, "frequency_penalty": 0.25,
    "previous_response_id": "resp_0", "prompt_cache_key": "k", "prompt_cache_retention": "24h", "safety_identifier": "s",
    "service_tier": "flex", "store": False, "temperature": 0.2, "top_logprobs": 3, "top_p": 0.5, "truncation": "auto",
    "user": "u", "tool_choice": {"type": "function", "name": "get"},
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_what_was_asked_is_repeated(name: str) -> None:
    assert echo(**{name: ASKED[name]})[name] == ASKED[name]


CASES: list[tuple[dict[str, Any], str, Any]] = [
    ({"conversation": "conv_1"}, "conversation", {"id": "conv_1"}),
    ({"conversation": {"id": "conv_1"}}, "conversation", {"id": "conv_1"}),
    ({"service_tier": "auto"}, "service_tier", "default"),
    ({"reasoning": {"effort": "low"}}, "reasoning", {"effort": "low", "summary": None}),
    ({"reasoning": {"summary": "auto", "context": "auto"}}, "reasoning",
     {"effort": None, "summary": "auto", "context": "auto"}),
    ({"text": {"verbosity": "low"}}, "text", {"format": {"type": "text"}, "verbosity": "low"}),
    ({"text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}}}}, "text",
     {"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}, "strict": False}}),
    ({"instructions": [{"role": "developer", "content": "x"}]}, "instructions", [{"role": "developer", "content": "x"}]),
    ({"prompt_cache_options": {"mode": "explicit"}}, "prompt_cache_options", {"mode": "explicit", "ttl": "30m"}),
    ({"tools": [GET]}, "tools", [{**GET, "description": None, "parameters": None, "strict": False}]),
    ({"tools": [{**GET, "strict": True, "parameters": {}, "description": "d", "defer_loading": True}]}, "tools",
     [{**GET, "strict": True, "parameters": {}, "description": "d", "defer_loading": True}]),
    ({"tools": [{**GET, "strict": None}]}, "tools", [{**GET, "description": None, "parameters": None, "strict": False}]),
    ({"tools": [{"type": "web_search"}, {"type": "custom", "name": "p"}]}, "tools",
     [{"type": "web_search"}, {"type": "custom", "name": "p"}]),
    ({"tools": [{"type": "namespace", "name": "n", "description": "d", "tools": [GET]}]}, "tools",
     [{"type": "namespace", "name": "n", "description": "d",
       "tools": [{**GET, "description": None, "parameters": None, "strict": False}]}]),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "name", "wanted"), CASES)
def test_what_is_filled_in(fields: dict[str, Any], name: str, wanted: Any) -> None:
    made = echo(**fields)

    assert made[name] == wanted
    Response.model_validate(made)


def test_the_translated_request_has_the_same_object() -> None:
    fields = {
        "input": "hi",
        "tools": [GET, {"type": "web_search"}],
        "max_output_tokens": 50,
        "text": {"verbosity": "low"},
    }

    made = response_object(translated(fields), response_id="resp_1", created=1_700_000_000, model="gpt-4o")

    assert made == echo(**fields)


def test_the_object_shares_no_list_with_the_request_that_the_response_fills() -> None:
    first, second = echo(), echo()

    first["output"].append("x")

    assert second["output"] == []
