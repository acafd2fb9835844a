"""The nouns of a request, without behaviour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from adapters.core.params import Told
from adapters.core.shapes import Usage
from adapters.core.vendor import Target
from config.schema import Policy

EndingWord = Literal["complete", "cut", "gone", "refused"]


class Incoming(Protocol):
    """A request as it comes in: ``headers`` by lower-case name, and a body that may still be on its way.

    ``gone``: its caller has left.
    """

    request_id: str
    gone: bool
    headers: Mapping[bytes, bytes]

    async def body(self) -> bytes:
        """The whole body. Raises SlowClient, BodyTooLarge or EncodedBody."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: ``key`` is the first eight hex digits of the key's hash, or ``anonymous``."""

    key: str


class Route(NamedTuple):
    """Which targets may answer, best first, and by which policy."""

    name: str
    targets: Sequence[Target]
    policy: Policy


@dataclass(slots=True)
class Attempt:
    """One attempt at one target, as the writer needs it: who, the how-manieth, and what was changed on the way."""

    target: Target
    number: int
    told: Mapping[str, Told]
    said: dict[str, str]


class Ending(NamedTuple):
    """How one request ended; made exactly once for each. Times are in seconds, tokens in ``usage``.

    ``complete``: the whole answer was handed over. ``cut``: it broke off after its head had left. ``gone``: the caller
    left. ``refused``: an error instead of an answer.
    """

    word: EndingWord
    request_id: str
    operation: str
    model: str
    stream: bool
    status: int
    code: str | None
    caller: str
    target: str | None
    attempts: int
    told: Mapping[str, Told]
    usage: Usage | None
    billed: Usage | None
    first_content_s: float | None
    total_s: float
    notes: Mapping[str, Any]
