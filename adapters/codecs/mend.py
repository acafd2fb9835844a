"""Reading what an OpenAI-shaped vendor sends and mending what is nearly right: JSON, choices, tool calls, usage.

Each mend answers something seen on the wire; the vendor pages in docs/vendors/ say where.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from adapters.core.failures import Kind, Rule, classify
from adapters.core.shapes import Usage


class BadAnswer(Exception):
    """What arrived is not an answer: the kind of failure, and a sentence without its subject."""

    def __init__(self, kind: Kind, what: str) -> None:
        super().__init__(what)
        self.kind: Kind = kind
        self.what = what


FINISH_REASONS: Mapping[str, str] = {
    "eos": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "sensitive": "content_filter",
}
"""Words that OpenAI-shaped vendors use for OpenAI's finish reasons."""

BROKEN = frozenset({"error", "aborted", "network_error", "insufficient_system_resource"})
"""Finish reasons that say the answer was given up: a failure, never a finish."""


def parse(payload: bytes) -> tuple[bytes, Any]:
    """The payload's JSON, and its bytes as valid UTF-8 (bad bytes become U+FFFD). Raises :class:`BadAnswer`."""
    try:
        return payload, orjson.loads(payload)
    except orjson.JSONDecodeError:
        pass
    try:
        # The slow way takes bad UTF-8 and halves of surrogate pairs, which some vendors cut between two events.
        value = json.loads(payload.decode("utf-8", "replace"))
        clean = json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        return clean, orjson.loads(clean)
    except (ValueError, RecursionError):
        raise BadAnswer("invalid_response", "sent something that is not JSON") from None


def find_error(data: Any) -> Mapping[str, Any] | None:
    """The error object of a body or event, wherever this vendor puts it; None if it is no error."""
    if type(data) is not dict:
        return None
    error = data.get("error")
    if type(error) is dict:
        return error
    if type(error) is str and error:
        return {"message": error}
    if data.get("choices") is None and data.get("data") is None and ("code" in data or data.get("object") == "error"):
        return data
    return None


def complaint(rules: Iterable[Rule], status: int, error: Mapping[str, Any]) -> BadAnswer:
    """The vendor's error as ours: its kind by the vendor's table, its message kept to 500 printable characters."""
    said = " ".join(printable(str(error.get("message") or error.get("type") or "no reason given")).split())
    return BadAnswer(classify(rules, status, error), f"answered {status}: {said[:500]}".rstrip("."))


def printable(text: str) -> str:
    """The text without control characters, so that it can stand in a message."""
    return "".join(c if c.isprintable() else " " for c in text)


def usage_of(told: Any) -> Usage | None:
    """A vendor's usage object as ours; a flat ``cached_tokens`` (Kimi) counts as the detail it is."""
    if type(told) is not dict:
        return None
    prompt, completion = told.get("prompt_tokens"), told.get("completion_tokens", 0)
    if type(prompt) is not int or type(completion) is not int:
        return None
    wire = dict(told)
    flat = wire.pop("cached_tokens", None)
    prompt_details = wire.get("prompt_tokens_details") or {}
    cached = prompt_details.get("cached_tokens") or flat or 0
    if type(flat) is int and "cached_tokens" not in prompt_details:
        wire["prompt_tokens_details"] = {**prompt_details, "cached_tokens": flat}
    reasoning = (wire.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    return Usage(prompt, completion, int(cached), int(reasoning), "vendor", wire)


def finish_reason(reason: Any, called: bool) -> str | None:
    """OpenAI's word for a finish reason. ``called``: tool calls were made, so a plain stop means ``tool_calls``."""
    if not reason or reason == "null":
        return None
    if reason in BROKEN:
        raise BadAnswer("truncated", f"gave the answer up ({printable(str(reason))[:40]})")
    word = FINISH_REASONS.get(reason, reason)
    return "tool_calls" if called and word == "stop" else word


def arguments_text(arguments: Any) -> str | None:
    """A tool call's arguments as the string they should be; None stays None."""
    if arguments is None or type(arguments) is str:
        return arguments
    return orjson.dumps(arguments).decode()


class ToolCalls:
    """The tool calls of one choice of a stream, piece by piece.

    OpenAI's clients add the pieces up: an index must be there, ids and names must come once, arguments as text. Sheets
    and issue threads show vendors that leave the index out, skip numbers, repeat ids, send ``""`` or null for what is
    not there, put all in one piece, or give every call index 0.
    """

    __slots__ = ("_by_key", "_calls", "_id_prefix", "_names", "_own_ids")

    def __init__(self, id_prefix: str, own_ids: bool, names: Mapping[str, str]) -> None:
        """``own_ids``: the vendor's ids are not unique, so ours take their place; ``names`` undoes renamed tools."""
        self._id_prefix = id_prefix
        self._own_ids = own_ids
        self._names = names
        self._calls: list[dict[str, Any]] = []
        self._by_key: dict[Any, int] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def delta(self, pieces: Any) -> list[dict[str, Any]]:
        """The pieces of one chunk, mended."""
        if type(pieces) is dict:
            pieces = [pieces]
        if type(pieces) is not list:
            return []
        return [self._piece(piece) for piece in pieces if type(piece) is dict]

    def closing(self) -> list[dict[str, Any]]:
        """Pieces still owed when the choice finishes: a tool without parameters must be called with ``{}``."""
        owed = [at for at, call in enumerate(self._calls) if not call["arguments"]]
        for at in owed:
            self._calls[at]["arguments"] = True
        return [{"index": at, "function": {"arguments": "{}"}} for at in owed]

    def _piece(self, piece: dict[str, Any]) -> dict[str, Any]:
        function = piece.get("function")
        function = function if type(function) is dict else {}
        at = self._place(piece.get("index"), piece.get("id"), function.get("name"))
        call = self._calls[at]
        out = {key: value for key, value in piece.items() if key not in ("index", "id", "type", "function")}
        out["index"] = at
        rest = {key: value for key, value in function.items() if key not in ("name", "arguments")}
        if not call["id"]:
            vendor_id = piece.get("id")
            call["id"] = vendor_id if vendor_id and not self._own_ids else f"{self._id_prefix}{at:02d}"
            out["id"] = call["id"]
            out["type"] = "function"
        name = function.get("name")
        if name and not call["name"]:
            call["name"] = True
            rest["name"] = self._names.get(name, name)
        arguments = arguments_text(function.get("arguments"))
        if arguments:
            call["arguments"] = True
            rest["arguments"] = arguments
        elif "id" in out:
            rest["arguments"] = ""
        if rest:
            out["function"] = rest
        return out

    def _place(self, index: Any, vendor_id: Any, name: Any) -> int:
        """Which call a piece belongs to: by index, unless a new id under an old index shows another call."""
        key = ("index", index) if type(index) is int else None
        id_key = ("id", vendor_id) if vendor_id else None
        if id_key is not None and id_key in self._by_key and (key is None or self._by_key.get(key) is not None):
            known = self._by_key[id_key]
            if key is None or self._by_key[key] == known:
                return known
        if key is not None and key in self._by_key:
            known = self._by_key[key]
            if id_key is None or self._calls[known]["vendor_id"] in (None, vendor_id):
                if id_key is not None:
                    self._calls[known]["vendor_id"] = vendor_id
                    self._by_key[id_key] = known
                return known
        elif key is None and id_key is None and self._calls and not (name and self._calls[-1]["name"]):
            return len(self._calls) - 1
        self._calls.append({"id": None, "name": False, "arguments": False, "vendor_id": vendor_id or None})
        at = len(self._calls) - 1
        if key is not None:
            self._by_key[key] = at
        if id_key is not None:
            self._by_key[id_key] = at
        return at


def whole_tool_calls(calls: Any, id_prefix: str, own_ids: bool, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The tool calls of a whole message, mended as in a stream."""
    if type(calls) is dict:
        calls = [calls]
    mended: list[dict[str, Any]] = []
    for call in calls if type(calls) is list else []:
        if type(call) is not dict:
            continue
        function = dict(call.get("function") or {})
        name = function.get("name")
        function["name"] = names.get(name, name) if type(name) is str else ""
        function["arguments"] = arguments_text(function.get("arguments")) or "{}"
        vendor_id = call.get("id")
        unique = vendor_id if vendor_id and not own_ids else f"{id_prefix}{len(mended):02d}"
        rest = {key: value for key, value in call.items() if key not in ("id", "type", "function", "index")}
        mended.append({**rest, "id": unique, "type": "function", "function": function})
    return mended
