"""Assembles the chunks of a stream into a whole body, for a vendor that streams although a body was requested."""

from collections.abc import Mapping
from typing import Any

KEPT = frozenset({"index", "id", "type", "role", "name"})
"""Members that are not concatenated: the first value is kept."""


class Pieces(list[str]):
    """A text in pieces, joined once at the end: an answer may have one piece per token."""


class Assembler:
    """Merges normalized chunks of one response: texts are concatenated, tool calls are matched by index."""

    __slots__ = ("_body", "_choices")

    def __init__(self) -> None:
        self._body: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Merge the next chunk."""
        for name, value in chunk.items():
            if name != "choices":
                self._body[name] = value
        for piece in chunk["choices"]:
            choice = self._choices.setdefault(piece["index"], {"index": piece["index"]})
            for name, value in piece.items():
                if name == "delta":
                    _merge(choice.setdefault("message", {}), value)
                elif name in ("text", "logprobs"):
                    _merge(choice, {name: value})
                elif value is not None:
                    choice[name] = value

    def body(self) -> dict[str, Any]:
        """Return the whole body, with choices ordered by index."""
        return {**self._body, "choices": [_joined(self._choices[index]) for index in sorted(self._choices)]}


def _merge(whole: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name, value in delta.items():
        before = whole.get(name)
        if value is None:
            whole.setdefault(name, None)
        elif name == "tool_calls":
            _merge_calls(whole.setdefault(name, []), value)
        elif type(value) is str:
            if name not in KEPT and type(before) is Pieces:
                before.append(value)
            elif before is None:
                whole[name] = value if name in KEPT else Pieces([value])
        elif type(value) is dict:
            if type(before) is not dict:
                before = whole[name] = {}
            _merge(before, value)
        elif type(value) is list:
            if type(before) is not list:
                before = whole[name] = []
            before += value
        else:
            whole[name] = value


def _merge_calls(calls: list[dict[str, Any]], pieces: list[dict[str, Any]]) -> None:
    """Merge pieces of tool calls: the first piece of an index has all members, later ones append arguments."""
    for piece in pieces:
        if piece["index"] == len(calls):
            calls.append({})
        _merge(calls[piece["index"]], piece)


def join_deltas(first: dict[str, Any], second: Mapping[str, Any]) -> None:
    """Merge a delta into the one before it, in place: texts are concatenated, pieces of a tool call become one."""
    for name, value in second.items():
        before = first.get(name)
        if name == "tool_calls":
            pieces = first.setdefault(name, [])
            known = {piece["index"]: piece for piece in pieces}
            for piece in value:
                if piece["index"] in known:
                    known[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
                else:
                    pieces.append(piece)
        elif type(value) is str and type(before) is str:
            first[name] = before + value
        elif value is not None:
            first[name] = value


def _joined(value: Any) -> Any:
    """Return the value with its texts joined. The recursion is bounded by the nesting limit of chunks."""
    if type(value) is Pieces:
        return "".join(value)
    if type(value) is dict:
        return {name: _joined(member) for name, member in value.items()}
    return [_joined(member) for member in value] if type(value) is list else value
