"""The data that an Exchange and its runner pass to each other: upstream calls out, response heads and bytes in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from adapters.core.message import Message

Headers = Sequence[tuple[bytes, bytes]]

Id = int
"""Identifies a call or a timer of an attempt; drawn from ``AttemptIds.ids`` and never used twice."""

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
    "declined",
]
"""The phase in which a call failed. A closed list: the failure table covers all of it.

``declined``: an optional call that the runner did not send.
"""


@dataclass(slots=True)
class Call:
    """One HTTP request to a vendor, complete except for the credential, which the runner adds when it sends the call.

    ``url`` is absolute, header names are in lower case, ``streams`` selects the timeouts that apply.
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
        """Return the first value of a header, by its lower-case name; None if it is absent."""
        for key, value in self.headers:
            if key.lower() == name:
                return value.decode("latin-1")
        return None


@dataclass(slots=True)
class Data:
    """Bytes of a response body, split at arbitrary places by the network."""

    id: Id
    data: bytes


@dataclass(slots=True)
class End:
    """The body is complete according to HTTP framing."""

    id: Id


@dataclass(slots=True)
class Lost:
    """The call ended without a complete body. ``why`` never contains a secret."""

    id: Id
    phase: Phase
    why: Message


@dataclass(slots=True)
class Woke:
    """A ``Sleep`` has elapsed."""

    id: Id


Got = Head | Data | End | Lost | Woke
