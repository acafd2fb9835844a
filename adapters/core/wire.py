"""What crosses the border between an Exchange and whoever drives it: calls going out, heads and bytes coming in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from adapters.core.message import Message

Headers = Sequence[tuple[bytes, bytes]]

Id = int
"""One open thing of an attempt (a call or a timer); drawn from ``Seed.ids`` and never used twice."""

Phase = Literal[
    "dns",
    "connect",
    "connect_timeout",
    "tls",
    "pool",
    "write",
    "reset",
    "protocol",
    "first_token",
    "idle",
    "total",
]
"""Where a call was lost. A closed list: the failure table is total over it."""


@dataclass(slots=True)
class Call:
    """One HTTP request to a vendor, complete but for its credential, which the driver adds when it is sent.

    ``url`` is absolute, ``headers`` hold lower-case names, ``streams`` says which of the timeouts apply.
    """

    method: str
    url: str
    headers: Headers
    body: bytes
    streams: bool


@dataclass(slots=True)
class Head:
    """The vendor's status line and headers (names in lower case)."""

    id: Id
    status: int
    headers: Headers

    def header(self, name: bytes) -> str | None:
        """The first value of a header, by its lower-case name."""
        for key, value in self.headers:
            if key.lower() == name:
                return value.decode("latin-1")
        return None


@dataclass(slots=True)
class Data:
    """Bytes of a body, cut wherever the network cut them."""

    id: Id
    data: bytes


@dataclass(slots=True)
class End:
    """The body is complete by the rules of HTTP."""

    id: Id


@dataclass(slots=True)
class Lost:
    """The call ended without a complete body. ``why`` is for a log line and never holds a secret."""

    id: Id
    phase: Phase
    why: Message


@dataclass(slots=True)
class Woke:
    """A ``Sleep`` is over."""

    id: Id


Got = Head | Data | End | Lost | Woke
