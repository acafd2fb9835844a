"""Chat completions of OpenAI-shaped vendors, read and normalized: the chunks of a stream, or a whole body."""

from typing import Any

from adapters.codecs.openai.errors import InvalidResponse, find_error, vendor_error
from adapters.codecs.openai.exchange import codec
from adapters.codecs.openai.finish_reasons import finish_reason
from adapters.codecs.openai.json_text import parse
from adapters.codecs.openai.reader import read_body, written
from adapters.codecs.openai.tool_calls import ToolCalls, whole_tool_calls
from adapters.codecs.openai.usage import usage_of
from adapters.core.json_limits import MAX_VALUES, SMALL
from adapters.core.shapes import WHOLE, Ask, Event, Seed, Usage
from adapters.core.tokens import estimate, estimate_prompt
from adapters.core.vendor import Plan

MAX_CHOICES = 128
"""How many choices an answer may have, however few were asked for: OpenAI's largest ``n``."""

MOST_WANTED = 10_000
"""How many choices are taken where so many were asked for, as by a list of prompts."""

MAX_ID = 128
"""The longest id of an answer that is taken from a vendor, in characters."""


def fill_logprobs(choice: dict[str, Any]) -> bool:
    """Add the members of ``logprobs`` that OpenAI always sends, null where the vendor has none. Whether any was added."""
    told = choice.get("logprobs")
    if not isinstance(told, dict) or {"content", "refusal"} <= told.keys():
        return False
    choice["logprobs"] = {"content": None, "refusal": None, **told}
    return True


class ChatReader:
    """The answer as it is read: mends each piece, and knows which choices have begun and finished."""

    __slots__ = ("_ask", "_calls", "_name", "_plan", "_seed", "_unfinished", "_wanted", "began", "shown",
                 "usage")  # fmt: skip
    most_values = MAX_VALUES
    _kinds = ("chat.completion.chunk", "chat.completion")
    _id_begins = "chatcmpl-"
    _said = "message"

    def __init__(self, plan: Plan, ask: Ask, seed: Seed) -> None:
        self._plan = plan
        self._ask = ask
        self._seed = seed
        self._calls: dict[int, ToolCalls | None] = {}
        self._unfinished: set[int] = set()
        self._name: dict[str, Any] = {}
        wanted = ask.fields.get("n")
        self._wanted = wanted if type(wanted) is int else 1
        self.began = self.shown = False
        self.usage: Usage | None = None

    @property
    def finished(self) -> bool:
        """Whether every choice that was asked for or seen has its finish reason."""
        return self.began and not self._unfinished and len(self._calls) >= self._wanted

    def chunk(self, payload: bytes) -> Event | None:
        """One event of a stream, mended; None if it held nothing for the caller. Raises InvalidResponse."""
        raw, data = parse(payload)
        if self._is_plain(data):
            event = Event(raw, data)
            self.shown = self.shown or event.shows()
            self._identity(event, data, self._kinds[0])
            return written(event)
        error = find_error(data)
        if error is not None:
            raise vendor_error(self._plan, 200, error)
        if type(data) is not dict:
            raise InvalidResponse("invalid_response", "sent an event that is not an object")
        event = Event(raw, data)
        choices = data.get("choices")
        if choices is not None and (type(choices) is not list or not all(type(c) is dict for c in choices)):
            raise InvalidResponse("invalid_response", "sent an event whose choices are not a list of objects")
        if choices and (len(choices) > MAX_CHOICES or len(self._calls) > MAX_CHOICES):
            self._check_number(choices)
        self._take_usage(event, data)
        if not choices:
            return None
        for at, choice in enumerate(choices):
            self._choice(event, at, choice)
        self.began = True
        self.shown = self.shown or event.shows()
        self._identity(event, data, self._kinds[0])
        return written(event)

    def _check_number(self, choices: list[Any]) -> None:
        """Each choice costs more to mend than to parse: far more of them than were asked for are no answer."""
        number = max(len(choices), len(self._calls))
        if number > min(self._wanted, MOST_WANTED):
            raise InvalidResponse("invalid_response", f"sent {number} choices")

    def _is_plain(self, data: Any) -> bool:
        """Whether it is what nearly every event is: a piece of one choice that has begun, with nothing to mend."""
        if type(data) is not dict or "error" in data or data.get("usage") is not None:
            return False
        choices = data.get("choices")
        if type(choices) is not list or len(choices) != 1 or type(choices[0]) is not dict:
            return False
        choice = choices[0]
        delta = choice.get("delta")
        return (
            type(delta) is dict
            and type(choice.get("index")) is int
            and choice["index"] in self._calls
            and choice.get("finish_reason") is None
            and choice.get("logprobs") is None
            and not delta.get("tool_calls")
            and "usage" not in choice
        )

    def _choice(self, event: Event, at: int, choice: dict[str, Any]) -> None:
        index = choice.get("index")
        if type(index) is not int:
            event.edit()
            index = choice["index"] = at
        delta = choice.get("delta")
        if type(delta) is not dict:
            event.edit()
            delta = choice["delta"] = {}
        if choice.get("logprobs") is not None and fill_logprobs(choice):
            event.edit()
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
            if "usage" in choice:  # Kimi, without include_usage
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
        name = self._name or self._named(data)
        if data.get("id") != name["id"]:
            event.edit()["id"] = name["id"]
        if data.get("created") != name["created"]:
            event.edit()["created"] = name["created"]
        if target.emulated:
            event.edit()["system_fingerprint"] = "fp_emulator"

    def _named(self, data: dict[str, Any]) -> dict[str, Any]:
        """Id and time of the answer: the first that the vendor told, else ours, and the same in all its chunks."""
        id_, created = data.get("id"), data.get("created")
        taken = type(id_) is str and 0 < len(id_) <= MAX_ID  # each event repeats it
        self._name["id"] = id_ if taken else f"{self._id_begins}{self._seed.answer_id}"
        self._name["created"] = created if type(created) is int else self._seed.created
        return self._name

    def whole(self, status: int, body: bytes | bytearray) -> Event:
        """A whole body, mended. Raises InvalidResponse for an error, in whichever status it came."""
        data = read_body(self._plan, status, body)
        event = Event(None, data, WHOLE)
        choices = data.get("choices")
        if type(choices) is not list or not choices or not all(type(c) is dict for c in choices):
            raise InvalidResponse("invalid_response", "sent an answer without choices")
        if len(choices) > MAX_CHOICES:
            self._check_number(choices)
        for at, choice in enumerate(choices):
            self._whole_choice(at, choice)
        told = usage_of(data.get("usage"))
        if told is None:
            shown = estimate([choice[self._said] for choice in choices])
            told = Usage(estimate_prompt(self._ask.fields), shown, source="estimated")
        self.usage = told
        data["usage"] = told.to_wire()
        self._identity(event, data, self._kinds[1])
        return event if len(body) > SMALL else written(event)  # of a large one, writing is a task of its own

    def _whole_choice(self, at: int, choice: dict[str, Any]) -> None:
        choice.pop("usage", None)
        if type(choice.get("index")) is not int:
            choice["index"] = at
        fill_logprobs(choice)
        choice.setdefault("logprobs", None)
        message = choice.get("message")
        if type(message) is not dict:
            raise InvalidResponse("invalid_response", "sent a choice without a message")
        message["role"] = "assistant"
        message.setdefault("content", None)
        message.setdefault("refusal", None)
        plan = self._plan
        calls = whole_tool_calls(
            message.pop("tool_calls", None), self._id_prefix(choice["index"]), plan.op.own_tool_ids, plan.tool_names
        )
        if calls:
            message["tool_calls"] = calls
        if message.get("function_call") is None:
            message.pop("function_call", None)
        reason = finish_reason(choice.get("finish_reason"), bool(calls))
        if reason is None:
            raise InvalidResponse("truncated", "sent an answer that is not finished")
        choice["finish_reason"] = reason


openai_chat = codec(ChatReader)
