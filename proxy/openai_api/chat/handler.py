"""``POST /v1/chat/completions``."""

from typing import Any

import orjson

from adapters.core.event import Event
from adapters.core.request import ApiRequest, Operation
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.chat.legacy_functions import to_legacy_functions
from proxy.openai_api.chat.steps import ChatSteps, FetchImages, RestoreReasoning
from proxy.openai_api.handler import RequestSteps
from proxy.openai_api.json_body import read_body
from proxy.openai_api.response_writer import ResponseWriter
from proxy.openai_api.writer import ResponseChannel


class ChatHandler:
    """Chat completions, whole or streamed."""

    operation: Operation = "chat"
    steps: RequestSteps | None = ChatSteps(RestoreReasoning(), FetchImages())

    def parse(self, body: bytes) -> ApiRequest:
        """Parse a body. Raises BadRequest, naming ``param``."""
        model, fields = read_body(body, "chat", required=("messages",))
        stream = fields.get("stream") is True
        options = fields.get("stream_options") or {}
        return ApiRequest("chat", model, fields, stream, stream and options.get("include_usage") is True)

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> "ChatWriter":
        """Return the writer for one response, in the format that the client reads."""
        return (FunctionsWriter if request.fields.get("functions") else ChatWriter)(request, out, record)


class ChatWriter(ResponseWriter):
    """Writes chat responses: the usage chunk only if requested, and whole responses as chunks for streaming clients."""

    def closing_chunks(self) -> list[bytes]:
        """Return the usage chunk, with the id and the model of the response."""
        if not self._request.include_usage or self._record.usage is None:
            return []
        last = self._last.data if self._last is not None else {}
        chunk = {name: last.get(name) for name in ("id", "created", "model")}
        chunk["object"] = "chat.completion.chunk"  # also if the vendor sent one whole response
        return [orjson.dumps({**chunk, "choices": [], "usage": self._record.usage.to_wire()})]

    def chunks(self, event: Event) -> list[Event]:
        """Return a whole response as chunks: role and text, tool calls with their index, then the finish."""
        body = event.data
        common = {name: body[name] for name in ("id", "created", "model", "system_fingerprint") if name in body}
        common["object"] = "chat.completion.chunk"
        out: list[Event] = []
        for choice in body["choices"]:
            delta = {name: value for name, value in choice["message"].items() if value is not None}
            if "tool_calls" in delta:
                delta["tool_calls"] = [{"index": index, **call} for index, call in enumerate(delta["tool_calls"])]
            delta.setdefault("content", "")
            piece = {"index": choice["index"], "delta": delta, "logprobs": choice["logprobs"], "finish_reason": None}
            last = {"index": choice["index"], "delta": {}, "logprobs": None, "finish_reason": choice["finish_reason"]}
            out += [Event.of({**common, "choices": [piece]}), Event.of({**common, "choices": [last]})]
        return out


class FunctionsWriter(ChatWriter):
    """Writes responses for clients of functions: one call in the legacy format. The access line counts omitted ones."""

    async def events(self, events: list[Event], attempt: Any) -> None:
        kept, left_out = to_legacy_functions(events)
        if left_out:
            self._record.notes["calls_left_out"] = self._record.notes.get("calls_left_out", 0) + left_out
        if kept:
            await super().events(kept, attempt)
