"""Validation of tools, functions and tool choice, as OpenAI does it."""

from collections.abc import Mapping
from typing import Any

from adapters.core.message import Message
from adapters.openai_params.param import MAX_CALLS, MAX_NAME, Invalid, check_length, check_text, wrong_type


def check_tools(name: str, tools: list[Any]) -> None:
    """Check that tools are objects with a type, and that functions have a name. Raises Invalid."""
    check_length(name, tools, MAX_CALLS)
    for at, tool in enumerate(tools):
        where = f"{name}[{at}]"
        if type(tool) is not dict:
            raise wrong_type(where, Message("an object"), tool)
        if type(tool.get("type")) is not str:
            raise Invalid(
                f"{where}.type",
                Message("Missing required parameter: '{name}'.", name=f"{where}.type"),
                "missing_required_parameter",
            )
        function = tool.get("function")
        if tool["type"] == "function":
            if type(function) is not dict:
                raise wrong_type(f"{where}.function", Message("an object"), function)
            check_name(f"{where}.function", function)


def check_name(where: str, value: Mapping[str, Any]) -> None:
    """Check that a function has a name. Raises Invalid."""
    if type(value.get("name")) is not str or not value["name"]:
        raise Invalid(
            f"{where}.name",
            Message("Missing required parameter: '{name}'.", name=f"{where}.name"),
            "missing_required_parameter",
        )
    check_text(f"{where}.name", value["name"], MAX_NAME)


def check_functions(name: str, functions: list[Any]) -> None:
    """Check that functions are objects with a name. Raises Invalid."""
    check_length(name, functions, MAX_CALLS)
    for at, function in enumerate(functions):
        if type(function) is not dict:
            raise wrong_type(f"{name}[{at}]", Message("an object"), function)
        check_name(f"{name}[{at}]", function)


def check_function_call(name: str, choice: Any) -> None:
    """Check for ``none``, ``auto``, or an object with the name of a function. Raises Invalid."""
    if type(choice) is dict:
        check_name(name, choice)
    elif choice not in ("none", "auto"):
        raise Invalid(
            name,
            Message("Invalid value for '{name}': expected one of {words}.", name=name, words="none, auto"),
            "unsupported_value",
        )


def check_tool_choice(name: str, choice: Any) -> None:
    """Check for ``none``, ``auto``, ``required``, or an object with a type. Raises Invalid."""
    if type(choice) is str and choice not in ("none", "auto", "required"):
        raise Invalid(
            name,
            Message("Invalid value for '{name}': expected one of {words}.", name=name, words="none, auto, required"),
            "unsupported_value",
        )
    if type(choice) is dict and type(choice.get("type")) is not str:
        raise Invalid(
            f"{name}.type",
            Message("Missing required parameter: '{name}'.", name=f"{name}.type"),
            "missing_required_parameter",
        )
