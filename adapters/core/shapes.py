"""The nouns of one answer: what was asked, of which model, the events that answer it, and what it cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from adapters.core.failures import Refused

Operation = Literal["chat", "completions", "embeddings", "moderations"]
Thinking = Literal["never", "always", "default_on", "default_off"]
Word = Literal["honoured", "mapped", "clamped", "emulated", "dropped", "refused"]
CHUNK: Literal["chunk"] = "chunk"
WHOLE: Literal["whole"] = "whole"
EventKind = Literal["chunk", "whole"]


class Told(NamedTuple):
    """What became of one field of one request. A quiet one (a plain rename) is left out of the response header."""

    word: Word
    why: str
    quiet: bool = False


class Reworded(NamedTuple):
    """What became of a request before it was an ask: a front has said it in other words, or as another operation.

    ``asked`` is what the caller sent, for the front's writer. ``told`` is what became of the fields that were
    said in other words. ``variants`` are the fields of the further calls that one answer is gathered from, each
    laid over the ask's own. ``native`` is the request in the operation that was asked for, for vendors that have it
    themselves; ``refused`` is why others can't serve it, where they can't. ``added`` names fields of the ask that stand for
    nothing the caller sent.
    """

    asked: Mapping[str, Any]
    told: Mapping[str, Told]
    variants: tuple[Mapping[str, Any], ...] = ()
    native: "Ask | None" = None
    refused: Refused | None = None
    added: frozenset[str] = frozenset()


class Ask(NamedTuple):
    """A request in OpenAI's terms: ``fields`` is its body without ``model`` and without null members.

    ``model`` is the name the caller used, which need not be a vendor's. After planning, ``fields`` holds the vendor's
    own terms and the vendor's model id. ``reworded`` is there where the front has said the request, or
    a field of it, in other words.
    """

    operation: Operation
    model: str
    fields: Mapping[str, Any]
    stream: bool = False
    include_usage: bool = False
    reworded: Reworded | None = None

    def but(self, fields: Mapping[str, Any]) -> "Ask":
        """The same request with other fields, for a wrapper that asks in parts."""
        return Ask(self.operation, self.model, fields, self.stream, self.include_usage, self.reworded)


@dataclass(frozen=True, slots=True)
class Model:
    """The facts of one model that a verdict may rest on; built from ``config/catalog/<vendor>.yaml``.

    ``family`` groups models that share quirks wherever they are hosted; ``facts`` are the vendor's own per-model
    switches (for example ``json_schema: true``); limits are in tokens, and None where they are not known.
    """

    id: str
    family: str = ""
    operation: Operation = "chat"
    context: int | None = None
    max_output: int | None = None
    input: frozenset[str] = frozenset({"text"})
    thinking: Thinking = "never"
    facts: Mapping[str, Any] = field(default_factory=dict)


class Usage(NamedTuple):
    """Tokens of one call. ``wire`` is the vendor's own usage object in OpenAI's shape, when it sent one."""

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0
    source: Literal["vendor", "estimated"] = "vendor"
    wire: Mapping[str, Any] | None = None

    def __add__(self, other: object) -> "Usage":
        """The sum of two calls: estimated if either is; details beyond the counts are not summed."""
        if not isinstance(other, Usage):
            return NotImplemented
        both_told = self.source == other.source == "vendor"
        return Usage(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.cached + other.cached,
            self.reasoning + other.reasoning,
            "vendor" if both_told else "estimated",
        )

    def to_wire(self) -> dict[str, Any]:
        """OpenAI's ``usage`` object, with the vendor's extra counters kept."""
        told = dict(self.wire or {})
        told["prompt_tokens"] = self.prompt
        told["completion_tokens"] = self.completion
        told["total_tokens"] = self.prompt + self.completion
        if self.cached and not told.get("prompt_tokens_details"):
            told["prompt_tokens_details"] = {"cached_tokens": self.cached}
        if self.reasoning and not told.get("completion_tokens_details"):
            told["completion_tokens_details"] = {"reasoning_tokens": self.reasoning}
        return told


class Seed(NamedTuple):
    """What an Exchange may not make itself: fresh ids for what it opens, and the answer's own id and time.

    ``ids`` is new for each attempt; ``answer_id`` (24 hex digits) and ``created`` (epoch seconds) stay through retries.
    """

    ids: Iterator[int]
    answer_id: str
    created: int


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

    def shows(self) -> bool:
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
