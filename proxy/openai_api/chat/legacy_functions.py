"""Responses for a client of legacy functions: ``function_call`` instead of ``tool_calls``.

The plan converts the request to tools (``adapters/translations/legacy_functions.py``), for every vendor. The response is
converted back here, as the last step, because only the writer knows that the client sent functions.
"""

from typing import Any

from adapters.core.event import WHOLE, Event


def to_legacy_functions(events: list[Event]) -> tuple[list[Event], int]:
    """Return the events with at most one call, the first of each choice; and the number of omitted calls.

    Drops events that hold only a piece of an omitted call.
    """
    left_out = 0
    kept: list[Event] = []
    for event in events:
        part = "message" if event.kind is WHOLE else "delta"
        keep = False
        for choice in event.data["choices"]:
            if choice[part].get("tool_calls") or choice.get("finish_reason") == "tool_calls":
                event.edit()
                left_out += _convert(choice, choice[part])
                keep = keep or choice.get("finish_reason") is not None or any(choice[part].values())
            else:
                keep = True
        if keep:
            kept.append(event)
    return kept, left_out


def _convert(choice: dict[str, Any], part: dict[str, Any]) -> int:
    """Convert one message or delta to the legacy format; return the number of omitted calls that begin in it."""
    left_out = 0
    for at, call in enumerate(part.pop("tool_calls", None) or []):
        if call.get("index", at) == 0:
            part["function_call"] = _joined(part.get("function_call") or {}, call.get("function") or {})
        elif "id" in call:  # a call's first piece has its id
            left_out += 1
    if choice.get("finish_reason") == "tool_calls":
        choice["finish_reason"] = "function_call"
    return left_out


def _joined(call: dict[str, Any], piece: dict[str, Any]) -> dict[str, Any]:
    """Return name and arguments, with the pieces of one event joined."""
    joined = {**call, **piece}
    if "arguments" in joined:
        joined["arguments"] = call.get("arguments", "") + piece.get("arguments", "")
    return joined
