"""Reading what an OpenAI-shaped vendor sends and mending what is nearly right: JSON, choices, tool calls, usage.

Each mend answers something seen on the wire; the vendor pages in docs/vendors/ say where.
"""

import json
import re
from collections.abc import Mapping
from math import isfinite
from reprlib import Repr
from typing import Any, TypeGuard

import orjson

from adapters.core import json_limits
from adapters.core.failures import Kind, RateLimit, classify, named_limit
from adapters.core.json_limits import (
    BEYOND,
    MAX_EVENT_VALUES,
    MAX_LEVELS,
    MAX_VALUES,
    SMALL,
    TooManyValues,
    TooMuchSlowText,
)
from adapters.core.shapes import Usage
from adapters.core.vendor import Plan

BRIEFLY = Repr()
BRIEFLY.maxlevel, BRIEFLY.maxdict, BRIEFLY.maxlist, BRIEFLY.maxstring = 3, 8, 8, 500
"""Writes the beginning of a value whatever its size."""


class BadAnswer(Exception):
    """What arrived is not an answer: the kind of failure, and a sentence without its subject."""

    def __init__(self, kind: Kind, what: str, limit: RateLimit | None = None) -> None:
        super().__init__(what)
        self.kind: Kind = kind
        self.what = what
        self.limit = limit


FINISH_REASONS: Mapping[str, str] = {
    "eos": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "sensitive": "content_filter",
}
"""Words that OpenAI-shaped vendors use for OpenAI's finish reasons."""

MAX_MESSAGE = 500
"""How much of an error's message is kept, in characters."""
PART_OF_A_WORD = re.compile(r"[\w./+=:~-]{1,200}\Z", re.ASCII)
"""What is left of the last word where a message is cut: it could be half a key, which nothing would find again."""

BROKEN = frozenset({"error", "aborted", "network_error", "insufficient_system_resource"})
"""Finish reasons that say the answer was given up: a failure, never a finish."""


class OverLimits(BadAnswer):
    """What arrived has more values or levels than are read."""


LARGE_EVENT = 64 * 1024
"""An event of a stream is checked before it is parsed if it has more bytes."""
MENDABLE = 1024 * 1024
"""The largest JSON that is read in the slow way, in bytes: it takes ten times as long as the quick one."""


def check(payload: bytes | bytearray, most: int = MAX_VALUES) -> None:
    """Refuse JSON beyond the limits, before it is parsed. Raises :class:`OverLimits`."""
    try:
        json_limits.check(payload, most)
    except BEYOND as beyond:
        raise over_limits(beyond) from None


def over_limits(beyond: Exception) -> OverLimits:
    """The failure of a vendor whose JSON goes beyond the limits."""
    if isinstance(beyond, TooMuchSlowText):
        return OverLimits("invalid_response", "sent more than 32 MiB of escapes and of text outside ASCII")
    if isinstance(beyond, TooManyValues):
        return OverLimits("invalid_response", f"sent JSON of more than {beyond.most:,} values")
    return OverLimits("invalid_response", f"sent JSON that is nested deeper than {MAX_LEVELS} levels")


def parse(payload: bytes) -> tuple[bytes, Any]:
    """The JSON of an event's payload, and its bytes as valid UTF-8. Raises :class:`BadAnswer`."""
    large = len(payload) > LARGE_EVENT
    if large:
        check(payload, MAX_EVENT_VALUES)
    try:
        return payload, json_limits.parse(payload) if large else orjson.loads(payload)
    except orjson.JSONDecodeError:
        return parse_leniently(payload)


def parse_body(body: bytes | bytearray) -> Any:
    """The JSON of a whole body that was checked. Raises :class:`BadAnswer`."""
    try:
        return orjson.loads(body) if len(body) <= SMALL else json_limits.parse(body)
    except orjson.JSONDecodeError:
        return parse_leniently(body)[1]


def parse_leniently(payload: bytes | bytearray) -> tuple[bytes, Any]:
    """JSON with bad UTF-8, and with halves of surrogate pairs, which some vendors cut between two events.

    Returns it as valid UTF-8 (what was bad becomes U+FFFD), and parsed. Raises :class:`BadAnswer`.
    """
    try:
        if len(payload) > MENDABLE:
            raise ValueError
        # The slow way takes bad UTF-8, halves of surrogate pairs and numbers of any size.
        value = json.loads(payload.decode("utf-8", "replace"), parse_int=_int_of, parse_float=_float_of)
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        clean = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
        return clean, orjson.loads(clean)
    except (ValueError, RecursionError):
        raise BadAnswer("invalid_response", "sent something that is not JSON") from None


def _int_of(digits: str) -> int | None:
    """The number, or None beyond 64 bits: it can't be written again, and is no count of anything."""
    value = int(digits) if len(digits) <= MAX_DIGITS else None
    return value if value is not None and -(1 << 63) <= value < 1 << 64 else None


def _float_of(text: str) -> float | None:
    """The number, or None for one that is too large."""
    value = float(text)
    return value if isfinite(value) else None


def find_error(data: Any) -> Mapping[str, Any] | None:
    """The error object of a body or event, wherever this vendor puts it; None if it is no error."""
    if type(data) is not dict:
        return None
    error = data.get("error")
    answers = data.get("choices") is not None or data.get("data") is not None
    if type(error) is dict and (error or not answers):
        return error
    if type(error) is str and error:
        return {"code": data.get("code"), "type": data.get("type"), "message": error}
    if error or (not answers and ("code" in data or "message" in data or data.get("object") == "error")):
        return data
    return None


def complaint(plan: Plan, status: int, error: Mapping[str, Any]) -> BadAnswer:
    """The vendor's error as ours: its kind by the vendor's table, its message kept to 500 printable characters."""
    error = {name: short(error.get(name)) for name in ("code", "type", "message")}
    said = " ".join(printable(error["message"] or error["type"] or "no reason given").split())
    hides = plan.target.vendor.hides
    if hides is not None:
        said = re.sub(hides, "[hidden]", said)
    if len(said) > MAX_MESSAGE:
        said = PART_OF_A_WORD.sub("", said[:MAX_MESSAGE]) + "…"
    kind = classify(plan.op.failures, status, error)
    limit = named_limit(plan.op.failures, status, error) if kind == "rate_limited" else None
    return BadAnswer(kind, f"answered {status}: {said}".rstrip("."), limit)


MAX_WORDS = 4096
"""How much of a vendor's message is looked at, in characters."""


def short(value: Any) -> str:
    """A member of a vendor's error as text, cut: it may be of any type and size."""
    if type(value) is str:
        return value[:MAX_WORDS]
    if type(value) in (list, dict):
        return BRIEFLY.repr(value) if value else ""
    return str(value)[:MAX_WORDS] if value else ""


def printable(text: str) -> str:
    """The text without control characters, so that it can stand in a message."""
    return "".join(c if c.isprintable() else " " for c in text)


MAX_DIGITS = 20
"""What a whole number of 64 bits has at most, with its sign."""
MAX_COUNT = (1 << 31) - 1
"""The most tokens that one call is believed to have: more is a mistake, and would overflow where counts are added up."""
COUNTS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})
"""A usage object that has no more than these has nothing to mend."""


MAX_USAGE = 100
"""How many members a usage object may have; what has more is none."""


def usage_of(told: Any) -> Usage | None:
    """A vendor's usage object as ours; a flat ``cached_tokens`` (Kimi) counts as the detail it is.

    None where the tokens are no counts, and the call's cost is then estimated. Details that are no counts are left out.

    What was cached is a part of the prompt: where it is said to be more, or less than nothing, whoever takes the one from
    the other would bill less than nothing.
    """
    if type(told) is not dict:
        return None
    prompt, completion = told.get("prompt_tokens"), told.get("completion_tokens") or 0
    if not _is_count(prompt) or not _is_count(completion):
        return None
    if told.keys() <= COUNTS:
        return Usage(prompt, completion, wire=told)
    if len(told) > MAX_USAGE:
        return None
    wire = {name: value for name, value in told.items() if type(value) is not int or _is_count(value)}
    flat = wire.pop("cached_tokens", None)
    prompt_details = _details(wire, "prompt_tokens_details")
    if _is_count(flat) and prompt_details.get("cached_tokens") is None:
        prompt_details = wire["prompt_tokens_details"] = {**prompt_details, "cached_tokens": flat}
    cached = prompt_details.get("cached_tokens")
    if type(cached) is int and not 0 <= cached <= prompt:
        cached = min(max(cached, 0), prompt)
        wire["prompt_tokens_details"] = {**prompt_details, "cached_tokens": cached}
    reasoning = _details(wire, "completion_tokens_details").get("reasoning_tokens")
    return Usage(
        prompt,
        completion,
        cached if _is_count(cached) else 0,
        reasoning if _is_count(reasoning) else 0,
        "vendor",
        wire,
    )


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MAX_COUNT


def _details(wire: dict[str, Any], name: str) -> dict[str, Any]:
    """A usage object's details, without numbers that are no counts; what is no object is taken out."""
    details = wire.get(name)
    if type(details) is not dict or len(details) > MAX_USAGE:
        wire.pop(name, None)
        return {}
    if not all(map(_may_stay, details.values())):
        details = wire[name] = {key: value for key, value in details.items() if _may_stay(value)}
    return details


def _may_stay(value: Any) -> bool:
    return type(value) not in (int, float) or _is_count(value)


def finish_reason(reason: Any, called: bool) -> str | None:
    """OpenAI's word for a finish reason. ``called``: tool calls were made, so a plain stop means ``tool_calls``."""
    if type(reason) is not str or reason in ("", "null"):
        return None
    if reason in BROKEN:
        raise BadAnswer("truncated", f"gave the answer up ({printable(reason[:40])})")
    word = FINISH_REASONS.get(reason, reason)
    return "tool_calls" if called and word == "stop" else word


def arguments_text(arguments: Any) -> str | None:
    """A tool call's arguments as the string they should be; None for those that say nothing, as ``{}`` does."""
    if not arguments:
        return None
    if type(arguments) is str:
        return arguments
    try:
        return orjson.dumps(arguments).decode()
    except TypeError:  # nested deeper than anything is
        raise BadAnswer("invalid_response", "sent a tool call that can't be written") from None


def text_of(value: Any) -> str | None:
    """An id or a name, which some vendors send as a number; None for whatever says nothing."""
    if type(value) is int:
        return str(value)
    return value if type(value) is str and value else None


MAX_CALLS = 1000
"""How many tool calls a choice may have: each costs more to mend than to parse."""


def check_calls(calls: list[Any]) -> None:
    """Refuse more tool calls than a choice may have. Raises BadAnswer."""
    if len(calls) > MAX_CALLS:
        raise BadAnswer("invalid_response", f"sent more than {MAX_CALLS} tool calls")


class Call:
    """What is known of one tool call while its pieces come in."""

    __slots__ = ("argued", "indexed", "name", "told", "vendor_id")

    def __init__(self) -> None:
        self.told = False  # its id has been sent
        self.name: str | None = None
        self.argued = False
        self.indexed = False
        self.vendor_id: str | None = None


class ToolCalls:
    """The tool calls of one choice of a stream, piece by piece.

    OpenAI's clients add the pieces up: an index must be there, ids and names must come once, arguments as text. Sheets
    and issue threads show vendors that leave the index out, skip numbers, repeat ids, send ``""`` or null for what is
    not there, put all in one piece, or give every call index 0.
    """

    __slots__ = ("_by_id", "_by_index", "_calls", "_id_prefix", "_names", "_own_ids", "_used")

    def __init__(self, id_prefix: str, own_ids: bool, names: Mapping[str, str]) -> None:
        """``own_ids``: the vendor's ids are not unique, so ours take their place; ``names`` undoes renamed tools."""
        self._id_prefix = id_prefix
        self._own_ids = own_ids
        self._names = names
        self._calls: list[Call] = []
        self._by_index: dict[int, int] = {}
        self._by_id: dict[str, int] = {}
        self._used: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._calls)

    def delta(self, pieces: Any) -> list[dict[str, Any]]:
        """The pieces of one chunk, mended."""
        if type(pieces) is dict:
            pieces = [pieces]
        if type(pieces) is not list:
            return []
        check_calls(pieces)
        check_calls(self._calls)
        return [self._piece(piece) for piece in pieces if type(piece) is dict]

    def closing(self) -> list[dict[str, Any]]:
        """Pieces still owed when the choice finishes: a tool without parameters must be called with ``{}``."""
        owed = [at for at, call in enumerate(self._calls) if not call.argued]
        for at in owed:
            self._calls[at].argued = True
        return [{"index": at, "function": {"arguments": "{}"}} for at in owed]

    def _piece(self, piece: dict[str, Any]) -> dict[str, Any]:
        function = piece.get("function")
        function = function if type(function) is dict else {}
        vendor_id, name = text_of(piece.get("id")), text_of(function.get("name"))
        at = self._place(piece.get("index"), vendor_id, name)
        call = self._calls[at]
        out = {key: value for key, value in piece.items() if key not in ("index", "id", "type", "function")}
        out["index"] = at
        rest = {key: value for key, value in function.items() if key not in ("name", "arguments")}
        if not call.told:
            call.told = True
            out["id"] = self._id(at, vendor_id)
            out["type"] = "function"
            rest["arguments"] = ""
        if name and call.name is None:
            call.name = name
            rest["name"] = self._names.get(name, name)
        arguments = arguments_text(function.get("arguments"))
        if arguments:
            call.argued = True
            rest["arguments"] = arguments
        if rest:
            out["function"] = rest
        return out

    def _id(self, at: int, vendor_id: str | None) -> str:
        own = self._own_ids or vendor_id is None or vendor_id in self._used
        unique = f"{self._id_prefix}{at:02d}" if own or vendor_id is None else vendor_id
        self._used.add(unique)
        return unique

    def _place(self, index: Any, vendor_id: str | None, name: str | None) -> int:
        """Which call a piece belongs to; a call that nothing points at yet is begun."""
        index = index if type(index) is int else None
        at = self._known(index, vendor_id, name)
        if at is None or not self._goes_on(self._calls[at], vendor_id, name):
            self._calls.append(Call())
            at = len(self._calls) - 1
            if vendor_id:
                self._by_id[vendor_id] = at
            if index is not None:
                self._by_index[index] = at
        call = self._calls[at]
        call.vendor_id = call.vendor_id or vendor_id
        call.indexed = call.indexed or index is not None
        if vendor_id:
            self._by_id.setdefault(vendor_id, at)
        if index is not None:
            self._by_index.setdefault(index, at)
        return at

    def _known(self, index: int | None, vendor_id: str | None, name: str | None) -> int | None:
        """The call that a piece points at, by its index unless its id is another call's; else the one before it."""
        by_index = self._by_index.get(index) if index is not None else None
        by_id = self._by_id.get(vendor_id) if vendor_id else None
        if by_index is not None and (by_id is None or self._calls[by_index].vendor_id in (None, vendor_id)):
            return by_index
        if by_id is not None:
            return by_id
        if self._calls and not name and (index is None or not self._calls[-1].indexed):
            return len(self._calls) - 1
        return None

    def _goes_on(self, call: Call, vendor_id: str | None, name: str | None) -> bool:
        """Whether a piece goes on with this call. With a name it may be another, under an index or id used before."""
        if name is None or call.name is None:
            return True
        return name == call.name and (vendor_id is None or call.vendor_id in (None, vendor_id))


def whole_tool_calls(calls: Any, id_prefix: str, own_ids: bool, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The tool calls of a whole message, mended as in a stream."""
    if type(calls) is dict:
        calls = [calls]
    mended: list[dict[str, Any]] = []
    used: set[str] = set()
    if type(calls) is not list:
        return mended
    check_calls(calls)
    for call in calls:
        if type(call) is not dict:
            continue
        function = call.get("function")
        function = dict(function) if type(function) is dict else {}
        name = text_of(function.get("name")) or ""
        function["name"] = names.get(name, name)
        function["arguments"] = arguments_text(function.get("arguments")) or "{}"
        vendor_id = text_of(call.get("id"))
        own = own_ids or vendor_id is None or vendor_id in used
        unique = f"{id_prefix}{len(mended):02d}" if own or vendor_id is None else vendor_id
        used.add(unique)
        rest = {key: value for key, value in call.items() if key not in ("id", "type", "function", "index")}
        mended.append({**rest, "id": unique, "type": "function", "function": function})
    return mended
