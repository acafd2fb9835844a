"""The common part of both editions' completions: OpenAI's format with one choice (sheet 5.2)."""

import time
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import orjson

from emulators.core.responses import ModelResponse, Part
from emulators.core.scripted_model import ScriptedCompletion
from emulators.core.tokens import pieces as cut_up

Json = dict[str, Any]


class Completion(ModelResponse):
    """One completion; `number` determines its ids, `prompt` is the number of its prompt tokens."""

    def __init__(self, completion: ScriptedCompletion, body: Json, *, number: int, prompt: int, gap_s: float) -> None:
        super().__init__([completion], stream=body.get("stream") is True, gap_s=gap_s)
        self._completion = completion
        self._model = body["model"]
        self._number = number
        self._prompt = prompt
        self._created = int(time.time())

    def headers(self, *, stream: bool) -> list[tuple[str, str]]:
        return [("content-type", "text/event-stream" if stream else "application/json")]

    @abstractmethod
    def _id(self) -> str: ...

    @abstractmethod
    def _call_id(self, call_index: int) -> str: ...

    @abstractmethod
    def _finish(self) -> str: ...

    def _start(self, kind: str) -> Json:
        return {"id": self._id(), "object": kind, "created": self._created, "model": self._model}

    def _counted(self, completion: int) -> Json:
        return {
            "prompt_tokens": self._prompt,
            "completion_tokens": completion,
            "total_tokens": self._prompt + completion,
        }

    def whole(self) -> bytes:
        choice = {"index": 0, "message": self._message(), "finish_reason": self._finish()}
        return orjson.dumps(
            {**self._start("chat.completion"), "choices": [choice], "usage": self.usage(), **self._verdict()}
        )

    def _verdict(self) -> Json:
        """Return the members that the content check adds to the end of a completion."""
        return {}

    def _message(self) -> Json:
        message: Json = {"role": "assistant", "content": self._completion.text}
        # sheet 5.2: reasoning
        if self._completion.reasoning:
            message["reasoning_content"] = self._completion.thought
        if self._completion.calls:
            message["tool_calls"] = [self._call(call_index) for call_index in range(len(self._completion.calls))]
        return message

    def _call(self, call_index: int) -> Json:
        call = self._completion.calls[call_index]
        function = {"name": call.name, "arguments": call.arguments}
        return {"id": self._call_id(call_index), "type": "function", "function": function}

    def _deltas(self) -> Iterator[tuple[Part, Json]]:
        """Yield the deltas of a stream, without the role at the start and the finish at the end."""
        for piece in self._completion.reasoning:
            yield "reasoning", {"reasoning_content": piece}
        for piece in self._completion.content:
            yield "content", {"content": piece}
        for call_index, call in enumerate(self._completion.calls):
            # the sheet does not show split calls for these editions: as OpenAI, send id and name once
            first = {"index": call_index, **self._call(call_index)}
            first["function"]["arguments"] = ""
            yield "tool", {"tool_calls": [first]}
            for piece in cut_up(call.arguments):
                yield "tool", {"tool_calls": [{"index": call_index, "function": {"arguments": piece}}]}
