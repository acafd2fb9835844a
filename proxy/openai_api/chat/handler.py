"""The front of ``POST /v1/chat/completions``."""

from typing import Any

import orjson

from adapters.core.event import Event
from adapters.core.request import ApiRequest
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.chat.legacy_functions import to_legacy_functions
from proxy.openai_api.json_body import read_body, take_model
from proxy.openai_api.response_writer import ResponseWriter
from proxy.openai_api.writer import ResponseChannel


class ChatHandler:
    """Chat completions, whole or streamed."""

    operation = "chat"

    def parse(self, body: bytes) -> ApiRequest:
        """The ask of a body. Raises BadRequest, naming ``param``."""
        fields = read_body(body, "chat", required=("messages",))
        model = take_model(fields)
        stream = fields.get("stream") is True
        options = fields.get("stream_options") or {}
        return ApiRequest("chat", model, fields, stream, stream and options.get("include_usage") is True)

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> "ChatWriter":
        """The writer for one answer, in the shape that its caller reads."""
        return (FunctionsWriter if request.fields.get("functions") else ChatWriter)(request, out, record)


class ChatWriter(ResponseWriter):
    """Chat answers: the usage chunk exactly when asked for, and whole answers cut into chunks for who streams."""

    _last: dict[str, Any] | None = None

    def observe(self, events: list[Event]) -> None:
        """Remember what the usage chunk will repeat."""
        if self._request.include_usage:
            self._last = dict(events[-1].data)

    def closing_chunks(self) -> list[bytes]:
        """The usage chunk, with the answer's own id and model."""
        if not self._request.include_usage or self._record.usage is None:
            return []
        named = self._last or {}
        chunk = {name: named.get(name) for name in ("id", "created", "model")}
        chunk["object"] = "chat.completion.chunk"  # also where the vendor sent one whole answer
        return [orjson.dumps({**chunk, "choices": [], "usage": self._record.usage.to_wire()})]

    def chunks(self, event: Event) -> list[Event]:
        """A whole answer as chunks: role and text, tool calls with their index, then the finish."""
        body = event.data
        named = {name: body[name] for name in ("id", "created", "model", "system_fingerprint") if name in body}
        named["object"] = "chat.completion.chunk"
        out: list[Event] = []
        for choice in body["choices"]:
            delta = {name: value for name, value in choice["message"].items() if value is not None}
            if "tool_calls" in delta:
                delta["tool_calls"] = [{"index": at, **call} for at, call in enumerate(delta["tool_calls"])]
            delta.setdefault("content", "")
            piece = {"index": choice["index"], "delta": delta, "logprobs": choice["logprobs"], "finish_reason": None}
            last = {"index": choice["index"], "delta": {}, "logprobs": None, "finish_reason": choice["finish_reason"]}
            out += [Event.of({**named, "choices": [piece]}), Event.of({**named, "choices": [last]})]
        return out


class FunctionsWriter(ChatWriter):
    """The same for a caller of functions: one call, in their shape. The log line counts those that are left out."""

    async def events(self, events: list[Event], attempt: Any) -> None:
        kept, left_out = to_legacy_functions(events)
        if left_out:
            self._record.notes["calls_left_out"] = self._record.notes.get("calls_left_out", 0) + left_out
        if kept:
            await super().events(kept, attempt)
