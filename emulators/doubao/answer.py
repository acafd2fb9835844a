"""Ark's chat completions, whole and streamed (sheet 5, sample 7)."""

import time
from collections.abc import Iterator
from typing import Any

import orjson

from emulators.core.logprobs import logprobs
from emulators.core.responses import DONE, Frame, ModelResponse, Part
from emulators.core.scripted_model import ScriptedCompletion, ToolCall
from emulators.core.tokens import count
from emulators.core.tokens import pieces as cut_up

Json = dict[str, Any]
EPOCH_MS = 1_720_500_000_000


def request_id(number: int) -> str:
    """Return the id of a request. Live ids are `02`, 13 digits of a time in milliseconds, and 38 hexadecimal digits."""
    return f"02{EPOCH_MS + number}{number:038x}"


def request_headers(number: int) -> list[tuple[str, str]]:
    """Return the headers of every response (sheet 1)."""
    return [("x-request-id", request_id(number))]


class Completion(ModelResponse):
    """A chat completion; `number` determines its ids, `model` is the underlying model of an endpoint."""

    def __init__(
        self,
        completions: list[ScriptedCompletion],
        body: Json,
        model: str,
        *,
        number: int,
        prompt: int,
        gap_s: float,
        thinks: bool,
    ) -> None:
        super().__init__(completions, stream=body.get("stream") is True, gap_s=gap_s)
        self._model = model
        self._number = number
        self._prompt = prompt
        self._thinks = thinks
        options = body.get("stream_options") or {}
        self._include_usage = options.get("include_usage") is True
        self._usage_in_chunks = options.get("chunk_include_usage") is True
        self._logprobs = body.get("logprobs") is True
        self._top = body.get("top_logprobs") or 0
        self._created = int(time.time())

    def headers(self, *, stream: bool) -> list[tuple[str, str]]:
        # the sheet is silent about content types
        kind = "text/event-stream" if stream else "application/json"
        return [("content-type", kind), *request_headers(self._number)]

    def usage(self) -> Json:
        reasoning = sum(one.reasoning_tokens for one in self.completions)
        return self._usage_of(reasoning + sum(one.answer_tokens for one in self.completions), reasoning)

    def _usage_of(self, completion: int, reasoning: int) -> Json:
        # sheet 5: usage. How tokens come to be cached is not in the sheet: none is
        return {
            "completion_tokens": completion,
            "prompt_tokens": self._prompt,
            "total_tokens": self._prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        }

    def _usage_so_far(self, thoughts: list[str], answers: list[str]) -> Json:
        reasoning = sum(map(count, thoughts))
        return self._usage_of(reasoning + sum(map(count, answers)), reasoning)

    def _start(self, kind: str) -> Json:
        return {
            "id": request_id(self._number),
            "object": kind,
            "created": self._created,
            "model": self._model,
            "service_tier": "default",
        }

    def whole(self) -> bytes:
        choices = [self._choice(index, one) for index, one in enumerate(self.completions)]
        return orjson.dumps({**self._start("chat.completion"), "choices": choices, "usage": self.usage()})

    def _choice(self, index: int, one: ScriptedCompletion) -> Json:
        message: Json = {"role": "assistant", "content": one.text}
        if self._thinks:
            message["reasoning_content"] = one.thought
        if one.calls:
            message["tool_calls"] = [self._call(index, place, call) for place, call in enumerate(one.calls)]
        choice = {"index": index, "finish_reason": one.finish, "logprobs": self._logprobs_of(one.content)}
        return {**choice, "message": message, **_moderation(one.finish)}

    def frames(self) -> Iterator[Frame]:
        start = self._start("chat.completion.chunk")
        thoughts, answers = [""] * len(self.completions), [""] * len(self.completions)
        for part, choice, text in self._interleaved():
            (thoughts if part == "reasoning" else answers)[choice["index"]] += text
            usage = self._usage_so_far(thoughts, answers) if self._usage_in_chunks else None
            # sheet 5: with include_usage the other chunks have usage null; the SDK's types: the member is absent without it
            more = {"usage": usage} if self._include_usage or self._usage_in_chunks else {}
            yield Frame(part, orjson.dumps({**start, "choices": [choice], **more}))
        if self._include_usage:
            yield Frame("usage", orjson.dumps({**start, "choices": [], "usage": self.usage()}))
        yield DONE

    def _interleaved(self) -> Iterator[tuple[Part, Json, str]]:
        """Yield one event of each choice in turn until all are complete: its kind, the choice, and the new text."""
        streams = [self._choice_events(index, one) for index, one in enumerate(self.completions)]
        while streams:
            for stream in list(streams):
                event = next(stream, None)
                if event is None:
                    streams.remove(stream)
                else:
                    yield event

    def _choice_events(self, index: int, one: ScriptedCompletion) -> Iterator[tuple[Part, Json, str]]:
        # sample 7: the first delta has the role beside its text
        role = {"role": "assistant"}
        for part, delta, text in self._deltas(index, one):
            piece_logprobs = self._logprobs_of([text]) if part == "content" else None
            more = {"logprobs": piece_logprobs} if piece_logprobs else {}
            yield part, {"index": index, "delta": {**role, **delta}, **more}, text
            role = {}
        finish = {"finish_reason": one.finish, **_moderation(one.finish)}
        yield "finish", {"index": index, "delta": {**role, "content": ""}, **finish}, ""

    def _deltas(self, index: int, one: ScriptedCompletion) -> Iterator[tuple[Part, Json, str]]:
        for piece in one.reasoning:
            # sheet 5: deltas may carry content "" beside reasoning_content
            yield "reasoning", {"content": "", "reasoning_content": piece}, piece
        for piece in one.content:
            yield "content", {"content": piece}, piece
        for place, call in enumerate(one.calls):
            # the sheet is silent about the deltas of tool calls; they are OpenAI's
            first = {"index": place, **self._call(index, place, call)}
            first["function"] = {"name": call.name, "arguments": ""}
            yield "tool", {"content": "", "tool_calls": [first]}, f" {call.name} "
            for piece in cut_up(call.arguments):
                yield "tool", {"content": "", "tool_calls": [{"index": place, "function": {"arguments": piece}}]}, piece

    def _call(self, index: int, place: int, call: ToolCall) -> Json:
        # the sheet is silent about the form of ids
        function = {"name": call.name, "arguments": call.arguments}
        return {"id": f"call_{index:02x}{place:02x}{self._number:020x}", "type": "function", "function": function}

    def _logprobs_of(self, pieces: list[str]) -> Json | None:
        return logprobs(pieces, self._top) if self._logprobs else None


def _moderation(finish: str) -> Json:
    """Return the kind of content that ended a choice (sheet 5: moderation_hit_type)."""
    return {"moderation_hit_type": "severe_violation"} if finish == "content_filter" else {}
