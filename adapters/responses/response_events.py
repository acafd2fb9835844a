"""The events of a Responses stream, as objects and as server-sent events."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

TEXT_DELTA = "response.output_text.delta"
NUMBERS = tuple(b"%d" % number for number in range(2048))
"""The first sequence numbers, encoded: most streams have no others."""


class ResponseEvent(NamedTuple):
    """One event of a stream. ``data`` has all its members, ``type`` and ``sequence_number`` among them."""

    type: str
    data: dict[str, Any]


def encode(event: ResponseEvent) -> bytes:
    """Encode an event as OpenAI does: its type in an ``event`` line, and one line of data."""
    return b"event: %b\ndata: %b\n\n" % (event.type.encode(), orjson.dumps(event.data))


def encode_all(events: Iterable[ResponseEvent]) -> bytes:
    """Encode events for a single write."""
    return b"".join(map(encode, events))


class DeltaTemplate:
    """The delta events of one part of an item, which differ in ``sequence_number``, ``delta`` and ``logprobs`` only."""

    __slots__ = ("_members", "_type")

    def __init__(self, type_: str, members: Mapping[str, Any]) -> None:
        """``members``: those that name the part, such as ``item_id``. Their texts are made of letters, digits and ``_``."""
        self._type = type_
        self._members = members

    def event(self, number: int, delta: str, logprobs: list[Any] | None = None) -> ResponseEvent:
        """Return a delta with this sequence number. ``logprobs``: of its tokens, for text; none if absent."""
        data = {"type": self._type, "sequence_number": number, **self._members, "delta": delta}
        if self._type == TEXT_DELTA:
            data["logprobs"] = logprobs or []
        return ResponseEvent(self._type, data)

    def parts(self) -> tuple[bytes, bytes, bytes]:
        """Return the bytes of an encoded :meth:`event` without logprobs: before its number, before its delta, and after it."""
        before, _, rest = encode(self.event(0, "")).partition(b'"sequence_number":0,')
        between, _, after = rest.partition(b'"delta":""')
        return before + b'"sequence_number":', b"," + between + b'"delta":', after


class EventLog:
    """The events since they were last taken. ``next_number`` is the sequence number of the next event."""

    __slots__ = ("_events", "next_number")

    def __init__(self, next_number: int = 0) -> None:
        self._events: list[ResponseEvent] = []
        self.next_number = next_number

    def add(self, type_: str, members: Mapping[str, Any]) -> None:
        """Add an event with these members."""
        self._events.append(ResponseEvent(type_, {"type": type_, "sequence_number": self.next_number, **members}))
        self.next_number += 1

    def add_delta(self, template: DeltaTemplate, delta: str, logprobs: list[Any] | None = None) -> None:
        """Add a delta of a part."""
        self._events.append(template.event(self.next_number, delta, logprobs))
        self.next_number += 1

    def take(self) -> list[ResponseEvent]:
        """Return the events added since the last call."""
        events, self._events = self._events, []
        return events


class NoEvents(EventLog):
    """The log of a response that is sent whole: it counts the events and keeps none."""

    __slots__ = ()

    def add(self, type_: str, members: Mapping[str, Any]) -> None:
        """Count an event."""
        self.next_number += 1

    def add_delta(self, template: DeltaTemplate, delta: str, logprobs: list[Any] | None = None) -> None:
        """Count a delta."""
        self.next_number += 1
