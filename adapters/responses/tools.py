"""``tools`` and ``tool_choice`` of the Responses API in terms of chat.

Functions are flat there and nested in chat; custom tools and namespaces become functions. Tools that OpenAI runs itself
are left out if the model can answer with other tools, as coding agents offer ``web_search`` in each request. Source:
OpenAI's published API description of 2026-08 (``Tool``, ``ToolChoiceParam``).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.responses.builder import ResponsesBuilder
from adapters.responses.custom_tools import ToolName, as_function, callable_tools, grammar_of
from adapters.rules.reasons import DEFAULT_OMITTED, EMPTY_OMITTED

OFFERED = frozenset({"web_search", "web_search_preview", "image_generation", "tool_search"})
"""Tools of OpenAI that a model can do without. A dated form such as ``web_search_2025_08_26`` is the same tool."""

AS_FUNCTIONS = Message("sent as functions of chat")
RUN_BY_OPENAI = Message("OpenAI runs this tool itself: left out, because the request has other tools")
ONLY_AT_OPENAI = Message("OpenAI runs this tool itself, and the vendor has no equivalent")
NOT_IN_CHAT = Message("chat models have no such tool: offer a function or a custom tool instead")
GRAMMAR_IN_DESCRIPTION = Message("the grammar is part of the tool's description, and is not enforced")
AS_FUNCTION = Message("sent as a function with the argument input; its calls are returned as custom tool calls")
ONLY_OPENAI_MEMBERS = Message("the vendors have no equivalent: the function is offered as any other")
ALLOWED_ONLY = Message("only the allowed tools are sent")
NOTHING_TO_CHOOSE = Message("omitted: no tools are sent")
OPENAI_MEMBERS = ("output_schema", "allowed_callers", "defer_loading")


class PlacedTool(NamedTuple):
    """A function or custom tool of the request, its namespace, and its path."""

    tool: Mapping[str, Any]
    name: ToolName
    where: str


def hosted_name(type_: str) -> str:
    """Return the name of one of OpenAI's tools without the date of its version."""
    return next((name for name in OFFERED if type_ == name or type_.startswith(f"{name}_2")), type_)


def send_tools(name: str, value: list[Any], builder: ResponsesBuilder) -> None:
    """Write the functions and custom tools into the body. Raises Refused for tools that the answer would rest on."""
    choice = builder.request.fields.get("tool_choice")
    named = choice.get("type") if type(choice) is dict else None
    dispensable = choice == "none" or any(True for _ in callable_tools(value))
    for at, tool in enumerate(value):
        type_ = tool["type"]
        if type_ in ("function", "custom", "namespace"):
            continue
        hosted = hosted_name(type_)
        if hosted not in OFFERED:
            builder.refuse(f"{name}[{at}].type", NOT_IN_CHAT)
        if not dispensable or (type(named) is str and hosted_name(named) == hosted):
            builder.refuse(f"{name}[{at}].type", ONLY_AT_OPENAI)
        builder.record(f"{name}.{hosted}", "dropped", RUN_BY_OPENAI)
    placed = allowed_tools(placed_tools(name, value), choice)
    builder.record(name, "mapped", AS_FUNCTIONS if placed else EMPTY_OMITTED, quiet=True)
    if placed:
        builder.body[name] = [_send(name, at, tool, builder) for at, tool in enumerate(placed)]


def placed_tools(name: str, tools: list[Any]) -> list[PlacedTool]:
    """Return the functions and custom tools of a request, with their paths."""
    out: list[PlacedTool] = []
    for at, tool in enumerate(tools):
        if tool["type"] == "namespace":
            for index, member in enumerate(tool["tools"]):
                as_named = ToolName(member["type"], member["name"], tool["name"])
                out.append(PlacedTool(member, as_named, f"{name}[{at}].tools[{index}]"))
        elif tool["type"] in ("function", "custom"):
            out.append(PlacedTool(tool, ToolName(tool["type"], tool["name"]), f"{name}[{at}]"))
    return out


def allowed_tools(tools: list[PlacedTool], choice: Any) -> list[PlacedTool]:
    """Return the tools that ``tool_choice`` allows: all, unless it is of the type ``allowed_tools``."""
    if type(choice) is not dict or choice["type"] != "allowed_tools":
        return tools
    return [tool for tool in tools if any(_allows(entry, tool.name) for entry in choice["tools"])]


def _allows(entry: Mapping[str, Any], tool: ToolName) -> bool:
    if entry.get("type") == "namespace":
        return tool.namespace is not None and entry.get("name") == tool.namespace
    if entry.get("type") != tool.kind or entry.get("name") != tool.name:
        return False
    return entry.get("namespace") in (None, tool.namespace)


def _send(name: str, at: int, placed: PlacedTool, builder: ResponsesBuilder) -> dict[str, Any]:
    """Return the tool as a function of chat."""
    tool, name_in_chat = placed.tool, builder.tools.in_chat(placed.name)
    builder.names[f"{name}[{at}]"] = builder.names[f"{name}[{at}].function"] = placed.where
    if any(tool.get(member) for member in OPENAI_MEMBERS):
        for member in OPENAI_MEMBERS:
            if tool.get(member):
                builder.record(f"{name}.{member}", "dropped", ONLY_OPENAI_MEMBERS)
    if placed.name.kind == "custom":
        builder.record(f"{name}.custom", "emulated", AS_FUNCTION)
        if grammar_of(tool) is not None:
            builder.record(f"{name}.format", "emulated", GRAMMAR_IN_DESCRIPTION)
        return as_function(tool, name_in_chat)
    function: dict[str, Any] = {"name": name_in_chat}
    for member in ("description", "parameters"):
        if tool.get(member) is not None:
            function[member] = tool[member]
    if tool.get("strict"):
        function["strict"] = True
    return {"type": "function", "function": function}


def send_tool_choice(name: str, value: Any, builder: ResponsesBuilder) -> None:
    """Write the choice into the body. Raises Refused for a tool that is not offered."""
    kind = value["type"] if type(value) is dict else None
    sends_tools = bool(builder.body.get("tools"))
    if kind == "allowed_tools":
        _allow(name, value, builder)
    elif kind in ("function", "custom"):
        wanted = ToolName(kind, value["name"], value.get("namespace"))
        found = builder.tools.offered(wanted)
        if not sends_tools:
            raise _invalid(name, Message("it is only allowed when tools are sent"))
        if found is None:
            raise _invalid(name, Message("no tool is called '{wanted}'", wanted=wanted.name))
        builder.body[name] = {"type": "function", "function": {"name": builder.tools.in_chat(found)}}
        builder.record(name, "mapped", AS_FUNCTIONS, quiet=True)
    elif kind is not None:
        builder.refuse(name, ONLY_AT_OPENAI if hosted_name(kind) in OFFERED else NOT_IN_CHAT)
    elif sends_tools:
        builder.body[name] = value
    elif value == "required":
        raise _invalid(name, Message("it is only allowed when tools are sent"))
    else:
        builder.record(name, "mapped", DEFAULT_OMITTED if value == "auto" else NOTHING_TO_CHOOSE, quiet=True)


def _allow(name: str, value: Mapping[str, Any], builder: ResponsesBuilder) -> None:
    """Send the mode of an ``allowed_tools`` choice. The tools that it does not allow are left out by then."""
    for at, entry in enumerate(value["tools"]):
        hosted = hosted_name(str(entry.get("type")))
        if hosted in OFFERED:
            builder.record(f"{name}.{hosted}", "dropped", RUN_BY_OPENAI)
        elif entry.get("type") not in ("function", "custom", "namespace"):
            builder.refuse(f"{name}.tools[{at}].type", NOT_IN_CHAT)
        elif not any(
            _allows(entry, tool.name) for tool in placed_tools("tools", builder.request.fields.get("tools", []))
        ):
            wanted = str(entry.get("name"))
            raise Refused(
                f"{name}.tools[{at}]",
                Message(
                    "Invalid value for '{name}': {why}.",
                    name=f"{name}.tools[{at}]",
                    why=Message("no tool is called '{wanted}'", wanted=wanted),
                ),
                "unsupported_value",
            )
    if not builder.body.get("tools"):
        builder.refuse(name, ONLY_AT_OPENAI)
    builder.record(name, "emulated", ALLOWED_ONLY)
    if value["mode"] == "required":
        builder.body[name] = "required"


def _invalid(name: str, why: Message) -> Refused:
    return Refused(name, Message("Invalid value for '{name}': {why}.", name=name, why=why), "unsupported_value")


def send_parallel_tool_calls(name: str, value: bool, builder: ResponsesBuilder) -> None:
    """Write the field into the body if tools are sent: chat refuses it without them, and the Responses API does not."""
    if builder.body.get("tools"):
        builder.body[name] = value
    else:
        builder.record(name, "mapped", DEFAULT_OMITTED if value else NOTHING_TO_CHOOSE, quiet=True)
