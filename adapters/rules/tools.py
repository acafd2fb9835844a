"""Rules for tools: names that a vendor refuses are replaced, and restored in the response."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain, count
from typing import Any, NamedTuple

from adapters.core.adaptations import VerdictWord
from adapters.core.builder import RequestBuilder
from adapters.core.message import Message
from adapters.json_schema.validator import TextChecker
from adapters.rules.reasons import EMPTY_OMITTED

SENT_AS_THEY_CAME = Message("sent unchanged")
SCHEMAS_REWRITTEN = Message("schemas are rewritten in the vendor's dialect of JSON Schema")

ALL_OR_NONE = Message("the vendor accepts strict only if all tools of the request have it")

EMULATION = "tools"
"""The name in ``policy.emulate`` of tools for models that have none."""

SINGLE_CALL = "parallel_tool_calls"
"""The emulation that returns the first tool call only, as in ``policy.emulate``."""
LONGEST_PATH = 200
"""How many characters of a schema path are shown in an error: property names may be of any length."""


class OfferedTools(NamedTuple):
    """What the prompt offers. ``arguments``: checks of the arguments, by the name of the function.

    ``required``: the answer must have a call.
    """

    arguments: Mapping[str, TextChecker]
    required: bool


class NotExpressible(Exception):
    """A schema, or a part of it, without equivalent in a vendor's dialect. ``path``: for example ``.properties.x.anyOf[0]``."""

    def __init__(self, path: str, why: Message) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


@dataclass(frozen=True, slots=True)
class Tools:
    """One vendor's rules for ``tools``; used as the verdict.

    ``name`` is the pattern of names that the vendor accepts, ``taken`` its reserved names, ``most`` the maximum number
    of tools, ``types`` the types of tools it supports. ``schema`` rewrites ``parameters`` in the vendor's dialect of
    JSON Schema, and raises NotExpressible. ``mixed_strict``: some tools may be ``strict`` and others not; if the vendor does
    not accept that, ``strict`` is omitted unless all tools have it.
    """

    name: str = r"[a-zA-Z0-9_-]{1,64}"
    reserved: tuple[str, ...] = ()
    max_tools: int = 128
    types: tuple[str, ...] = ("function",)
    schema: Callable[[Any], dict[str, Any]] | None = None
    mixed_strict: bool = True
    why: Message = Message("functions; names that the vendor refuses are replaced, and restored in the response")
    words: tuple[VerdictWord, ...] = ("honoured", "mapped", "refused")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        """Write the tools into the builder's body. Raises Refused for a type of tool that the vendor does not support."""
        if len(value) > self.max_tools:
            builder.refuse(
                name,
                Message(
                    "the vendor accepts at most {most} tools, and the request has {sent}",
                    most=self.max_tools,
                    sent=len(value),
                ),
            )
        if not value:
            builder.record(name, "mapped", EMPTY_OMITTED)
            return
        tools = [self._tool(f"{name}[{at}]", tool, builder) for at, tool in enumerate(value)]
        if not self.mixed_strict and not all(map(is_strict, tools)):
            tools = [_without_strict(tool, builder) for tool in tools]
        builder.body[name] = tools
        builder.record(name, "honoured", SENT_AS_THEY_CAME)

    def _tool(self, where: str, tool: dict[str, Any], builder: RequestBuilder) -> dict[str, Any]:
        if tool["type"] not in self.types:
            builder.refuse(
                f"{where}.type", Message("the vendor supports only tools of type {types}", types=", ".join(self.types))
            )
        if tool["type"] != "function":
            return tool
        function = dict(tool["function"])
        name = function["name"]
        if not re.fullmatch(self.name, name) or name in self.reserved:
            sent_name = self._replacement_name(name, builder)
            builder.rename_tool(name, sent_name)
            function["name"] = sent_name
            builder.record(
                "tools.function.name", "mapped", Message("{name} is sent as {sent}", name=name, sent=sent_name)
            )
        parameters = function.get("parameters")
        if parameters is None:
            function["parameters"] = {"type": "object", "properties": {}}
        elif self.schema is not None:
            function["parameters"] = send_schema(
                f"{where}.function.parameters", parameters, self.schema, "tools", builder
            )
        return {**tool, "function": function}

    def _replacement_name(self, name: str, builder: RequestBuilder) -> str:
        """Return a name that the vendor accepts and that no other tool of the request has."""
        stem = f"tool_{re.sub(r'[^a-zA-Z0-9_-]', '_', name[:48])}"
        functions = [tool.get("function") or {} for tool in builder.request.fields.get("tools") or ()]
        taken = {*builder.tool_names, *(function.get("name") for function in functions)}
        names = chain([stem], (f"{stem}_{number}" for number in count(2)))
        return next(one for one in names if one not in taken)


def is_strict(tool: dict[str, Any]) -> bool:
    """Whether the arguments of calls of this function must match its schema."""
    return (tool.get("function") or {}).get("strict") is True


def strict_tools(builder: RequestBuilder) -> bool:
    """Whether the request sends tools that are all strict."""
    tools = builder.body.get("tools") or []
    return bool(tools) and all(map(is_strict, tools))


def _without_strict(tool: dict[str, Any], builder: RequestBuilder) -> dict[str, Any]:
    """Return the tool without ``strict``."""
    function = tool.get("function")
    if type(function) is not dict or "strict" not in function:
        return tool
    if function["strict"]:
        builder.record("tools.function.strict", "dropped", ALL_OR_NONE)
    return {**tool, "function": {key: member for key, member in function.items() if key != "strict"}}


def send_schema(
    where: str, schema: Any, rewrite: Callable[[Any], dict[str, Any]], field: str, builder: RequestBuilder
) -> dict[str, Any]:
    """Return the schema in the vendor's dialect, and record ``field`` as mapped if it differs. Raises Refused."""
    try:
        sent = rewrite(schema)
    except NotExpressible as wrong:
        path = wrong.path if len(wrong.path) <= LONGEST_PATH else f"{wrong.path[:LONGEST_PATH]}…"
        builder.refuse(f"{where}{path}", wrong.why)
        raise
    if sent is not schema and sent != schema:
        builder.record(field, "mapped", SCHEMAS_REWRITTEN)
    return sent
