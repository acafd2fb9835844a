"""One piece of an answer."""

from collections.abc import Mapping
from typing import Any, Literal

import orjson

CHUNK: Literal["chunk"] = "chunk"


WHOLE: Literal["whole"] = "whole"


EventKind = Literal["chunk", "whole"]


class Event:
    """One piece of an answer as JSON: a chunk of a stream, or a whole body. Written anew only after an edit."""

    __slots__ = ("_data", "_raw", "kind")

    def __init__(self, raw: bytes | None, data: dict[str, Any] | None = None, kind: EventKind = CHUNK) -> None:
        self._raw = raw
        self._data = data
        self.kind = kind

    @classmethod
    def of(cls, data: dict[str, Any], kind: EventKind = CHUNK) -> "Event":
        """An event made by us; its bytes are written when they are asked for."""
        return cls(None, data, kind)

    @property
    def raw(self) -> bytes:
        """The JSON bytes: one payload without ``data:`` and newlines, or a body."""
        if self._raw is None:
            self._raw = orjson.dumps(self._data)
        return self._raw

    @property
    def data(self) -> Mapping[str, Any]:
        """The parsed object, to read only; changes belong into :meth:`edit`."""
        if self._data is None:
            self._data = orjson.loads(self._raw or b"{}")
        return self._data

    def edit(self) -> dict[str, Any]:
        """The parsed object, to change: the old bytes are dropped."""
        if self._data is None:
            self._data = orjson.loads(self._raw or b"{}")
        self._raw = None
        return self._data

    def has_content(self) -> bool:
        """Whether it carries anything a caller would act on: text, reasoning, a tool call, a refusal or a finish."""
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
