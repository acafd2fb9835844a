"""Answers for a caller of functions, which were before tools: ``function_call`` in the place of ``tool_calls``.

The request is turned into tools when it is planned (``adapters/rules/legacy_functions.py``), for every vendor alike. The answer
is turned back here, last of all, where it is known that the caller sent functions and reads that shape.
"""

from typing import Any

from adapters.core.event import WHOLE, Event


def to_legacy_functions(events: list[Event]) -> tuple[list[Event], int]:
    """The events with at most one call, the first of each choice; and how many calls were left out.

    An event that was but a piece of a call left out is gone.
    """
    left_out = 0
    kept: list[Event] = []
    for event in events:
        part = "message" if event.kind is WHOLE else "delta"
        says = False
        for choice in event.data["choices"]:
            if choice[part].get("tool_calls") or choice.get("finish_reason") == "tool_calls":
                event.edit()
                left_out += _turn(choice, choice[part])
                says = says or choice.get("finish_reason") is not None or any(choice[part].values())
            else:
                says = True
        if says:
            kept.append(event)
    return kept, left_out


def _turn(choice: dict[str, Any], part: dict[str, Any]) -> int:
    """One message or delta in the legacy shape; returns how many calls begin in it that are left out."""
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
    """Name and arguments; pieces that one event brings are joined."""
    joined = {**call, **piece}
    if "arguments" in joined:
        joined["arguments"] = call.get("arguments", "") + piece.get("arguments", "")
    return joined
