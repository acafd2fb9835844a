"""The running account of one request, frozen into exactly one Ending."""

import time
from collections.abc import Mapping
from typing import Any

from adapters.core.params import Told
from adapters.core.shapes import Ask, Event, Usage
from adapters.core.tokens import estimate_counts
from proxy.nouns import Attempt, Ending, EndingWord


class Tally:
    """What happened so far. Everybody who handles the request writes in it; only ``ending`` is read."""

    __slots__ = (
        "attempts", "billed", "caller", "code", "first_content_s", "model", "notes", "operation", "request_id",
        "started", "status", "stream", "target", "told", "usage", "word",
    )  # fmt: skip

    def __init__(self, request_id: str, operation: str) -> None:
        self.request_id = request_id
        self.operation = operation
        self.started = time.perf_counter()
        self.caller = "-"
        self.model = ""
        self.stream = False
        self.attempts = 0
        self.target: str | None = None
        self.told: Mapping[str, Told] = {}
        self.usage: Usage | None = None  # of the answer that was shown
        self.billed: Usage | None = None  # of every call that was made
        self.first_content_s: float | None = None
        self.status = 0
        self.code: str | None = None
        self.word: EndingWord | None = None
        self.notes: dict[str, Any] = {}

    def asked(self, ask: Ask) -> None:
        """The request has been read."""
        self.model = ask.model
        self.stream = ask.stream

    def attempt(self, attempt: Attempt) -> None:
        """An attempt begins."""
        self.attempts += 1
        self.target = attempt.target.label
        self.told = attempt.told
        self.usage = None

    def spent(self, usage: Usage) -> None:
        """A call's cost is known, or estimated."""
        self.usage = usage if self.usage is None else self.usage + usage
        self.billed = usage if self.billed is None else self.billed + usage

    def elapsed_s(self) -> float:
        """Seconds since the request came in."""
        return time.perf_counter() - self.started

    def ending(self) -> Ending:
        """The one account of this request. A request of which nobody knows the end was left by its caller."""
        return Ending(
            self.word or "gone", self.request_id, self.operation, self.model, self.stream, self.status, self.code,
            self.caller, self.target, self.attempts, self.told, self.usage, self.billed, self.first_content_s,
            self.elapsed_s(), self.notes,
        )  # fmt: skip


class Shown:
    """The text that an attempt has shown, counted for calls whose vendor does not tell. Kept cheap: it runs per event."""

    __slots__ = ("_ascii", "_other")

    def __init__(self) -> None:
        self._ascii = self._other = 0

    def add(self, events: list[Event]) -> None:
        """Count the text of these chunks."""
        for event in events:
            for choice in event.data["choices"]:
                delta = choice.get("delta")  # none in a vendor's own completions
                text = choice["text"] if delta is None else delta.get("content") or delta.get("reasoning_content")
                if type(text) is str:
                    if text.isascii():
                        self._ascii += len(text)
                    else:
                        self._other += len(text)

    def take(self) -> int:
        """The tokens counted so far, by the rule of ``adapters/core/tokens.py``; counting begins anew."""
        tokens = estimate_counts(self._ascii, self._other)
        self._ascii = self._other = 0
        return tokens
