"""Qwen's completions in compatible mode, whole and streamed (sheet 5a, sample 8.1)."""

import time
from collections.abc import Iterator
from typing import Any

import orjson

from emulators.core.logprobs import logprobs
from emulators.core.responses import DONE, Frame, ModelResponse, Part
from emulators.core.scripted_model import ScriptedCompletion, ToolCall
from emulators.core.tokens import pieces as cut_up
from emulators.qwen.models import Model

Json = dict[str, Any]


class Completion(ModelResponse):
    """One completion; `number` determines its ids, `named`: whether the request forces a tool by name."""

    def __init__(
        self,
        completions: list[ScriptedCompletion],
        body: Json,
        model: Model,
        *,
        number: int,
        prompt: int,
        gap_s: float,
        named: bool,
        thinks: bool,
    ) -> None:
        super().__init__(completions, stream=body.get("stream") is True, gap_s=gap_s)
        self._model = model
        self._number = number
        self._prompt = prompt
        self._named = named
        self._thinks = thinks
        options = body.get("stream_options")
        self._include_usage = isinstance(options, dict) and options.get("include_usage") is True
        # sheet 4a: logprobs: some ids only
        self._logprobs = body.get("logprobs") is True and model.logprobs
        self._top = body.get("top_logprobs") or 0
        self._created = int(time.time())

    def headers(self, *, stream: bool) -> list[tuple[str, str]]:
        kind = "text/event-stream;charset=UTF-8" if stream else "application/json"
        return [("content-type", kind), *request_headers(self._number)]

    def usage(self) -> Json:
        # sheet 5a: usage; completion_tokens_details "or null"
        reasoning = sum(completion.reasoning_tokens for completion in self.completions)
        text = sum(completion.answer_tokens for completion in self.completions)
        details = {"reasoning_tokens": reasoning, "text_tokens": text} if self._thinks else None
        return {
            "prompt_tokens": self._prompt,
            "completion_tokens": reasoning + text,
            "total_tokens": self._prompt + reasoning + text,
            "completion_tokens_details": details,
            "prompt_tokens_details": {"audio_tokens": None, "cached_tokens": 0},
        }

    def _finish(self, completion: ScriptedCompletion) -> str:
        # sheet 5a: named tool_choice: finish_reason can be "stop" although there are tool_calls
        return "stop" if completion.calls and self._named else completion.finish

    def whole(self) -> bytes:
        return orjson.dumps(
            {
                "choices": [self._choice(index, completion) for index, completion in enumerate(self.completions)],
                "object": "chat.completion",
                "usage": self.usage(),
                "created": self._created,
                "system_fingerprint": None,
                "model": self._model.id,
                "id": f"chatcmpl-{request_id(self._number)}",
            }
        )

    def _choice(self, index: int, completion: ScriptedCompletion) -> Json:
        message: Json = {"content": completion.text, "role": "assistant"}
        if self._thinks:
            message["reasoning_content"] = completion.thought
        if completion.calls:
            message["tool_calls"] = [
                {
                    "function": {"arguments": call.arguments, "name": call.name},
                    "id": self._call_id(index, call_index),
                    "type": "function",
                }
                for call_index, call in enumerate(completion.calls)
            ]
        choice_logprobs = logprobs(completion.content, self._top) if self._logprobs else None
        return {
            "message": message,
            "finish_reason": self._finish(completion),
            "index": index,
            "logprobs": choice_logprobs,
        }

    def _call_id(self, choice: int, call_index: int) -> str:
        return f"call_{self._number:016x}{choice:04x}{call_index:04x}"

    def frames(self) -> Iterator[Frame]:
        streams = [self._choice_events(index, completion) for index, completion in enumerate(self.completions)]
        while streams:
            for stream in list(streams):
                event = next(stream, None)
                if event is None:
                    streams.remove(stream)
                else:
                    yield self._frame(event[0], [event[1]], None)
        if self._include_usage:
            # sheet 5a: with include_usage a last chunk `choices: []` + usage
            yield self._frame("usage", [], self.usage())
        yield DONE

    def _frame(self, part: Part, choices: list[Json], usage: Json | None) -> Frame:
        # sheet 5a: stream frames: usage null on each chunk; system_fingerprint and service_tier null
        body = {
            "choices": choices,
            "created": self._created,
            "id": f"chatcmpl-{request_id(self._number)}",
            "model": self._model.id,
            "object": "chat.completion.chunk",
            "service_tier": None,
            "system_fingerprint": None,
            "usage": usage,
        }
        return Frame(part, orjson.dumps(body))

    def _choice_events(self, index: int, completion: ScriptedCompletion) -> Iterator[tuple[Part, Json]]:
        def choice(content: str | None, *, finish: str | None = None, **delta: Any) -> Json:
            # sheet 5a: stream frames: null-filled fields; role only in the first delta
            filled = {"content": content, "function_call": None, "refusal": None, "role": None, "tool_calls": None}
            piece_logprobs = logprobs([content], self._top) if content and self._logprobs else None
            return {"delta": {**filled, **delta}, "finish_reason": finish, "index": index, "logprobs": piece_logprobs}

        # sheet 5a: reasoning: content null meanwhile
        if self._thinks:
            yield "role", choice(None, role="assistant", reasoning_content="")
        else:
            yield "role", choice("", role="assistant")
        for piece in completion.reasoning:
            yield "reasoning", choice(None, reasoning_content=piece)
        more = {"reasoning_content": None} if self._thinks else {}
        for piece in completion.content:
            yield "content", choice(piece, **more)
        for call_index, call in enumerate(completion.calls):
            for delta in self._tool_deltas(index, call_index, call):
                yield "tool", choice(None, tool_calls=[delta], **more)
        yield "finish", choice("", finish=self._finish(completion), **more)

    def _tool_deltas(self, index: int, call_index: int, call: ToolCall) -> Iterator[Json]:
        """Sheet 5a: tool deltas: later ones carry an empty id and name; 8.1 shows both."""

        def delta(call_id: str, name: str, arguments: str) -> Json:
            function = {"name": name, "arguments": arguments}
            return {"index": call_index, "id": call_id, "type": "function", "function": function}

        yield delta(self._call_id(index, call_index), call.name, "")
        for piece in cut_up(call.arguments):
            yield delta("", "", piece)


def request_id(number: int) -> str:
    """Return the id of the completion with this number."""
    return f"7d1c0b1e-0000-9c11-8c11-{number:012x}"


def request_headers(number: int) -> list[tuple[str, str]]:
    """Return the headers of every response (sheet 5b: headers)."""
    return [
        ("x-request-id", request_id(number)),
        ("x-dashscope-call-gateway", "true"),
        ("req-cost-time", "1"),
        ("x-envoy-upstream-service-time", "1"),
        ("server", "istio-envoy"),
    ]
