"""Kimi's completions, whole and streamed (sheet 5, samples 8.1 to 8.3)."""

import time
from collections.abc import Iterator
from typing import Any

import orjson

from emulators.core.logprobs import logprobs
from emulators.core.responses import DONE, Frame, ModelResponse
from emulators.core.scripted_model import ScriptedCompletion, ToolCall
from emulators.core.tokens import pieces as cut_up
from emulators.kimi.models import Model

Json = dict[str, Any]


class Completion(ModelResponse):
    """One completion; `number` determines its ids."""

    def __init__(
        self,
        completions: list[ScriptedCompletion],
        body: Json,
        model: Model,
        number: int,
        prompt: int,
        cached: int,
        gap_s: float,
    ) -> None:
        super().__init__(completions, stream=body.get("stream") is True, gap_s=gap_s)
        self._model = model
        self._number = number
        self._prompt = prompt
        self._cached = cached
        options = body.get("stream_options")
        self._include_usage = isinstance(options, dict) and options.get("include_usage") is True
        # sheet 4a: logprobs are in the 2026 schema, not in 2024's
        self._logprobs = body.get("logprobs") is True and model.family == "K"
        self._top = body.get("top_logprobs") or 0
        self._created = int(time.time())

    def headers(self, *, stream: bool) -> list[tuple[str, str]]:
        kind = "text/event-stream; charset=utf-8" if stream else "application/json; charset=utf-8"
        return [("content-type", kind), *request_headers(self._number)]

    def usage(self) -> Json:
        usage = self._flat_usage(self.completions)
        if self._model.family == "K":
            usage["prompt_tokens_details"] = {"cached_tokens": self._cached, "cache_write_tokens": 0}
            usage["completion_tokens_details"] = {
                "reasoning_tokens": sum(completion.reasoning_tokens for completion in self.completions)
            }
        return usage

    def _flat_usage(self, completions: list[ScriptedCompletion]) -> Json:
        # sheet 5: usage: prompt includes cached, completion includes reasoning
        tokens = sum(completion.reasoning_tokens + completion.answer_tokens for completion in completions)
        return {
            "prompt_tokens": self._prompt,
            "completion_tokens": tokens,
            "total_tokens": self._prompt + tokens,
            "cached_tokens": self._cached,
        }

    def _start(self, kind: str) -> Json:
        # sheet 5: id: `chatcmpl-` now, `cmpl-` and 32 hex digits in 2024-25
        lead = "chatcmpl-" if self._model.family == "K" else "cmpl-"
        return {
            "id": f"{lead}{self._number:032x}",
            "object": kind,
            "created": self._created,
            "model": self._model.id,
        }

    def whole(self) -> bytes:
        choices = [self._choice(index, completion) for index, completion in enumerate(self.completions)]
        return orjson.dumps({**self._start("chat.completion"), "choices": choices, "usage": self.usage()})

    def _choice(self, index: int, completion: ScriptedCompletion) -> Json:
        message: Json = {"role": "assistant", "content": completion.text}
        if completion.reasoning:
            message["reasoning_content"] = completion.thought
        if completion.calls:
            message["tool_calls"] = [tool_call(call_index, call) for call_index, call in enumerate(completion.calls)]
        choice: Json = {"index": index, "message": message, "finish_reason": completion.finish}
        if self._logprobs:
            choice["logprobs"] = logprobs(completion.content, self._top)
        return choice

    def frames(self) -> Iterator[Frame]:
        start = self._start("chat.completion.chunk")
        for part, choice in self._interleaved():
            yield Frame(part, orjson.dumps({**start, "choices": [choice]}))
        if self._include_usage:
            # sheet 5: usage with include_usage: "also an extra chunk with choices: []"
            yield Frame("usage", orjson.dumps({**start, "choices": [], "usage": self.usage()}))
        yield DONE

    def _interleaved(self) -> Iterator[tuple[Any, Json]]:
        """Yield one event of each choice in turn until all are complete."""
        streams = [self._choice_events(index, completion) for index, completion in enumerate(self.completions)]
        while streams:
            for stream in list(streams):
                event = next(stream, None)
                if event is None:
                    streams.remove(stream)
                else:
                    yield event

    def _choice_events(self, index: int, completion: ScriptedCompletion) -> Iterator[tuple[Any, Json]]:
        def choice(delta: Json, **more: Any) -> Json:
            return {"index": index, "delta": delta, "finish_reason": None, **more}

        # sheet 5: first delta
        yield "role", choice({"role": "assistant", "content": ""})
        for piece in completion.reasoning:
            yield "reasoning", choice({"reasoning_content": piece})
        for piece in completion.content:
            more = {"logprobs": logprobs([piece], self._top)} if self._logprobs else {}
            yield "content", choice({"content": piece}, **more)
        for call_index, call in enumerate(completion.calls):
            for delta in _tool_deltas(call_index, call):
                yield "tool", choice({"tool_calls": [delta]})
        # sheet 5: usage without include_usage is in the last chunk's choice, "per choice when n>1"
        yield "finish", choice({}, finish_reason=completion.finish, usage=self._flat_usage([completion]))


def tool_call(call_index: int, call: ToolCall) -> Json:
    """Return a call as a message carries it. Sheet 5: tool ids are `NAME:PLACE` and start again each turn."""
    kind = "builtin_function" if call.builtin else "function"
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": f"{call.name}:{call_index}", "type": kind, "function": function}


def _tool_deltas(call_index: int, call: ToolCall) -> Iterator[Json]:
    # sheet 5: tool deltas: 1st index, id, type, name and arguments ""; later index and arguments only
    first = {"index": call_index, **tool_call(call_index, call)}
    first["function"]["arguments"] = ""
    yield first
    for piece in cut_up(call.arguments):
        yield {"index": call_index, "function": {"arguments": piece}}


def request_headers(number: int) -> list[tuple[str, str]]:
    """Return the headers of every response (sheet 5: headers)."""
    request_id = f"{number:08x}-0000-11ef-9d1c-aaaaaaaaaaaa"
    return [
        ("Msh-Request-Id", request_id),
        ("Msh-Uid", "emulated"),
        ("Msh-Gid", "enterprise-tier-5"),
        ("Server-Timing", "inner; dur=1"),
        ("x-msh-trace-id", f"{number:032x}"),
    ]
