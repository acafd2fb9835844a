"""Reads and normalizes chat completions of OpenAI-compatible vendors: the chunks of a stream, or a whole body."""

from typing import Any, TypeGuard

import orjson

from adapters.codecs.openai.assemble import join_deltas
from adapters.codecs.openai.errors import VENDOR, InvalidResponse, find_error, vendor_error
from adapters.codecs.openai.exchange import codec
from adapters.codecs.openai.finish_reasons import finish_reason
from adapters.codecs.openai.json_text import LARGE_EVENT, parse_large, parse_leniently
from adapters.codecs.openai.plain_chunks import MOST_LEARNED, ChunkPattern, learn
from adapters.codecs.openai.reader import MAX_ID_LOGGED
from adapters.codecs.openai.tool_calls import UNNAMED, ToolCalls, arguments_text, text_of, whole_tool_calls
from adapters.codecs.openai.usage import later_usage
from adapters.core.event import WHOLE, Event
from adapters.core.json_limits import MAX_VALUES
from adapters.core.message import Message
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.tokens import estimate, estimate_prompt
from adapters.core.usage import Usage
from adapters.core.vendor import Plan

MAX_CHOICES = 128
"""The number of choices that is always accepted, however few were requested: OpenAI's maximum ``n``."""

MOST_WANTED = 10_000
"""The maximum number of choices if that many were requested, for example by a list of prompts."""

TOO_DEEP = Message("{vendor} sent JSON nested too deeply.", vendor=VENDOR)

MAX_ID = 128
"""The maximum length of a response id that is taken from a vendor, in characters."""

CHOICE = frozenset({"index", "delta", "message", "finish_reason", "logprobs"})
"""OpenAI's members of a chat choice."""

SERVICE_TIERS = ("auto", "default", "flex", "scale", "priority")
"""OpenAI's words for the tier that processed a request: typed clients refuse others."""

CUT = ("length", "content_filter")
"""Finish reasons of an incomplete choice, whose tool arguments may be cut off."""

PLAIN_DELTA = frozenset({"content", "reasoning_content"})
"""The members that nearly every delta has."""


def serialized(data: dict[str, Any]) -> bytes:
    """Return a normalized body or event as JSON. Raises InvalidResponse."""
    try:
        return orjson.dumps(data)
    except (TypeError, RecursionError):
        raise InvalidResponse("invalid_response", TOO_DEEP) from None


def fill_logprobs(choice: dict[str, Any]) -> bool:
    """Add the members of ``logprobs`` that OpenAI always sends, as null. Return whether anything was changed."""
    logprobs = choice.get("logprobs")
    if logprobs is None:
        return False
    if not isinstance(logprobs, dict):
        choice["logprobs"] = None
        return True
    if {"content", "refusal"} <= logprobs.keys():
        return False
    choice["logprobs"] = {"content": None, "refusal": None, **logprobs}
    return True


def is_index(value: Any) -> TypeGuard[int]:
    """Whether a value is a valid index of a choice: an integer from 0."""
    return type(value) is int and value >= 0


TEXTS = ("content", "refusal", "reasoning_content")
"""Members of a message that must be text."""


def fill_texts(message: dict[str, Any]) -> bool:
    """Convert members that must be text. Return whether any was converted."""
    changed = False
    for name in TEXTS:
        value = message.get(name)
        if value is not None and type(value) is not str:
            message[name] = content_text(value)
            changed = True
    return changed


def content_text(content: Any) -> str | None:
    """Return content as text: text parts are joined, numbers are converted; None for other values."""
    if content is None or type(content) is str:
        return content
    if type(content) is list:
        texts = [part.get("text") if type(part) is dict else part for part in content]
        return "".join(text for text in texts if type(text) is str)
    return str(content) if type(content) in (int, float) else None


def drop_members(choice: dict[str, Any], kept: frozenset[str]) -> bool:
    """Remove members of a choice that neither OpenAI nor the vendor's table has. Return whether there were any."""
    dropped = choice.keys() - kept
    for name in dropped:
        del choice[name]
    return bool(dropped)


class ChoiceState:
    """The state of one choice that has begun."""

    __slots__ = ("calls", "finished", "function_named", "has_deltas")

    def __init__(self) -> None:
        self.calls: ToolCalls | None = None
        self.finished = False
        self.function_named = False
        self.has_deltas = False

    def call_finish_reason(self) -> str | None:
        """Return the finish reason of a choice with calls; None if it has none."""
        if self.calls:
            return "tool_calls"
        return "function_call" if self.function_named else None

    def take_function_call(self, message: dict[str, Any]) -> None:
        """Normalize ``function_call``; an empty one is omitted. Raises InvalidResponse."""
        call = message.pop("function_call")
        call = call if type(call) is dict else {}
        name, arguments = text_of(call.get("name")), arguments_text(call.get("arguments"))
        if name is not None and not self.function_named:
            self.function_named = True
            message["function_call"] = {"name": name, "arguments": arguments}
        elif arguments:
            if not self.function_named:
                raise InvalidResponse("invalid_response", UNNAMED)
            message["function_call"] = {"arguments": arguments}


class ChatReader:
    """Normalizes the chunks or the body of a response, and tracks which choices have begun and finished."""

    __slots__ = (
        "_attempt_ids",
        "_changed",
        "_choices",
        "_members",
        "_name",
        "_pattern",
        "_patterns_left",
        "_plan",
        "_request",
        "_running",
        "_wanted",
        "began",
        "finished",
        "has_content",
        "usage",
        "vendor_id",
    )  # fmt: skip
    most_values = MAX_VALUES
    _kinds = ("chat.completion.chunk", "chat.completion")
    _id_begins = "chatcmpl-"
    _content_member = "message"
    _openai_members = CHOICE

    def __init__(self, plan: Plan, request: ApiRequest, attempt_ids: AttemptIds) -> None:
        self._plan = plan
        self._request = request
        self._attempt_ids = attempt_ids
        self._changed = False  # whether the chunk being read was changed: others are sent byte for byte
        self._choices: dict[int, ChoiceState] = {}
        self._running: set[int] = set()  # choices that have begun and not finished
        self._members = self._openai_members | plan.op.choice_members
        self._name: dict[str, Any] = {}
        self._pattern: ChunkPattern | None = None
        self._patterns_left = MOST_LEARNED
        wanted = request.fields.get("n")
        self._wanted = wanted if type(wanted) is int else 1
        self.began = self.finished = self.has_content = False
        self.usage: Usage | None = None
        self.vendor_id: str | None = None

    # --- a stream -----------------------------------------------------------------------------------------------

    def plain_chunks(self, payloads: list[bytes], at: int, events: list[Event]) -> int:
        """Append the events of the payloads from ``at`` on that have the learned pattern. Return the first other index."""
        pattern = self._pattern
        if pattern is None or pattern.choice not in self._running:
            return at
        _, before, after, client_before, client_after = pattern
        start, end = len(before), -len(after)
        for payload in payloads[at:] if at else payloads:
            if len(payload) > LARGE_EVENT or not (payload.startswith(before) and payload.endswith(after)):
                break
            quoted = payload[start:end]
            try:
                text = orjson.loads(quoted)
            except orjson.JSONDecodeError:  # not one string, or one that is not valid UTF-8
                break
            if type(text) is not str:
                break
            events.append(Event(client_before + quoted + client_after, text=text))
            self.has_content = self.has_content or text != ""
            at += 1
        return at

    def chunk(self, payload: bytes) -> Event | None:
        """Normalize one event of a stream; None if it has nothing for the client. Raises InvalidResponse."""
        raw = payload
        try:
            data = orjson.loads(payload) if len(payload) <= LARGE_EVENT else parse_large(payload)
        except orjson.JSONDecodeError:
            raw, data = parse_leniently(payload)
        if self._is_plain(data):
            event = Event(serialized(data) if self._identify(data, self._kinds[0]) else raw, data)
            self.has_content = self.has_content or event.has_content()
            if self._patterns_left:
                self._patterns_left -= 1
                self._pattern = learn(raw, data, event.raw) or self._pattern
            return event
        if type(data) is not dict or not data.get("choices") or data.get("error") or "base_resp" in data:
            error = find_error(data)
            if error is not None:
                raise vendor_error(self._plan, 200, error)
            if type(data) is not dict:
                raise InvalidResponse(
                    "invalid_response", Message("{vendor} sent an event that is not an object.", vendor=VENDOR)
                )
        self._changed = False
        choices = data.get("choices")
        if choices is not None and (type(choices) is not list or not all(type(c) is dict for c in choices)):
            raise InvalidResponse(
                "invalid_response",
                Message("{vendor} sent an event whose choices are not a list of objects.", vendor=VENDOR),
            )
        if choices and (len(choices) > MAX_CHOICES or len(self._choices) > MAX_CHOICES):
            self._check_number(choices)
        self._take_usage(data)
        if not choices:
            return None
        kept = [choice for at, choice in enumerate(choices) if self._choice(at, choice)]
        if len(kept) > 1:
            kept = self._once_each(kept)
        if not kept:
            return None
        if len(kept) < len(choices):
            data["choices"] = kept
            self._changed = True
        if "error" in data:  # null, or empty
            del data["error"]
            self._changed = True
        self.began = True
        self.finished = not self._running and len(self._choices) >= self._wanted
        changed = self._identify(data, self._kinds[0]) or self._changed
        event = Event(serialized(data) if changed else raw, data)
        self.has_content = self.has_content or event.has_content()
        return event

    def closing(self) -> Event | None:
        """Return an event that finishes choices still open at the end marker; None if none are. Raises InvalidResponse."""
        if not self._running:
            return None
        choices: list[dict[str, Any]] = [
            {"index": at, "delta": {}, "logprobs": None, "finish_reason": "stop"} for at in sorted(self._running)
        ]
        data: dict[str, Any] = {"choices": choices}
        for choice in choices:
            self._choice(0, choice)
        self.finished = len(self._choices) >= self._wanted
        self._identify(data, self._kinds[0])
        return Event(serialized(data), data)

    def _check_number(self, choices: list[Any]) -> None:
        """Raise InvalidResponse for far more choices than requested: a choice costs more to normalize than to parse."""
        number = max(len(choices), len(self._choices))
        if number > min(self._wanted, MOST_WANTED):
            raise InvalidResponse(
                "invalid_response", Message("{vendor} sent too many choices: {count}.", vendor=VENDOR, count=number)
            )

    def _is_plain(self, data: Any) -> bool:
        """Whether an event is a piece of one running choice that needs no normalization, as nearly all are."""
        if type(data) is not dict or "error" in data or "base_resp" in data or data.get("usage") is not None:
            return False
        choices = data.get("choices")
        if type(choices) is not list or len(choices) != 1 or type(choices[0]) is not dict:
            return False
        choice = choices[0]
        delta, index = choice.get("delta"), choice.get("index")
        if type(delta) is not dict or type(index) is not int or index not in self._running:
            return False
        if choice.get("finish_reason", "") is not None or choice.get("logprobs") is not None:
            return False
        if len(choice) != 3 and ("message" in choice or not choice.keys() <= self._members):
            return False
        if len(delta) == 1 and type(delta.get("content")) is str:
            return True  # nearly every event
        return delta.keys() <= PLAIN_DELTA and all(value is None or type(value) is str for value in delta.values())

    def _choice(self, at: int, choice: dict[str, Any]) -> bool:
        """Normalize a choice of a chunk in place. False if it has nothing for the client. Raises InvalidResponse."""
        index = choice.get("index")
        if not is_index(index):
            index = choice["index"] = at if self._wanted > 1 else 0
            self._changed = True
        state = self._choices.get(index)
        first = state is None
        if state is None:
            state = self._choices[index] = ChoiceState()
            self._running.add(index)
        elif state.finished:
            return False  # a second finish, a usage frame, or the whole message repeated
        delta = self._delta(choice, state)
        if first:
            if delta.get("role") != "assistant":
                delta["role"] = "assistant"
                self._changed = True
        elif "role" in delta:  # clients concatenate texts
            del delta["role"]
            self._changed = True
        if drop_members(choice, self._members) + fill_logprobs(choice) + fill_texts(delta):
            self._changed = True
        if "function_call" in delta:
            state.take_function_call(delta)
            self._changed = True
        pieces = self._pieces(delta, state, index)
        if choice.get("finish_reason", "") is not None:
            pieces = self._finish(choice, pieces, state, index)
        if pieces:
            delta["tool_calls"] = pieces
        return True

    def _delta(self, choice: dict[str, Any], state: ChoiceState) -> dict[str, Any]:
        """Return the delta of a choice. Pangu sends it in ``message``; after deltas, a ``message`` repeats the answer."""
        delta = choice.get("delta")
        if type(delta) is dict:
            state.has_deltas = True
            if "message" in choice:
                del choice["message"]
                self._changed = True
            return delta
        message = choice.pop("message", None)
        taken: dict[str, Any] = message if type(message) is dict and not state.has_deltas else {}
        choice["delta"] = taken
        self._changed = True
        return taken

    def _once_each(self, choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Join choices with the same index: some gateways put two events into one chunk."""
        by_index: dict[int, dict[str, Any]] = {}
        for choice in choices:
            first = by_index.setdefault(choice["index"], choice)
            if first is not choice:
                self._join(first, choice)
        return list(by_index.values())

    def _join(self, first: dict[str, Any], second: dict[str, Any]) -> None:
        """Merge a later piece of a choice into an earlier one; both are normalized."""
        join_deltas(first["delta"], second["delta"])
        first["finish_reason"] = second["finish_reason"]
        first["logprobs"] = first.get("logprobs") or second.get("logprobs")

    def _pieces(self, delta: dict[str, Any], state: ChoiceState, index: int) -> list[dict[str, Any]]:
        """Remove the pieces of tool calls from the delta and return them normalized."""
        if "tool_calls" not in delta:
            return []
        self._changed = True
        pieces = delta.pop("tool_calls")
        if not pieces:
            return []
        if state.calls is None:
            state.calls = ToolCalls(self._id_prefix(index), self._plan.op.own_tool_ids, self._plan.tool_names)
        return state.calls.delta(pieces)

    def _finish(
        self, choice: dict[str, Any], pieces: list[dict[str, Any]], state: ChoiceState, index: int
    ) -> list[dict[str, Any]]:
        """Normalize the finish reason. Return the pieces of tool calls, including those due when the choice finishes."""
        reason, call_reason = choice.get("finish_reason"), state.call_finish_reason()
        word = "stop" if reason == "stop" and call_reason is None else finish_reason(reason, call_reason)
        if word is not None and state.calls is not None:
            pieces = state.calls.closing(pieces, cut=word in CUT)
        if pieces or word != reason or "finish_reason" not in choice:
            choice["finish_reason"] = word
            self._changed = True
        if word is not None:
            state.finished = True
            self._running.discard(index)
        return pieces

    def _id_prefix(self, index: int) -> str:
        return f"call_{self._attempt_ids.answer_id}{index:02d}"

    def _take_usage(self, data: dict[str, Any]) -> None:
        """Remove the usage, wherever it is: the response writer adds it at OpenAI's place if the client requested it."""
        if data.get("usage") is not None:
            self.usage = later_usage(self.usage, data.pop("usage"))
            self._changed = True
        for choice in data.get("choices") or ():
            if "usage" in choice:  # Kimi, without include_usage
                self.usage = later_usage(self.usage, choice.pop("usage"))
                self._changed = True

    def _identify(self, data: dict[str, Any], kind: str) -> bool:
        """Set id, time, object and model. Return whether any of them changed.

        The model is the requested name unless ``report_model`` says otherwise.
        """
        target, changed = self._plan.target, False
        if target.report_model == "requested" and data.get("model") != self._request.model:
            data["model"], changed = self._request.model, True
        elif not data.get("model"):
            data["model"], changed = target.model.id, True
        if data.get("object") != kind:
            data["object"], changed = kind, True
        name = self._name or self._identity_members(data)
        if data.get("id") != name["id"]:
            data["id"], changed = name["id"], True
        if data.get("created") != name["created"]:
            data["created"], changed = name["created"], True
        tier = data.get("service_tier")
        if tier is not None and tier not in SERVICE_TIERS:  # "standard" at MiniMax
            del data["service_tier"]
            changed = True
        if target.emulated:
            data["system_fingerprint"], changed = "fp_emulator", True
        return changed

    def _identity_members(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return id and time for all chunks: those of the vendor's first chunk, else those of AttemptIds.

        The id has OpenAI's prefix, followed by the vendor's id.
        """
        id_, created = data.get("id"), data.get("created")
        if type(id_) is str and id_:
            self.vendor_id = id_[:MAX_ID_LOGGED]
        if type(id_) is not str or not 0 < len(id_) <= MAX_ID or not id_.isascii():
            id_ = self._attempt_ids.answer_id
        self._name["id"] = id_ if id_.startswith(self._id_begins) else f"{self._id_begins}{id_}"
        self._name["created"] = created if type(created) is int and created >= 0 else self._attempt_ids.created
        return self._name

    # --- a whole body -------------------------------------------------------------------------------------------

    def whole(self, data: dict[str, Any], *, large: bool) -> Event:
        """Normalize a whole body. Raises InvalidResponse."""
        choices = data.get("choices")
        if type(choices) is not list or not choices or not all(type(c) is dict for c in choices):
            raise InvalidResponse(
                "invalid_response", Message("{vendor} sent a response without choices.", vendor=VENDOR)
            )
        if len(choices) > MAX_CHOICES:
            self._check_number(choices)
        self._normalize(data)
        # A large one is serialized later, separately.
        return Event(None if large else serialized(data), data, WHOLE)

    def assembled(self, data: dict[str, Any]) -> Event:
        """Normalize a body that was assembled from the chunks of a stream. Raises InvalidResponse."""
        self._normalize(data)
        return Event(serialized(data), data, WHOLE)

    def _normalize(self, data: dict[str, Any]) -> None:
        """Normalize a body with choices in place. Raises InvalidResponse."""
        choices = data["choices"]
        for at, choice in enumerate(choices):
            self._whole_choice(at, choice)
        usage = later_usage(self.usage, data.get("usage"))
        if usage is None:
            shown = estimate([choice[self._content_member] for choice in choices])
            usage = Usage(estimate_prompt(self._request.fields), shown, source="estimated")
        self.usage = usage
        data["usage"] = usage.to_wire()
        data.pop("error", None)  # null, or empty
        self._identify(data, self._kinds[1])

    def _whole_choice(self, at: int, choice: dict[str, Any]) -> None:
        choice.pop("usage", None)
        if not is_index(choice.get("index")):
            choice["index"] = at
        fill_logprobs(choice)
        choice.setdefault("logprobs", None)
        message = choice.get("message")
        if type(message) is not dict:
            message = choice.pop("delta", None)
            if type(message) is not dict:
                raise InvalidResponse(
                    "invalid_response", Message("{vendor} sent a choice without a message.", vendor=VENDOR)
                )
            choice["message"] = message
        choice.pop("delta", None)
        message["role"] = "assistant"
        fill_texts(message)
        message.setdefault("content", None)
        message.setdefault("refusal", None)
        calls = message.pop("tool_calls", None)
        if calls:
            plan = self._plan
            calls = whole_tool_calls(calls, self._id_prefix(choice["index"]), plan.op.own_tool_ids, plan.tool_names)
        if calls:
            message["tool_calls"] = calls
        state = ChoiceState()
        if "function_call" in message:
            state.take_function_call(message)
        drop_members(choice, self._members)
        call_reason = "tool_calls" if calls else state.call_finish_reason()
        reason = choice.get("finish_reason")
        if reason != "stop" or call_reason is not None:  # not a usual answer, whose reason stays
            choice["finish_reason"] = finish_reason(reason, call_reason) or self._inferred_finish(message, call_reason)

    @staticmethod
    def _inferred_finish(message: dict[str, Any], call_reason: str | None) -> str:
        """Return the finish reason of a whole answer without one: it is billed and final. Raises InvalidResponse if empty."""
        if call_reason is None and not any(value for name, value in message.items() if name != "role"):
            raise InvalidResponse(
                "truncated", Message("{vendor} sent an empty response without a finish reason.", vendor=VENDOR)
            )
        return call_reason or "stop"


openai_chat = codec(ChatReader)
