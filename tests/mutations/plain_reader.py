"""A second, simpler reader of vendors' streams, which reads a whole stream at once and keeps only its meaning.

It checks the operators, not the codec: if it loses the meaning of a stream whose operators keep it, their mark is wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.mutations.draft import Draft, Json, choices_of

WORDS = {
    "stop": "stop", "end_turn": "stop", "STOP": "stop", "eos": "stop", "stop_sequence": "stop",
    "length": "length", "MAX_TOKENS": "length", "max_tokens": "length", "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls", "tool_use": "tool_calls", "function_call": "tool_calls",
    "content_filter": "content_filter", "SAFETY": "content_filter", "sensitive": "content_filter",
}  # fmt: skip
NO_WORDS = ("", "null", "normal")


class Unreadable(Exception):
    """The stream is cut off, or has unknown content."""


@dataclass
class _Slot:
    id: str | None
    index: int | None
    name: str = ""
    arguments: str = ""


@dataclass
class _Choice:
    content: str = ""
    reasoning: str = ""
    finish: str | None = None
    slots: list[_Slot] = field(default_factory=list)


def meaning_of(draft: Draft) -> dict[int, Json]:
    """What :func:`tests.support.invariants.added_up` would make of the stream if it were well-formed. Raises Unreadable."""
    choices: dict[int, _Choice] = {}
    for payload in _payloads(draft.raw()):
        try:
            event = orjson.loads(payload)
        except orjson.JSONDecodeError as why:
            raise Unreadable(payload[:80]) from why
        if type(event) is dict and event.get("error"):
            raise Unreadable("an error")
        for item in choices_of(event) if type(event) is dict else ():
            index = item.get("index")
            _read(item, choices.setdefault(index if type(index) is int else 0, _Choice()))
    if not choices or any(choice.finish is None for choice in choices.values()):
        raise Unreadable("not finished")
    return {index: _content_of(choice) for index, choice in choices.items()}


def _payloads(raw: bytes) -> Iterator[str]:
    """The data of events up to the end marker. A line that completes a JSON value ends its event."""
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines: list[str] = []
    for line in text.split("\n"):
        if not line.startswith("data:"):
            continue
        part = line[5:].strip()
        if part.lower() == "[done]":
            return
        lines.append(part)
        if part and _is_json("\n".join(lines)):
            yield "\n".join(lines)
            lines.clear()
        elif not part:
            lines.clear()
    if lines:
        yield "\n".join(lines)


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _read(item: Json, choice: _Choice) -> None:
    if choice.finish is not None:
        return
    delta = item.get("delta") or {}
    choice.content += _text(delta.get("content"))
    choice.reasoning += _text(delta.get("reasoning_content"))
    pieces = delta.get("tool_calls") or []
    for piece in [pieces] if type(pieces) is dict else pieces:
        _read_piece(piece, choice.slots)
    word = item.get("finish_reason")
    if word is None or word in NO_WORDS:
        return
    if word not in WORDS:
        raise Unreadable(f"finish {word!r}")
    choice.finish = WORDS[word]


def _text(content: Any) -> str:
    """A text, or the texts of parts."""
    if type(content) is list:
        return "".join(part["text"] for part in content)
    return content or ""


def _read_piece(piece: Json, slots: list[_Slot]) -> None:
    function = piece.get("function") or {}
    slot = _slot_of(piece, slots)
    slot.name = slot.name or function.get("name") or ""
    arguments = function.get("arguments") or ""
    if type(arguments) is not str:
        arguments = orjson.dumps(arguments).decode()
    if arguments and slot.arguments == "{}":  # a placeholder before the real ones
        slot.arguments = ""
    slot.arguments += arguments


def _slot_of(piece: Json, slots: list[_Slot]) -> _Slot:
    """The call of a piece: by its id, else by its index, else the last one."""
    id_, index = piece.get("id") or None, piece.get("index")
    if type(index) is not int or index < 0:
        index = None
    if id_ is not None:
        known = [slot for slot in slots if slot.id == id_]
    elif index is not None:
        known = [slot for slot in slots if slot.index == index]
    else:
        known = slots
    if known:
        return known[-1]
    slots.append(_Slot(id_, index))
    return slots[-1]


def _content_of(choice: _Choice) -> Json:
    calls = [(slot.name, slot.arguments or "{}") for slot in choice.slots if slot.name]
    finish = choice.finish
    if finish in ("stop", "tool_calls"):
        finish = "tool_calls" if calls else "stop"
    return {"content": choice.content, "reasoning": choice.reasoning, "calls": calls, "finish": finish}
