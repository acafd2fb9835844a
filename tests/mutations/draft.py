"""A vendor's stream for mutation: its events, and how they are written as bytes."""

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

Json = dict[str, Any]


@dataclass
class Draft:
    """One stream, and its meaning for a reader.

    ``frames`` are events (JSON objects) or blocks of bytes that are written as they are. ``meaning`` is what
    :func:`tests.support.invariants.added_up` makes of the unchanged stream; an operator that changes it on purpose says so there.
    """

    vendor: str
    frames: list[Json | bytes]
    meaning: dict[int, Json]
    done: str | None = "[DONE]"
    after: bytes = b""
    """What follows the end marker."""
    newline: bytes = b"\n"
    blank_lines: bool = True
    """False: one newline between events."""
    prefix: str = "data: "
    ascii_only: bool = False
    content_type: str = "text/event-stream"
    whole: bool = False
    """It is a whole answer: one frame, whose ``delta`` is written as ``message``."""
    cuts: list[float] = field(default_factory=list)
    """Where the bytes are cut into reads, as parts of the whole."""

    def copy(self) -> "Draft":
        """One to change."""
        return copy.deepcopy(self)

    @property
    def events(self) -> list[Json]:
        """The frames that are JSON objects."""
        return [frame for frame in self.frames if type(frame) is dict]

    def choices(self) -> Iterator[Json]:
        """Return every choice of every event that has a list of them."""
        for event in self.events:
            yield from choices_of(event)

    def deltas(self) -> Iterator[Json]:
        """Every delta."""
        for choice in self.choices():
            if type(choice.get("delta")) is dict:
                yield choice["delta"]

    def pieces(self) -> Iterator[Json]:
        """Every tool piece."""
        for delta in self.deltas():
            yield from pieces_of(delta)

    @property
    def single(self) -> bool:
        """Whether it has one choice."""
        return len(self.meaning) == 1

    @property
    def calls(self) -> int:
        """How many calls its first choice makes."""
        return len(self.meaning[0]["calls"]) if 0 in self.meaning else 0

    @property
    def finish_at(self) -> int | None:
        """The frame with the last finish."""
        found = None
        for at, frame in enumerate(self.frames):
            if type(frame) is dict and any(choice.get("finish_reason") for choice in choices_of(frame)):
                found = at
        return found

    @property
    def usage_at(self) -> int | None:
        """The last frame that has a usage and no choices."""
        found = None
        for at, frame in enumerate(self.frames):
            if type(frame) is dict and frame.get("usage") and not frame.get("choices"):
                found = at
        return found

    def blank(self, delta: Json | None = None, finish: str | None = None) -> Json:
        """A chunk with the head of the first event and one choice; none without ``delta``."""
        event = copy.deepcopy(self.events[0])
        event["choices"] = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
        event.pop("usage", None)
        return event

    def raw(self) -> bytes:
        """The body's bytes."""
        blocks = [frame if type(frame) is bytes else self._written(frame) for frame in self.frames]
        if self.done is not None:
            blocks.append((self.prefix + self.done).encode())
        blocks += [self.after] if self.after else []
        gap = b"\n\n" if self.blank_lines else b"\n"
        return (gap.join(blocks) + b"\n\n").replace(b"\n", self.newline)

    def _written(self, event: Any) -> bytes:
        payload = json.dumps(event).encode() if self.ascii_only else orjson.dumps(event)
        return self.prefix.encode() + payload

    def body(self) -> bytes:
        """A whole answer's bytes."""
        body = copy.deepcopy(self.frames[0])
        assert type(body) is dict
        for choice in choices_of(body):
            if "delta" in choice:
                choice["message"] = choice.pop("delta")
        return orjson.dumps(body)

    def reads(self) -> list[bytes]:
        """The body as it arrives."""
        raw = self.raw()
        cuts = sorted({int(cut * len(raw)) for cut in self.cuts} - {0, len(raw)})
        return [raw[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


def choices_of(event: Json) -> list[Json]:
    """The choices of an event that are objects."""
    given = event.get("choices")
    return [one for one in given if type(one) is dict] if type(given) is list else []


def pieces_of(delta: Json) -> list[Json]:
    """The tool pieces of a delta that are objects."""
    given = delta.get("tool_calls")
    return [one for one in given if type(one) is dict] if type(given) is list else []


def insert(draft: Draft, rng: random.Random, frame: Json | bytes, *, last: int | None = None) -> None:
    """Insert a frame anywhere but first, and not after ``last``."""
    draft.frames.insert(rng.randint(1, max(1, len(draft.frames) if last is None else last)), frame)
