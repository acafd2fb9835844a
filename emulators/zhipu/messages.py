"""The messages that Zhipu accepts (sheet 4a)."""

from typing import Any

from emulators.core.checks import is_base64
from emulators.zhipu.errors import empty, fixed, not_received
from emulators.zhipu.models import Model

ROLES = ("system", "user", "assistant", "tool")
CALL_TYPES = ("function", "web_search", "retrieval")
Json = dict[str, Any]


def check(messages: Any, model: Model) -> None:
    """Raise Refusal for the first message that Zhipu refuses."""
    if messages is None:
        raise not_received("messages")
    if messages == []:
        raise fixed("no_messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise fixed("messages")
    for message in messages:
        _role(message, model)
        _content(message, model)
    # sheet 4a: "must not be only system and assistant messages"; sheet 8: "no user message"
    if not any(message["role"] == "user" for message in messages):
        raise fixed("messages")
    _tool_turns(messages)


def _role(message: Json, model: Model) -> None:
    # sheet 4a: roles. The spec of vision models has no tool; those that take functions need it for the results
    allowed = ROLES if model.tools != "none" else ROLES[:-1]
    if message.get("role") not in allowed:
        raise fixed("role")


def _content(message: Json, model: Model) -> None:
    content = message.get("content")
    if message["role"] == "user" and isinstance(content, list) and model.takes:
        for part in content:
            _part(part, model)
        _together(content)
        return
    # sheet 4a: text models take a string only. The vendor's own text for other parts; for text parts it is inferred
    if isinstance(content, list) and any(isinstance(part, dict) and part.get("type") != "text" for part in content):
        raise fixed("only_text")
    # the vendor's spec: content is required, except of an assistant message
    if not isinstance(content, str) and not (content is None and message["role"] == "assistant"):
        raise fixed("messages")


def _part(part: Any, model: Model) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    value = part.get(kind) if isinstance(kind, str) else None
    if kind == "text" and isinstance(value, str):
        return
    # sheet 3 and 4a: what each model takes; the object form only
    url = value.get("url") if isinstance(value, dict) else None
    if kind not in model.takes or not isinstance(url, str):
        raise fixed("call")
    is_public = url.startswith(("http://", "https://"))
    # sheet 4a: image: a URL, or base64 without the lead of a data URL. The vendor's spec: a file by URL only. The sheet
    # is silent about videos: as images
    if not is_public and (kind == "file_url" or not is_base64(url)):
        raise fixed("picture")


def _together(content: list[Json]) -> None:
    # the vendor's spec: file_url is not supported beside image_url or video_url
    kinds = {part["type"] for part in content}
    if "file_url" in kinds and kinds & {"image_url", "video_url"}:
        raise fixed("call")


def _tool_turns(messages: list[Json]) -> None:
    """Check that each call has a result, and each result a call (sheet 8: broken tool turns)."""
    awaited: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            # the vendor's spec does not require tool_call_id; without it a result belongs to no call
            call_id = message.get("tool_call_id")
            if not isinstance(call_id, str) or call_id not in awaited:
                raise fixed("messages")
            awaited.discard(call_id)
            continue
        if awaited:
            raise fixed("messages")
        if message["role"] == "assistant":
            awaited = _call_ids(message)
    if awaited:
        raise fixed("messages")


def _call_ids(message: Json) -> set[str]:
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise fixed("messages")
    for index, call in enumerate(calls):
        # the vendor's spec: id and type are required, and name and arguments of a function
        if not isinstance(call, dict) or not isinstance(call.get("id"), str) or call.get("type") not in CALL_TYPES:
            raise fixed("messages")
        if call["type"] != "function":
            continue
        function = call.get("function")
        if not isinstance(function, dict):
            raise fixed("messages")
        for name in ("name", "arguments"):
            if not isinstance(function.get(name), str):
                raise empty(f"messages.tool_calls[{index}].function.{name}")
    return {call["id"] for call in calls}
