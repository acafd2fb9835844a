"""Normalizes tool calls of a stream or a whole message: indexes, ids, names and arguments as OpenAI's clients expect."""

from collections.abc import Mapping
from typing import Any

import orjson

from adapters.codecs.openai.errors import VENDOR, InvalidResponse
from adapters.core.message import Message

MAX_CALLS = 1000
"""The maximum number of tool calls of a choice: a call costs more to normalize than to parse."""
PLACEHOLDER = "{}"
"""Arguments that some gateways send before the real ones: passed on only if nothing else arrives."""

UNNAMED = Message("{vendor} sent arguments for a tool call without a name.", vendor=VENDOR)


def arguments_text(arguments: Any) -> str:
    """Return arguments as text: an object is serialized; an empty object and other empty values become an empty text."""
    if not arguments:
        return ""
    if type(arguments) is str:
        return arguments
    try:
        return orjson.dumps(arguments).decode()
    except TypeError:  # more levels than orjson serializes
        raise InvalidResponse(
            "invalid_response",
            Message("{vendor} sent a tool call whose arguments cannot be serialized.", vendor=VENDOR),
        ) from None


def text_of(value: Any) -> str | None:
    """Return an id or a name, which some vendors send as a number; None for an empty text and other types."""
    if type(value) is int:
        return str(value)
    return value if type(value) is str and value else None


def check_calls(calls: list[Any]) -> None:
    """Raise InvalidResponse for too many tool calls."""
    if len(calls) > MAX_CALLS:
        raise InvalidResponse(
            "invalid_response", Message("{vendor} sent more than {most} tool calls.", vendor=VENDOR, most=MAX_CALLS)
        )


class StreamedCall:
    """The state of one tool call of a stream. ``index``: its number among those sent; None until its name is known."""

    __slots__ = ("arguments", "index", "indexed", "name", "unsent", "vendor_id")

    def __init__(self) -> None:
        self.index: int | None = None
        self.name: str | None = None
        self.arguments: list[str] = []  # sent
        self.unsent = ""  # of a call without a name, or PLACEHOLDER
        self.indexed = False
        self.vendor_id: str | None = None

    def add(self, arguments: str) -> None:
        """Append a piece of arguments to the unsent ones, or replace a placeholder."""
        self.unsent = arguments if self._holds_placeholder() else self.unsent + arguments

    def take(self) -> str:
        """Return the arguments that can be sent now, and mark them as sent."""
        if self._holds_placeholder():
            return ""
        return self.take_all()

    def take_all(self) -> str:
        """Return all unsent arguments, and mark them as sent."""
        text, self.unsent = self.unsent, ""
        if text:
            self.arguments.append(text)
        return text

    def repeats(self, arguments: str) -> bool:
        """Whether these repeat all arguments so far, as in a last event that repeats the whole call."""
        return bool(self.arguments) and not self.unsent and arguments == "".join(self.arguments)

    def _holds_placeholder(self) -> bool:
        return not self.arguments and self.unsent.strip() == PLACEHOLDER


class ToolCalls:
    """Normalizes the tool calls of one choice of a stream, piece by piece.

    OpenAI's clients concatenate the pieces of an index: the first piece must have id, type and name, later ones only
    arguments. Vendors omit the index, skip numbers, repeat ids, send ``""`` or null for absent values, send all in one
    piece, send the name after the arguments, give every call index 0, or open calls that stay empty.
    """

    __slots__ = ("_by_id", "_by_index", "_calls", "_id_prefix", "_names", "_own_ids", "_sent", "_used")

    def __init__(self, id_prefix: str, own_ids: bool, names: Mapping[str, str]) -> None:
        """``own_ids``: replace the vendor's ids, which are not unique. ``names``: the vendor's tool name -> the client's."""
        self._id_prefix = id_prefix
        self._own_ids = own_ids
        self._names = names
        self._calls: list[StreamedCall] = []
        self._by_index: dict[int, int] = {}
        self._by_id: dict[str, int] = {}
        self._used: set[str] = set()
        self._sent = 0

    def __bool__(self) -> bool:
        """Whether any call has been sent."""
        return self._sent > 0

    def delta(self, pieces: Any) -> list[dict[str, Any]]:
        """Normalize the pieces of one chunk, at most one for each index. Raises InvalidResponse."""
        if type(pieces) is dict:
            pieces = [pieces]
        if type(pieces) is not list:
            return []
        check_calls(pieces)
        check_calls(self._calls)
        out: dict[int, dict[str, Any]] = {}
        for piece in pieces:
            if type(piece) is dict:
                call = self._take(piece)
                if call.name is not None:
                    self._send(call, call.take(), piece, out)
        return list(out.values())

    def closing(self, pieces: list[dict[str, Any]], *, cut: bool) -> list[dict[str, Any]]:
        """Return the pieces of the last chunk with all unsent arguments; ``{}`` for a call without any, unless ``cut``.

        Raises InvalidResponse for arguments without a name.
        """
        out = {piece["index"]: piece for piece in pieces}
        for call in self._calls:
            if call.name is None:
                if call.unsent.strip() not in ("", PLACEHOLDER):
                    raise InvalidResponse("invalid_response", UNNAMED)
                continue
            if not cut and not call.arguments and not call.unsent:
                call.unsent = PLACEHOLDER
            text = call.take_all()
            if text:
                self._send(call, text, {}, out)
        return list(out.values())

    def _take(self, piece: dict[str, Any]) -> StreamedCall:
        """Find the call of a piece, and add the piece's name and arguments to it."""
        function = piece.get("function")
        function = function if type(function) is dict else {}
        vendor_id, name = text_of(piece.get("id")), text_of(function.get("name"))
        call = self._calls[self._place(piece.get("index"), vendor_id, name)]
        arguments = arguments_text(function.get("arguments"))
        if call.name is None:
            call.name = name
        elif name and arguments and call.repeats(arguments):
            return call
        if arguments:
            call.add(arguments)
        return call

    def _send(self, call: StreamedCall, text: str, piece: Mapping[str, Any], out: dict[int, dict[str, Any]]) -> None:
        """Add a piece of a named call to ``out``, or merge it into the piece of that call in ``out``."""
        extra, function = _extra(piece), _extra_of_function(piece.get("function"))
        if call.index is None:
            call.index = self._sent
            self._sent += 1
            name = self._names.get(call.name or "", call.name)
            function = {**function, "name": name, "arguments": text}
            id_ = self._id(call.index, call.vendor_id)
            out[call.index] = {**extra, "index": call.index, "id": id_, "type": "function", "function": function}
        elif call.index in out:
            before = out[call.index]
            before.update(extra)
            before["function"].update(function)
            before["function"]["arguments"] += text
        elif text or extra or function:
            out[call.index] = {**extra, "index": call.index, "function": {**function, "arguments": text}}

    def _id(self, at: int, vendor_id: str | None) -> str:
        own = self._own_ids or vendor_id is None or vendor_id in self._used
        unique = f"{self._id_prefix}{at:02d}" if own or vendor_id is None else vendor_id
        self._used.add(unique)
        return unique

    def _place(self, index: Any, vendor_id: str | None, name: str | None) -> int:
        """Return the position of the call that a piece belongs to; of a new call if none matches."""
        index = index if type(index) is int else None
        at = self._known(index, vendor_id, name)
        if at is None or not self._continues(self._calls[at], vendor_id, name):
            self._calls.append(StreamedCall())
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
        """Find the call of a piece: by index unless its id is another call's, else by id, else the last call."""
        by_index = self._by_index.get(index) if index is not None else None
        by_id = self._by_id.get(vendor_id) if vendor_id else None
        if by_index is not None and (by_id is None or self._calls[by_index].vendor_id in (None, vendor_id)):
            return by_index
        if by_id is not None:
            return by_id
        if self._calls and not name and (index is None or not self._calls[-1].indexed):
            return len(self._calls) - 1
        return None

    def _continues(self, call: StreamedCall, vendor_id: str | None, name: str | None) -> bool:
        """Whether a piece continues this call. A piece with a name may begin another call with a reused index or id."""
        if name is None or call.name is None:
            return True
        return name == call.name and (vendor_id is None or call.vendor_id in (None, vendor_id))


def _extra(piece: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a piece that OpenAI does not have."""
    return {key: value for key, value in piece.items() if key not in ("index", "id", "type", "function")}


def _extra_of_function(function: Any) -> dict[str, Any]:
    if type(function) is not dict:
        return {}
    return {key: value for key, value in function.items() if key not in ("name", "arguments")}


def whole_tool_calls(calls: Any, id_prefix: str, own_ids: bool, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Normalize the tool calls of a whole message, as in a stream. Raises InvalidResponse."""
    if type(calls) is dict:
        calls = [calls]
    out: list[dict[str, Any]] = []
    used: set[str] = set()
    if type(calls) is not list:
        return out
    check_calls(calls)
    for call in calls:
        if type(call) is not dict:
            continue
        if (
            call.get("type") == "custom" and type(call.get("custom")) is dict
        ):  # OpenAI's custom tools: free text, no function
            out.append(call)
            continue
        function = call.get("function")
        function = dict(function) if type(function) is dict else {}
        name, arguments = text_of(function.get("name")), arguments_text(function.get("arguments"))
        if name is None:
            if arguments.strip() in ("", PLACEHOLDER):
                continue  # a call that stayed empty
            raise InvalidResponse("invalid_response", UNNAMED)
        function["name"], function["arguments"] = names.get(name, name), arguments or PLACEHOLDER
        vendor_id = text_of(call.get("id"))
        own = own_ids or vendor_id is None or vendor_id in used
        unique = f"{id_prefix}{len(out):02d}" if own or vendor_id is None else vendor_id
        used.add(unique)
        rest = {key: value for key, value in call.items() if key not in ("id", "type", "function", "index")}
        out.append({**rest, "id": unique, "type": "function", "function": function})
    return out
