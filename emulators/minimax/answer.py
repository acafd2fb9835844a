"""MiniMax's chat completions, whole and streamed (sheet 5, sample 7)."""

import time
from collections.abc import Iterator
from typing import Any

import orjson

from emulators.core.responses import DONE, Frame, ModelResponse, Part
from emulators.core.scripted_model import ScriptedCompletion, ToolCall
from emulators.core.tokens import pieces as cut_up
from emulators.minimax.errors import TABLE, Refusal
from emulators.minimax.models import Model

Json = dict[str, Any]
FAILURES = tuple(str(code) for code in TABLE)
"""Finish reasons of the scripted model that stand for an error in the middle of a stream."""
NAME = {"name": "MiniMax AI"}
SEVERE = 1
"""The worst type of sensitive output (sheet 5)."""


class ChatCompletion(ModelResponse):
    """A chat completion; `number` determines its ids, `native`: whether the native path is used, `warning`: see `rules`."""

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
        native: bool,
        warning: str,
    ) -> None:
        # sheet 4a: n is 1: there is one choice
        super().__init__([completion], stream=body.get("stream") is True, gap_s=gap_s)
        self._model = model
        self._number = number
        self._prompt = prompt
        self._cached = cached
        self._native = native
        self._warning = warning
        # sheet 4a: reasoning_split: default false
        self._split = body.get("reasoning_split") is True
        self._include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        self._tier = body.get("service_tier") or "standard"
        # sheet 5: native v2 ends a stream with the whole message
        self._repeats = native or model.repeats
        self._created = int(time.time())

    @property
    def _completion(self) -> ScriptedCompletion:
        return self.completions[0]

    @property
    def failed(self) -> Refusal | None:
        """Return the error that ends this answer, if one does."""
        finish = self._completion.finish
        return Refusal(int(finish)) if finish in FAILURES else None

    def headers(self, *, stream: bool) -> list[tuple[str, str]]:
        # the content types are those of recordings
        kind = "text/event-stream; charset=utf-8" if stream else "application/json; charset=utf-8"
        return [("content-type", kind), *trace_headers(self._number)]

    def usage(self) -> Json:
        completion = self._completion.reasoning_tokens + self._completion.answer_tokens
        total = self._prompt + completion
        # sheet 5: usage: "old: only that"
        if self._model.early:
            return {"total_tokens": total}
        usage: Json = {
            "total_tokens": total,
            "total_characters": 0,
            "prompt_tokens": self._prompt,
            "completion_tokens": completion,
        }
        # recorded in 2026: a member of details is there only if it has a number; M3 has no count of reasoning
        if self._completion.reasoning and self._model.counts_reasoning:
            usage["completion_tokens_details"] = {"reasoning_tokens": self._completion.reasoning_tokens}
        if self._cached:
            usage["prompt_tokens_details"] = {"cached_tokens": self._cached}
        return usage

    def whole(self) -> bytes:
        return orjson.dumps(self._whole())

    def _whole(self) -> Json:
        choice = {"finish_reason": self._completion.finish, "index": 0, "message": self._message()}
        body = {**self._start([choice], "chat.completion"), "usage": self.usage(), **self._flags(last=True)}
        # sheet 5: reply (old)
        if self._model.early:
            body["reply"] = self._completion.text
        return {**body, **self._service(), "base_resp": self._base_resp()}

    def frames(self) -> Iterator[Frame]:
        deltas = list(self._deltas())
        for _, delta in deltas[1:] if self._model.bare else []:
            delta["role"] = ""
        failed = self.failed
        # recorded: finish_reason is beside the last piece, and absent before
        for part, delta in deltas if failed else deltas[:-1]:
            yield Frame(part, self._chunk({"index": 0, "delta": delta}))
        if failed:
            yield Frame("error", orjson.dumps(self._error(failed)))
            return
        choice = {"finish_reason": self._completion.finish, "index": 0, "delta": deltas[-1][1]}
        yield Frame("finish", self._chunk(choice, last=True))
        if self._repeats:
            yield Frame("usage", orjson.dumps(self._whole()))
        # sheet 4a: stream_options: usage in the last chunk
        elif self._include_usage:
            body = {**self._start([], "chat.completion.chunk"), "usage": self.usage(), **self._service()}
            yield Frame("usage", orjson.dumps({**body, "base_resp": self._base_resp()}))
        # sheet 5: the OpenAI-compatible path ends with [DONE]
        if self._model.sends_done and not self._native:
            yield DONE

    def _error(self, refusal: Refusal) -> Json:
        name, model = request_id(self._number), self._model
        return refusal.native_body(name, model.id) if self._native or model.early else refusal.body(name)

    def _start(self, choices: list[Json], kind: str) -> Json:
        model = self._model
        return {
            "id": request_id(self._number),
            "choices": choices,
            "created": self._created,
            "model": model.id,
            "object": kind,
        }

    def _chunk(self, choice: Json, *, last: bool = False) -> bytes:
        start = self._start([choice], "chat.completion.chunk")
        # sample 7: a chunk of 2024 has no more
        if self._model.early:
            return orjson.dumps(start)
        # the vendor's pages: zeros before the whole message, else null
        usage = {"total_tokens": 0, "total_characters": 0} if self._repeats else None
        return orjson.dumps({**start, "usage": usage, **self._flags(last=last), **self._service()})

    def _flags(self, *, last: bool) -> Json:
        # sheet 5: input_sensitive, output_sensitive and their types
        sensitive = last and self._completion.finish == "content_filter"
        flags: Json = {
            "input_sensitive": False,
            "output_sensitive": sensitive,
            "input_sensitive_type": 0,
            "output_sensitive_type": SEVERE if sensitive else 0,
        }
        return flags if self._model.early else {**flags, "output_sensitive_int": 0}

    def _service(self) -> Json:
        # recorded for M3 in 2026
        return {"service_tier": self._tier} if self._model.tiers else {}

    def _base_resp(self) -> Json:
        return {"status_code": 0, "status_msg": self._warning}

    @property
    def _author(self) -> Json:
        return {"role": "assistant"} if self._model.bare or self._model.early else {"role": "assistant", **NAME}

    def _with_author(self, members: Json) -> Json:
        """Return a message or a delta of text with the members that all of them have."""
        sound = {} if self._model.bare or self._model.early else {"audio_content": ""}
        return {**members, **self._author, **sound}

    def _message(self) -> Json:
        message = self._with_author({"content": "".join(self._text())})
        if self._completion.reasoning:
            message |= self._reasoning(self._completion.thought)
        if self._completion.calls:
            message["tool_calls"] = [self._call(index, call) for index, call in enumerate(self._completion.calls)]
        return message

    def _reasoning(self, text: str) -> Json:
        """Return the members that have reasoning outside of the content."""
        # sheet 4a: reasoning_split: reasoning_details and reasoning_content
        if self._split:
            detail = {
                "type": "reasoning.text",
                "id": "reasoning-text-1",
                "format": "MiniMax-response-v1",
                "index": 0,
                "text": text,
            }
            return {"reasoning_content": text, "reasoning_details": [detail]}
        return {"reasoning_content": text} if self._model.in_member else {}

    def _text(self) -> list[str]:
        """Return the pieces of the content, with the marked reasoning unless it has members of its own."""
        reasoning, content = list(self._completion.reasoning), list(self._completion.content)
        if not reasoning or self._split or self._model.in_member:
            return content
        # recorded: an answer that a limit ends while it reasons has the closing mark, too
        if self._model.bare:
            return cut_up("<think>" + "".join(reasoning) + "</think>\n\n" + "".join(content))
        reasoning[0] = "<think>\n" + reasoning[0]
        if not content:
            return [*reasoning, "\n</think>\n"]
        content[0] = "\n</think>\n\n" + content[0]
        return [*reasoning, *content]

    def _deltas(self) -> Iterator[tuple[Part, Json]]:
        """Yield the deltas of a stream: one at least."""
        found = False
        if self._split or self._model.in_member:
            for piece in self._completion.reasoning:
                found = True
                yield "reasoning", {**self._with_author({"content": ""}), **self._reasoning(piece)}
        for piece in self._text():
            found = True
            yield "content", self._with_author({"content": piece})
        for index, call in enumerate(self._completion.calls):
            found = True
            yield from (("tool", delta) for delta in self._call_deltas(index, call))
        if not found:
            yield "content", self._with_author({"content": ""})

    def _call_deltas(self, index: int, call: ToolCall) -> Iterator[Json]:
        # recorded for M2.7: id, type and name on the first delta only
        whole = self._call(index, call)
        first, *later = cut_up(call.arguments) or [""]
        # the sheet is silent about 2024: a call is whole in one delta
        if self._model.early:
            first, later = call.arguments, []
        function = {**whole["function"], "arguments": first}
        yield {**self._author, "tool_calls": [{**whole, "function": function}]}
        for piece in later:
            delta = {"function": {"arguments": piece}, "index": index}
            yield {**self._author, "tool_calls": [delta]}

    def _call(self, index: int, call: ToolCall) -> Json:
        # the form of the id is that of reports; a whole message has the index, too
        function = {"name": call.name, "arguments": call.arguments}
        call_id = f"call_function_{self._number:012x}_{index + 1}"
        return {"id": call_id, "type": "function", "function": function, "index": index}


def request_id(number: int) -> str:
    """Return the id of the response with this number."""
    return f"0660{number:028x}"


def trace_headers(number: int) -> list[tuple[str, str]]:
    """Return the headers of every response (sheet 6: trace-id, minimax-request-id)."""
    return [("trace-id", request_id(number)), ("minimax-request-id", request_id(number))]
