"""Tool calls of a stream or a whole message, repaired: indices, ids, names and arguments as OpenAI's clients expect them."""

from collections.abc import Mapping
from typing import Any

import orjson

from adapters.codecs.openai.errors import InvalidResponse

MAX_CALLS = 1000
"""How many tool calls a choice may have: each costs more to mend than to parse."""


def arguments_text(arguments: Any) -> str | None:
    """A tool call's arguments as the string they should be; None for those that say nothing, as ``{}`` does."""
    if not arguments:
        return None
    if type(arguments) is str:
        return arguments
    try:
        return orjson.dumps(arguments).decode()
    except TypeError:  # nested deeper than anything is
        raise InvalidResponse("invalid_response", "sent a tool call that can't be written") from None


def text_of(value: Any) -> str | None:
    """An id or a name, which some vendors send as a number; None for whatever says nothing."""
    if type(value) is int:
        return str(value)
    return value if type(value) is str and value else None


def check_calls(calls: list[Any]) -> None:
    """Refuse more tool calls than a choice may have. Raises InvalidResponse."""
    if len(calls) > MAX_CALLS:
        raise InvalidResponse("invalid_response", f"sent more than {MAX_CALLS} tool calls")


class ToolCallState:
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
        self._calls: list[ToolCallState] = []
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
            self._calls.append(ToolCallState())
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

    def _goes_on(self, call: ToolCallState, vendor_id: str | None, name: str | None) -> bool:
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
