"""ERNIE's completions on v2, whole and streamed (sheet 5.2, sample 8.3)."""

import time
from collections.abc import Iterator
from typing import Any

import orjson

from emulators.core.responses import DONE, Frame, ModelResponse, Part
from emulators.core.scripted_model import ScriptedCompletion, ToolCall
from emulators.core.tokens import count
from emulators.ernie.models import Model

Json = dict[str, Any]
GO_ON, SHOW = 1, 2
"""The highest `flag` with which the conversation may continue, and with which the text is shown (sheet 5.1: flag)."""


class Completion(ModelResponse):
    """One completion; `number` determines its ids, `flag` is the content check's verdict."""

    def __init__(
        self,
        completion: ScriptedCompletion,
        body: Json,
        model: Model,
        *,
        number: int,
        prompt: int,
        gap_s: float,
        flag: int,
    ) -> None:
        super().__init__([completion], stream=body.get("stream") is True, gap_s=gap_s)
        self._model = model
        self._number = number
        self._prompt = prompt
        self._flag = flag
        options = body.get("stream_options") or {}
        self._include_usage = options.get("include_usage") is True
        # sheet 5.2: "2024 v2 chunks: usage on every chunk"; 4.3: `chunk_include_usage` puts running totals on each
        self._running = model.retired or options.get("chunk_include_usage") is True
        search = body.get("web_search") or {}
        self._searches = search.get("enable") is True
        self._traces = self._searches and search.get("enable_trace") is True
        self._tells_search = self._searches and search.get("enable_status") is True
        self._created = int(time.time())

    @property
    def _completion(self) -> ScriptedCompletion:
        return self.completions[0]

    def headers(self, *, stream: bool) -> list[tuple[str, str]]:
        kind = "text/event-stream" if stream else "application/json"
        return [("content-type", kind), *limit_headers()]

    def usage(self) -> Json:
        return self._usage(self._completion.answer_tokens, self._completion.reasoning_tokens)

    def _usage(self, answer: int, reasoning: int) -> Json:
        usage: Json = {
            "prompt_tokens": self._prompt,
            "completion_tokens": answer + reasoning,
            "total_tokens": self._prompt + answer + reasoning,
        }
        # sheet 5.2: usage details: "on newer models"
        if not self._model.retired:
            usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
            usage["prompt_tokens_details"] = {"cached_tokens": 0}
        return usage

    def _so_far(self, content: str, reasoning: str) -> Json | None:
        return self._usage(count(content), count(reasoning)) if self._running else None

    def _start(self) -> Json:
        # sheet 5.2: a chunk's object "may read `chat.completion`", and does in 8.3
        return {
            "id": answer_id(self._number),
            "object": "chat.completion",
            "created": self._created,
            "model": self._model.id,
        }

    def _last(self) -> Json:
        """Return the end of a choice: the finish reason and the verdict of the content check."""
        finish = "content_filter" if self._flag > SHOW else self._completion.finish
        # sheet 5.2: finish_reason: "before 2025-03-12 also `normal`"
        if self._model.retired and finish == "stop":
            finish = "normal"
        members: Json = {"finish_reason": finish, "flag": self._flag}
        if self._flag:
            # sheet 5.1: ban_round: -1 is the current turn
            members["ban_round"] = -1
        return members

    def whole(self) -> bytes:
        message: Json = {"role": "assistant", "content": self._completion.text}
        if self._completion.reasoning:
            message["reasoning_content"] = self._completion.thought
        if self._completion.calls:
            message["tool_calls"] = [
                self._call(call_index, call) for call_index, call in enumerate(self._completion.calls)
            ]
        body = {
            **self._start(),
            "choices": [{"index": 0, "message": message, **self._last()}],
            "usage": self.usage(),
        }
        if self._traces:
            body["search_results"] = _FOUND
        return orjson.dumps(body)

    def _call(self, call_index: int, call: ToolCall) -> Json:
        function = {"name": call.name, "arguments": call.arguments}
        return {"id": f"call_{self._number:016x}{call_index:04x}", "type": "function", "function": function}

    def frames(self) -> Iterator[Frame]:
        so_far = {"content": "", "reasoning": ""}
        role: Json = {"role": "assistant", "content": ""}
        for part, delta in self._deltas():
            choice = {"delta": {**role, **delta}, "flag": 0}
            if part == "content":
                so_far[part] += delta["content"]
            elif part == "reasoning":
                so_far[part] += delta["reasoning_content"]
            # sheet 5.2: stream: role only in the first delta; 8.3: which carries text as well
            yield self._frame(part, choice, self._so_far(**so_far))
            role = {}
        yield self._frame("finish", {"delta": {**role, "content": ""}, **self._last()}, self.usage())
        if self._include_usage:
            # sheet 8.3: the last chunk has usage and no choices
            yield Frame("usage", orjson.dumps({**self._start(), "choices": [], "usage": self.usage()}))
        yield DONE

    def _frame(self, part: Part, choice: Json, usage: Json | None) -> Frame:
        choice_body: Json = {"index": 0, **choice}
        if self._model.retired:
            # sheet 5.2: 2024 v2 chunks: `is_end`, `need_clear_history` inside choices; `normal` also mid-stream
            unsafe = choice["flag"] > GO_ON
            choice_body = {
                "finish_reason": "normal",
                **choice_body,
                "is_end": part == "finish",
                "need_clear_history": unsafe,
            }
        chunk = {**self._start(), "choices": [choice_body]}
        if self._traces and part == "finish":
            chunk["search_results"] = _FOUND
        if self._running:
            chunk["usage"] = usage
        return Frame(part, orjson.dumps(chunk))

    def _deltas(self) -> Iterator[tuple[Part, Json]]:
        if self._tells_search:
            # sheet 5.2: search: `delta_tag` deltas, which are no content; the part is "role" since it is no text
            yield "role", {"content": "Searching", "delta_tag": "search_status"}
        for piece in self._completion.reasoning:
            yield "reasoning", {"reasoning_content": piece}
        for piece in self._completion.content:
            yield "content", {"content": piece}
        for call_index, call in enumerate(self._completion.calls):
            # The whole call in one delta: the vendor's SDK requires id, type, name and arguments in each (sheet source
            # S1).
            yield "tool", {"content": "", "tool_calls": [{"index": call_index, **self._call(call_index, call)}]}


def answer_id(number: int) -> str:
    """Return the id of the completion with this number (sheet 1: request id)."""
    return f"as-{number:010x}"


def limit_headers(left: int = 9_999) -> list[tuple[str, str]]:
    """Return the rate-limit headers (sheet 7), with invented numbers and no reset time.

    The vendor's SDK throttles itself by these headers.
    """
    return [
        ("X-Ratelimit-Limit-Requests", "10000"),
        ("X-Ratelimit-Limit-Input-Tokens", "300000"),
        ("X-Ratelimit-Limit-Output-Tokens", "100000"),
        ("X-Ratelimit-Remaining-Requests", str(left)),
        ("X-Ratelimit-Remaining-Input-Tokens", "299000"),
        ("X-Ratelimit-Remaining-Output-Tokens", "99000"),
    ]


# Sheet 5.2: search_results; the members are those of the vendor's SDK (S1).
_FOUND = [{"index": 1, "url": "https://example.invalid/1", "title": "Made up", "datasource_id": ""}]
