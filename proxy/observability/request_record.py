"""The record of one request under way, which becomes exactly one RequestOutcome."""

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from adapters.core.adaptations import Adaptation
from adapters.core.usage import Usage
from proxy._types import Attempt, FailedAttempt, OutcomeWord, RequestOutcome
from proxy.reason import Reason


class RequestRecord:
    """What the access log and the metrics need of a request under way. It decides nothing.

    All stages of the pipeline write to it; ``outcome`` returns the result.
    """

    __slots__ = (
        "adaptations",
        "attempts",
        "billed",
        "caller",
        "code",
        "ended_at",
        "failed",
        "first_byte_at",
        "first_content_s",
        "model",
        "notes",
        "operation",
        "outcome_word",
        "param",
        "queued_s",
        "read_at",
        "reason",
        "request_id",
        "sent_at",
        "started",
        "status",
        "stream",
        "target",
        "usage",
        "waited_s",
    )  # fmt: skip

    def __init__(self, request_id: str, operation: str) -> None:
        self.request_id = request_id
        self.operation = operation
        self.started = perf_counter()
        self.read_at = self.started  # when the body had arrived
        self.sent_at: float | None = None  # when the first upstream call was sent
        self.first_byte_at = 0.0  # when the bytes with the first content arrived, or the last bytes before it
        self.ended_at = 0.0  # when the last byte of a complete response was written
        self.caller = "-"
        self.model = ""
        self.stream = False
        self.attempts = 0
        self.target: str | None = None
        self.adaptations: Mapping[str, Adaptation] = {}
        self.usage: Usage | None = None  # of the response sent to the client
        self.billed: Usage | None = None  # of all upstream calls
        self.first_content_s: float | None = None
        self.waited_s = 0.0  # in banjia's queues, with no upstream call under way
        self.queued_s = 0.0  # the part of it before the first upstream call, and the time in which images were fetched
        self.status = 0
        self.code: str | None = None
        self.param: str | None = None
        self.reason: Reason | None = None
        self.outcome_word: OutcomeWord | None = None
        self.failed: list[FailedAttempt] | tuple[()] = ()
        self.notes: dict[str, Any] = {}

    def attempt(self, attempt: Attempt) -> None:
        """An attempt begins."""
        self.attempts = attempt.number
        self.target = attempt.target.label
        self.adaptations = attempt.adaptations
        self.usage = None

    def replayed(self, attempt: Attempt) -> None:
        """A call lost on a kept connection is sent again, with the attempt's new number."""
        self.attempts = attempt.number
        self.attempt_failed(attempt.target.label, "reset")

    def repaired(self, attempt: Attempt) -> None:
        """An optional call is sent, to repair an invalid answer, with the attempt's new number."""
        self.attempts = attempt.number
        self.notes["repair_calls"] = self.notes.get("repair_calls", 0) + 1

    def attempt_failed(self, target: str, kind: str) -> None:
        """An attempt has failed."""
        self.failed = [*self.failed, FailedAttempt(target, kind, self.usage)]

    def add_usage(self, usage: Usage) -> None:
        """Add the known or estimated usage of an upstream call."""
        self.usage = usage if self.usage is None else self.usage + usage
        self.billed = usage if self.billed is None else self.billed + usage

    def rate_limited(self, calls: int) -> None:
        """The vendor's rate limit refused a call, which now waits for a slot. ``calls``: the number of such calls."""
        self.attempts -= 1
        self.notes["refused_calls"] = calls

    def omitted(self, fields: Sequence[str]) -> None:
        """The call is sent again without these fields, which banjia had added."""
        self.notes["omitted"] = list(fields)

    def waited(self, s: float) -> None:
        """Add seconds of waiting for a slot of an API key, with no upstream call under way."""
        self.waited_s += s
        if self.sent_at is None:
            self.queued_s += s
        self.notes["queued_ms"] = round(self.waited_s * 1000, 1)

    def images_fetched(self, s: float) -> None:
        """Images of the request were fetched for so many seconds, before the first upstream call."""
        self.queued_s += s
        self.notes["images_ms"] = round(s * 1000, 1)

    def client_closed(self) -> None:
        """The client left before the last byte was written: discard the outcome that was about to be sent."""
        if self.outcome_word != "complete":
            self.outcome_word = self.code = self.param = self.reason = None

    def branch(self, target: str) -> "RequestRecord":
        """Return a record for an attempt that may run beside another one; ``merge`` it when the attempt ends."""
        branch = RequestRecord(self.request_id, self.operation)
        branch.started = self.started
        branch.waited_s, branch.queued_s = self.waited_s, self.queued_s
        self.target = target
        return branch

    def merge(self, branch: "RequestRecord") -> None:
        """Add failures and usage of a branch that has ended; ``adopt`` takes the branch whose response is sent."""
        self.failed = [*self.failed, *branch.failed]
        if branch.sent_at is not None and (self.sent_at is None or branch.sent_at < self.sent_at):
            self.sent_at, self.queued_s = branch.sent_at, branch.queued_s
        if branch.waited_s > self.waited_s:
            self.waited_s = branch.waited_s
            self.notes["queued_ms"] = branch.notes["queued_ms"]
        if branch.billed is not None:
            self.billed = branch.billed if self.billed is None else self.billed + branch.billed

    def adopt(self, branch: "RequestRecord") -> None:
        """Take target, adaptations and usage of the branch whose response, or failure, is sent to the client."""
        self.target, self.adaptations, self.usage = branch.target, branch.adaptations, branch.usage
        self.first_byte_at = branch.first_byte_at

    def elapsed_s(self) -> float:
        """Return the seconds since the request arrived."""
        return perf_counter() - self.started

    def outcome(self) -> RequestOutcome:
        """Return the outcome of the request. Without a recorded outcome the client has closed the connection."""
        vendor_s = added_s = None
        if self.first_content_s is not None and self.sent_at is not None:
            vendor_s = self.first_byte_at - self.sent_at
            added_s = self.first_content_s - (self.read_at - self.started) - self.queued_s - vendor_s
        return RequestOutcome(
            self.outcome_word or "client_closed", self.request_id, self.operation, self.model, self.stream, self.status, self.code,
            self.param, self.reason if self.outcome_word is not None else Reason.CLIENT_CLOSED, self.caller, self.target, self.attempts, self.adaptations, self.usage, self.billed, self.first_content_s,
            vendor_s, added_s, (self.ended_at or perf_counter()) - self.started, self.failed, self.notes,
        )  # fmt: skip
