"""The messages that the classic edition accepts: the native rules (sheet 4.3, 4.1), whose violations have code 1001."""

from itertools import pairwise
from typing import Any

from emulators.core.checks import data_uri, is_base64
from emulators.core.scripted_model import text_of
from emulators.hunyuan.classic.errors import bad_messages
from emulators.hunyuan.classic.models import Model
from emulators.hunyuan.messages import check as check_shape

MOST_MESSAGES = 40
ORDER = "messages: user(tool) 与 assistant 须交替出现, 以 user 开始, 以 user(tool) 结束, tool 可连续多条"
"""Invented text of the error that sheet 4.1 describes as a message that user (tool) and assistant must alternate."""


def check(messages: Any, model: Model) -> None:
    """Raise Refusal for the first message that the classic edition rejects."""

    def check_part(part: dict[str, Any]) -> None:
        # sheet 4.3: content parts: image_url; 3.1: on vision models; 4.2: an http or a data URL
        value = part.get("image_url")
        url = value.get("url") if isinstance(value, dict) else None
        if part.get("type") != "image_url" or not model.sees or not isinstance(url, str):
            raise bad_messages(f"content part {part.get('type')!r} is not supported by this model")
        data = data_uri(url)
        if not url.startswith(("http://", "https://")) and (data is None or not is_base64(data[1])):
            raise bad_messages("image_url.url must be an http or a data URL")

    check_shape(messages, bad_messages, check_part)
    # sheet 4.1: at most 40 messages
    if len(messages) > MOST_MESSAGES:
        raise bad_messages(f"at most {MOST_MESSAGES} messages are allowed")
    _order(messages)
    for index, message in enumerate(messages):
        _filled(message, index)


def _order(messages: list[dict[str, Any]]) -> None:
    """Sheet 4.1: system only first; then user or tool and assistant alternate, and only tools follow each other."""
    roles = [message["role"] for message in messages]
    if "system" in roles[1:]:
        raise bad_messages("system is allowed as the first message only")
    alternating = roles[1:] if roles[0] == "system" else roles
    alternate = all(
        (role == "assistant") != (later == "assistant") or role == later == "tool"
        for role, later in pairwise(alternating)
    )
    if alternating[:1] != ["user"] or alternating[-1] == "assistant" or not alternate:
        raise bad_messages(ORDER)


def _filled(message: dict[str, Any], index: int) -> None:
    content = message.get("content")
    pictured = isinstance(content, list) and any(part.get("type") != "text" for part in content)
    # sheet 4.1: Content non-empty; an assistant's with tool calls may be
    if not text_of(content) and not pictured and not message.get("tool_calls"):
        raise bad_messages(f"messages[{index}].content must not be empty")
    # sheet 4.1: reasoning in history must not be sent
    if message.get("reasoning_content"):
        raise bad_messages(f"messages[{index}].reasoning_content must not be sent")
