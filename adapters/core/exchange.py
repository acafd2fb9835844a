"""The contract of one attempt: an Exchange returns commands (Do) and receives their results (Got). It never waits.

The runner in ``proxy/attempts/runner.py`` executes the commands; a test can do the same in a loop of five lines.
The rules are in docs/architecture.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from adapters.core.adaptations import VerdictWord
from adapters.core.event import Event
from adapters.core.failures import Failure
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.usage import Usage
from adapters.core.wire import Call, Got, Id


@dataclass(slots=True)
class Send:
    """Send this call; the runner signs it, applies rate limits and timeouts.

    ``optional``: the runner may decline the call, and then reports ``Lost`` with the phase ``declined``. An optional call
    that is sent counts as an attempt.
    """

    id: Id
    call: Call
    optional: bool = False


@dataclass(slots=True)
class Emit:
    """Pass events to the client, in order: all that one Got produced, at least one."""

    events: list[Event]


@dataclass(slots=True)
class Sleep:
    """Request ``Woke(id)`` after ``s`` seconds."""

    id: Id
    s: float


@dataclass(slots=True)
class Close:
    """Close this call or timer; does nothing if it has ended."""

    id: Id


@dataclass(slots=True)
class Spent:
    """Report the usage of a call, as the vendor reported it; at most once per id, before Done or Fail."""

    id: Id
    usage: Usage


@dataclass(slots=True)
class Began:
    """The content of a stream has begun to arrive that is joined, and therefore emitted only at its end."""

    id: Id


@dataclass(slots=True)
class Say:
    """Forward a vendor header to the client; if headers are already sent, log it."""

    name: str
    value: str


@dataclass(slots=True)
class Note:
    """Add a verdict that was reached while reading the response."""

    field: str
    word: VerdictWord


@dataclass(slots=True)
class Keep:
    """Store ``value`` under each of these keys, for later requests of the same client, for ``ttl_s`` seconds.

    A later request gets it as a field of its ApiRequest. ``kind`` says what it is: ``reasoning``, for example.
    """

    kind: str
    keys: tuple[str, ...]
    value: bytes
    ttl_s: float


@dataclass(slots=True)
class Done:
    """The response is complete. Last in its list, once. ``vendor_id``: the vendor's id of the response, for the log."""

    vendor_id: str | None = None


@dataclass(slots=True)
class Fail:
    """The attempt failed. Last in its list, once; the runner then closes all that is open."""

    failure: Failure


Do = Send | Emit | Sleep | Close | Spent | Began | Say | Note | Keep | Done | Fail


class Exchange(Protocol):
    """One attempt at one target; never reused."""

    def start(self) -> list[Do]:
        """Return the first commands."""
        ...

    def feed(self, got: Got) -> list[Do]:
        """Process what arrived and return the next commands."""
        ...


Make = Callable[[ApiRequest, AttemptIds], Exchange]
"""Creates the Exchange of one attempt: pure and cheap. Raises Refused if the target can't serve the request."""
