"""The messages that ERNIE accepts on v2 (sheet 4.3). Error texts that the sheet does not quote are invented.

The odd number of messages that was required in 2024 is not: the current pages have no such rule (4.3: messages).
"""

from itertools import pairwise
from typing import Any

from emulators.core.checks import data_uri, is_base64
from emulators.ernie.errors import Refusal, invalid
from emulators.ernie.models import Model

ROLES = ("system", "user", "assistant", "tool")
BLANK = " \n\r\f"


def check(messages: Any, model: Model) -> None:
    """Raise Refusal for the first message that ERNIE rejects."""
    if not isinstance(messages, list) or not messages:
        raise _wrong("messages must be a list that is not empty")
    ids: set[str] = set()
    for index, message in enumerate(messages):
        # sheet 4.3: messages: roles system, user, assistant, tool; role developer "not documented", nor is function
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise _wrong(f"the role of message {index} must be one of {', '.join(ROLES)}")
        # sheet 4.3: messages: `name` optional
        if not isinstance(message.get("name") or "", str):
            raise _wrong(f"the name of message {index} must be a string")
        if message["role"] == "assistant":
            ids |= _calls(message, index)
        # sheet 4.3: tools: OpenAI shape: a tool's message answers a call that was made
        call_id = message.get("tool_call_id")
        if message["role"] == "tool" and not (isinstance(call_id, str) and call_id in ids):
            raise _wrong(f"tool_call_id of message {index} names no call")
        _content(message, index, model)
    _order([message["role"] for message in messages])
    _last(messages[-1])


def _order(roles: list[str]) -> None:
    """Sheet 4.3: messages: user or system first, user or tool last, strict alternation between.

    Several results answer the parallel calls of one message (sheet 4.3: parallel_tool_calls), so that tools may follow
    each other. The rule that 4.5 requires a user message last is not applied: its vl models support tools (sheet 3.3).
    """
    alternating = roles[1:] if roles[0] == "system" else roles
    if "system" in alternating:
        raise _wrong("system is allowed as the first message only")
    if alternating[:1] != ["user"] or alternating[-1] == "assistant":
        raise _wrong("the first message must be from user or system, the last one from user or tool")
    for role, later in pairwise(alternating):
        if (role == "assistant") == (later == "assistant") and not role == later == "tool":
            raise _wrong("the messages of user or tool and of assistant must alternate")


def _wrong(message: str) -> Refusal:
    return invalid(message, "invalid_messages")


def _content(message: dict[str, Any], index: int, model: Model) -> None:
    content = message.get("content")
    if isinstance(content, list):
        for part in content:
            _part(part, index, model)
    # The sheet does not mention null beside tool_calls; OpenAI allows it there and nowhere else.
    elif not isinstance(content, str) and not (content is None and message.get("tool_calls")):
        raise _wrong(f"the content of message {index} must be a string or parts")


def _part(part: Any, index: int, model: Model) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        return
    # sheet 4.3: content parts: image_url on vision models; video_url on vl and 5.0; input_audio, file not documented
    if (kind == "image_url" and model.sees) or (kind == "video_url" and model.watches):
        _url(part.get(kind))
        return
    raise _wrong(f"content part {kind!r} of message {index} is not supported by the model {model.id}")


def _url(value: Any) -> None:
    # sheet 4.3: content parts: http or data URL; in OpenAI's shape, {url}
    url = value.get("url") if isinstance(value, dict) else None
    if isinstance(url, str) and url.startswith(("http://", "https://")):
        return
    data = data_uri(url) if isinstance(url, str) else None
    if data is None or not is_base64(data[1]):
        raise invalid("the url is neither http nor base64 data", "invalid_image_url")


def _calls(message: dict[str, Any], index: int) -> set[str]:
    """Check an assistant message's tool calls and return their ids (sheet 4.3: tools: OpenAI shape)."""
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise _wrong(f"tool_calls of message {index} must be a list")
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        valid = isinstance(function, dict) and all(isinstance(function.get(key), str) for key in ("name", "arguments"))
        if not valid or not isinstance(call.get("id"), str) or call.get("type") != "function":
            raise _wrong(f"a tool call of message {index} is malformed")
    return {call["id"] for call in calls}


def _last(message: dict[str, Any]) -> None:
    # sheet 4.3: last message content must not be blank (space, \n, \r, \f)
    content = message.get("content")
    texts = [content or ""] if not isinstance(content, list) else [part.get("text", "") for part in content]
    pictures = isinstance(content, list) and any(part["type"] != "text" for part in content)
    if not pictures and not any(text.strip(BLANK) for text in texts):
        raise _wrong("the content of the last message must not be blank")
