"""Zhipu's chat completions, whole and streamed (sheet 5, sample 7)."""

import time
from collections.abc import Iterator
from typing import Any

import orjson

from emulators.core.responses import DONE, Frame, ModelResponse, Part
from emulators.core.scripted_model import ScriptedCompletion, ToolCall
from emulators.core.tokens import pieces as cut_up
from emulators.zhipu.errors import JSON
from emulators.zhipu.models import Model
from emulators.zhipu.tools import FOUND, search_of

Json = dict[str, Any]
ROLE = {"role": "assistant"}


class ChatCompletion(ModelResponse):
    """A chat completion; `number` determines its ids, `in_window`: whether the window ends it, not a limit."""

    def __init__(
        self,
        completion: ScriptedCompletion,
        body: Json,
        model: Model,
        *,
        number: int,
        prompt: int,
        cached: int,
        gap_s: float,
        in_window: bool,
    ) -> None:
        # sheet 4a: n is not in the spec: there is one choice
        super().__init__([completion], stream=body.get("stream") is True, gap_s=gap_s)
        self._model = model
        self._number = number
        self._prompt = prompt
        self._cached = cached
        self._in_window = in_window
        self._request_id = body.get("request_id") or answer_id(number)
        # sheet 4b: tool_stream: 4.6 and later; older models are taken to ignore it
        self._streams_tools = body.get("tool_stream") is True and model.streams_tools
        self._search = search_of(body)
        self._created = int(time.time())

    @property
    def _completion(self) -> ScriptedCompletion:
        return self.completions[0]

    def headers(self, *, stream: bool) -> list[tuple[str, str]]:
        return [("content-type", "text/event-stream;charset=UTF-8") if stream else JSON]

    def usage(self) -> Json:
        completion = self._completion.reasoning_tokens + self._completion.answer_tokens
        usage: Json = {
            "prompt_tokens": self._prompt,
            "completion_tokens": completion,
            "total_tokens": self._prompt + completion,
        }
        # sheet 5: usage; sample 7 has three members for a model of 2024
        if not self._model.is_early:
            usage["prompt_tokens_details"] = {"cached_tokens": self._cached}
            usage["completion_tokens_details"] = {"reasoning_tokens": self._completion.reasoning_tokens}
        return usage

    def whole(self) -> bytes:
        choice = {"index": 0, "message": self._message(), "finish_reason": self._finish()}
        body = {**self._start("chat.completion"), "request_id": self._request_id, "choices": [choice]}
        return orjson.dumps({**body, "usage": self.usage(), **self._found(), **self._verdict()})

    def frames(self) -> Iterator[Frame]:
        start = self._start("chat.completion.chunk")
        is_first = self._search.get("result_sequence") == "before"
        for part, delta in self._deltas():
            # sheet 5: deltas carry the role on every chunk; sample 7: and no finish_reason before the last
            choice: Json = {"index": 0, "delta": {**ROLE, **delta}}
            more = self._found() if is_first else {}
            is_first = False
            yield Frame(part, orjson.dumps({**start, "choices": [choice], **more}))
        # sheet 5: usage in the final content chunk, next to finish_reason
        last = {"index": 0, "finish_reason": self._finish(), "delta": {**ROLE, **self._last_delta()}}
        more = {} if self._search.get("result_sequence") == "before" else self._found()
        yield Frame(
            "finish", orjson.dumps({**start, "choices": [last], "usage": self.usage(), **more, **self._verdict()})
        )
        yield DONE

    def _start(self, kind: str) -> Json:
        # sheet 5: `object` may be missing: it is, on models before GLM-4.5, as in sample 7
        named = {} if self._model.is_early else {"object": kind}
        return {"id": answer_id(self._number), **named, "created": self._created, "model": self._model.id}

    def _finish(self) -> str:
        finish = self._completion.finish
        # sheet 5: finish_reason: sensitive, model_context_window_exceeded
        if finish == "length" and self._in_window:
            return "model_context_window_exceeded"
        return "sensitive" if finish == "content_filter" else finish

    def _found(self) -> Json:
        # sheet 5: web_search
        return {"web_search": FOUND} if self._search else {}

    def _verdict(self) -> Json:
        # the vendor's spec: content_filter; level 0 is the worst of 0..3
        return {"content_filter": [{"role": "assistant", "level": 1}]} if self._finish() == "sensitive" else {}

    def _message(self) -> Json:
        # sheet 5: content is null when tools are called
        message: Json = {**ROLE, "content": "".join(self._text()) if not self._completion.calls else None}
        if self._completion.reasoning and self._model.thinking != "inline":
            message["reasoning_content"] = self._completion.thought
        if self._completion.calls:
            message["tool_calls"] = [self._call(index, call) for index, call in enumerate(self._completion.calls)]
        return message

    def _text(self) -> Iterator[str]:
        """Yield the pieces of the text, with the marks of models that have them in it."""
        if self._completion.reasoning and self._model.thinking == "inline":
            yield from ("<think>", *self._completion.reasoning, "</think>")
        boxed = self._model.boxes and bool(self._completion.content)
        if boxed:
            yield "<|begin_of_box|>"
        yield from self._completion.content
        if boxed and self._completion.finish == "stop":
            yield "<|end_of_box|>"

    def _deltas(self) -> Iterator[tuple[Part, Json]]:
        """Yield the deltas of a stream before the last one."""
        if self._model.thinking != "inline":
            for piece in self._completion.reasoning:
                yield "reasoning", {"reasoning_content": piece}
        for piece in self._text():
            yield "content", {"content": piece}
        if self._model.is_early:
            return
        for index, call in enumerate(self._completion.calls):
            if self._streams_tools:
                yield from (("tool", delta) for delta in self._call_deltas(index, call))
            else:
                # sheet 5: tool calls whole in one delta unless tool_stream
                yield "tool", {"content": None, "tool_calls": [self._indexed(index, call)]}

    def _last_delta(self) -> Json:
        calls = self._completion.calls
        # reported for models of 2024: the calls are in the chunk that has finish_reason
        if calls and self._model.is_early:
            return {"content": None, "tool_calls": [self._indexed(index, call) for index, call in enumerate(calls)]}
        return {"content": ""}

    def _call_deltas(self, index: int, call: ToolCall) -> Iterator[Json]:
        first = self._indexed(index, call)
        first["function"]["arguments"] = ""
        yield {"content": None, "tool_calls": [first]}
        for piece in cut_up(call.arguments):
            yield {"content": None, "tool_calls": [{"index": index, "function": {"arguments": piece}}]}

    def _indexed(self, index: int, call: ToolCall) -> Json:
        # sheet 5: index -1 seen on 4.5
        return {"index": index if self._model.numbers_calls else -1, **self._call(index, call)}

    def _call(self, index: int, call: ToolCall) -> Json:
        # the sheet is silent about the form of ids; seen: `call_-` and 19 digits
        function = {"name": call.name, "arguments": call.arguments}
        return {"id": f"call_-{8 * 10**18 + 1000 * self._number + index}", "type": "function", "function": function}


def answer_id(number: int) -> str:
    """Return the id of the response with this number; the form is that of the vendor's request ids."""
    return f"20260101000000{number:016x}"
