"""The new input of a request as items of the form in which they are stored and listed.

Source: OpenAI's published API description of 2026-08 (``ItemResource``).
"""

from collections.abc import Callable, Mapping
from typing import Any

from adapters.responses.history import NO_HISTORY, History, Item, without_text
from adapters.responses.items import placed_items

NewId = Callable[[str], str]
"""Returns a new id of an item, with this prefix: ``msg``, ``fc``, ``fco``, ``ctc``, ``ctco``, ``rs`` …"""

PREFIXES: Mapping[str, str] = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "reasoning": "rs",
    "compaction": "cmp",
    "web_search_call": "ws",
    "file_search_call": "fs",
    "code_interpreter_call": "ci",
    "computer_call": "cu",
    "image_generation_call": "ig",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcpl",
    "mcp_approval_request": "mcpr",
}
"""The prefixes of OpenAI's ids. Other items have ``item``."""
WITH_STATUS = frozenset(
    {"message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"}
)
"""The items whose status is filled in."""


def stored_input(
    fields: Mapping[str, Any], new_id: NewId, referenced: Mapping[str, Item] = NO_HISTORY.referenced
) -> list[Item]:
    """Return the items of ``input``, each with its type, an id, and a status if its type has one.

    Messages have parts. An id of the client's stays. A reference becomes the stored item that it names, with its id and
    with what only the store has; without it in ``referenced``, Refused is raised.
    """
    placed = placed_items(fields, History([], referenced))
    return [dict(item) if stored else canonical(item, new_id) for _, item, stored in placed]


def canonical(item: Item, new_id: NewId) -> Item:
    """Return an item of a client in the form in which it is stored."""
    type_ = item["type"]
    out = {**without_text(item), "id": item.get("id") or new_id(PREFIXES.get(type_, "item"))}
    if type_ in WITH_STATUS:
        out["status"] = item.get("status") or "completed"
    if type_ == "reasoning":
        out["summary"] = item.get("summary") or []
    if type_ == "message":
        out["content"] = _content(item["role"], item["content"])
    return out


def _content(role: str, content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return [_part(role, part) for part in content]


def _part(role: str, part: dict[str, Any]) -> dict[str, Any]:
    """Return a part with the type that texts of its role have, and with the members that are always there."""
    if part["type"] in ("text", "input_text", "output_text"):
        if role == "assistant":
            return {"annotations": [], "logprobs": [], **part, "type": "output_text"}
        return {**part, "type": "input_text"}
    if part["type"] == "input_image":
        return {"detail": "auto", **{key: member for key, member in part.items() if key != "detail" or member}}
    return part
