"""Reasoning inside the text: moves a leading ``<think>…</think>`` of each choice to ``reasoning_content``.

Only for models whose catalog row has the fact ``think_tags``: some vendors' own reasoners, and DeepSeek-R1 and its like on
servers without a parser for reasoning. The text must begin with the tag, after white space at most. White space after the
closing tag is removed, later tags stay in the text, and a block that is never closed is all reasoning. With the fact
``box_marks``, the marks that GLM-4.5V puts around its final answer are removed.

The wrapper is the innermost one, so the others see an answer without reasoning. The result does not depend on how a stream is split.
"""

import re
from typing import Any, ClassVar, Literal

from adapters.core.event import WHOLE, Event
from adapters.core.exchange import Do, Emit, Exchange, Make
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.vendor import Plan
from adapters.core.wrapper import Holds, Wrapper
from adapters.emulations.stop import tail
from adapters.rules.reasoning import BOX_MARKS, THINK_TAGS

OPEN, CLOSE = "<think>", "</think>"
BOX = ("<|begin_of_box|>", "<|end_of_box|>")
ANY_BOX = re.compile("|".join(map(re.escape, BOX)))
MOST_BLANKS = 256
"""The most white space before the tag, and in a block without reasoning, in characters: more is text."""
CALLS = ("tool_calls", "function_call")


def think_tags(make: Make, plan: Plan) -> Make:
    """Wrap ``make`` if the model writes its reasoning, or marks, into the text."""
    tags, boxes = THINK_TAGS in plan.emulations, BOX_MARKS in plan.emulations
    if not (tags or boxes):
        return make
    return lambda request, attempt_ids: ThinkTags(make, request, attempt_ids, tags=tags, boxes=boxes)


class ChoiceText:
    """Splits the text of one choice. ``settled``: all further text is the answer, unchanged."""

    __slots__ = ("_answer_at", "_begun", "_boxes", "_entries", "_held", "_listed", "_phase", "_taken", "settled")

    def __init__(self, *, tags: bool, boxes: bool) -> None:
        self._phase: Literal["start", "reasoning", "gap", "answer"] = "start" if tags else "answer"
        self._boxes = boxes
        self._held = ""
        self._begun = False  # whether reasoning has been returned
        self._taken = 0  # characters of content
        self._answer_at = 0  # where the answer begins, in characters of content
        self._listed = 0  # characters of the tokens in logprobs
        self._entries: list[
            tuple[int, Any]
        ] = []  # logprobs of text that may be the answer, with the offset of their token
        self.settled = False

    def take(self, piece: str, *, flush: bool) -> tuple[str, str]:
        """Add a piece; return the reasoning and the answer that can be emitted now. ``flush``: nothing is held back."""
        self._taken += len(piece)
        text, self._held = self._held + piece, ""
        reasoning = ""
        if self._phase == "start":
            text = self._start(text, flush=flush)
        if self._phase == "reasoning":
            reasoning, text = self._reasoning(text, flush=flush)
        if self._phase == "gap":
            text = text.lstrip()
            if text:
                self._phase = "answer"
                self._answer_at = self._taken - len(text)
        if self._phase != "answer":
            return reasoning, ""
        self.settled = not self._boxes
        return reasoning, self._answer(text, flush=flush) if self._boxes else text

    def _start(self, text: str, *, flush: bool) -> str:
        """Look for the opening tag; return the text after it, or all text that does not begin with it."""
        body = text.lstrip()
        few = len(text) - len(body) <= MOST_BLANKS
        if few and body.startswith(OPEN):
            self._phase = "reasoning"
            return body[len(OPEN) :]
        if few and OPEN.startswith(body) and not (flush and text):
            self._held = text
            return ""
        self._phase = "answer"
        return text

    def _reasoning(self, text: str, *, flush: bool) -> tuple[str, str]:
        """Return the reasoning that is ready, without blank reasoning, and the text after the closing tag."""
        end = text.find(CLOSE)
        closed = end >= 0
        if not closed:
            end = len(text) - (0 if flush else tail(text, (CLOSE,)))
        ready, rest = text[:end], text[end:]
        blank = not self._begun and len(ready) <= MOST_BLANKS and not ready.strip()
        if closed:
            self._phase = "gap"
            rest = rest[len(CLOSE) :]
        elif blank and not flush:
            self._held = text
            return "", ""
        else:
            self._held, rest = rest, ""
        if blank:
            return "", rest
        self._begun = True
        return ready, rest

    def _answer(self, text: str, *, flush: bool) -> str:
        """Return the answer that is ready, without marks."""
        matched = max((match.end() for match in ANY_BOX.finditer(text)), default=0)
        end = len(text) - (0 if flush else tail(text[matched:], BOX))
        self._held = text[end:]
        return ANY_BOX.sub("", text[:end])

    def logprobs(self, value: Any) -> Any:
        """Add the logprobs of an event whose text was taken; return those of the answer."""
        entries = value.get("content") if type(value) is dict else None
        for entry in entries if type(entries) is list else []:
            self._entries.append((self._listed, entry))
            self._listed += len(str(entry.get("token") or "")) if type(entry) is dict else 0
        ready: list[Any] = []
        if self._phase != "start":
            if self._phase == "answer":
                ready = [entry for begins, entry in self._entries if begins >= self._answer_at]
            self._entries.clear()
        if type(value) is dict:
            return {**value, "content": ready} if type(entries) is list else value
        return {"content": ready, "refusal": None} if ready else value


class ThinkTags(Wrapper):
    """Splits the text of each choice, and holds back what may be a part of a tag."""

    holds: ClassVar[Holds] = "TAIL"

    def __init__(self, make: Make, request: ApiRequest, attempt_ids: AttemptIds, *, tags: bool, boxes: bool) -> None:
        super().__init__()
        self._child = make(request, attempt_ids)
        self._tags, self._boxes = tags, boxes
        wanted = request.fields.get("n")
        self._wanted = wanted if type(wanted) is int else 1
        self._texts: dict[int, ChoiceText] = {}
        self._settled = 0

    def start(self) -> list[Do]:
        """Start the call."""
        return self.begin(self._child)

    def on_emit(self, child: Exchange, events: list[Event]) -> list[Do]:
        """Pass on the events with their text split; unread once the answers of all choices have begun."""
        if self._settled >= self._wanted:
            return [Emit(events)]
        shown = [event for event in events if self._has_content(event)]
        return [Emit(shown)] if shown else []

    def _has_content(self, event: Event) -> bool:
        """Split the text of the event; False if nothing is left of it."""
        choices = event.data["choices"]
        kept = [choice for choice in choices if self._choice(event, choice)]
        if len(kept) < len(choices):
            event.edit()["choices"] = kept
        return bool(kept)

    def _choice(self, event: Event, choice: dict[str, Any]) -> bool:
        text = self._texts.get(choice["index"])
        if text is None:
            text = self._texts[choice["index"]] = ChoiceText(tags=self._tags, boxes=self._boxes)
        if text.settled:
            return True
        part = choice["message" if event.kind is WHOLE else "delta"]
        content = part.get("content")
        came = content if type(content) is str else ""
        last = choice.get("finish_reason") is not None
        reasoning, answer = text.take(came, flush=last or any(map(part.get, CALLS)))
        self._settled += text.settled
        logprobs = text.logprobs(choice.get("logprobs"))
        if not reasoning and answer == came and logprobs == choice.get("logprobs"):
            return True
        event.edit()
        if reasoning:
            part["reasoning_content"] = (part.get("reasoning_content") or "") + reasoning
        part["content"] = answer
        if logprobs is not None:
            choice["logprobs"] = logprobs
        return bool(last or answer or any(value for key, value in part.items() if key != "content"))
