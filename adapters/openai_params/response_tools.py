"""Validation of the tools and the tool choice of the Responses API, as OpenAI does it."""

from collections.abc import Mapping
from typing import Any

from adapters.core.message import Message
from adapters.openai_params.param import (
    JSON_NAMES,
    MAX_CALLS,
    Invalid,
    check_length,
    missing,
    unknown_value,
    wrong_type,
)
from adapters.openai_params.tools import check_name

CALLABLE = ("function", "custom")
"""The types of tools that clients run."""
FORMATS = ("text", "grammar")
SYNTAXES = ("lark", "regex")
MODES = ("auto", "required")
CHOICES = ("none", "auto", "required")


def check_response_tools(name: str, tools: list[Any]) -> None:
    """Check that tools are objects with a type, and that functions, custom tools and namespaces are whole. Raises Invalid."""
    check_length(name, tools, MAX_CALLS)
    count = 0
    for at, tool in enumerate(tools):
        where = f"{name}[{at}]"
        type_ = _type_of(where, tool)
        if type_ == "namespace":
            members = _namespace(where, tool)
            count += len(members)
        elif type_ in CALLABLE:
            _callable(where, tool)
            count += 1
    if count > MAX_CALLS:
        raise Invalid(
            name,
            Message("Invalid '{name}': more than {most} functions and custom tools.", name=name, most=MAX_CALLS),
            "array_above_max_length",
        )


def _type_of(where: str, tool: Any) -> str:
    if type(tool) is not dict:
        raise wrong_type(where, JSON_NAMES[dict], tool)
    type_ = tool.get("type")
    if type_ is None:
        raise missing(f"{where}.type")
    if type(type_) is not str:
        raise wrong_type(f"{where}.type", JSON_NAMES[str], type_)
    return type_


def _namespace(where: str, tool: Mapping[str, Any]) -> list[Any]:
    check_name(where, tool)
    members = tool.get("tools")
    if members is None:
        raise missing(f"{where}.tools")
    if type(members) is not list:
        raise wrong_type(f"{where}.tools", JSON_NAMES[list], members)
    check_length(f"{where}.tools", members, MAX_CALLS)
    for at, member in enumerate(members):
        if _type_of(f"{where}.tools[{at}]", member) not in CALLABLE:
            raise unknown_value(f"{where}.tools[{at}].type", CALLABLE)
        _callable(f"{where}.tools[{at}]", member)
    return members


def _callable(where: str, tool: Mapping[str, Any]) -> None:
    """Check a function or a custom tool. Raises Invalid."""
    if "name" not in tool and type(tool.get("function")) is dict:
        raise Invalid(
            f"{where}.name",
            Message(
                "Missing required parameter: '{name}'. Tools of the Responses API are flat: put the members of 'function' beside 'type'.",
                name=f"{where}.name",
            ),
            "missing_required_parameter",
        )
    check_name(where, tool)
    for member, kind in (("description", str), ("parameters", dict), ("strict", bool), ("format", dict)):
        value = tool.get(member)
        if value is not None and type(value) is not kind:
            raise wrong_type(f"{where}.{member}", JSON_NAMES[kind], value)
    if tool["type"] == "custom" and tool.get("format") is not None:
        _format(f"{where}.format", tool["format"])


def _format(where: str, format_: Mapping[str, Any]) -> None:
    type_ = format_.get("type")
    if type_ not in FORMATS:
        raise missing(f"{where}.type") if type_ is None else unknown_value(f"{where}.type", FORMATS)
    if type_ == "grammar":
        if format_.get("syntax") not in SYNTAXES:
            raise unknown_value(f"{where}.syntax", SYNTAXES)
        if type(format_.get("definition")) is not str:
            raise wrong_type(f"{where}.definition", JSON_NAMES[str], format_.get("definition"))


def check_response_tool_choice(name: str, choice: Any) -> None:
    """Check for ``none``, ``auto``, ``required``, or an object with a type and its members. Raises Invalid."""
    if type(choice) is str:
        if choice not in CHOICES:
            raise unknown_value(name, CHOICES)
        return
    if type(choice) is not dict:
        return
    type_ = _type_of(name, choice)
    if type_ in CALLABLE:
        check_name(name, choice)
        if type(choice.get("namespace")) not in (str, type(None)):
            raise wrong_type(f"{name}.namespace", JSON_NAMES[str], choice["namespace"])
    elif type_ == "allowed_tools":
        _allowed(name, choice)


def _allowed(name: str, choice: Mapping[str, Any]) -> None:
    if choice.get("mode") not in MODES:
        raise missing(f"{name}.mode") if choice.get("mode") is None else unknown_value(f"{name}.mode", MODES)
    tools = choice.get("tools")
    if tools is None:
        raise missing(f"{name}.tools")
    if type(tools) is not list:
        raise wrong_type(f"{name}.tools", JSON_NAMES[list], tools)
    check_length(f"{name}.tools", tools, MAX_CALLS)
    for at, tool in enumerate(tools):
        _type_of(f"{name}.tools[{at}]", tool)
