"""Responses of a vendor: a finished response, or a completion that can be sent whole or as events."""

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
        """Return `value` as JSON; `headers` may override the content type."""
        given = list(headers or [])
        if not any(name.lower() == "content-type" for name, _ in given):
            given.insert(0, ("content-type", "application/json"))
        return cls(status, orjson.dumps(value), given)


class RequestRefused(Exception):
    """The vendor refuses the request; `reply` is the vendor's error response."""

    def __init__(self, reply: Response) -> None:
        super().__init__(reply.status)
        self.reply = reply


Part = Literal["role", "reasoning", "content", "tool", "finish", "usage", "done", "error"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One SSE event: the kind of its content, and the bytes after `data: `."""

    part: Part
    raw: bytes
    comment: str = ""
    """The text of an SSE comment that the vendor sends before the event."""


DONE = Frame("done", b"[DONE]")


class ModelResponse(ABC):
    """A completion that is not sent yet. `completions` has one entry for each choice; faults may still change them."""

    status = 200

    def __init__(self, completions: list[ScriptedCompletion], *, stream: bool, gap_s: float) -> None:
        self.completions = completions
        self.stream = stream
        self.gap_s = gap_s

    @abstractmethod
    def headers(self, *, stream: bool) -> list[tuple[str, str]]:
        """Return the vendor's headers, including the content type."""

    @abstractmethod
    def usage(self) -> dict[str, Any]:
        """Return the usage that the vendor counts for this completion."""

    @abstractmethod
    def whole(self) -> bytes:
        """Return the completion as one JSON body."""

    @abstractmethod
    def frames(self) -> Iterator[Frame]:
        """Yield the completion as events, including the final `[DONE]`."""
