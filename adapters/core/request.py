"""The nouns of one answer: what was asked, of which model, the events that answer it, and what it cost."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from adapters.core.adaptations import Adaptation
from adapters.core.failures import Refused

Operation = Literal["chat", "completions", "embeddings", "moderations"]


class Translation(NamedTuple):
    """What became of a request before it was an ask: a front has said it in other words, or as another operation.

    ``asked`` is what the caller sent, for the front's writer. ``told`` is what became of the fields that were
    said in other words. ``variants`` are the fields of the further calls that one answer is gathered from, each
    laid over the ask's own. ``native`` is the request in the operation that was asked for, for vendors that have it
    themselves; ``refused`` is why others can't serve it, where they can't. ``added`` names fields of the ask that stand for
    nothing the caller sent.
    """

    original: Mapping[str, Any]
    adaptations: Mapping[str, Adaptation]
    variants: tuple[Mapping[str, Any], ...] = ()
    native: "ApiRequest | None" = None
    refused: Refused | None = None
    added: frozenset[str] = frozenset()


class ApiRequest(NamedTuple):
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
    translation: Translation | None = None

    def with_fields(self, fields: Mapping[str, Any]) -> "ApiRequest":
        """The same request with other fields, for a wrapper that asks in parts."""
        return ApiRequest(self.operation, self.model, fields, self.stream, self.include_usage, self.translation)


class AttemptIds(NamedTuple):
    """What an Exchange may not make itself: fresh ids for what it opens, and the answer's own id and time.

    ``ids`` is new for each attempt; ``answer_id`` (24 hex digits) and ``created`` (epoch seconds) stay through retries.
    """

    ids: Iterator[int]
    answer_id: str
    created: int
