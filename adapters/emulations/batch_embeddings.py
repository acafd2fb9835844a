"""Splits an embeddings request with more inputs than one vendor call accepts, and joins the vectors in order."""

from typing import Any, ClassVar

from adapters.core.event import WHOLE, Event
from adapters.core.exchange import Do, Done, Emit, Exchange, Fail, Make
from adapters.core.failures import Failure
from adapters.core.message import Message
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.vendor import Plan
from adapters.core.wrapper import Holds, Wrapper

AT_ONCE = 4
"""The maximum number of concurrent calls: enough to hide the latency, few enough for an account with low limits."""


def batch_embeddings(make: Make, plan: Plan) -> Make:
    """Wrap ``make`` if the vendor accepts fewer inputs per call than the request has."""
    max_inputs = plan.op.max_inputs(plan.target.model)
    inputs = plan.request.fields.get("input")
    if max_inputs is None or type(inputs) is not list or len(inputs) <= max_inputs or type(inputs[0]) is int:
        return make
    return lambda request, attempt_ids: BatchEmbeddings(make, request, attempt_ids, max_inputs)


class BatchEmbeddings(Wrapper):
    """Makes one call for each ``max_inputs`` inputs. A failed call fails the request; the message names its inputs."""

    holds: ClassVar[Holds] = "ALL"

    def __init__(self, make: Make, request: ApiRequest, attempt_ids: AttemptIds, max_inputs: int) -> None:
        super().__init__()
        self._make = make
        self._request = request
        self._attempt_ids = attempt_ids
        inputs = request.fields["input"]
        self._parts = [inputs[at : at + max_inputs] for at in range(0, len(inputs), max_inputs)]
        self.calls = len(self._parts)
        self._starts = list(range(0, len(inputs), max_inputs))
        self._next = 0
        self._running: dict[int, int] = {}  # id() of a child -> its part
        self._children: list[Exchange] = []
        self._answers: dict[int, dict[str, Any]] = {}

    def start(self) -> list[Do]:
        """Start the first calls."""
        dos: list[Do] = []
        for _ in range(min(AT_ONCE, len(self._parts))):
            dos += self._begin_next()
        return dos

    def _begin_next(self) -> list[Do]:
        part, self._next = self._next, self._next + 1
        child = self._make(
            self._request.with_fields({**self._request.fields, "input": self._parts[part]}), self._attempt_ids
        )
        self._children.append(child)  # kept alive: the key is its identity
        self._running[id(child)] = part
        return self.begin(child)

    def on_emit(self, child: Exchange, events: list[Event]) -> list[Do]:
        """Keep the vectors of a part until all parts are complete."""
        self._answers[self._running[id(child)]] = dict(events[0].data)
        return []

    def on_done(self, child: Exchange) -> list[Do]:
        """Start the next part, or emit the complete response."""
        if self._next < len(self._parts):
            return self._begin_next()
        if len(self._answers) < len(self._parts):
            return []
        return [Emit([Event.of(self._joined(), WHOLE)]), Done()]

    def _joined(self) -> dict[str, Any]:
        whole = dict(self._answers[0])
        vectors: list[dict[str, Any]] = []
        for part in range(len(self._parts)):
            for vector in self._answers[part]["data"]:
                vectors.append({**vector, "index": len(vectors)})
        tokens = sum(answer["usage"]["prompt_tokens"] for answer in self._answers.values())
        return {**whole, "data": vectors, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}

    def on_fail(self, child: Exchange, failure: Failure) -> list[Do]:
        """Fail the request: a part of the vectors would be worse than none."""
        part = self._running[id(child)]
        first, count = self._starts[part], len(self._parts[part])
        last = first + count - 1
        message = Message("(inputs {first} to {last}) {message}", first=first, last=last, message=failure.message)
        return [Fail(failure._replace(message=message))]
