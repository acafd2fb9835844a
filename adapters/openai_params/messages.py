"""Validation of chat messages, as OpenAI does it."""

from typing import Any

from adapters.core.message import Message, one_of
from adapters.openai_params.param import MAX_CALLS, Invalid, check_length, wrong_type
from adapters.openai_params.tools import check_name

MAX_MESSAGES = 2048
"""OpenAI's maximum number of messages."""
IMAGE_FORMS = (dict, str, type(None))
"""An image is an object with a URL. Some vendors accept the URL alone; a missing one is left to the vendor."""
MAX_PARTS = 50_000
"""The maximum number of content parts in a request. banjia's limit: a part costs more to check than to parse."""
PLAIN_ROLES = ("system", "user", "assistant", "developer")
"""The roles of messages that only need a text."""
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def check_messages(name: str, messages: list[Any]) -> None:
    """Check that messages are objects with a known role and with text or parts as content. Raises Invalid."""
    if not messages:
        raise Invalid(name, Message("Invalid 'messages': expected at least one message."))
    if len(messages) > MAX_MESSAGES:
        check_length(name, messages, MAX_MESSAGES)
    parts = 0
    for at, message in enumerate(messages):
        plain = type(message) is dict and len(message) == 2 and type(message.get("content")) is str
        if plain and message.get("role") in PLAIN_ROLES:
            continue  # nearly every message
        where = f"{name}[{at}]"
        if type(message) is not dict:
            raise wrong_type(where, Message("an object"), message)
        role = message.get("role")
        if role is None:
            raise Invalid(
                f"{where}.role",
                Message("Missing required parameter: '{name}'.", name=f"{where}.role"),
                "missing_required_parameter",
            )
        if role not in ROLES:
            raise Invalid(
                f"{where}.role", Message("Invalid value for '{name}': expected one of {words}.", name=f"{where}.role", words=", ".join(ROLES)),
                "unsupported_value",
            )  # fmt: skip
        content = message.get("content")
        if type(content) is list:
            parts += len(content)
            if parts > MAX_PARTS:
                raise Invalid(
                    name, Message("Invalid 'messages': more than {most} content parts.", most=f"{MAX_PARTS:,}")
                )
            _check_parts(f"{where}.content", content)
        elif content is not None and type(content) is not str:
            raise wrong_type(f"{where}.content", one_of([Message("a string"), Message("an array")]), content)
        elif content is None and role in ("system", "developer", "user", "tool"):
            raise Invalid(
                f"{where}.content",
                Message("Missing required parameter: '{name}'.", name=f"{where}.content"),
                "missing_required_parameter",
            )
        if role == "tool" and type(message.get("tool_call_id")) is not str:
            raise Invalid(
                f"{where}.tool_call_id", Message("Missing required parameter: '{name}'.", name=f"{where}.tool_call_id"),
                "missing_required_parameter",
            )  # fmt: skip
        if role == "function":
            check_name(where, message)
        call = message.get("function_call")
        if call is not None and type(call) is not dict:
            raise wrong_type(f"{where}.function_call", Message("an object"), call)
        calls = message.get("tool_calls")
        if calls is not None:
            _check_tool_calls(f"{where}.tool_calls", calls)


def _check_parts(where: str, parts: list[Any]) -> None:
    for at, part in enumerate(parts):
        if type(part) is not dict:
            raise wrong_type(f"{where}[{at}]", Message("an object"), part)
        if type(part.get("type")) is not str:
            raise Invalid(
                f"{where}[{at}].type", Message("Missing required parameter: '{name}'.", name=f"{where}[{at}].type"),
                "missing_required_parameter",
            )  # fmt: skip
        if part["type"] == "text" and type(part.get("text")) is not str:
            raise wrong_type(f"{where}[{at}].text", Message("a string"), part.get("text"))
        if part["type"] == "image_url" and type(part.get("image_url")) not in IMAGE_FORMS:
            raise wrong_type(f"{where}[{at}].image_url", Message("an object"), part["image_url"])


def _check_tool_calls(where: str, calls: Any) -> None:
    if type(calls) is not list:
        raise wrong_type(where, Message("an array"), calls)
    check_length(where, calls, MAX_CALLS)
    for at, call in enumerate(calls):
        if type(call) is not dict:
            raise wrong_type(f"{where}[{at}]", Message("an object"), call)
        function = call.get("function")
        if function is not None and type(function) is not dict:
            raise wrong_type(f"{where}[{at}].function", Message("an object"), function)
