"""Builds one response from several calls: for a vendor that returns one choice per call, and for several prompts.

Choices are ordered by prompt, as in OpenAI's completions: those of the first prompt, then those of the second.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from adapters.core.event import WHOLE, Event
from adapters.core.exchange import Do, Done, Emit, Exchange, Fail, Make
from adapters.core.failures import Failure
from adapters.core.message import Message
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.usage import summed_members
from adapters.core.vendor import Plan
from adapters.core.wrapper import Holds, Wrapper

AT_ONCE = 4
"""The maximum number of concurrent calls: enough to hide the latency, few enough for an account with low limits."""
SEEDS = 2**31
"""Incremented seeds stay within 31 bits, which every vendor accepts."""


def fan_out(make: Make, plan: Plan) -> Make:
    """Wrap ``make`` if one call can't return all choices, or takes only one of the prompts."""
    copies = plan.emulations.get("n", 1)
    requests = (plan.request, *plan.further_requests)
    if copies == len(requests) == 1:
        return make
    kind = StreamedFanOut if plan.request.stream else MergedFanOut
    return lambda request, attempt_ids: kind(make, requests, copies, attempt_ids)


class FanOut(Wrapper):
    """Makes ``copies`` calls for each request, some concurrently. A failed call fails the whole request.

    The choices of a call, one or as many as the vendor returns at once, are numbered after those of the calls before it.
    """

    def __init__(self, make: Make, requests: tuple[ApiRequest, ...], copies: int, attempt_ids: AttemptIds) -> None:
        super().__init__()
        self._make = make
        self._requests = requests
        self._copies = copies
        self._attempt_ids = attempt_ids
        each = requests[0].fields.get("n")
        self._each = each if type(each) is int and copies == 1 else 1
        self.calls = len(requests) * copies
        self._next = 0
        self._done = 0
        self._numbers: dict[int, int] = {}  # id() of a child -> the number of its call
        self._children: list[Exchange] = []
        self._named: Mapping[str, Any] = {}

    def start(self) -> list[Do]:
        """Make the first calls."""
        dos: list[Do] = []
        for _ in range(min(AT_ONCE, self.calls)):
            dos += self._begin_next()
        return dos

    def _begin_next(self) -> list[Do]:
        number, self._next = self._next, self._next + 1
        prompt, copy = divmod(number, self._copies)
        request = self._requests[prompt]
        seed = request.fields.get("seed")
        if copy and type(seed) is int:  # the same seed would give the same choice again
            request = request.with_fields({**request.fields, "seed": (seed + copy) % SEEDS})
        # Ids derived from the answer's id (of tool calls) must differ between the choices.
        own = self._attempt_ids._replace(answer_id=f"{self._attempt_ids.answer_id[:-2]}{number:02x}")
        child = self._make(request, own)
        self._children.append(child)  # kept alive: the key is its identity
        self._numbers[id(child)] = number
        return self.begin(child)

    def renumbered(self, child: Exchange, event: Event) -> Event:
        """Renumber the choices of an event, and give it the id, time and model of the first event."""
        before = self._numbers[id(child)] * self._each
        if not self._named:
            self._named = {name: event.data[name] for name in ("id", "created", "model") if name in event.data}
        data = event.edit()
        data.update(self._named)
        # A choice that was not requested would take the index of another one.
        data["choices"] = [choice for choice in data["choices"] if choice["index"] < self._each]
        for choice in data["choices"]:
            choice["index"] += before
        return event

    def on_done(self, child: Exchange) -> list[Do]:
        """Start the next call, or complete the response after the last."""
        self._done += 1
        if self._next < self.calls:
            return self._begin_next()
        return [] if self._done < self.calls else self.last()

    def last(self) -> list[Do]:
        """Return the commands that complete the response."""
        return [Done()]

    def _close(self, child: Exchange) -> list[Do]:
        """Let a child's call end by itself, so that its connection can be reused; the runner closes all at the end."""
        return []

    def on_fail(self, child: Exchange, failure: Failure) -> list[Do]:
        """Fail the request; with several prompts the message names the prompt."""
        if len(self._requests) == 1:
            return [Fail(failure)]
        number = self._numbers[id(child)] // self._copies
        message = Message("(prompt {number}) {message}", number=number, message=failure.message)
        return [Fail(failure._replace(message=message))]


class StreamedFanOut(FanOut):
    """For streams: passes on every chunk as it arrives, with its choice renumbered."""

    holds: ClassVar[Holds] = "NONE"

    def on_emit(self, child: Exchange, events: list[Event]) -> list[Do]:
        """Pass events on; also a whole body, if a vendor returns one although a stream was requested."""
        counted = [event for event in (self.renumbered(child, event) for event in events) if event.data["choices"]]
        return [Emit(counted)] if counted else []


class MergedFanOut(FanOut):
    """For whole bodies: merges them when all calls are complete."""

    holds: ClassVar[Holds] = "ALL"

    def __init__(self, make: Make, requests: tuple[ApiRequest, ...], copies: int, attempt_ids: AttemptIds) -> None:
        super().__init__(make, requests, copies, attempt_ids)
        self._answers: dict[int, dict[str, Any]] = {}

    def on_emit(self, child: Exchange, events: list[Event]) -> list[Do]:
        """Keep the body of a call until all calls are complete."""
        self._answers[self._numbers[id(child)]] = self.renumbered(child, events[0]).edit()
        return []

    def last(self) -> list[Do]:
        """Emit all choices in order, with the sum of their usage."""
        answers = [self._answers[number] for number in range(self.calls)]
        choices = [choice for answer in answers for choice in sorted(answer["choices"], key=lambda one: one["index"])]
        usage: dict[str, Any] = {}
        for answer in answers:
            usage = summed_members(usage, answer["usage"])
        return [Emit([Event.of({**answers[0], "choices": choices, "usage": usage}, WHOLE)]), Done()]
