"""The messages that Kimi accepts (sheet 4a, 4b). Error texts that the sheet does not quote are invented."""

from typing import Any

from emulators.core.checks import data_uri, is_base64
from emulators.kimi.errors import invalid
from emulators.kimi.models import Model

ROLES = ("system", "user", "assistant", "tool")
PICTURES = ("jpeg", "jpg", "png", "gif", "webp", "bmp", "heic", "heif")


def check(messages: Any, model: Model, *, thinking: bool) -> None:
    """Raise Refused for the first message that Kimi rejects."""
    if not isinstance(messages, list) or not messages:
        raise invalid("Invalid request: messages must be a list that is not empty")
    ids: set[str] = set()
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            raise invalid(f"Invalid request: message at index {index} is no object")
        _role(message, index)
        _content(message, index, model)
        if message["role"] == "assistant":
            ids |= _calls(message, index, thinking=thinking)
        # sheet 4a: role tool as OpenAI: it answers a call that was made
        if message["role"] == "tool" and message.get("tool_call_id") not in ids:
            raise invalid(f"Invalid request: tool_call_id {message.get('tool_call_id')} is not found")


def _role(message: dict[str, Any], index: int) -> None:
    # sheet 4a: role developer "in no schema", role function "not in schema"
    if message.get("role") not in ROLES:
        raise invalid(f"Invalid request: unknown role {message.get('role')!r} in message at index {index}")
    # sheet 4a: name is allowed on system, user, assistant (and 4b: on a tool message)
    if not isinstance(message.get("name", ""), str):
        raise invalid(f"Invalid request: name must be a string in message at index {index}")


def _content(message: dict[str, Any], index: int, model: Model) -> None:
    content = message.get("content")
    calls = message.get("tool_calls")
    if content is None:
        # sheet 4a: beside tool_calls "null or absent is fine"; 4b: a system message with tools, kimi-k3 only
        dynamic = message["role"] == "system" and "tools" in message and model.id == "kimi-k3"
        if not (dynamic or (message["role"] == "assistant" and calls)):
            raise invalid(f"Invalid request: message at index {index} has no content")
    elif isinstance(content, list):
        # sheet 4a: parts pass on K and vision ids
        if not (model.family == "K" or model.sees):
            raise invalid("Invalid request: content must be a string for this model")
        for part in content:
            _part(part, model)
    elif not isinstance(content, str):
        raise invalid(f"Invalid request: content must be a string or parts in message at index {index}")
    # sheet 4a: empty content, "" beside tool_calls
    elif not content and calls:
        raise invalid("text content is empty")


def _part(part: Any, model: Model) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        return
    # sheet 4a: part video_url, "same url rules"; only K models take video (sheet 3)
    if kind == "image_url" or (kind == "video_url" and model.family == "K"):
        if not model.sees:
            raise invalid(f"Invalid request: {kind} is not supported by this model")
        _url(part.get(kind), kind)
        return
    # sheet 4a: input_audio and file are not supported
    raise invalid(f"Invalid request: unsupported content part {kind!r}")


def _url(value: Any, kind: str) -> None:
    """Sheet 4a: `{url}` or a bare string; only data URIs or ms://; public http(s) URLs are rejected."""
    url = value.get("url") if isinstance(value, dict) else value
    if not isinstance(url, str):
        raise invalid(f"Invalid request: {kind} has no url")
    if url.startswith("ms://") and len(url) > len("ms://"):
        return
    data = data_uri(url)
    if data is None:
        raise invalid(f"Invalid request: unsupported {kind}: {url[:60]}")
    media, payload = data
    family, _, subtype = media.partition("/")
    # sheet 4a: jpeg, png, gif, webp, bmp, heic, heif
    picture = family == "image" and subtype in PICTURES
    if not (picture if kind == "image_url" else family == "video") or not is_base64(payload):
        raise invalid(f"Invalid request: unsupported {kind}: {url[:60]}")


def _calls(message: dict[str, Any], index: int, *, thinking: bool) -> set[str]:
    """Check an assistant message's tool calls and return their ids."""
    calls = message.get("tool_calls")
    if not calls:
        return set()
    if not isinstance(calls, list):
        raise invalid(f"Invalid request: tool_calls must be a list in message at index {index}")
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        valid = isinstance(function, dict) and all(isinstance(function.get(key), str) for key in ("name", "arguments"))
        if not valid or not isinstance(call.get("id"), str):
            raise invalid(f"Invalid request: malformed tool call in message at index {index}")
    # sheet 4b: reasoning_content on assistant history; a blank " " will do
    if thinking and not message.get("reasoning_content"):
        raise invalid(
            f"thinking is enabled but reasoning_content is missing in assistant tool call message at index {index}"
        )
    return {call["id"] for call in calls}
