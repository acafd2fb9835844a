"""The contract of one attempt: an Exchange asks for things (Do) and is told what came of them (Got). It never waits.

The driver in ``proxy/attempts/runner.py`` obeys; a test can do the same in a loop of five lines. docs/architecture.md
tells the rules.
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
    """Send this call; the driver signs it, limits it and times it."""

    id: Id
    call: Call


@dataclass(slots=True)
class Emit:
    """Events for the caller, in order and never empty: all that one Got brought."""

    events: list[Event]


@dataclass(slots=True)
class Sleep:
    """Ask for ``Woke(id)`` after ``s`` seconds."""

    id: Id
    s: float


@dataclass(slots=True)
class Close:
    """No more of this one is wanted; nothing happens if it has ended."""

    id: Id


@dataclass(slots=True)
class Spent:
    """What a call cost, as the vendor told it; at most once an id, before Done or Fail."""

    id: Id
    usage: Usage


@dataclass(slots=True)
class Say:
    """A vendor's header that the caller should see; after the head has left it goes to the log only."""

    name: str
    value: str


@dataclass(slots=True)
class Note:
    """A verdict found late, while the answer was read."""

    field: str
    word: VerdictWord


@dataclass(slots=True)
class Done:
    """The answer is whole. Last in its list, once. ``vendor_id``: its id as the vendor sent it, for the log."""

    vendor_id: str | None = None


@dataclass(slots=True)
class Fail:
    """The attempt failed. Last in its list, once; whatever is open is then closed."""

    failure: Failure


Do = Send | Emit | Sleep | Close | Spent | Say | Note | Done | Fail


class Exchange(Protocol):
    """One attempt at one target. Made for it, never reused."""

    def start(self) -> list[Do]:
        """What to do first."""
        ...

    def feed(self, got: Got) -> list[Do]:
        """What to do now that this has arrived."""
        ...


Make = Callable[[ApiRequest, AttemptIds], Exchange]
"""Makes the Exchange of one attempt: pure and cheap. May raise ``Refused``."""
