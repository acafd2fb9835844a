"""Value types of a request, and the access log line of its outcome."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, NamedTuple, Protocol

from adapters.core.adaptations import Adaptation
from adapters.core.usage import Usage
from adapters.core.vendor import Target
from config.errors import redact
from config.schema import Policy, Strategy
from proxy.credentials.redaction import NO_SECRETS, Secrets
from proxy.reason import Reason
from proxy.timestamps import iso_time

FIELD = re.compile(r"[\w.\[\]-]{1,100}")
"""A field name in an error's ``param``. A vendor may put anything there; only values of this form are logged."""

OutcomeWord = Literal["complete", "truncated", "client_closed", "rejected"]


class IncomingRequest(Protocol):
    """A received request: ``headers`` by lower-case name, and a body that may not have arrived yet.

    ``disconnected``: its client has closed the connection. It is served inside ``with``: a disconnect cancels the task.
    ``caller``: the client, for a request that was authenticated earlier; else None. ``time_factor``: each attempt may take
    so many times ``timeouts.total_s``.
    """

    request_id: str
    headers: Mapping[bytes, bytes]
    time_factor: int

    @property
    def caller(self) -> "Caller | None": ...

    @property
    def disconnected(self) -> bool: ...

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> bool | None: ...

    async def body(self) -> bytes:
        """Return the whole body.

        Raises SlowClient, BodyTooLarge, EncodedBody, Overloaded or MemoryError, and BadRequest for too many values.
        """
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated client: ``key`` is the first eight hex digits of its key's hash, or ``anonymous``.

    ``key_hash`` is the whole hash, empty for anonymous clients; it is neither logged nor stored. ``tenant``: under which
    name the store has the client's objects, if that is known; else it is derived from the hash.
    """

    key: str
    key_hash: bytes = field(default=b"", repr=False)
    tenant: str = ""


class Route(NamedTuple):
    """The targets of a model name in configured order, with a weight each, their policy and load-balancing strategy.

    ``keeps_reasoning``: a target reads the reasoning of earlier answers, which banjia keeps.
    """

    name: str
    targets: Sequence[Target]
    policy: Policy
    strategy: Strategy = "failover"
    weights: tuple[float, ...] = ()
    keeps_reasoning: bool = False


@dataclass(slots=True)
class Attempt:
    """One attempt at one target, as the writer needs it: its number from 1, the adaptations, the vendor's headers.

    ``secrets``: the secrets in the attempt's upstream calls, which are redacted from the response.
    """

    target: Target
    number: int
    adaptations: Mapping[str, Adaptation]
    vendor_headers: dict[str, str]
    secrets: Secrets = NO_SECRETS


class FailedAttempt(NamedTuple):
    """A failed attempt: its target, the kind of failure, and the tokens it cost, if any."""

    target: str
    kind: str
    usage: Usage | None


class RequestOutcome(NamedTuple):
    """How one request ended; created exactly once for each. Times are in seconds, tokens in ``usage``.

    ``complete``: the whole response was sent. ``truncated``: it broke off after its head was sent.
    ``client_closed``: the client disconnected. ``rejected``: an error instead of a response.

    ``usage`` is of the last attempt, ``billed`` of all. The time to the first content has three parts: until the body
    was received; ``vendor_s``, from sending the first upstream call to receiving the bytes that hold the content
    (including connecting, failed attempts and the waits between them); and ``added_s``, the rest, spent in banjia.
    """

    outcome: OutcomeWord
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

    def line(self, ended_at: float = 0.0) -> dict[str, object]:
        """Return the access log line: times in milliseconds, tokens as billed, no text of the request and no secrets.

        ``ended_at`` is when the request ended (epoch seconds). A model without a target may be an API key that was
        entered in the wrong place, so anything that looks like one is redacted from it.
        """
        billed = _tokens(self.billed)
        first_s, vendor_s, added_s = self.first_content_s, self.vendor_s, self.added_s
        # Milliseconds to one decimal place, inline: `round` goes through a string, a function call costs more.
        return {
            "time": iso_time(ended_at),
            "request_id": self.request_id,
            "ending": self.outcome,
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
            "adapted": {name: change.word for name, change in self.adaptations.items() if change.word != "honoured"},
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
