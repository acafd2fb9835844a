"""Usage of the calls of one attempt that the vendor does not report: estimated, because the vendor bills them anyway."""

import orjson

from adapters.core.event import Event
from adapters.core.tokens import estimate_counts, estimate_prompt
from adapters.core.usage import Usage
from adapters.core.wire import Id


class UnreportedUsage:
    """The calls with status 200 and no reported usage so far, and the text that was sent to the client.

    ``calls``: the request body of each, by id.
    """

    __slots__ = ("_ascii", "_other", "calls")

    def __init__(self) -> None:
        self.calls: dict[Id, bytes] = {}
        self._ascii = self._other = 0

    def count(self, events: list[Event]) -> None:
        """Count the text of events that are sent to the client. It runs for each event, so it is cheap."""
        for event in events:
            if event.text is not None:
                self._count(event.text)
                continue
            for choice in event.data["choices"]:
                delta = choice.get("delta")  # absent in a vendor's native completions
                text = choice["text"] if delta is None else delta.get("content") or delta.get("reasoning_content")
                if type(text) is str:
                    self._count(text)

    def _count(self, text: str) -> None:
        if text.isascii():
            self._ascii += len(text)
        else:
            self._other += len(text)

    def estimates(self) -> list[Usage]:
        """Return the estimated usage of each call, and forget the calls. The text is that of the first one."""
        estimated = []
        for body in self.calls.values():
            tokens = estimate_counts(self._ascii, self._other)
            estimated.append(Usage(estimate_prompt(orjson.loads(body)), tokens, source="estimated"))
            self._ascii = self._other = 0
        self.calls.clear()
        return estimated
