"""``POST /v1/completions``, built on chat: the prompt becomes a user message, the answer's content becomes ``text``."""

from typing import Any

import orjson

from adapters.core.adaptations import Adaptation
from adapters.core.event import CHUNK, WHOLE, Event
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.request import ApiRequest, Operation, Translation
from adapters.openai_params.operations import validate
from adapters.openai_params.param import Invalid
from adapters.translations.completions_as_chat import as_chat, only_native, texts_of
from proxy._types import Attempt
from proxy.errors import BadRequest
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.handler import RequestSteps
from proxy.openai_api.json_body import read_body
from proxy.openai_api.response_writer import ResponseWriter
from proxy.openai_api.token_ids import decode_ids, has_ids
from proxy.openai_api.writer import ResponseChannel

DECODED = {"prompt": Adaptation("mapped", Message("token ids were decoded to text"))}


class CompletionsHandler:
    """Legacy completions of one or several prompts, whole or streamed."""

    operation: Operation = "completions"
    steps: RequestSteps | None = None

    def parse(self, body: bytes) -> ApiRequest:
        """Parse a body into a chat request that keeps the original one. Raises BadRequest, naming ``param``."""
        model, fields = read_body(body, "completions", required=("prompt",))
        stream = fields.get("stream") is True
        options = fields.get("stream_options") or {}
        translation = None
        if has_ids(fields["prompt"]):
            fields["prompt"] = decode_ids("prompt", fields["prompt"], model)
            translation = Translation(fields, DECODED)
        original = ApiRequest(
            "completions", model, fields, stream, stream and options.get("include_usage") is True, translation
        )
        try:
            request = as_chat(original)
            validate("chat", request.fields)  # parameters that only chat has are not validated yet
        except Refused as refused:
            return only_native(original, refused)
        except Invalid as invalid:
            raise BadRequest(invalid.message, param=invalid.param, code=invalid.code) from None
        return request

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> "CompletionsWriter":
        """Return the writer for one response."""
        return CompletionsWriter(request, out, record)


class CompletionsWriter(ResponseWriter):
    """Writes chat responses as completions: the same object for a body and for each chunk of a stream.

    Omits chunks that hold only a role. With ``echo`` the first text of each choice begins with the prompt.
    """

    def __init__(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> None:
        super().__init__(request, out, record)
        assert request.translation is not None  # set by CompletionsHandler.parse
        original = request.translation.original
        self._echoes = texts_of(original["prompt"]) if original.get("echo") else []
        self._choices_per_prompt: int = original.get("n", 1)
        self._echoed: set[int] = set()
        self._response_members: dict[str, Any] = {}

    def discard_held(self) -> None:
        super().discard_held()
        self._echoed.clear()  # the discarded events may hold the echo

    async def events(self, events: list[Event], attempt: Attempt) -> None:
        texts = [text for text in map(self._text, events) if text is not None]
        if texts:
            await super().events(texts, attempt)

    def chunks(self, event: Event) -> list[Event]:
        """Return a whole response as chunks, one for each choice."""
        body = dict(event.data)
        body.pop("usage", None)
        return [Event.of({**body, "choices": [choice]}) for choice in body["choices"]]

    def closing_chunks(self) -> list[bytes]:
        """Return the usage chunk, with the id and the model of the response."""
        if not self._request.include_usage or self._record.usage is None:
            return []
        return [orjson.dumps({**self._response_members, "choices": [], "usage": self._record.usage.to_wire()})]

    def _text(self, event: Event) -> Event | None:
        """Return the event as a completion, None if it is empty. A vendor's native completion is returned as it is."""
        data = event.data
        if data["object"] == "text_completion":
            self._response_members = {name: data[name] for name in ("id", "object", "created", "model")}
            return event
        part = "message" if event.kind is WHOLE else "delta"
        choices = [self._choice(choice, choice[part].get("content")) for choice in data["choices"]]
        if event.kind is CHUNK:
            choices = [choice for choice in choices if choice["text"] or choice["finish_reason"]]
        if not choices:
            return None
        self._response_members = {
            "id": f"cmpl-{data['id'].removeprefix('chatcmpl-')}",
            "object": "text_completion",
            "created": data["created"],
            "model": data["model"],
        }
        if data.get("system_fingerprint"):
            self._response_members["system_fingerprint"] = data["system_fingerprint"]
        usage = {"usage": data["usage"]} if event.kind is WHOLE else {}
        return Event.of({**self._response_members, "choices": choices, **usage}, event.kind)

    def _choice(self, choice: dict[str, Any], content: Any) -> dict[str, Any]:
        index: int = choice["index"]
        text = content if type(content) is str else ""
        if self._echoes and index not in self._echoed and (text or choice.get("finish_reason")):
            self._echoed.add(index)
            text = self._echoes[index // self._choices_per_prompt] + text
        return {"text": text, "index": index, "logprobs": None, "finish_reason": choice.get("finish_reason")}
