"""The running account of one request, frozen into exactly one Ending."""

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Protocol

from adapters.core.adaptations import Adaptation
from adapters.core.event import Event
from adapters.core.request import ApiRequest
from adapters.core.tokens import estimate_counts
from adapters.core.usage import Usage
from proxy._types import Attempt, FailedAttempt, OutcomeWord, RequestOutcome
from proxy.reason import Reason


class Retries(Protocol):
    """The retries of all requests together."""

    def left(self) -> bool:
        """Whether another one may be made."""
        ...

    def spend(self) -> None:
        """One is made."""
        ...


class RequestRecord:
    """What happened so far. Everybody who handles the request writes in it; only ``ending`` is read."""

    __slots__ = (
        "adaptations",
        "attempts",
        "billed",
        "caller",
        "code",
        "earlier_requests",
        "ended_at",
        "failed",
        "first_byte_at",
        "first_content_s",
        "model",
        "notes",
        "operation",
        "param",
        "queued_s",
        "read_at",
        "reason",
        "refused_calls",
        "replayed",
        "replays",
        "request_id",
        "retries",
        "sent_at",
        "started",
        "status",
        "stream",
        "target",
        "usage",
        "waited_s",
        "word",
    )  # fmt: skip

    def __init__(self, request_id: str, operation: str) -> None:
        self.request_id = request_id
        self.operation = operation
        self.started = self.read_at = perf_counter()
        self.sent_at: float | None = None  # the first call
        self.first_byte_at = 0.0  # the bytes that brought the first content, or the last ones before it
        self.ended_at = 0.0  # the last byte of a whole answer, handed over
        self.caller = "-"
        self.model = ""
        self.stream = False
        self.attempts = 0
        self.earlier_requests = 0  # requests that the caller's SDK made before this one for the same call
        self.replays = 1  # calls that may still be sent again over a fresh connection, by services/transport.py
        self.refused_calls = 0  # calls that the vendor refused by rate and that waited for a slot then; no attempts
        self.replayed = 0  # calls that were; each is one of the attempts
        self.retries: Retries | None = None  # what a call that is sent again is charged to
        self.target: str | None = None
        self.adaptations: Mapping[str, Adaptation] = {}
        self.usage: Usage | None = None  # of the answer that was shown
        self.billed: Usage | None = None  # of every call that was made
        self.first_content_s: float | None = None
        self.waited_s = 0.0  # in our own queues, with nothing at a vendor
        self.queued_s = 0.0  # of it, before the first call
        self.status = 0
        self.code: str | None = None
        self.param: str | None = None
        self.reason: Reason | None = None
        self.word: OutcomeWord | None = None
        self.failed: list[FailedAttempt] | tuple[()] = ()
        self.notes: dict[str, Any] = {}

    def body_read(self) -> None:
        """The whole body is there: what it took until now was the caller's time."""
        self.read_at = perf_counter()

    def request_read(self, request: ApiRequest, earlier: bytes = b"0") -> None:
        """The request has been read; ``earlier``: how many the caller says to have made before, for the same call."""
        self.model = request.model
        self.stream = request.stream
        if earlier != b"0" and earlier.isdigit():
            self.earlier_requests = min(int(earlier[:4]), 100)

    def attempt(self, attempt: Attempt) -> None:
        """An attempt begins."""
        self.attempts += 1
        self.target = attempt.target.label
        self.adaptations = attempt.adaptations
        self.usage = None

    def replay(self) -> bool:
        """Whether a call that a kept connection has lost may be sent once more; it then is an attempt and a retry."""
        if not self.replays or (self.retries is not None and not self.retries.left()):
            return False
        if self.retries is not None:
            self.retries.spend()
        self.replays -= 1
        self.replayed += 1
        self.attempts += 1
        self.attempt_failed(self.target or "", "reset")
        return True

    def attempt_failed(self, target: str, kind: str) -> None:
        """An attempt has failed."""
        self.failed = [*self.failed, FailedAttempt(target, kind, self.usage)]

    def add_usage(self, usage: Usage) -> None:
        """A call's cost is known, or estimated."""
        self.usage = usage if self.usage is None else self.usage + usage
        self.billed = usage if self.billed is None else self.billed + usage

    def rate_limited(self) -> None:
        """The vendor refused the attempt by rate, and the call waits for a slot: that was no attempt."""
        self.attempts -= 1
        self.refused_calls += 1
        self.notes["refused_calls"] = self.refused_calls

    def omitted(self, fields: Sequence[str]) -> None:
        """The call is repeated without these fields, which banjia had added."""
        self.notes["omitted"] = list(fields)

    def waited(self, s: float) -> None:
        """So long there was nothing at a vendor, since a slot on its key had to be waited for."""
        self.waited_s += s
        if self.sent_at is None:
            self.queued_s += s
        self.notes["queued_ms"] = round(self.waited_s * 1000, 1)

    def client_closed(self) -> None:
        """The caller has left before the last byte was handed over: what was about to be sent is not how it ended."""
        if self.word != "complete":
            self.word = self.code = self.param = self.reason = None

    def branch(self, target: str) -> "RequestRecord":
        """An attempt begins that may run beside another one: its own account, to be taken back at its end."""
        leg = RequestRecord(self.request_id, self.operation)
        leg.started = self.started
        leg.attempts = self.attempts
        leg.waited_s = self.waited_s
        leg.replays, self.replays = self.replays, 0
        leg.retries = self.retries
        self.attempts += 1
        self.target = target
        return leg

    def merge(self, leg: "RequestRecord") -> None:
        """What an attempt cost that has ended; ``show`` says whose answer is the caller's."""
        self.replays += leg.replays
        self.replayed += leg.replayed
        self.attempts += leg.replayed
        self.failed = [*self.failed, *leg.failed]
        if leg.sent_at is None:
            self.attempts -= 1  # it got no slot on its key
        elif self.sent_at is None or leg.sent_at < self.sent_at:
            self.sent_at, self.queued_s = leg.sent_at, leg.queued_s
        if leg.waited_s > self.waited_s:
            self.waited_s = leg.waited_s
            self.notes["queued_ms"] = leg.notes["queued_ms"]
        if leg.billed is not None:
            self.billed = leg.billed if self.billed is None else self.billed + leg.billed

    def adopt(self, leg: "RequestRecord") -> None:
        """The answer, or the failure, is this attempt's."""
        self.target, self.adaptations, self.usage = leg.target, leg.adaptations, leg.usage
        self.first_byte_at = leg.first_byte_at

    def elapsed_s(self) -> float:
        """Seconds since the request came in."""
        return perf_counter() - self.started

    def outcome(self) -> RequestOutcome:
        """The one account of this request. A request of which nobody knows the end was left by its caller."""
        vendor_s = added_s = None
        if self.first_content_s is not None and self.sent_at is not None:
            vendor_s = self.first_byte_at - self.sent_at
            added_s = self.first_content_s - (self.read_at - self.started) - self.queued_s - vendor_s
        return RequestOutcome(
            self.word or "client_closed", self.request_id, self.operation, self.model, self.stream, self.status, self.code,
            self.param, self.reason if self.word is not None else Reason.CLIENT_CLOSED, self.caller, self.target, self.attempts, self.adaptations, self.usage, self.billed, self.first_content_s,
            vendor_s, added_s, (self.ended_at or perf_counter()) - self.started, self.failed, self.notes,
        )  # fmt: skip


class OutputCounter:
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
