"""The format of tools in both editions: OpenAI's (sheet 4.3).

Error texts that the sheet does not quote are invented.
"""

from collections.abc import Callable
from typing import Any

from emulators.core.scripted_model import Tool
from emulators.hunyuan.refusal import Refusal


def check_tool(tool: Any, name: str, invalid: Callable[[str], Refusal]) -> None:
    """Raise Refusal if it is not a function tool; `name` is its position in the request."""
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or tool.get("type") != "function":
        raise invalid(f"{name} must be a function")
    if not isinstance(function.get("name"), str) or not function["name"]:
        raise invalid(f"{name}.function.name is required")
    if not isinstance(function.get("parameters"), dict | None):
        raise invalid(f"{name}.function.parameters must be a schema")


def as_offered(tool: dict[str, Any]) -> Tool:
    """Return the tool, which must be valid, for the scripted model."""
    return Tool(tool["function"]["name"], tool["function"].get("parameters"))
