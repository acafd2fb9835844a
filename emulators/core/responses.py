"""What a vendor gives back for a request: a finished reply, or an answer that can be told whole or in events."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from emulators.core.scripted_model import ScriptedCompletion


@dataclass(slots=True)
class Response:
    """A status, headers and a whole body."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def json(cls, status: int, value: Any, headers: list[tuple[str, str]] | None = None) -> "Response":
        """Return `value` as JSON; `headers` may bring a content type of their own."""
        given = list(headers or [])
        if not any(name.lower() == "content-type" for name, _ in given):
            given.insert(0, ("content-type", "application/json"))
        return cls(status, orjson.dumps(value), given)


class RequestRefused(Exception):
    """The vendor does not do what was asked; `reply` says so in the vendor's words."""

    def __init__(self, reply: Response) -> None:
        super().__init__(reply.status)
        self.reply = reply


Part = Literal["role", "reasoning", "content", "tool", "finish", "usage", "done", "error"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One SSE event: what it carries, and the bytes behind `data: `."""

    part: Part
    raw: bytes


DONE = Frame("done", b"[DONE]")


class ModelResponse(ABC):
    """A completion, not yet told. `turns` has one entry a choice; faults may still change them."""

    status = 200

    def __init__(self, turns: list[ScriptedCompletion], *, stream: bool, gap_s: float) -> None:
        self.turns = turns
        self.stream = stream
        self.gap_s = gap_s

    @abstractmethod
    def headers(self, *, stream: bool) -> list[tuple[str, str]]:
        """Return the vendor's headers, content type included."""

    @abstractmethod
    def usage(self) -> dict[str, Any]:
        """Return what the vendor counts for this answer."""

    @abstractmethod
    def whole(self) -> bytes:
        """Return the answer as one JSON body."""

    @abstractmethod
    def frames(self) -> Iterator[Frame]:
        """Yield the answer as events, the closing `[DONE]` included."""
