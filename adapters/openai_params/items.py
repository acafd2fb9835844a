"""Validation of the items of the Responses API, as OpenAI does it.

Source: OpenAI's published API description of 2026-08 (``InputItem``).
"""

from collections.abc import Callable, Mapping
from typing import Any

from adapters.core.message import Message, one_of
from adapters.openai_params.messages import MAX_PARTS
from adapters.openai_params.param import (
    JSON_NAMES,
    MAX_NAME,
    Invalid,
    check_length,
    check_text,
    missing,
    unknown_value,
    wrong_type,
)

MAX_ITEMS = 10_000
"""The maximum number of items in a request. banjia's limit: as many as a conversation may have."""
ROLES = ("user", "assistant", "system", "developer")
STATUSES = ("in_progress", "completed", "incomplete")
DETAILS = ("low", "high", "auto", "original")
TEXT_MEMBERS: Mapping[str, str] = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}
"""Parts that only have a text, each with the member that has it."""
PARTS = (*TEXT_MEMBERS, "input_image", "input_file", "input_audio")
OF_OTHER_SERVERS = frozenset(
    {
        "additional_tools",
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "compaction_trigger",
        "computer_call",
        "computer_call_output",
        "configuration_update",
        "file_search_call",
        "image_generation_call",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)
"""Items of tools that OpenAI runs itself, or that only its models have. Only their type is checked."""


def check_input(name: str, value: Any) -> None:
    """Check for a text that is not empty, or a list of items. Raises Invalid."""
    if type(value) is str:
        if not value:
            raise Invalid(name, Message("Invalid '{name}': it must not be empty.", name=name))
    elif type(value) is list:
        check_items(name, value)


def check_instructions(name: str, value: Any) -> None:
    """Check for a text, or a list of items. Raises Invalid."""
    if type(value) is list:
        check_items(name, value)


def check_items(name: str, items: list[Any]) -> None:
    """Check that items are objects of a known type with the members that it needs. Raises Invalid."""
    if len(items) > MAX_ITEMS:
        check_length(name, items, MAX_ITEMS)
    parts = 0
    for at, item in enumerate(items):
        where = f"{name}[{at}]"
        if type(item) is not dict:
            raise wrong_type(where, JSON_NAMES[dict], item)
        check = CHECKS.get(_type_of(where, item))
        if check is not None:
            parts += check(where, item)
            if parts > MAX_PARTS:
                raise Invalid(
                    name, Message("Invalid '{name}': more than {most} content parts.", name=name, most=f"{MAX_PARTS:,}")
                )


def _type_of(where: str, item: Mapping[str, Any]) -> str:
    type_ = item.get("type")
    if type_ is None:
        if "role" in item:
            return "message"
        if "id" in item and len(item) <= 2:  # an item_reference, whose type may be null
            return "item_reference"
        raise missing(f"{where}.type")
    if type(type_) is not str:
        raise wrong_type(f"{where}.type", JSON_NAMES[str], type_)
    if type_ not in CHECKS and type_ not in OF_OTHER_SERVERS:
        raise Invalid(
            f"{where}.type",
            Message("Invalid value for '{name}': there are no items of this type.", name=f"{where}.type"),
            "unsupported_value",
        )
    return type_


def _text(where: str, member: str, item: Mapping[str, Any], *, may_be_empty: bool = True) -> None:
    """Check a required member that is a text. Raises Invalid."""
    value = item.get(member)
    if value is None:
        raise missing(f"{where}.{member}")
    if type(value) is not str:
        raise wrong_type(f"{where}.{member}", JSON_NAMES[str], value)
    if not value and not may_be_empty:
        raise Invalid(f"{where}.{member}", Message("Invalid '{name}': it must not be empty.", name=f"{where}.{member}"))


def _optional_text(where: str, member: str, item: Mapping[str, Any]) -> None:
    value = item.get(member)
    if value is not None and type(value) is not str:
        raise wrong_type(f"{where}.{member}", JSON_NAMES[str], value)


def _status(where: str, item: Mapping[str, Any]) -> None:
    _optional_text(where, "id", item)
    status = item.get("status")
    if status is not None and status not in STATUSES:
        raise unknown_value(f"{where}.status", STATUSES)


def _message(where: str, item: Mapping[str, Any]) -> int:
    role = item.get("role")
    if role is None:
        raise missing(f"{where}.role")
    if role not in ROLES:
        raise unknown_value(f"{where}.role", ROLES)
    _status(where, item)
    content = item.get("content")
    if type(content) is str:
        return 1
    if content is None:
        raise missing(f"{where}.content")
    if type(content) is not list:
        raise wrong_type(f"{where}.content", one_of([JSON_NAMES[str], JSON_NAMES[list]]), content)
    return _parts(f"{where}.content", content)


def _parts(where: str, parts: list[Any]) -> int:
    """Check the parts of a content or an output. Return their number. Raises Invalid."""
    for at, part in enumerate(parts):
        path = f"{where}[{at}]"
        if type(part) is not dict:
            raise wrong_type(path, JSON_NAMES[dict], part)
        type_ = part.get("type")
        if type_ is None:
            raise missing(f"{path}.type")
        if type(type_) is not str:
            raise wrong_type(f"{path}.type", JSON_NAMES[str], type_)
        if type_ not in PARTS:
            raise unknown_value(f"{path}.type", PARTS)
        if type_ in TEXT_MEMBERS:
            _text(path, TEXT_MEMBERS[type_], part)
        elif type_ == "input_image":
            _image(path, part)
        elif type_ == "input_file":
            _file(path, part)
        elif type(part.get("input_audio")) is not dict:
            raise wrong_type(f"{path}.input_audio", JSON_NAMES[dict], part.get("input_audio"))
    return len(parts)


def _image(where: str, part: Mapping[str, Any]) -> None:
    if type(part.get("image_url")) is dict:
        raise Invalid(
            f"{where}.image_url",
            Message(
                "Invalid type for '{name}': expected a string, but got an object instead. In the Responses API image_url is the URL itself.",
                name=f"{where}.image_url",
            ),
            "invalid_type",
        )
    _optional_text(where, "image_url", part)
    _optional_text(where, "file_id", part)
    if part.get("image_url") is None and part.get("file_id") is None:
        raise missing(f"{where}.image_url")
    detail = part.get("detail")
    if detail is not None and detail not in DETAILS:
        raise unknown_value(f"{where}.detail", DETAILS)


def _file(where: str, part: Mapping[str, Any]) -> None:
    for member in ("file_id", "file_data", "file_url", "filename"):
        _optional_text(where, member, part)
    if all(part.get(member) is None for member in ("file_id", "file_data", "file_url")):
        raise missing(f"{where}.file_data")


def _call(where: str, item: Mapping[str, Any], argument: str) -> int:
    _text(where, "call_id", item, may_be_empty=False)
    _text(where, "name", item, may_be_empty=False)
    check_text(f"{where}.name", item["name"], MAX_NAME)
    _optional_text(where, "namespace", item)
    _text(where, argument, item)
    _status(where, item)
    return 1


def _output(where: str, item: Mapping[str, Any]) -> int:
    _text(where, "call_id", item, may_be_empty=False)
    _status(where, item)
    output = item.get("output")
    if output is None:
        raise missing(f"{where}.output")
    if type(output) is list:
        return _parts(f"{where}.output", output)
    if type(output) is not str:
        raise wrong_type(f"{where}.output", one_of([JSON_NAMES[str], JSON_NAMES[list]]), output)
    return 1


def _reasoning(where: str, item: Mapping[str, Any]) -> int:
    _optional_text(where, "id", item)
    _optional_text(where, "encrypted_content", item)
    count = 0
    for member in ("summary", "content"):
        parts = item.get(member)
        if parts is None:
            continue
        if type(parts) is not list:
            raise wrong_type(f"{where}.{member}", JSON_NAMES[list], parts)
        for at, part in enumerate(parts):
            path = f"{where}.{member}[{at}]"
            if type(part) is not dict:
                raise wrong_type(path, JSON_NAMES[dict], part)
            _text(path, "text", part)
        count += len(parts)
    return count


def _reference(where: str, item: Mapping[str, Any]) -> int:
    _text(where, "id", item, may_be_empty=False)
    return 1


def _compaction(where: str, item: Mapping[str, Any]) -> int:
    _optional_text(where, "id", item)
    _text(where, "encrypted_content", item)
    return 1


CHECKS: Mapping[str, Callable[[str, Mapping[str, Any]], int]] = {
    "message": _message,
    "function_call": lambda where, item: _call(where, item, "arguments"),
    "custom_tool_call": lambda where, item: _call(where, item, "input"),
    "function_call_output": _output,
    "custom_tool_call_output": _output,
    "reasoning": _reasoning,
    "item_reference": _reference,
    "compaction": _compaction,
}
"""The check of each type of item that has a meaning in chat. Each returns the number of its parts."""
