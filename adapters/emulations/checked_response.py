"""The base of emulations that check a whole response, and ask the same target once to repair it.

A checker says what is wrong with a response, and how to request a better one. The repair is an optional call: the runner
declines it when no attempt, call or time is left, and then the response fails like one without a repair.
"""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from adapters.core.event import WHOLE, Event
from adapters.core.exchange import Do, Done, Emit, Exchange, Fail, Make, Send
from adapters.core.failures import Failure
from adapters.core.message import Message, sentences
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.tokens import estimate_prompt
from adapters.core.usage import summed_members
from adapters.core.wrapper import Holds, Wrapper

NO_CALL = Message("it has no tool call, and one was required")
LONGEST_QUOTE = 200
"""How many characters of the vendor's text a failure may contain."""


class ResponseChecker(Protocol):
    """What one emulation checks. Pure; one checker serves one attempt."""

    def check(self, event: Event) -> Message | None:
        """Return what is wrong with a whole response, as part of a sentence; None if it is as requested.

        May edit the event, for example to remove a code fence. The text must not quote more than ``LONGEST_QUOTE``
        characters of the vendor's.
        """
        ...

    def repair(self, request: ApiRequest, event: Event, problem: Message) -> ApiRequest | None:
        """Return the request for a better response, in the vendor's terms; None if it must not be repeated."""
        ...


def with_complaint(request: ApiRequest, event: Event, complaint: str, most_tokens: int) -> ApiRequest | None:
    """Return the request with the content of the rejected response and a complaint about it, as further turns.

    After a response without content it is the same request again. None if its prompt exceeds ``most_tokens``.
    """
    content = event.data["choices"][0]["message"].get("content")
    fields = request.fields
    if content and not content.isspace():
        turns = [{"role": "assistant", "content": content}, {"role": "user", "content": complaint}]
        fields = {**fields, "messages": [*fields["messages"], *turns]}
    return request.with_fields(fields) if estimate_prompt(fields) <= most_tokens else None


class AllChecks:
    """Several checks of one response, so that it is repaired at most once: the first check that fails says how."""

    def __init__(self, checkers: Sequence[ResponseChecker]) -> None:
        self._checkers = checkers
        self._failed = checkers[0]

    def check(self, event: Event) -> Message | None:
        """Return the problem of the first check that fails; None if none does."""
        for checker in self._checkers:
            problem = checker.check(event)
            if problem is not None:
                self._failed = checker
                return problem
        return None

    def repair(self, request: ApiRequest, event: Event, problem: Message) -> ApiRequest | None:
        """Return the request of the check that failed."""
        return self._failed.repair(request, event, problem)


class CheckedResponse(Wrapper):
    """Passes on a response that its checker accepts: the first one, or the one of the only repair call.

    The response's usage is the sum of both calls. ``request`` must not be streamed: :meth:`RequestBuilder.answer_whole`
    plans it so, and the response writer cuts the whole response into chunks for a client that streams. ``vendor``: the
    vendor's title, for messages.
    """

    holds: ClassVar[Holds] = "ALL"

    def __init__(
        self, make: Make, request: ApiRequest, attempt_ids: AttemptIds, checker: ResponseChecker, vendor: str
    ) -> None:
        super().__init__()
        self._make = make
        self._request = request
        self._attempt_ids = attempt_ids
        self._checker = checker
        self._vendor = vendor
        self._event: Event | None = None  # the response of the call under way
        self._first: Event | None = None  # the response that is being repaired
        self._problem: Message | None = None  # what is wrong with it
        self._child: Exchange  # kept alive: ids are mapped to it

    def start(self) -> list[Do]:
        """Start the first call."""
        self._child = self._make(self._request, self._attempt_ids)
        return self.begin(self._child)

    def on_emit(self, child: Exchange, events: list[Event]) -> list[Do]:
        """Keep the response until its call is complete."""
        self._event = events[0]
        return []

    def on_done(self, child: Exchange) -> list[Do]:
        """Emit a response that is as requested; start the repair of the first one that is not."""
        event, self._event = self._event, None
        if event is None or event.kind is not WHOLE:
            raise AssertionError("a checked response must be planned as a whole one")
        problem = self._checker.check(event)
        if problem is None:
            if self._first is not None:
                usage = summed_members(self._first.data.get("usage") or {}, event.data.get("usage") or {})
                event.edit()["usage"] = usage
            return [Emit([event]), Done()]
        if self._first is not None:
            return [Fail(self._failure(Message("{problem}, also after one repair", problem=problem)))]
        repair = self._checker.repair(self._request, event, problem)
        if repair is None:
            return [Fail(self._failure(problem))]
        self._first, self._problem = event, problem
        self._child = self._make(repair, self._attempt_ids)
        return self._begin_optional(self._child)

    def _begin_optional(self, child: Exchange) -> list[Do]:
        dos = self.begin(child)
        for do in dos:
            if type(do) is Send:
                do.optional = True
        return dos

    def on_fail(self, child: Exchange, failure: Failure) -> list[Do]:
        """Fail as the first call did; after a failed repair, because of the response that it should have repaired."""
        if self._problem is None:
            return [Fail(failure)]
        invalid = self._failure(self._problem)
        return [Fail(invalid._replace(message=sentences([invalid.message, failure.message])))]

    def _failure(self, problem: Message) -> Failure:
        message = Message("{vendor} sent an invalid answer: {problem}.", vendor=self._vendor, problem=problem)
        return Failure.of("invalid_response", message, cause="content")
