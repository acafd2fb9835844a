"""The format of messages in both editions (sheet 4.3). Error texts that the sheet does not quote are invented."""

from collections.abc import Callable
from typing import Any

from emulators.hunyuan.refusal import Refusal

ROLES = ("system", "user", "assistant", "tool")
Wrong = Callable[[str], Refusal]
"""Returns the edition's refusal of messages."""
CheckPart = Callable[[dict[str, Any]], None]
"""Raises Refusal for a content part, other than text, that the model does not support."""


def check(messages: Any, wrong: Wrong, check_part: CheckPart) -> None:
    """Raise Refusal for the first message that is not in OpenAI's format."""
    if not isinstance(messages, list) or not messages:
        raise wrong("messages must be a list that is not empty")
    ids: set[str] = set()
    for index, message in enumerate(messages):
        # sheet 4.3: messages roles: developer "not documented"
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            role = message.get("role") if isinstance(message, dict) else None
            raise wrong(f"messages[{index}].role must be one of {', '.join(ROLES)}, not {role!r}")
        calls = _calls(message, f"messages[{index}]", wrong) if message["role"] == "assistant" else []
        ids.update(call["id"] for call in calls)
        # not in the sheet; as at OpenAI, it must answer a tool call
        answered = message.get("tool_call_id")
        if message["role"] == "tool" and not (isinstance(answered, str) and answered in ids):
            raise wrong(f"messages[{index}].tool_call_id answers no call: {answered!r}")
        _content(message.get("content"), f"messages[{index}].content", wrong, check_part, optional=bool(calls))


def _content(content: Any, name: str, wrong: Wrong, check_part: CheckPart, *, optional: bool) -> None:
    if isinstance(content, list):
        for part in content:
            if not isinstance(part, dict):
                raise wrong(f"{name} has a part that is no object")
            if part.get("type") == "text" and isinstance(part.get("text"), str):
                continue
            check_part(part)
    elif not isinstance(content, str) and not (content is None and optional):
        raise wrong(f"{name} must be a string or parts")


def _calls(message: dict[str, Any], name: str, wrong: Wrong) -> list[dict[str, Any]]:
    """Return an assistant message's tool calls. Raises Refusal."""
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise wrong(f"{name}.tool_calls must be a list")
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        valid = isinstance(function, dict) and all(isinstance(function.get(key), str) for key in ("name", "arguments"))
        if not valid or not isinstance(call.get("id"), str):
            raise wrong(f"{name}.tool_calls has a malformed call")
    return calls
