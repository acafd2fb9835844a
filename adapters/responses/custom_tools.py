"""Custom tools and namespaces as functions of chat: their names, their schema, and the input of their calls.

A custom tool takes text. Chat has functions only, whose arguments are JSON, so the text becomes the member ``input``. A
namespace groups tools; chat has none, so its name stands before theirs. Source: OpenAI's published API description of
2026-08 (``CustomToolParam``, ``NamespaceToolParam``).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import orjson

MAX_CHAT_NAME = 64
"""The longest name of a function in chat, at OpenAI and at most vendors."""
HASH_DIGITS = 8
INPUT = "input"
"""The only argument of the function that stands for a custom tool."""
GRAMMARS = {"lark": "Lark grammar", "regex": "regular expression"}

ToolKind = Literal["function", "custom"]


class ToolName(NamedTuple):
    """A tool as the client named it."""

    kind: ToolKind
    name: str
    namespace: str | None = None


class ToolNames:
    """The names of a request's tools: those of the Responses API, and those in chat. Empty if it offers no tools."""

    __slots__ = ("_by_chat_name", "_by_tool")

    def __init__(self, tools: Iterable[Mapping[str, Any]] = ()) -> None:
        """``tools`` is the member of the request, validated."""
        self._by_chat_name: dict[str, ToolName] = {}
        self._by_tool: dict[ToolName, str] = {}
        for tool, namespace in callable_tools(tools):
            self._add(ToolName(tool["type"], tool["name"], namespace))

    def _add(self, tool: ToolName) -> None:
        if tool in self._by_tool:
            return
        name = default_name(tool)
        if name in self._by_chat_name:  # a function ``a__b``, and ``b`` in the namespace ``a``
            name = _hashed(name, "/".join((tool.kind, tool.namespace or "", tool.name)))
        self._by_tool[tool] = name
        self._by_chat_name[name] = tool

    def of(self, name: str) -> ToolName:
        """Return the tool that has this name in chat; a function of that name if the request offers none."""
        return self._by_chat_name.get(name) or ToolName("function", name)

    def in_chat(self, tool: ToolName) -> str:
        """Return the tool's name in chat, also for a tool of an earlier turn that is no longer offered.

        A tool in a namespace may be named without it if no other has its name.
        """
        name = self._by_tool.get(tool)
        if name is None:
            name = self._by_tool.get(self.offered(tool) or tool)
        return default_name(tool) if name is None else name

    def offered(self, tool: ToolName) -> ToolName | None:
        """Return the offered tool that this names, also if the namespace is missing; None if there is none."""
        if tool in self._by_tool:
            return tool
        if tool.namespace is not None:
            return None
        same = [other for other in self._by_tool if other.kind == tool.kind and other.name == tool.name]
        return same[0] if len(same) == 1 else None


def callable_tools(tools: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    """Yield the functions and custom tools in ``tools``, each with its namespace."""
    for tool in tools:
        if tool["type"] == "namespace":
            yield from ((member, tool["name"]) for member in tool["tools"])
        elif tool["type"] in ("function", "custom"):
            yield tool, None


def default_name(tool: ToolName) -> str:
    """Return a tool's name in chat: ``namespace__name``, with a hash in place of its end if that is too long."""
    if tool.namespace is None:
        return tool.name
    name = f"{tool.namespace}__{tool.name}"
    return _hashed(name, name) if len(name.encode()) > MAX_CHAT_NAME else name


def _hashed(name: str, unique: str) -> str:
    """Return the beginning of a name with a hash of ``unique``: at most ``MAX_CHAT_NAME`` bytes."""
    begin = name.encode()[: MAX_CHAT_NAME - HASH_DIGITS - 1].decode(errors="ignore")
    return f"{begin}_{sha256(unique.encode(errors='surrogatepass')).hexdigest()[:HASH_DIGITS]}"


def as_function(tool: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the function of chat that stands for a custom tool. A grammar is part of its description."""
    description = tool.get("description") or ""
    rule = grammar_of(tool)
    if rule is not None:
        kind = GRAMMARS.get(rule["syntax"], rule["syntax"])
        text = f"The input must match this {kind}:\n{rule['definition']}"
        description = f"{description}\n\n{text}" if description else text
    function = {"name": name, **({"description": description} if description else {}), "parameters": INPUT_SCHEMA}
    return {"type": "function", "function": function}


INPUT_SCHEMA = {
    "type": "object",
    "properties": {INPUT: {"type": "string", "description": "The input of the tool, as plain text."}},
    "required": [INPUT],
    "additionalProperties": False,
}


def grammar_of(tool: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the grammar of a custom tool's input; None if any text is valid."""
    format_: Mapping[str, Any] = tool.get("format") or {}
    return format_ if format_.get("type") == "grammar" else None


def as_arguments(text: str) -> str:
    """Return the input of a custom tool call as the arguments of its function."""
    return orjson.dumps({INPUT: text}).decode()


HEAD = re.compile(rf'[ \t\r\n]*\{{[ \t\r\n]*"{INPUT}"[ \t\r\n]*:[ \t\r\n]*"')
LONGEST_HEAD = 256
"""How many characters may stand before the text; with more, the arguments are read when they are complete."""
SPECIAL = re.compile(r'["\\]')
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
REPLACEMENT = "\ufffd"


class CustomInput:
    """Reads the input of a custom tool call from the arguments of its function, as they are streamed.

    Usual arguments, ``{"input": "…"}``, are read as they come. Others are read at the end: ``input`` in any place or of
    any type, else the arguments themselves, because some models send the text without the JSON around it. What is not
    valid in a JSON string is kept as it is; half of a surrogate pair becomes U+FFFD.
    """

    __slots__ = ("_held", "_high", "_pieces", "_state", "_text")

    def __init__(self) -> None:
        self._state: Literal["head", "text", "raw", "other", "ended"] = "head"
        self._held = ""  # what is not decoded yet: the head, or the part of an escape
        self._high = ""  # the first half of a surrogate pair
        self._pieces: list[str] = []  # arguments of another form
        self._text: list[str] = []

    def feed(self, piece: str) -> str:
        """Return the text that this piece of the arguments adds."""
        if self._state == "text":
            self._held += piece
            return self._add(self._decode())
        if self._state == "head":
            self._held += piece
            return self._add(self._begin())
        if self._state == "raw":
            return self._add(piece)
        if self._state == "other":
            self._pieces.append(piece)
        return ""

    def done(self) -> str:
        """Return the whole text: all that ``feed`` returned, and what was read at the end."""
        if self._state in ("head", "other"):
            self._add(_input_of("".join([self._held, *self._pieces])))
        elif self._high:
            self._add(REPLACEMENT)
        self._state, self._held, self._high, self._pieces = "ended", "", "", []
        return "".join(self._text)

    def _add(self, text: str) -> str:
        if text:
            self._text.append(text)
        return text

    def _begin(self) -> str:
        """Read the head. Return the text behind it."""
        found = HEAD.match(self._held)
        if found is not None:
            self._state, self._held = "text", self._held[found.end() :]
            return self._decode()
        start = self._held.lstrip(" \t\r\n")
        if start and start[0] != "{":
            text, self._state, self._held = self._held, "raw", ""
            return text
        if len(self._held) > LONGEST_HEAD:
            self._state = "other"
        return ""

    def _decode(self) -> str:
        """Decode what is held of the JSON string, up to an escape that is not complete."""
        held, at = self._held, 0
        out: list[str] = []
        while at < len(held):
            found = SPECIAL.search(held, at)
            end = len(held) if found is None else found.start()
            if end > at:
                self._low(out, held[at:end])
            at = end
            if found is None:
                break
            if found[0] == '"':
                self._low(out, "")
                self._state = "ended"
                break
            length = self._escape(held, at, out)
            if not length:
                break
            at += length
        self._held = "" if self._state == "ended" else held[at:]
        return "".join(out)

    def _escape(self, held: str, at: int, out: list[str]) -> int:
        """Decode the escape at this place. Return its length; 0 if it is not complete."""
        kind = held[at + 1 : at + 2]
        if not kind:
            return 0
        if kind != "u":
            self._low(out, ESCAPES.get(kind, kind if kind in '"\\/' else f"\\{kind}"))
            return 2
        digits = held[at + 2 : at + 6]
        if re.fullmatch(r"[0-9a-fA-F]*", digits) is None:
            self._low(out, "\\u")
            return 2
        if len(digits) < 4:
            return 0
        code = int(digits, 16)
        if 0xD800 <= code < 0xDC00:
            self._low(out, "")
            self._high = chr(code)
        elif 0xDC00 <= code < 0xE000:
            pair, self._high = self._high + chr(code), ""
            out.append(pair.encode("utf-16", "surrogatepass").decode("utf-16") if len(pair) == 2 else REPLACEMENT)
        else:
            self._low(out, chr(code))
        return 6

    def _low(self, out: list[str], text: str) -> None:
        """Append text that completes no surrogate pair."""
        if self._high:
            self._high = ""
            out.append(REPLACEMENT)
        out.append(text)


def _input_of(arguments: str) -> str:
    """Return the input in arguments of another form."""
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    if type(value) is not dict:
        return arguments
    if INPUT not in value:
        return arguments if value else ""
    text = value[INPUT]
    return text if type(text) is str else orjson.dumps(text).decode()


def input_of(arguments: str) -> str:
    """Return the input of a custom tool call whose arguments are complete."""
    reader = CustomInput()
    reader.feed(arguments)
    return reader.done()
