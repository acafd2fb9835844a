"""The front of ``POST /v1/completions``, over chat: the prompt is a user's message, the answer's content is the text."""

from typing import Any

import orjson

from adapters.core.adaptations import Adaptation
from adapters.core.event import CHUNK, WHOLE, Event
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.request import ApiRequest, Translation
from adapters.openai_params.operations import validate
from adapters.openai_params.param import Invalid
from adapters.rules.completions_as_chat import as_chat, only_native, texts_of
from proxy._types import Attempt
from proxy.errors import BadRequest
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.json_body import read_body, take_model
from proxy.openai_api.response_writer import ResponseWriter
from proxy.openai_api.token_ids import decode_ids, has_ids
from proxy.openai_api.writer import ResponseChannel

DECODED = {"prompt": Adaptation("mapped", Message("token ids were decoded to text"))}


class CompletionsHandler:
    """Legacy completions, whole or streamed, of one prompt or several."""

    operation = "completions"

    def parse(self, body: bytes) -> ApiRequest:
        """The chat ask of a body, which knows how it was asked too. Raises BadRequest, naming ``param``."""
        fields = read_body(body, "completions", required=("prompt",))
        model = take_model(fields)
        stream = fields.get("stream") is True
        options = fields.get("stream_options") or {}
        reworded = None
        if has_ids(fields["prompt"]):
            fields["prompt"] = decode_ids("prompt", fields["prompt"], model)
            reworded = Translation(fields, DECODED)
        asked = ApiRequest(
            "completions", model, fields, stream, stream and options.get("include_usage") is True, reworded
        )
        try:
            request = as_chat(asked)
            validate("chat", request.fields)  # members that are chat's alone have not been looked at yet
        except Refused as refused:
            return only_native(asked, refused)
        except Invalid as invalid:
            raise BadRequest(invalid.message, param=invalid.param, code=invalid.code) from None
        return request

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> "CompletionsWriter":
        """The writer for one answer."""
        return CompletionsWriter(request, out, record)


class CompletionsWriter(ResponseWriter):
    """Chat's answers as texts: the same object for a body and for each chunk of a stream.

    A chunk that has nothing but a role is left out. With ``echo`` the prompt leads the first text of each choice.
    """

    def __init__(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> None:
        super().__init__(request, out, record)
        assert request.translation is not None  # the front has made it
        asked = request.translation.original
        self._echoes = texts_of(asked["prompt"]) if asked.get("echo") else []
        self._each: int = asked.get("n", 1)
        self._echoed: set[int] = set()
        self._named: dict[str, Any] = {}

    def discard_held(self) -> None:
        super().discard_held()
        self._echoed.clear()  # what was held is forgotten, the echo in it too

    async def events(self, events: list[Event], attempt: Attempt) -> None:
        texts = [text for text in map(self._text, events) if text is not None]
        if texts:
            await super().events(texts, attempt)

    def chunks(self, event: Event) -> list[Event]:
        """A whole answer as chunks: each choice is one."""
        body = dict(event.data)
        body.pop("usage", None)
        return [Event.of({**body, "choices": [choice]}) for choice in body["choices"]]

    def closing_chunks(self) -> list[bytes]:
        """The usage chunk, with the answer's own id and model."""
        if not self._request.include_usage or self._record.usage is None:
            return []
        return [orjson.dumps({**self._named, "choices": [], "usage": self._record.usage.to_wire()})]

    def _text(self, event: Event) -> Event | None:
        """The event as a completion; None if it says nothing. A vendor's own completion is one."""
        data = event.data
        if data["object"] == "text_completion":
            self._named = {name: data[name] for name in ("id", "object", "created", "model")}
            return event
        part = "message" if event.kind is WHOLE else "delta"
        choices = [self._choice(choice, choice[part].get("content")) for choice in data["choices"]]
        if event.kind is CHUNK:
            choices = [choice for choice in choices if choice["text"] or choice["finish_reason"]]
        if not choices:
            return None
        self._named = {
            "id": f"cmpl-{data['id'].removeprefix('chatcmpl-')}",
            "object": "text_completion",
            "created": data["created"],
            "model": data["model"],
        }
        if data.get("system_fingerprint"):
            self._named["system_fingerprint"] = data["system_fingerprint"]
        usage = {"usage": data["usage"]} if event.kind is WHOLE else {}
        return Event.of({**self._named, "choices": choices, **usage}, event.kind)

    def _choice(self, choice: dict[str, Any], content: Any) -> dict[str, Any]:
        index: int = choice["index"]
        text = content if type(content) is str else ""
        if self._echoes and index not in self._echoed and (text or choice.get("finish_reason")):
            self._echoed.add(index)
            text = self._echoes[index // self._each] + text
        return {"text": text, "index": index, "logprobs": None, "finish_reason": choice.get("finish_reason")}
