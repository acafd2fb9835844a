"""Requests of the Responses API for tests: validated and translated as the proxy does it."""

from collections.abc import Mapping
from typing import Any

from adapters.core.adaptations import Adaptation
from adapters.core.request import ApiRequest, Translation
from adapters.openai_params.operations import validate
from adapters.responses.history import History
from adapters.translations.responses_as_chat import as_chat

SEALED = "bj1.sealed"
"""A seal that ``unseal`` opens."""


def unseal(sealed: str) -> str | None:
    return "thought" if sealed == SEALED else None


def translated(
    fields: Mapping[str, Any], history: list[dict[str, Any]] | None = None, referenced: Mapping[str, Any] | None = None
) -> ApiRequest:
    """Return the chat request for a body. Raises Invalid and Refused."""
    validate("responses", fields)
    request = ApiRequest("responses", "gpt-4o", fields, fields.get("stream") is True)
    return as_chat(request, History(history or [], referenced or {}), unseal)


def translation_of(request: ApiRequest) -> Translation:
    assert request.translation is not None
    return request.translation


def told(request: ApiRequest) -> dict[str, str]:
    """Return the words of the adaptations that a client sees in the header."""
    adaptations: Mapping[str, Adaptation] = translation_of(request).adaptations
    return {name: one.word for name, one in adaptations.items() if one.word != "honoured" and not one.quiet}


def messages(value: Any, **more: Any) -> list[dict[str, Any]]:
    """Return the messages of a request with this input."""
    sent: list[dict[str, Any]] = translated({"input": value, **more}).fields["messages"]
    return sent


def call(id_: str = "c1", name: str = "get", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": id_, "name": name, "arguments": arguments, **more}


def output(id_: str = "c1", text: Any = "4", **more: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": id_, "output": text, **more}


def chat_call(id_: str = "c1", name: str = "get", arguments: str = "{}") -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def user(text: str = "hi") -> dict[str, Any]:
    return {"role": "user", "content": text}
