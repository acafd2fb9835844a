"""Combines the chunks of a stream like OpenAI's clients: concatenates strings, finds list items by their index."""

from collections.abc import Iterable
from typing import Any

from adapters.core.event import Event


def add_up(events: Iterable[Event]) -> dict[int, dict[str, Any]]:
    """The choices by index, each ``{"message": …, "finish_reason": …}``; tool calls without their index."""
    choices: dict[int, dict[str, Any]] = {}
    for event in events:
        for piece in event.data["choices"]:
            choice = choices.setdefault(piece["index"], {"message": {}, "finish_reason": None})
            _add(choice["message"], piece["delta"] if "delta" in piece else {"content": piece["text"]})
            choice["finish_reason"] = piece.get("finish_reason") or choice["finish_reason"]
    for choice in choices.values():
        for call in choice["message"].get("tool_calls") or ():
            call.pop("index")
    return choices


def _add(total: dict[str, Any], delta: dict[str, Any]) -> None:
    for key, value in delta.items():
        before = total.get(key)
        if before is None or key in ("index", "type", "role"):
            if type(value) is list:
                _add_list(total.setdefault(key, []), value)
            elif type(value) is dict:
                _add(total.setdefault(key, {}), value)
            else:
                total[key] = before if value is None else value
        elif type(value) is str:
            total[key] = before + value
        elif type(value) is dict:
            _add(before, value)
        elif type(value) is list:
            _add_list(before, value)


def _add_list(total: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
    for item in items:
        at = item["index"]  # OpenAI's own accumulator raises where it is missing
        assert type(at) is int
        while len(total) <= at:
            total.append({})
        _add(total[at], item)
