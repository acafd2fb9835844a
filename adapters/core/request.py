"""The request of one response in OpenAI's terms, how it was translated, and the ids of its attempts."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from adapters.core.adaptations import Adaptation
from adapters.core.failures import Refused
from adapters.core.message import Message

Operation = Literal["chat", "completions", "embeddings", "moderations", "responses"]
NO_NAMES: Mapping[str, str] = MappingProxyType({})


Custody = Literal["seal", "stored", "sent", ""]
"""Where the reasoning of an earlier answer came from: a seal, the store, or open text of the client."""


class Translation(NamedTuple):
    """How a handler in ``proxy/openai_api`` translated a request: into other fields, or into another operation.

    ``original``: the fields that the client sent, for the response writer. ``adaptations``: the verdicts on the
    fields that were translated. ``variants``: the fields of further calls that the same response is built from, each
    overriding those of the request. ``native``: the request in the operation that the client called, for vendors that
    support it themselves; ``refused``: why other vendors can't serve it, if so. ``added``: fields of the request that
    correspond to nothing the client sent. ``names``: the client's names of fields of the request, and of paths in it
    (``text.format`` for ``response_format``, ``input[2]`` for ``messages[1]``); each also names what is below it.
    ``turns``: if the oldest turns may be left out to fit the model's context, the index in ``messages`` of each turn.
    ``custody``: where the reasoning of each message with tool calls came from; empty if the client has not sent it.
    """

    original: Mapping[str, Any]
    adaptations: Mapping[str, Adaptation]
    variants: tuple[Mapping[str, Any], ...] = ()
    native: "ApiRequest | None" = None
    refused: Refused | None = None
    added: frozenset[str] = frozenset()
    names: Mapping[str, str] = NO_NAMES
    turns: tuple[int, ...] = ()
    custody: tuple["Custody", ...] = ()


class ImageFailure(NamedTuple):
    """Why an image was not fetched: the first content part that has it, and the text for the client."""

    param: str
    message: Message


FetchedImages = Mapping[str, str | ImageFailure]
"""Image URLs of a request, with the data URI of each, or why there is none."""
NO_IMAGES: FetchedImages = MappingProxyType({})


class ApiRequest(NamedTuple):
    """A request in OpenAI's terms: ``fields`` is its body without ``model`` and without null members.

    ``model`` is the name that the client used, which need not be a vendor's. After planning, ``fields`` holds the
    vendor's parameters and the vendor's model id. ``translation`` is set if the handler translated the request or a
    field of it. ``images`` has the data of image URLs in ``fields``, for vendors that accept no URLs. ``reasoning`` has the reasoning of earlier answers that the client omitted and banjia has kept, by the
    ids of their tool calls; None if there is none.
    """

    operation: Operation
    model: str
    fields: Mapping[str, Any]
    stream: bool = False
    include_usage: bool = False
    translation: Translation | None = None
    images: FetchedImages = NO_IMAGES
    reasoning: Mapping[str, str] | None = None

    def with_fields(self, fields: Mapping[str, Any]) -> "ApiRequest":
        """Return the same request with other fields, for a wrapper that splits it into several calls."""
        return ApiRequest(
            self.operation,
            self.model,
            fields,
            self.stream,
            self.include_usage,
            self.translation,
            self.images,
            self.reasoning,
        )


class AttemptIds(NamedTuple):
    """The impure values that an Exchange needs: ids for its calls and timers, and id and time of the response.

    ``ids`` is new for each attempt; ``answer_id`` (24 hex digits) and ``created`` (epoch seconds) are the same in all
    attempts of a request.
    """

    ids: Iterator[int]
    answer_id: str
    created: int
