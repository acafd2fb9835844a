"""The tools that MiniMax accepts (sheet 4a)."""

from typing import Any

from emulators.minimax.errors import invalid
from emulators.minimax.models import Model

CHOICES = ("auto", "none")


def check(tools: Any, model: Model) -> None:
    """Raise Refusal for the first tool that MiniMax refuses."""
    if tools is None or tools == []:
        return
    if not isinstance(tools, list):
        raise invalid("tools must be a list")
    if not model.tools:
        raise invalid(f"tools are not supported by model '{model.id}'")
    for tool in tools:
        kind = tool.get("type") if isinstance(tool, dict) else None
        # sheet 4a: function and web_search, whose members the sheet does not have
        if kind == "web_search":
            continue
        # sheet 4a: "invalid tool type: (2013)": the type was not in the text
        if kind != "function":
            raise invalid("invalid tool type:")
        _check_function(tool.get("function"))


def _check_function(function: Any) -> None:
    # sheet 4a: parameters required: "function parameters is empty"; reports have a longer text
    if not isinstance(function, dict) or not function.get("name") or function.get("parameters") is None:
        raise invalid("function name or parameters is empty")
    if not isinstance(function["name"], str) or not isinstance(function.get("description") or "", str):
        raise invalid("function name and description must be strings")
    if not isinstance(function["parameters"], dict):
        raise invalid("function parameters must be an object")


def choice_of(body: dict[str, Any], *, native: bool) -> str:
    """Return the choice that the model obeys: `auto` or `none`. Raises Refusal on the native path.

    Sheet 4a: native v2: auto, none. On the OpenAI path it is not documented: it is ignored.
    """
    choice = body.get("tool_choice")
    if not native or choice is None:
        return "auto"
    if choice not in CHOICES:
        raise invalid("invalid tool_choice (allowed: auto, none)")
    return str(choice)
