"""DeepSeek's chat completions, whole and streamed (sheet 5, sample 8)."""

import time
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import orjson

from emulators.core.logprobs import logprobs
from emulators.core.responses import DONE, Frame, ModelResponse, Part
from emulators.core.scripted_model import ScriptedCompletion, ToolCall
from emulators.core.tokens import pieces as cut_up
from emulators.deepseek.models import Model

Json = dict[str, Any]
KEEP_ALIVE = "keep-alive"
BLANK_LINES = b"\n\n"
IMPOSSIBLE = -9999.0


class DeepSeekCompletion(ModelResponse):
    """What chat and FIM completions share; `number` determines the ids, `reviewed`: whether the output is reviewed."""

    kind = ""
    chunk_kind = ""

    def __init__(
        self,
        turn: ScriptedCompletion,
        body: Json,
        model: Model,
        *,
        number: int,
        prompt: int,
        cached: int,
        gap_s: float,
        reviewed: bool = False,
    ) -> None:
        # sheet 4a: n is in no schema: there is one choice
        super().__init__([turn], stream=body.get("stream") is True, gap_s=gap_s)
        self.model = model
        self._number = number
        self._prompt = prompt
        self._cached = cached
        self._reviewed = reviewed
        self._include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        self._created = int(time.time())

    def headers(self, *, stream: bool) -> list[tuple[str, str]]:
        # the sheet is silent about content types
        kind = "text/event-stream; charset=utf-8" if stream else "application/json"
        return [("content-type", kind), *request_headers(self._number)]

    def usage(self) -> Json:
        # sheet 5: usage: prompt is hit + miss, completion includes reasoning
        (turn,) = self.completions
        completion = turn.reasoning_tokens + turn.answer_tokens
        return {
            "prompt_tokens": self._prompt,
            "completion_tokens": completion,
            "total_tokens": self._prompt + completion,
            "prompt_tokens_details": {"cached_tokens": self._cached},
            "completion_tokens_details": {"reasoning_tokens": turn.reasoning_tokens},
            "prompt_cache_hit_tokens": self._cached,
            "prompt_cache_miss_tokens": self._prompt - self._cached,
        }

    def whole(self) -> bytes:
        body = {**self._start(self.kind), "choices": [self.choice()], "usage": self.usage()}
        # sheet 5: keep-alive: blank lines before the JSON while a request is queued; here each request is queued
        return BLANK_LINES + orjson.dumps(body)

    def frames(self) -> Iterator[Frame]:
        # sheet 5 and sample 8: keep-alive: a comment before the first event
        comment = KEEP_ALIVE
        for part, choice in self.events():
            # sheet 4b: safety_check high: the stream stays open after the last text
            if part == "finish" and self._reviewed:
                comment = KEEP_ALIVE
            has_usage = part == "finish" and self._include_usage and self.model.usage_on_finish
            yield Frame(part, self._chunk([choice], with_usage=has_usage), comment)
            comment = ""
        # the sheet is silent about usage in a stream without include_usage: there is none
        if self._include_usage and not self.model.usage_on_finish:
            yield Frame("usage", self._chunk([], with_usage=True))
        yield DONE

    def _start(self, kind: str) -> Json:
        # sheet 5: top level
        return {
            "id": f"{self._number:08x}-0000-4000-8000-{self._number:012x}",
            "object": kind,
            "created": self._created,
            # the sheet does not state whether an alias is echoed: the response names the model that served it
            "model": self.model.id,
            "system_fingerprint": "fp_emulated",
        }

    def _chunk(self, choices: list[Json], *, with_usage: bool) -> bytes:
        usage = {"usage": self.usage()} if with_usage else {}
        return orjson.dumps({**self._start(self.chunk_kind), "choices": choices, **usage})

    @abstractmethod
    def choice(self) -> Json:
        """Return the choice of the whole answer."""

    @abstractmethod
    def events(self) -> Iterator[tuple[Part, Json]]:
        """Yield the choice of each event of a stream."""


class ChatCompletion(DeepSeekCompletion):
    """A chat completion; `thinks`: whether it has the member reasoning_content."""

    kind = "chat.completion"
    chunk_kind = "chat.completion.chunk"

    def __init__(self, turn: ScriptedCompletion, body: Json, model: Model, *, thinks: bool, **facts: Any) -> None:
        super().__init__(turn, body, model, **facts)
        self._thinks = thinks
        self._logprobs = body.get("logprobs") is True
        self._top = body.get("top_logprobs") or 0

    def choice(self) -> Json:
        (turn,) = self.completions
        message: Json = {"role": "assistant", "content": turn.text}
        # sheet 5: message: the member is absent in non-thinking mode
        if self._thinks:
            message["reasoning_content"] = turn.thought
        if turn.calls:
            message["tool_calls"] = [self._call(index, call) for index, call in enumerate(turn.calls)]
        choice_logprobs = self._logprobs_of(turn.content, turn.reasoning)
        return {"index": 0, "message": message, "logprobs": choice_logprobs, "finish_reason": turn.finish}

    def events(self) -> Iterator[tuple[Part, Json]]:
        (turn,) = self.completions
        # sheet 5: delta: the first one has reasoning_content "" in thinking mode; content is null while it reasons
        yield "role", _choice({"role": "assistant", **self._delta("" if not self._thinks else None, "")})
        for piece in turn.reasoning:
            yield "reasoning", _choice(self._delta(None, piece), self._logprobs_of([], [piece]))
        for piece in turn.content:
            yield "content", _choice(self._delta(piece, None), self._logprobs_of([piece], []))
        # the sheet is silent about content and reasoning_content beside tool deltas: they are absent
        for index, call in enumerate(turn.calls):
            for delta in self._call_deltas(index, call):
                yield "tool", _choice({"tool_calls": [delta]})
        # sample 8: the finish chunk has content "" and no reasoning_content
        yield "finish", _choice({"content": ""}, finish=turn.finish)

    def _delta(self, content: str | None, reasoning: str | None) -> Json:
        return {"content": content, "reasoning_content": reasoning} if self._thinks else {"content": content}

    def _call(self, index: int, call: ToolCall) -> Json:
        # the sheet is silent about the form of ids
        function = {"name": call.name, "arguments": call.arguments}
        return {"id": f"call_{index:02d}_{self._number:024x}", "type": "function", "function": function}

    def _call_deltas(self, index: int, call: ToolCall) -> Iterator[Json]:
        # sheet 5: tool deltas: id, type and name only on the first
        first = {"index": index, **self._call(index, call)}
        first["function"]["arguments"] = ""
        yield first
        for piece in cut_up(call.arguments):
            yield {"index": index, "function": {"arguments": piece}}

    def _logprobs_of(self, content: list[str], reasoning: list[str]) -> Json | None:
        if not self._logprobs:
            return None
        found = self._marked(content)
        # sheet 4a: logprobs: V4 has reasoning_content beside content
        if self.model.generation == "V4" and self._thinks:
            found["reasoning_content"] = self._marked(reasoning)["content"]
        return found

    def _marked(self, pieces: list[str]) -> Json:
        """Return log probabilities; the last of several alternatives is impossible (sheet 4a: -9999.0)."""
        found = logprobs(pieces, self._top)
        for entry in found["content"]:
            if len(entry["top_logprobs"]) > 1:
                entry["top_logprobs"][-1]["logprob"] = IMPOSSIBLE
        return found


def _choice(delta: Json, piece_logprobs: Json | None = None, finish: str | None = None) -> Json:
    return {"index": 0, "delta": delta, "logprobs": piece_logprobs, "finish_reason": finish}


def request_headers(number: int) -> list[tuple[str, str]]:
    """Return the headers of every response.

    Sheet 1: `x-request-id` or `x-deepseek-request-id`, without stating when; here odd numbers have the first.
    """
    name = "x-request-id" if number % 2 else "x-deepseek-request-id"
    return [(name, f"{number:032x}")]
