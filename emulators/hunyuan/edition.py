"""What both OpenAI-shaped editions have in common: a key, a list of endpoints, and one choice an answer."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import orjson

from emulators.core import tokens
from emulators.core.http import HttpRequest
from emulators.core.responses import ModelResponse, Response
from emulators.core.schemas import BadSchema
from emulators.core.scripted_model import text_of
from emulators.hunyuan.refusal import Refusal

Body = dict[str, Any]
TOKENS_PER_MESSAGE = 4
TOKENS_PER_PICTURE = 256


class Edition(ABC):
    """One of the APIs on the port. `numbers` makes the ids of its answers."""

    def __init__(self, key: str, numbers: Iterator[int]) -> None:
        self.key = key
        self._numbers = numbers

    def answer(self, request: HttpRequest, path: str) -> Response | ModelResponse:
        """Return what this edition gives for a request to `path`, which is told from the base URL on."""
        number = next(self._numbers)
        try:
            self._authenticate(request)
            told = self._answer(request, path, number)
        except Refusal as refusal:
            return self.refused(refusal, number)
        except BadSchema:
            return self.refused(self._invalid("a schema is malformed"), number)
        return told if isinstance(told, ModelResponse) else Response.json(200, told)

    def failure(self, name: str, value: float | None, request: HttpRequest) -> Response:
        """Return this edition's reply for one of `WORDED_BY_THE_VENDOR`."""
        asked = request.json.get("model") if isinstance(request.json, dict) else None
        # of these faults one has a value: that of the others is no wait
        wait_s = value if name == "rate_limit" and value is not None and value >= 0 else None
        return self.refused(self._fault(name, asked, wait_s), next(self._numbers))

    @abstractmethod
    def refused(self, refusal: Refusal, number: int) -> Response:
        """Return the refusal in this edition's shape."""

    @abstractmethod
    def _authenticate(self, request: HttpRequest) -> None:
        """Raise Refusal if the key is not this edition's."""

    @abstractmethod
    def _answer(self, request: HttpRequest, path: str, number: int) -> ModelResponse | Body:
        """Return an answer, or a body to be told with 200. Raises Refusal, BadSchema."""

    @abstractmethod
    def _invalid(self, message: str) -> Refusal:
        """Return the refusal of a parameter."""

    @abstractmethod
    def _fault(self, name: str, asked: Any, wait_s: float | None) -> Refusal:
        """Return what is told for a fault; `asked` is the model of the request, `wait_s` what the fault was told."""

    def _body(self, request: HttpRequest) -> Body:
        """Return the request's body, which names a model. Raises Refusal."""
        body = request.json
        if not isinstance(body, dict):
            raise self._invalid("the body is not a JSON object")
        if not isinstance(body.get("model"), str) or not body["model"]:
            raise self._invalid("model is required")
        return body


def count_prompt(body: Body) -> int:
    """Return the prompt's tokens: messages, pictures and tools."""
    total = 0
    for message in body["messages"]:
        content = message.get("content")
        total += TOKENS_PER_MESSAGE + tokens.count(text_of(content))
        total += sum(tokens.count(orjson.dumps(call).decode()) for call in message.get("tool_calls") or [])
        if isinstance(content, list):
            total += TOKENS_PER_PICTURE * sum(part.get("type") != "text" for part in content)
    return total + sum(tokens.count(orjson.dumps(tool).decode()) for tool in body.get("tools") or [])


def stops_of(body: Body) -> list[str]:
    """Return the texts that end the answer. They have been checked before."""
    stop = body.get("stop")
    return [stop] if isinstance(stop, str) else stop or []
