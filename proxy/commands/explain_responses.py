"""Requests of the Responses API for ``banjia explain``, which reads no store: examples take the place of what a store has."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from adapters.core.failures import Refused
from adapters.core.request import ApiRequest
from adapters.openai_params.embeddings import EMBEDDINGS
from adapters.openai_params.responses import RESPONSES_OF_OPENAI
from adapters.responses.history import History, Item
from adapters.responses.items import item_type
from adapters.responses.pairs import CALLS, OUTPUTS
from adapters.translations.responses_as_chat import as_chat, references
from config.routing import Routing, UnknownModel
from proxy.errors import NotSupported
from proxy.openai_api.responses.request_body import read_response_request
from proxy.storage.secret import MARK

EXAMPLE_TEXT = "(stored earlier)"
"""Shown in place of a stored item, and of text that banjia has sealed."""
OF_RESPONSES = frozenset({"input", "instructions", "previous_response_id", "conversation"})
"""Members of which a body of the Responses API has at least one, and a chat request none."""


def is_response(fields: Mapping[str, Any], routing: Routing) -> bool:
    """Return whether a body without ``messages`` is for the Responses API.

    Embeddings have ``input``, too: texts, or token ids. If nothing but the model tells them apart, the model decides.
    """
    if not fields.keys() & OF_RESPONSES or type(fields.get("prompt")) in (str, list):
        return False
    if fields.keys() & (RESPONSES_OF_OPENAI.keys() - EMBEDDINGS.keys()):
        return True
    value = fields.get("input")
    if fields.keys() & (EMBEDDINGS.keys() - RESPONSES_OF_OPENAI.keys()):
        return False
    if type(value) is list:
        return any(type(item) is dict for item in value)
    try:
        routing.find(str(fields.get("model")), "embeddings")
    except UnknownModel:
        return True
    return False


def read_response(body: bytes) -> ApiRequest:
    """Parse a body as ``POST /v1/responses`` does. Raises BadRequest."""
    model, fields = read_response_request(body)
    return ApiRequest("responses", model, fields, fields.get("stream") is True, include_usage=True)


def example_chat(request: ApiRequest, drop: Collection[str]) -> ApiRequest:
    """Return the chat request, with an example for each stored item. Raises NotSupported."""
    try:
        return as_chat(request, example_history(request.fields), unsealed, drop)
    except Refused as refused:
        raise NotSupported.of(refused) from None


def unsealed(sealed: str) -> str | None:
    """Return the example text for a seal of a banjia server; None for another text."""
    return EXAMPLE_TEXT if sealed.startswith(MARK) else None


def example_history(fields: Mapping[str, Any]) -> History:
    """Return a user message for what the request continues, with the calls whose outputs it sends, and its references."""
    referenced = {id_: message("assistant") for id_ in references(fields)}
    if not referenced and "previous_response_id" not in fields and "conversation" not in fields:
        return History([], {})
    return History([message("user"), *earlier_calls(fields)], referenced)


def message(role: str) -> Item:
    """Return a message with the example text."""
    return {"type": "message", "role": role, "content": EXAMPLE_TEXT}


def earlier_calls(fields: Mapping[str, Any]) -> Iterator[Item]:
    """Yield a call for each output in ``input`` without one. It calls the first tool of its type that is offered."""
    value = fields.get("input")
    items = value if type(value) is list else []
    known = {item["call_id"] for item in items if item_type(item) in CALLS}
    for item in items:
        type_ = item_type(item)
        if type_ in OUTPUTS and item["call_id"] not in known:
            known.add(item["call_id"])
            call_type = type_.removesuffix("_output")
            kind, text = ("custom", "input") if call_type == "custom_tool_call" else ("function", "arguments")
            name = next((tool["name"] for tool in fields.get("tools", ()) if tool["type"] == kind), "tool")
            yield {"type": call_type, "call_id": item["call_id"], "name": name, text: "{}"}
