"""Reads legacy completions of servers that support them natively, as strictly as chat completions."""

from typing import Any

from adapters.codecs.openai.chat import ChatReader, ChoiceState, drop_members, is_index
from adapters.codecs.openai.errors import VENDOR, InvalidResponse
from adapters.codecs.openai.exchange import codec
from adapters.codecs.openai.finish_reasons import finish_reason
from adapters.core.message import Message
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.vendor import Plan


class CompletionsReader(ChatReader):
    """Normalizes a completion: it has a text where chat has a message, both in a body and in chunks."""

    __slots__ = ()
    _kinds = ("text_completion", "text_completion")
    _id_begins = "cmpl-"
    _content_member = "text"
    _openai_members = frozenset({"index", "text", "finish_reason", "logprobs"})

    def __init__(self, plan: Plan, request: ApiRequest, attempt_ids: AttemptIds) -> None:
        super().__init__(plan, request, attempt_ids)
        prompt = request.fields.get("prompt")
        self._wanted *= len(prompt) if type(prompt) is list and type(prompt[0]) is not int else 1

    def _choice(self, at: int, choice: dict[str, Any]) -> bool:
        before = dict(choice)
        reason = self._text_choice(at, choice)
        if choice != before:
            self._changed = True
        index = choice["index"]
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = ChoiceState()
            self._running.add(index)
        elif state.finished:
            return False
        if reason is not None:
            state.finished = True
            self._running.discard(index)
        return True

    def _join(self, first: dict[str, Any], second: dict[str, Any]) -> None:
        first["text"] += second["text"]
        first["finish_reason"] = second["finish_reason"]
        first["logprobs"] = first["logprobs"] or second["logprobs"]

    def _whole_choice(self, at: int, choice: dict[str, Any]) -> None:
        choice.pop("usage", None)
        if self._text_choice(at, choice) is None:
            if not choice["text"]:
                raise InvalidResponse(
                    "truncated", Message("{vendor} sent an empty response without a finish reason.", vendor=VENDOR)
                )
            choice["finish_reason"] = "stop"

    def _text_choice(self, at: int, choice: dict[str, Any]) -> str | None:
        """Normalize a choice in place. Return its finish reason, if it has one. Raises InvalidResponse."""
        if not is_index(choice.get("index")):
            choice["index"] = at
        if choice.get("text") is None:
            choice["text"] = ""
        if type(choice["text"]) is not str:
            raise InvalidResponse(
                "invalid_response", Message("{vendor} sent a completion whose text is not a string.", vendor=VENDOR)
            )
        drop_members(choice, self._members)
        choice.setdefault("logprobs", None)
        choice["finish_reason"] = finish_reason(choice.get("finish_reason"))
        reason: str | None = choice["finish_reason"]
        return reason


openai_completions = codec(CompletionsReader)
