"""The messages that DeepSeek accepts (sheet 4a, 4b). Error texts that the sheet does not quote are invented."""

from typing import Any

from emulators.core.checks import data_uri, is_base64
from emulators.deepseek.deserialize import (
    no_variant,
    optional_list,
    optional_texts,
    required,
    required_text,
    unknown_variant,
    variant,
    wrong_type,
)
from emulators.deepseek.errors import invalid
from emulators.deepseek.models import Model

ROLES = ("system", "user", "assistant", "tool")
PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")
MOST_PICTURES = 600
CONTENT = "ChatCompletionRequestContent"
"""The vendor's name for the content of a user message (sheet 6)."""
Json = dict[str, Any]


def check_types(messages: Any) -> None:
    """Raise BodyMismatch for the first message that does not fit the schema."""
    if not isinstance(messages, list):
        raise wrong_type("messages", messages, "a sequence")
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        if not isinstance(message, dict):
            raise wrong_type(path, message, "a map")
        _check_message(path, message)


def _check_message(path: str, message: Json) -> None:
    role = required_text(path, message, "role")
    # sheet 4a: roles; developer and function are not in the enum
    if role not in ROLES:
        raise unknown_variant(f"{path}.role", role, ROLES)
    if role == "assistant":
        _check_assistant(path, message)
        return
    content = required(path, message, "content")
    # sheet 4a: content string: system and tool take a string only
    if role == "user" and isinstance(content, list):
        for part in content:
            _check_part(path, part)
    elif not isinstance(content, str):
        raise wrong_type(path, content, "a string")
    if role == "tool":
        # the sheet is silent about tool_call_id; as in OpenAI's API it is required
        required_text(path, message, "tool_call_id")
    else:
        # sheet 4a: name on system, user, assistant
        optional_texts(path, message, "name")


def _check_assistant(path: str, message: Json) -> None:
    # sheet 4a: content string: assistant takes a string only. Absent and null pass beside tool_calls: only "some
    # gateways" refuse null
    optional_texts(path, message, "content", "name", "reasoning_content")
    if message.get("prefix") not in (None, True, False):
        raise wrong_type(path, message["prefix"], "a boolean")
    for index, call in enumerate(optional_list(path, message, "tool_calls")):
        call_path = f"{path}.tool_calls[{index}]"
        if not isinstance(call, dict):
            raise wrong_type(call_path, call, "a map")
        # the sheet is silent about a call's members; as in OpenAI's API they are required
        required_text(call_path, call, "id")
        variant(call_path, call, "type", ("function",))
        function = required(call_path, call, "function")
        if not isinstance(function, dict):
            raise wrong_type(f"{call_path}.function", function, "a map")
        required_text(f"{call_path}.function", function, "name")
        required_text(f"{call_path}.function", function, "arguments")


def _check_part(path: str, part: Any) -> None:
    """Check a content part (sheet 4a: text, image_url, file). Sheet 6: the text that names the untagged enum."""
    match part:
        case {"type": "text", "text": str()}:
            return
        case {"type": "image_url", "image_url": {"url": str(), **more}}:
            # sheet 4a: detail low or high, so OpenAI's auto is refused
            if more.get("detail") in (None, "low", "high"):
                return
        # sheet 4a: file_id is beside type, not inside a file object
        case {"type": "file", "file_id": str()}:
            return
    raise no_variant(path, CONTENT)


def check(messages: list[Json], model: Model, *, thinking: bool, beta: bool) -> None:
    """Raise RequestRefused for the first message that DeepSeek refuses. Their types must be valid."""
    # the sheet is silent about an empty list
    if not messages:
        raise invalid("Empty input messages")
    call_ids: set[str] = set()
    for index, message in enumerate(messages):
        if message["role"] == "assistant":
            _assistant(message, model, thinking=thinking)
            _prefix(message, last=index == len(messages) - 1, beta=beta)
            call_ids.update(call["id"] for call in message.get("tool_calls") or [])
        # the sheet is silent about unknown ids; as in OpenAI's API they are refused
        elif message["role"] == "tool" and message["tool_call_id"] not in call_ids:
            raise invalid(f"messages[{index}]: tool_call_id {message['tool_call_id']} is not found")
    _pictures_and_files(messages, model)


def _assistant(message: Json, model: Model, *, thinking: bool) -> None:
    calls = message.get("tool_calls")
    # sheet 4a: neither content nor tool_calls; an empty string is content
    if message.get("content") is None and not calls:
        raise invalid("content or tool_calls must be set")
    reasoning = message.get("reasoning_content")
    # sheet 4b, rule 1: R1 refuses reasoning_content; the text is not in the sheet. The seed of a prefix is exempt
    if model.generation == "R1" and reasoning is not None and not message.get("prefix"):
        raise invalid("reasoning_content is not supported in the messages of this model")
    # sheet 4b, rule 3: required beside tool calls in thinking mode. "A single space passes", so an empty string does not
    # (this is an inference). Rule 2: without tool calls it is ignored
    if thinking and model.generation in ("V3.2", "V4") and calls and not reasoning:
        raise invalid("The `reasoning_content` in the thinking mode must be passed back to the API.")


def _prefix(message: Json, *, last: bool, beta: bool) -> None:
    # sheet 4b: prefix completion: /beta, the last message. The sheet does not state what happens elsewhere
    if message.get("prefix") and not beta:
        raise invalid("prefix is available on the beta API only (base_url https://api.deepseek.com/beta)")
    if message.get("prefix") and not last:
        raise invalid("prefix is allowed in the last message only")


def _pictures_and_files(messages: list[Json], model: Model) -> None:
    lists = [(index, message["content"]) for index, message in enumerate(messages) if _has_parts(message)]
    parts = [(index, part) for index, content in lists for part in content if part["type"] != "text"]
    for index, part in parts:
        # sheet 3 and 4a: images and files on flash only; the text is that of 2025. Text parts pass on every model: the
        # sheet says "flash only" of all parts, but its 2025 text names the image part alone
        if not model.takes_files:
            raise no_variant(f"messages[{index}]", CONTENT)
        if part["type"] == "image_url":
            _url(part["image_url"]["url"])
        # sheet 6: file id unknown. Uploads are not emulated: each id with the usual start is taken as uploaded
        elif not part["file_id"].startswith("file-"):
            raise invalid(f"The file {part['file_id']} does not exist or has expired")
    # sheet 4a: at most 600 images
    if sum(part["type"] == "image_url" for _, part in parts) > MOST_PICTURES:
        raise invalid(f"At most {MOST_PICTURES} images are allowed")


def _has_parts(message: Json) -> bool:
    return isinstance(message.get("content"), list)


def _url(url: str) -> None:
    # sheet 4a: image_url: http(s) or data URI; PNG, JPEG, WebP, GIF
    if url.startswith(("http://", "https://")):
        return
    data = data_uri(url)
    if data is None or data[0] not in PICTURES or not is_base64(data[1]):
        raise invalid("The image is not an http(s) URL or a data URI of PNG, JPEG, WebP or GIF")


def mention_json(messages: list[Json]) -> bool:
    """Return whether a message contains the word json (sheet 4a: response_format)."""
    return any("json" in str(message.get("content")).lower() for message in messages)
