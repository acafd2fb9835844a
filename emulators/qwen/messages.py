"""The messages that Qwen accepts in compatible mode (sheet 4a).

Error texts that the sheet does not quote are invented.
"""

from typing import Any

from emulators.core.checks import data_uri, is_base64
from emulators.qwen.errors import Refusal, invalid
from emulators.qwen.models import Model

ROLES = ("system", "user", "assistant", "tool")


def check(messages: Any, model: Model) -> None:
    """Raise Refusal for the first message that Qwen rejects."""
    # sheet 4a: model, messages: required; empty list
    if messages == []:
        raise invalid("[] is too short - 'messages'")
    if not isinstance(messages, list):
        raise invalid("messages must be a list")
    calling = False
    for index, message in enumerate(messages):
        # sheet 4a: role developer "not documented", role function "no"
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            role = message.get("role") if isinstance(message, dict) else None
            raise invalid(f"{role!r} is not one of {list(ROLES)} - 'messages.{index}.role'")
        role = message["role"]
        # sheet 4a: tool message order
        if role == "tool" and not calling:
            raise invalid("messages with role 'tool' must be a response to a preceding message with 'tool_calls'")
        calling = calling if role == "tool" else bool(role == "assistant" and message.get("tool_calls"))
        _message(message, index, model)
    if model.id.startswith("qwen-mt") and (len(messages) != 1 or messages[0]["role"] != "user"):
        # sheet 3a: qwen-mt: one user message, no system
        raise invalid("this model takes one message with role user")


def _message(message: dict[str, Any], index: int, model: Model) -> None:
    if message["role"] == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise invalid(f"tool_call_id is required - 'messages.{index}'")
    calls = message.get("tool_calls") if message["role"] == "assistant" else None
    for call in calls or []:
        function = call.get("function") if isinstance(call, dict) else None
        # sheet 4a: assistant tool_calls: function.arguments required
        if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
            raise invalid(f"'arguments' is a required property - 'messages.{index}.tool_calls.0.function'")
        if not isinstance(function.get("name"), str):
            raise invalid(f"'name' is a required property - 'messages.{index}.tool_calls.0.function'")
    content = message.get("content")
    if isinstance(content, list):
        for part in content:
            _part(part, model)
    # sheet 4a: assistant tool_calls: content may be "" or null
    elif not isinstance(content, str) and not (content is None and calls):
        raise invalid(f"content must be a string or parts - 'messages.{index}.content'")


def _part(part: Any, model: Model) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    value = part.get(kind) if kind else None
    if kind == "text" and isinstance(value, str):
        return
    # sheet 3a: what each model takes in; sheet 4a: content parts
    if kind in ("image_url", "video_url") and model.sees:
        _url(value.get("url") if isinstance(value, dict) else None)
    elif kind == "video" and model.sees and isinstance(value, list):
        for frame in value:
            _url(frame)
    elif kind == "input_audio" and model.hears and isinstance(value, dict) and isinstance(value.get("data"), str):
        return
    else:
        # sheet 4a: "`file` part no"
        raise invalid(f"content part {kind!r} is not supported by the model {model.id}")


def _url(url: Any) -> None:
    # sheet 4a: image_url {url: http(s) or data:}
    if isinstance(url, str) and url.startswith(("http://", "https://")):
        return
    data = data_uri(url) if isinstance(url, str) else None
    if data is None or not is_base64(data[1]):
        # sheet 6: InvalidURL
        raise Refusal(400, "InvalidURL", "The provided URL does not appear to be valid.", "invalid_request_error")


def mention_json(messages: list[dict[str, Any]]) -> bool:
    """Return whether a message contains the word json (sheet 4a: response_format)."""
    return any("json" in str(message.get("content")).lower() for message in messages)
