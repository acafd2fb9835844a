"""Chat responses of Baidu's OpenAI-compatible API, which has its own members for inspection and for the end.

``flag`` of a choice is the result of the vendor's inspection: 1 may continue, from 2 on the conversation should stop,
from 3 on the text should not be shown. Until March 2025 ``finish_reason`` was ``normal`` in every chunk, and ``is_end``
marked the last one; since then it is absent until the end, where OpenAI has null. Source: the vendor's API pages, as
collected in docs/vendors/ernie.md.
"""

from typing import Any

from adapters.codecs.openai.chat import ChatReader
from adapters.codecs.openai.exchange import codec
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.vendor import Plan

STOP, HIDE = 2, 3
TEXTS = ("content", "reasoning_content")
PLAIN_ENDS = ("stop", "length")


class ErnieReader(ChatReader):
    """Reads a chat response; flagged choices end as ``content_filter``."""

    __slots__ = ("_flagged",)

    def __init__(self, plan: Plan, request: ApiRequest, attempt_ids: AttemptIds) -> None:
        super().__init__(plan, request, attempt_ids)
        self._flagged: set[int] = set()

    def _is_plain(self, data: Any) -> bool:
        return super()._is_plain(data) and "finish_reason" in data["choices"][0] and not flag_of(data["choices"][0])

    def _choice(self, at: int, choice: dict[str, Any]) -> bool:
        index, flag = choice.get("index"), flag_of(choice)
        index = index if type(index) is int else at
        if flag >= STOP:
            self._flagged.add(index)
        delta = choice.get("delta")
        if flag >= HIDE and type(delta) is dict:
            hide(delta)
            self._changed = True
        if choice.get("finish_reason", "normal") == "normal":  # absent from all chunks but the last
            choice["finish_reason"] = "stop" if choice.get("is_end") is True else None
            self._changed = True
        if index in self._flagged and choice.get("finish_reason") in PLAIN_ENDS:
            choice["finish_reason"] = "content_filter"
            self._changed = True
        return super()._choice(at, choice)

    def _whole_choice(self, at: int, choice: dict[str, Any]) -> None:
        flag = flag_of(choice)
        if flag >= HIDE and type(choice.get("message")) is dict:
            hide(choice["message"])
        if choice.get("finish_reason") == "normal":
            choice["finish_reason"] = "stop"
        if flag >= STOP and choice.get("finish_reason") in PLAIN_ENDS:
            choice["finish_reason"] = "content_filter"
        super()._whole_choice(at, choice)


def flag_of(choice: dict[str, Any]) -> int:
    """Return the inspection's result for a choice; 0 if there is none."""
    flag = choice.get("flag")
    return flag if type(flag) is int else 0


def hide(message: dict[str, Any]) -> None:
    """Empty the texts of a message or delta that the vendor asks not to show."""
    for name in TEXTS:
        if message.get(name):
            message[name] = ""


ernie_chat = codec(ErnieReader)
