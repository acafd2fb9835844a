"""The messages that MiniMax accepts (sheet 4a). The texts about images and types are invented."""

from typing import Any

import orjson

from emulators.core.checks import data_uri, is_base64, is_integer, is_number
from emulators.minimax.errors import invalid, late_system
from emulators.minimax.models import Model

ROLES = ("system", "user", "assistant", "tool")
ROLE_PLAY = ("user_system", "group", "sample_message_user", "sample_message_ai")
"""More roles of M2-her."""
MEDIA = {
    "image_url": ("image/jpeg", "image/png", "image/gif", "image/webp"),
    "video_url": ("video/mp4", "video/avi", "video/x-msvideo", "video/mov", "video/x-matroska"),
}
"""What a data URL may have (the vendor's page)."""
DETAILS = ("low", "default", "high")
FRAMES_A_SECOND = (0.2, 5)
Json = dict[str, Any]


def check(messages: Any, model: Model) -> None:
    """Raise Refusal for the first message that MiniMax refuses."""
    if messages is None or messages == []:
        raise invalid("messages is empty")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise invalid("messages must be a list of objects")
    for message in messages:
        _role(message, model)
        if not isinstance(message.get("name") or "", str):
            raise invalid("name must be a string")
        _content(message, model)
    _systems([message["role"] for message in messages])
    # reported for a conversation of system messages alone
    if all(message["role"] == "system" for message in messages):
        raise invalid("chat content is empty")
    _tool_turns(messages)


def _role(message: Json, model: Model) -> None:
    role = message.get("role")
    # sheet 4a: developer: 2013 "invalid role: developer"; role-play roles: M2-her
    if role not in ROLES and not (model.role_play and role in ROLE_PLAY):
        raise invalid(f"invalid role: {role}")


def _systems(roles: list[Any]) -> None:
    # sheet 4a: only one system message, in first place: two give "invalid chat setting", a late one its own text
    if roles[:2] == ["system", "system"]:
        raise invalid("invalid chat setting")
    if "system" in roles[1:]:
        raise late_system()


def _content(message: Json, model: Model) -> None:
    content = message.get("content")
    if isinstance(content, list) and content:
        for part in content:
            _part(part, message, model)
        return
    # the vendor's page has a system message with a name only
    if message["role"] == "system" and content in (None, ""):
        return
    # reported for a call: content may be absent or null, not an empty text
    if content is None and message["role"] == "assistant" and message.get("tool_calls"):
        return
    if not content:
        raise invalid("chat content is empty")
    if not isinstance(content, str):
        raise invalid("content must be a string or a list")


def _part(part: Any, message: Json, model: Model) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    value = part.get(kind) if isinstance(kind, str) else None
    if kind == "text" and isinstance(value, str):
        return
    # sheet 4a: text; image_url and video on M3, Text-01. Text-01 has images only, by the vendor's page of 2025
    if kind not in model.takes or message["role"] != "user":
        raise invalid(f"unsupported content type '{kind}'")
    url = value.get("url") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(url, str):
        raise invalid(f"{kind} needs a url")
    _url(kind, url)
    # the vendor's page: detail low, default, high, so OpenAI's auto is refused
    if value.get("detail") not in (None, *DETAILS):
        raise invalid(f"invalid detail: {value['detail']!r} (allowed: {', '.join(DETAILS)})")
    side = value.get("max_long_side_pixel")
    if side is not None and not (is_integer(side) and side >= 1):
        raise invalid("max_long_side_pixel must be at least 1")
    rate = value.get("fps")
    if kind == "video_url" and rate is not None:
        low, high = FRAMES_A_SECOND
        if not is_number(rate) or not low <= rate <= high:
            raise invalid(f"fps must be in [{low}, {high}]")


def _url(kind: str, url: str) -> None:
    # the vendor's page: a URL or a data URL in base64; a video also by the id of a file
    if url.startswith(("http://", "https://")) or (kind == "video_url" and url.startswith("mm_file://")):
        return
    data = data_uri(url)
    if data is None or data[0] not in MEDIA[kind] or not is_base64(data[1]):
        raise invalid(f"invalid {kind}")


def _tool_turns(messages: list[Json]) -> None:
    """Check that results follow their calls at once (sheet 4a: tool turns)."""
    called: set[str] = set()
    awaited: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            call_id = message.get("tool_call_id")
            if not isinstance(call_id, str) or call_id not in called:
                raise invalid(f"tool result's tool id({call_id or ''}) not found")
            if call_id not in awaited:
                raise invalid("tool call result does not follow tool call")
            awaited.discard(call_id)
            continue
        # reported for a call without its result
        if awaited:
            raise invalid("tool call result does not follow tool call")
        awaited = _call_ids(message) if message["role"] == "assistant" else set()
        called |= awaited
    if awaited:
        raise invalid("tool call result does not follow tool call")


def _call_ids(message: Json) -> set[str]:
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise invalid("tool_calls must be a list")
    for call in calls:
        # the vendor's page: id, type and function are required, and name and arguments of a function
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(call.get("id"), str) or call.get("type") != "function":
            raise invalid("invalid tool_calls")
        if not isinstance(function.get("name"), str) or not function["name"]:
            raise invalid("function name is empty")
        # sheet 4a: arguments in a replayed call must be valid JSON
        if not _is_json(function.get("arguments")):
            raise invalid(f"invalid function arguments json string, tool_call_id: {call['id']}")
    return {call["id"] for call in calls}


def _is_json(text: Any) -> bool:
    try:
        orjson.loads(text)
    except (TypeError, orjson.JSONDecodeError):
        return False
    return isinstance(text, str)
