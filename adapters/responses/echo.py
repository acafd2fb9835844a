"""The object of a response that has just begun: what the client asked for, with OpenAI's defaults.

Its members are those of OpenAI's published API description of 2026-08 (``Response``) and of Open Responses 2026-04-24,
whose clients refuse an object in which one is missing.
"""

from collections.abc import Mapping
from typing import Any

from adapters.core.request import ApiRequest

TEXT_FORMAT = {"type": "text"}
DEFAULTS: Mapping[str, Any] = {
    "background": False,
    "frequency_penalty": 0,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "moderation": None,
    "parallel_tool_calls": True,
    "presence_penalty": 0,
    "previous_response_id": None,
    "prompt": None,
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1,
    "truncation": "disabled",
}
"""The members that repeat a field of the request, with the value if it is missing."""
CACHE_OPTIONS = {"mode": "implicit", "ttl": "30m"}


def response_object(request: ApiRequest, *, response_id: str, created: int, model: str) -> dict[str, Any]:
    """Return the response object in progress, without output and usage.

    ``request`` is the client's, or its translation to chat. ``created`` is in epoch seconds.
    """
    fields = request.fields if request.translation is None else request.translation.original
    echo = {**DEFAULTS, **{name: value for name, value in fields.items() if name in DEFAULTS}}
    out = {
        "id": response_id,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "usage": None,
        **echo,
        "reasoning": {"effort": None, "summary": None, **fields.get("reasoning", {})},
        "text": text(fields.get("text", {})),
        "tools": [tool(sent) for sent in fields.get("tools", ())],
    }
    if out["service_tier"] == "auto":
        out["service_tier"] = "default"
    conversation = fields.get("conversation")
    if conversation is not None:
        out["conversation"] = {"id": conversation if type(conversation) is str else conversation["id"]}
    if "prompt_cache_options" in fields:
        out["prompt_cache_options"] = {**CACHE_OPTIONS, **fields["prompt_cache_options"]}
    if "user" in fields:
        out["user"] = fields["user"]
    return out


def text(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``text`` with its format."""
    format_ = sent.get("format") or TEXT_FORMAT
    if format_["type"] == "json_schema":
        format_ = {**format_, "strict": bool(format_.get("strict"))}
    verbosity = sent.get("verbosity")
    return {"format": dict(format_), **({} if verbosity is None else {"verbosity": verbosity})}


def tool(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool as it was sent; a function with all five members, as Open Responses requires."""
    if sent["type"] == "namespace":
        return {**sent, "tools": [tool(member) for member in sent["tools"]]}
    if sent["type"] != "function":
        return dict(sent)
    missing = {"description": None, "parameters": None, "strict": False}
    return {**missing, **{name: member for name, member in sent.items() if name not in missing or member is not None}}
