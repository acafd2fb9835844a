"""Keeps the reasoning of answers with tool calls, so that later requests can carry it if the client omits it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from adapters.core.event import WHOLE, Event
from adapters.core.exchange import Do, Emit, Exchange, Keep, Make
from adapters.core.vendor import Plan
from adapters.core.wire import Got
from adapters.core.wrapper import Holds, Wrapper
from adapters.rules.earlier_reasoning import REASONING
from adapters.rules.messages import call_ids

TTL_S = 86_400.0
"""How long reasoning is kept, in seconds: a day, so that a conversation may wait for a person."""
MAX_BYTES = 512 * 1024
"""The longest reasoning that is kept, in bytes of UTF-8: more than 100,000 tokens."""


def keep_reasoning(make: Make, plan: Plan) -> Make:
    """Wrap ``make`` if the plan says that the reasoning is kept."""
    if REASONING not in plan.emulations:
        return make
    return lambda request, attempt_ids: KeepReasoning(make(request, attempt_ids))


class ChoiceReasoning:
    """The reasoning of one choice so far, and the ids of its tool calls as the client sees them."""

    __slots__ = ("ids", "text", "too_long")

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.text = bytearray()  # UTF-8: a list of the pieces of a stream would take ten times as much memory
        self.too_long = False

    def add(self, part: Mapping[str, Any]) -> None:
        """Add a delta, or a whole message."""
        text = part.get("reasoning_content")
        if text and not self.too_long:
            self.text += text.encode("utf-8", "replace")
            if len(self.text) > MAX_BYTES:
                self.too_long = True
                self.text.clear()
        calls = part.get("tool_calls")
        if calls:
            self.ids += call_ids(calls)

    def kept(self) -> list[Do]:
        """Return the command that keeps the reasoning; none if there is no reasoning or no call."""
        if not self.text or not self.ids:
            return []
        return [Keep(REASONING, tuple(self.ids), bytes(self.text), TTL_S)]


class KeepReasoning(Wrapper):
    """The outermost wrapper: it sees the ids that the client sees, and passes everything on.

    A turn is kept before the client can have its end: the client's next request needs it.
    """

    holds: ClassVar[Holds] = "NONE"

    def __init__(self, child: Exchange) -> None:
        super().__init__()
        self._child = child
        self._turns: dict[int, ChoiceReasoning] = {}
        self.calls = child.calls if isinstance(child, Wrapper) else 1

    def start(self) -> list[Do]:
        """Start the child."""
        return self._child.start()

    def feed(self, got: Got) -> list[Do]:
        """Pass what arrived to the child, and put Keep in front of the events that finish a turn."""
        dos = self._child.feed(got)
        kept = [keep for do in dos if type(do) is Emit for event in do.events for keep in self._finished(event)]
        return [*kept, *dos] if kept else dos

    def _finished(self, event: Event) -> list[Do]:
        """Add an event to its turns, and return the commands that keep those which it finishes."""
        kept: list[Do] = []
        part = "message" if event.kind is WHOLE else "delta"
        for choice in event.data["choices"]:
            turn = self._turns.get(choice["index"])
            if turn is None:
                turn = self._turns[choice["index"]] = ChoiceReasoning()
            turn.add(choice[part])
            if choice.get("finish_reason") is not None:
                kept += turn.kept()
                del self._turns[choice["index"]]
        return kept
