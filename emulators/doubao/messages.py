"""The messages that Ark accepts (sheet 4a). Error texts that neither the sheet nor the vendor's page has are invented."""

from typing import Any

from emulators.core.checks import data_uri, is_base64, is_integer, is_number
from emulators.doubao.errors import Refusal, invalid, missing, unknown_value, wrong_type
from emulators.doubao.models import Model

ROLES = ("system", "assistant", "user", "tool")
PARTS = ("text", "image_url", "video_url", "input_audio")
DETAILS = ("auto", "low", "high")
Json = dict[str, Any]


def check(messages: Any, model: Model) -> None:
    """Raise Refusal for the first message that Ark refuses."""
    if messages is None:
        raise missing("messages")
    if not isinstance(messages, list):
        raise wrong_type("messages", "an array", messages)
    if not messages:
        raise missing("messages")
    for message in messages:
        if not isinstance(message, dict):
            raise wrong_type("messages", "an object", message)
        _check_message(message, model)
    _check_turns(messages)


def _check_message(message: Json, model: Model) -> None:
    role = message.get("role")
    # sheet 4a: role developer is an error of older models. Role function is in the SDK's types, but not in the live text
    roles = (*ROLES, "developer") if model.is_lenient else ROLES
    if role is None:
        raise missing("messages.role")
    if role not in roles:
        raise unknown_value("messages.role", role, ROLES)
    if not isinstance(message.get("name") or "", str):
        raise wrong_type("messages.name", "a string", message["name"])
    calls = _check_calls(message) if role == "assistant" else []
    _check_content(message, model, may_be_null=bool(calls))
    if role == "tool":
        call_id = message.get("tool_call_id")
        # sheet 4a: an empty tool_call_id is an error of older models; the SDK's types require the member
        if call_id is None or (call_id == "" and not model.is_lenient):
            raise missing("messages.tool_call_id")
        if not isinstance(call_id, str):
            raise wrong_type("messages.tool_call_id", "a string", call_id)


def _check_content(message: Json, model: Model, *, may_be_null: bool) -> None:
    content = message.get("content")
    if content is None and may_be_null and model.is_lenient:
        return
    # sheet 4a: empty content is an error of older models; the words are those of a live answer of 2026-09 for null beside
    # tool_calls, which the SDK's types allow
    if content is None or (content in ("", []) and not model.is_lenient):
        raise missing("messages.content")
    if isinstance(content, list):
        for part in content:
            check_part("messages.content", part, model.media)
    elif not isinstance(content, str):
        raise wrong_type("messages.content", "a string or an array", content)


def _check_calls(message: Json) -> list[Json]:
    calls = message.get("tool_calls")
    if calls is None:
        return []
    if not isinstance(calls, list):
        raise wrong_type("messages.tool_calls", "an array", calls)
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise missing("messages.tool_calls.function")
        # the SDK's types: required members of a call
        if call.get("type") != "function":
            raise unknown_value("messages.tool_calls.type", call.get("type"), ("function",))
        if not isinstance(call.get("id"), str):
            raise missing("messages.tool_calls.id")
        for name in ("name", "arguments"):
            if not isinstance(function.get(name), str):
                raise missing(f"messages.tool_calls.function.{name}")
    return calls


def _check_turns(messages: list[Json]) -> None:
    """Check that each call has its result. Sheet 4a: n tool_calls must be followed by n tool messages."""
    open_ids: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            call_id = message["tool_call_id"]
            # sheet 4a: an empty id is no error of newer models; here it is the result of the first open call
            if call_id == "" and open_ids:
                call_id = open_ids[0]
            if call_id not in open_ids:
                raise invalid("messages.tool_call_id", f"`{call_id}` answers no tool call of the message before")
            open_ids.remove(call_id)
            continue
        if open_ids:
            break
        open_ids = [call["id"] for call in message.get("tool_calls") or []] if message["role"] == "assistant" else []
    if open_ids:
        detail = f"tool_calls must be followed by tool messages, and there are none for {', '.join(open_ids)}"
        raise invalid("messages.tool_calls", detail)


def check_part(path: str, part: Any, media: tuple[str, ...]) -> None:
    """Raise Refusal if a content part is malformed, or its kind is neither text nor in `media`."""
    if not isinstance(part, dict):
        raise wrong_type(path, "an object", part)
    kind = part.get("type")
    if kind == "text":
        if not isinstance(part.get("text"), str):
            raise missing(f"{path}.text")
        return
    if kind not in PARTS:
        raise unknown_value(f"{path}.type", kind, PARTS)
    # the sheet warns that a model may drop an image silently; live answers of 2025 are this 400
    if kind not in media:
        raise Refusal(400, "InvalidParameter", "One or more parameters specified in the request are not valid.")
    value = part.get(kind)
    if not isinstance(value, dict):
        raise missing(f"{path}.{kind}")
    if kind == "input_audio":
        _check_audio(f"{path}.{kind}", value)
        return
    _check_url(f"{path}.{kind}", kind.removesuffix("_url"), value)
    if kind == "image_url":
        _check_image(f"{path}.{kind}", value)
    elif not is_number(value.get("fps", 1)):
        raise wrong_type(f"{path}.{kind}.fps", "a number", value["fps"])


def _check_url(path: str, family: str, value: Json) -> None:
    url = value.get("url")
    if url == "":
        raise Refusal(400, "InvalidImageURL.EmptyURL", "Empty base64 image url.")
    if not isinstance(url, str):
        raise missing(f"{path}.url")
    if url.startswith(("http://", "https://")):
        return
    data = data_uri(url)
    if data is None or not data[0].startswith(f"{family}/") or not is_base64(data[1]):
        raise Refusal(400, "InvalidImageURL.InvalidFormat", "Invalid base64 image url.")


def _check_image(path: str, value: Json) -> None:
    detail = value.get("detail")
    if detail not in (None, *DETAILS):
        raise Refusal(400, "InvalidArgumentError.InvalidImageDetail", f"Invalid image detail: {detail}.")
    for name in ("min_pixels", "max_pixels"):
        if value.get(name) is not None and not is_integer(value[name]):
            raise wrong_type(f"{path}.{name}", "an integer", value[name])
    least, most = value.get("min_pixels"), value.get("max_pixels")
    if least is not None and most is not None and least > most:
        words = f"Customized min_pixels {least} is greater than max_pixels {most}."
        raise Refusal(400, "InvalidArgumentError.InvalidPixelLimit", words)


def _check_audio(path: str, value: Json) -> None:
    # sheet 4a: input_audio: url or data, format
    given = [value[name] for name in ("url", "data") if value.get(name) is not None]
    if len(given) != 1 or not isinstance(given[0], str):
        raise missing(f"{path}.url")
    if not isinstance(value.get("format") or "", str):
        raise wrong_type(f"{path}.format", "a string", value["format"])
