"""Event: one chunk of a stream, or a whole response body."""

from collections.abc import Mapping
from typing import Any, Literal

import orjson

CHUNK: Literal["chunk"] = "chunk"


WHOLE: Literal["whole"] = "whole"


EventKind = Literal["chunk", "whole"]


class Event:
    """One chunk of a stream, or a whole body, as JSON. Serialized again only after an edit."""

    __slots__ = ("_data", "_raw", "kind")

    def __init__(self, raw: bytes | None, data: dict[str, Any] | None = None, kind: EventKind = CHUNK) -> None:
        self._raw = raw
        self._data = data
        self.kind = kind

    @classmethod
    def of(cls, data: dict[str, Any], kind: EventKind = CHUNK) -> "Event":
        """Create an event from data; its bytes are serialized on first use."""
        return cls(None, data, kind)

    @property
    def raw(self) -> bytes:
        """The JSON bytes: the payload of an event without ``data:`` and newlines, or a body."""
        if self._raw is None:
            self._raw = orjson.dumps(self._data)
        return self._raw

    @property
    def data(self) -> Mapping[str, Any]:
        """The parsed object, read-only; use :meth:`edit` to change it."""
        if self._data is None:
            self._data = orjson.loads(self._raw or b"{}")
        return self._data

    def edit(self) -> dict[str, Any]:
        """Return the parsed object for changes, and discard the serialized bytes."""
        if self._data is None:
            self._data = orjson.loads(self._raw or b"{}")
        self._raw = None
        return self._data

    def has_content(self) -> bool:
        """Whether it has content for the client: text, reasoning, a tool call, a refusal or a finish reason."""
        if self.kind is WHOLE:
            return True
        for choice in self.data.get("choices") or ():
            if choice.get("finish_reason"):
                return True
            delta = choice.get("delta") or {}
            if any(value and key != "role" for key, value in delta.items()):
                return True
            if choice.get("text"):
                return True
        return False

    def __repr__(self) -> str:
        return f"Event({self.kind}, {self.raw!r})"
