"""Event: one chunk of a stream, or a whole response body."""

from collections.abc import Mapping
from typing import Any, Literal

import orjson

CHUNK: Literal["chunk"] = "chunk"


WHOLE: Literal["whole"] = "whole"


EventKind = Literal["chunk", "whole"]


class Event:
    """One chunk of a stream, or a whole body, as JSON. Serialized again only after an edit.

    ``raw`` is the JSON: the payload of an event without ``data:`` and newlines, or a body. ``data`` is the parsed object,
    read-only; use :meth:`edit` to change it. Either is made from the other when it is first read, and then kept.
    ``text`` is the text of a chunk that has one choice and nothing else for the client, if that is known without parsing.
    """

    __slots__ = ("data", "kind", "raw", "text")
    data: Mapping[str, Any]
    raw: bytes

    def __init__(
        self, raw: bytes | None, data: dict[str, Any] | None = None, kind: EventKind = CHUNK, text: str | None = None
    ) -> None:
        if raw is not None:
            self.raw = raw
        if data is not None:
            self.data = data
        self.kind = kind
        self.text = text

    def __getattr__(self, name: str) -> Any:
        """Make ``raw`` or ``data``; called only while it is not set."""
        if name == "raw":
            self.raw = orjson.dumps(self.data)
        elif name == "data":
            self.data = orjson.loads(self.raw)
        return object.__getattribute__(self, name)

    @classmethod
    def of(cls, data: dict[str, Any], kind: EventKind = CHUNK) -> "Event":
        """Create an event from data; its bytes are serialized on first use."""
        return cls(None, data, kind)

    def edit(self) -> dict[str, Any]:
        """Return the parsed object for changes, and discard the serialized bytes."""
        data = self.data
        assert isinstance(data, dict)
        self.text = None
        try:
            del self.raw
        except AttributeError:  # not set: it was edited before
            pass
        return data

    def has_content(self) -> bool:
        """Whether it has content for the client: text, reasoning, a tool call, a refusal or a finish reason."""
        if self.text or self.kind is WHOLE:
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
