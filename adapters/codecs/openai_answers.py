"""The answers of OpenAI-shaped vendors, read and mended: a chat's chunks or body, an embeddings body."""

from typing import Any, Protocol

from adapters.codecs.mend import (
    BadAnswer,
    ToolCalls,
    complaint,
    find_error,
    finish_reason,
    parse,
    usage_of,
    whole_tool_calls,
)
from adapters.core.shapes import WHOLE, Ask, Event, Seed, Usage
from adapters.core.tokens import estimate, estimate_prompt, texts
from adapters.core.vendor import Plan


class Answer(Protocol):
    """What the codec needs of an answer while it reads."""

    began: bool
    usage: Usage | None

    @property
    def finished(self) -> bool:
        """Whether nothing but the end marker is still owed."""
        ...

    def chunk(self, payload: bytes) -> Event | None:
        """One event of a stream, mended; None if it held nothing for the caller. Raises BadAnswer."""
        ...

    def whole(self, status: int, body: bytes) -> Event:
        """A whole body, mended. Raises BadAnswer for an error, in whichever status it came."""
        ...


def read_body(plan: Plan, status: int, body: bytes) -> dict[str, Any]:
    """The body's JSON object. Raises BadAnswer with the error that it is, or for what is no object."""
    try:
        _, data = parse(body)
    except BadAnswer:
        data = None
    error = find_error(data)
    if error is None and status < 300 and type(data) is dict:
        return data
    if error is None and status >= 400:
        error = data if type(data) is dict else {"message": describe(body)}
    if error is None:
        raise BadAnswer("invalid_response", f"answered {status} with {describe(body)}")
    raise complaint(plan.op.failures, status, error)


def describe(body: bytes) -> str:
    """What a body that is no JSON object looks like, in words: nothing of it is copied."""
    start = body[:200].lstrip().lower()
    if not start:
        return "an empty body"
    if start.startswith((b"<!doctype", b"<html")):
        return "an HTML page"
    return "a body that is not a JSON object"


class ChatAnswer:
    """The answer as it is read: mends each piece, and knows which choices have begun and finished."""

    __slots__ = ("_ask", "_calls", "_plan", "_seed", "_unfinished", "_wanted", "began", "usage")

    def __init__(self, plan: Plan, ask: Ask, seed: Seed) -> None:
        self._plan = plan
        self._ask = ask
        self._seed = seed
        self._calls: dict[int, ToolCalls | None] = {}
        self._unfinished: set[int] = set()
        wanted = ask.fields.get("n")
        self._wanted = wanted if type(wanted) is int else 1
        self.began = False
        self.usage: Usage | None = None

    @property
    def finished(self) -> bool:
        """Whether every choice that was asked for or seen has its finish reason."""
        return self.began and not self._unfinished and len(self._calls) >= self._wanted

    def chunk(self, payload: bytes) -> Event | None:
        """One event of a stream, mended; None if it held nothing for the caller. Raises BadAnswer."""
        raw, data = parse(payload)
        error = find_error(data)
        if error is not None:
            raise complaint(self._plan.op.failures, 200, error)
        if type(data) is not dict:
            raise BadAnswer("invalid_response", "sent an event that is not an object")
        event = Event(raw, data)
        self._take_usage(event, data)
        choices = data.get("choices")
        if not choices:
            return None
        if type(choices) is not list:
            raise BadAnswer("invalid_response", "sent an event whose choices are not a list")
        for choice in choices:
            self._choice(event, choice)
        self.began = True
        self._identity(event, data, "chat.completion.chunk")
        return event

    def _choice(self, event: Event, choice: Any) -> None:
        if type(choice) is not dict:
            raise BadAnswer("invalid_response", "sent a choice that is not an object")
        index = choice.get("index")
        if type(index) is not int:
            event.edit()
            index = choice["index"] = 0
        delta = choice.get("delta")
        if type(delta) is not dict:
            event.edit()
            delta = choice["delta"] = {}
        if index not in self._calls:
            self._calls[index] = None
            self._unfinished.add(index)
            if delta.get("role") != "assistant":
                event.edit()
                delta["role"] = "assistant"
        pieces = delta.get("tool_calls")
        if pieces:
            event.edit()
            delta["tool_calls"] = self._tool_calls(index).delta(pieces)
        reason = choice.get("finish_reason")
        if reason is not None:
            self._choice_finish(event, choice, delta, index, reason)

    def _choice_finish(self, event: Event, choice: dict[str, Any], delta: dict[str, Any], at: int, reason: Any) -> None:
        calls = self._calls[at]
        word = finish_reason(reason, bool(calls))
        if word != reason:
            event.edit()
            choice["finish_reason"] = word
        if word is None:
            return
        self._unfinished.discard(at)
        owed = calls.closing() if calls else []
        if owed:
            event.edit()
            delta["tool_calls"] = (delta.get("tool_calls") or []) + owed

    def _tool_calls(self, index: int) -> ToolCalls:
        calls = self._calls[index]
        if calls is None:
            calls = ToolCalls(self._id_prefix(index), self._plan.op.own_tool_ids, self._plan.tool_names)
            self._calls[index] = calls
        return calls

    def _id_prefix(self, index: int) -> str:
        return f"call_{self._seed.answer_id}{index:02d}"

    def _take_usage(self, event: Event, data: dict[str, Any]) -> None:
        """Take the usage out, wherever it stands: the front gives it to those who asked, in OpenAI's place."""
        if data.get("usage") is not None:
            self.usage = usage_of(event.edit().pop("usage")) or self.usage
        for choice in data.get("choices") or ():
            if type(choice) is dict and "usage" in choice:  # Kimi, without include_usage
                event.edit()
                self.usage = usage_of(choice.pop("usage")) or self.usage

    def _identity(self, event: Event, data: dict[str, Any], kind: str) -> None:
        """The members that name the answer: filled in where missing, and the model as the caller called it."""
        target = self._plan.target
        if target.report_model == "requested" and data.get("model") != self._ask.model:
            event.edit()["model"] = self._ask.model
        elif not data.get("model"):
            event.edit()["model"] = target.model.id
        if data.get("object") != kind:
            event.edit()["object"] = kind
        if not data.get("id"):
            event.edit()["id"] = f"chatcmpl-{self._seed.answer_id}"
        if type(data.get("created")) is not int:
            event.edit()["created"] = self._seed.created
        if target.emulated:
            event.edit()["system_fingerprint"] = "fp_emulator"

    def whole(self, status: int, body: bytes) -> Event:
        """A whole body, mended. Raises BadAnswer for an error, in whichever status it came."""
        data = read_body(self._plan, status, body)
        event = Event(None, data, WHOLE)
        choices = data.get("choices")
        if type(choices) is not list or not choices or not all(type(c) is dict for c in choices):
            raise BadAnswer("invalid_response", "sent an answer without choices")
        for at, choice in enumerate(choices):
            self._whole_choice(at, choice)
        told = usage_of(data.get("usage"))
        if told is None:
            shown = estimate(texts([choice["message"] for choice in choices]))
            told = Usage(estimate_prompt(self._ask.fields), shown, source="estimated")
        self.usage = told
        data["usage"] = told.to_wire()
        self._identity(event, data, "chat.completion")
        return event

    def _whole_choice(self, at: int, choice: dict[str, Any]) -> None:
        choice.pop("usage", None)
        choice.setdefault("index", at)
        choice.setdefault("logprobs", None)
        message = choice.get("message")
        if type(message) is not dict:
            raise BadAnswer("invalid_response", "sent a choice without a message")
        message["role"] = "assistant"
        message.setdefault("content", None)
        message.setdefault("refusal", None)
        calls = message.get("tool_calls")
        if calls:
            plan = self._plan
            mended = whole_tool_calls(calls, self._id_prefix(at), plan.op.own_tool_ids, plan.tool_names)
            message["tool_calls"] = mended
        else:
            message.pop("tool_calls", None)
        if message.get("function_call") is None:
            message.pop("function_call", None)
        reason = finish_reason(choice.get("finish_reason"), bool(calls))
        if reason is None:
            raise BadAnswer("truncated", "sent an answer that is not finished")
        choice["finish_reason"] = reason


class EmbeddingsAnswer:
    """Vectors, in the order of the inputs. It never streams."""

    __slots__ = ("_ask", "_plan", "began", "usage")
    finished = False

    def __init__(self, plan: Plan, ask: Ask, seed: Seed) -> None:
        self._plan = plan
        self._ask = ask
        self.began = False
        self.usage: Usage | None = None

    def chunk(self, payload: bytes) -> Event | None:
        """There are no streams of embeddings."""
        raise BadAnswer("invalid_response", "streamed an answer that can't be streamed")

    def whole(self, status: int, body: bytes) -> Event:
        """The list of vectors: as many as there were inputs, sorted by index. Raises BadAnswer."""
        data = read_body(self._plan, status, body)
        vectors = data.get("data")
        asked = self._ask.fields.get("input")
        wanted = len(asked) if type(asked) is list else 1
        if type(vectors) is not list or not all(type(v) is dict and "embedding" in v for v in vectors):
            raise BadAnswer("invalid_response", "sent an answer without vectors")
        if len(vectors) != wanted:
            raise BadAnswer("invalid_response", f"sent {len(vectors)} vectors for {wanted} inputs")
        for at, vector in enumerate(vectors):
            vector.setdefault("index", at)
            vector["object"] = "embedding"
        vectors.sort(key=lambda vector: int(vector["index"]))
        told = usage_of(data.get("usage")) or Usage(estimate_prompt(self._ask.fields), 0, source="estimated")
        self.usage = told
        data["usage"] = {"prompt_tokens": told.prompt, "total_tokens": told.prompt}
        data["object"] = "list"
        target = self._plan.target
        data["model"] = self._ask.model if target.report_model == "requested" else data.get("model", target.model.id)
        return Event(None, data, WHOLE)
