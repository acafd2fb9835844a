"""The nouns of a request, without behaviour but the line that an ending is in the log."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from adapters.core.adaptations import Adaptation
from adapters.core.usage import Usage
from adapters.core.vendor import Target
from config.loader.errors import redact
from config.schema import Policy, Strategy
from proxy.credentials.redaction import NO_SECRETS, Secrets
from proxy.reason import Reason
from proxy.timestamps import iso_time

FIELD = re.compile(r"[\w.\[\]-]{1,100}")
"""A field as an error's ``param`` names it. A vendor's may hold anything: what is no field is not logged."""

OutcomeWord = Literal["complete", "truncated", "client_closed", "rejected"]


class IncomingRequest(Protocol):
    """A request as it comes in: ``headers`` by lower-case name, and a body that may still be on its way.

    ``gone``: its caller has left.
    """

    request_id: str
    disconnected: bool
    headers: Mapping[bytes, bytes]

    async def body(self) -> bytes:
        """The whole body.

        Raises SlowClient, BodyTooLarge, EncodedBody, Overloaded or MemoryError, and BadRequest for too many values.
        """
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: ``key`` is the first eight hex digits of the key's hash, or ``anonymous``."""

    key: str


class Route(NamedTuple):
    """Which targets may answer, as they are listed, how the first is chosen, by which policy. A weight for each."""

    name: str
    targets: Sequence[Target]
    policy: Policy
    strategy: Strategy = "failover"
    weights: tuple[float, ...] = ()


@dataclass(slots=True)
class Attempt:
    """One attempt at one target, as the writer needs it: who, the how-manieth, and what was changed on the way.

    ``secrets`` are those that the attempt is signed with: they are taken out of its answer.
    """

    target: Target
    number: int
    adaptations: Mapping[str, Adaptation]
    vendor_headers: dict[str, str]
    secrets: Secrets = NO_SECRETS


class FailedAttempt(NamedTuple):
    """One attempt that failed: at which target, with which kind of failure, and the tokens that it cost if any."""

    target: str
    kind: str
    usage: Usage | None


class RequestOutcome(NamedTuple):
    """How one request ended; made exactly once for each. Times are in seconds, tokens in ``usage``.

    ``complete``: the whole answer was handed over. ``truncated``: it broke off after its head had left.
    ``client_closed``: the caller left. ``rejected``: an error instead of an answer.

    ``usage`` is of the last attempt, ``billed`` of all. The time to the first content falls into three: until the body was
    there, ``vendor_s`` from the first call's leaving to the arrival of the bytes that brought the content (with the
    connection, failed attempts and the waits between them), and ``added_s``, what is left: banjia's own.
    """

    word: OutcomeWord
    request_id: str
    operation: str
    model: str
    stream: bool
    status: int
    code: str | None
    param: str | None
    reason: Reason | None
    caller: str
    target: str | None
    attempts: int
    adaptations: Mapping[str, Adaptation]
    usage: Usage | None
    billed: Usage | None
    first_content_s: float | None
    vendor_s: float | None
    added_s: float | None
    total_s: float
    failed: Sequence[FailedAttempt]
    notes: Mapping[str, Any]

    def line(self, at: float = 0.0) -> dict[str, object]:
        """The access line: times in milliseconds, tokens as billed. No text of the request and no secret is in it.

        ``at`` is when the request ended, in seconds of the epoch. A model that no target has may be a key that was
        entered in the wrong place, so what looks like one is left out of it.
        """
        billed = _tokens(self.billed)
        first_s, vendor_s, added_s = self.first_content_s, self.vendor_s, self.added_s
        # Milliseconds to one place: not by `round`, which writes a number out and reads it again, nor by a function.
        return {
            "time": iso_time(at),
            "request_id": self.request_id,
            "ending": self.word,
            "status": self.status,
            "code": self.code,
            "param": self.param if self.param is None or FIELD.fullmatch(self.param) else None,
            "reason": self.reason,
            "operation": self.operation,
            "model": self.model[:200] if self.target is not None else redact(self.model[:200]),
            "stream": self.stream,
            "target": self.target,
            "attempts": self.attempts,
            "caller": self.caller,
            "adapted": {name: told.word for name, told in self.adaptations.items() if told.word != "honoured"},
            "failed": [{"target": failed.target, "kind": failed.kind} for failed in self.failed],
            "shown": self._shown_usage(billed),
            "billed": billed,
            "first_content_ms": None if first_s is None else int(first_s * 1e4) / 10,
            "vendor_ms": None if vendor_s is None else int(vendor_s * 1e4) / 10,
            "added_ms": None if added_s is None else int(added_s * 1e6) / 1e3,
            "total_ms": int(self.total_s * 1e4) / 10,
            **self.notes,
        }

    def _shown_usage(self, billed: dict[str, object] | None) -> dict[str, object] | None:
        if self.first_content_s is None:
            return None
        return billed if self.usage is self.billed else _tokens(self.usage)


def _tokens(usage: Usage | None) -> dict[str, object] | None:
    if usage is None:
        return None
    return {"prompt": usage.prompt, "completion": usage.completion, "cached": usage.cached, "source": usage.source}
