"""The common part of both OpenAI-compatible editions: a key, a list of endpoints, and one choice per completion."""

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
    """One of the APIs on the port. `numbers` determines the ids of its completions."""

    def __init__(self, key: str, numbers: Iterator[int]) -> None:
        self.key = key
        self._numbers = numbers

    def answer(self, request: HttpRequest, path: str) -> Response | ModelResponse:
        """Return the response of this edition to a request; `path` is relative to the base URL."""
        number = next(self._numbers)
        try:
            self._authenticate(request)
            response = self._answer(request, path, number)
        except Refusal as refusal:
            return self.refused(refusal, number)
        except BadSchema:
            return self.refused(self._invalid("a schema is malformed"), number)
        return response if isinstance(response, ModelResponse) else Response.json(200, response)

    def failure(self, name: str, value: float | None, request: HttpRequest) -> Response:
        """Return this edition's response for one of `WORDED_BY_THE_VENDOR`."""
        model_id = request.json.get("model") if isinstance(request.json, dict) else None
        # only the value of this fault is a wait
        wait_s = value if name == "rate_limit" and value is not None and value >= 0 else None
        return self.refused(self._fault(name, model_id, wait_s), next(self._numbers))

    @abstractmethod
    def refused(self, refusal: Refusal, number: int) -> Response:
        """Return the refusal in this edition's format."""

    @abstractmethod
    def _authenticate(self, request: HttpRequest) -> None:
        """Raise Refusal if the key is not this edition's."""

    @abstractmethod
    def _answer(self, request: HttpRequest, path: str, number: int) -> ModelResponse | Body:
        """Return a completion, or a body to send with status 200. Raises Refusal, BadSchema."""

    @abstractmethod
    def _invalid(self, message: str) -> Refusal:
        """Return the refusal of an invalid parameter."""

    @abstractmethod
    def _fault(self, name: str, requested: Any, wait_s: float | None) -> Refusal:
        """Return the refusal for a fault; `requested` is the model of the request, `wait_s` the fault's value."""

    def _body(self, request: HttpRequest) -> Body:
        """Return the body of the request, which must name a model. Raises Refusal."""
        body = request.json
        if not isinstance(body, dict):
            raise self._invalid("the body is not a JSON object")
        if not isinstance(body.get("model"), str) or not body["model"]:
            raise self._invalid("model is required")
        return body


def count_prompt(body: Body) -> int:
    """Return the tokens of the prompt: messages, images and tools."""
    total = 0
    for message in body["messages"]:
        content = message.get("content")
        total += TOKENS_PER_MESSAGE + tokens.count(text_of(content))
        total += sum(tokens.count(orjson.dumps(call).decode()) for call in message.get("tool_calls") or [])
        if isinstance(content, list):
            total += TOKENS_PER_PICTURE * sum(part.get("type") != "text" for part in content)
    return total + sum(tokens.count(orjson.dumps(tool).decode()) for tool in body.get("tools") or [])


def stops_of(body: Body) -> list[str]:
    """Return the stop sequences. They must be valid."""
    stop = body.get("stop")
    return [stop] if isinstance(stop, str) else stop or []
