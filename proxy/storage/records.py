"""What a store holds for the Responses API and the Conversations API, and the results of its methods."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, NamedTuple

Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
"""The states of a response. The last four are final."""
UNFINISHED: Final[frozenset[Status]] = frozenset({"queued", "in_progress"})
"""The states of a background response that is waiting or running. Nothing evicts such a response."""

MAX_CHAIN_LINKS = 1_000
"""The most responses in a chain of ``previous_response_id``."""
MAX_CONVERSATION_ITEMS = 10_000
"""The most items in a conversation."""
MAX_HISTORY_BYTES = 64 * 1024 * 1024
"""The default bound of a chain's or a conversation's items (bytes), if the caller gives none."""
PROCESSES = ""
"""The tenant of the leases that tell which processes are running. No client's tenant is empty."""
EVENTS_KEPT_S = 600
"""How long the events of a background response are kept after its end (seconds)."""


class WriteResult(StrEnum):
    """The result of a write. Only ``DONE`` changes anything; a write is done as a whole or not at all."""

    DONE = "done"
    NOT_FOUND = "not_found"
    """The tenant has no response, or no conversation, with this id."""
    ALREADY_EXISTS = "already_exists"
    """The tenant has a conversation with this id."""
    STATUS_CONFLICT = "status_conflict"
    """The stored response has a status that this write must not replace: it was cancelled, or failed after a crash."""
    CONVERSATION_NOT_FOUND = "conversation_not_found"
    """The conversation that a response should be appended to does not exist, or no longer."""
    VERSION_CONFLICT = "version_conflict"
    """Another writer has changed the conversation since it was read."""
    TOO_MANY_ITEMS = "too_many_items"
    """The conversation would have more than ``MAX_CONVERSATION_ITEMS`` items."""
    DUPLICATE_ITEM = "duplicate_item"
    """The conversation has an item with this id, or the new items have the same id twice."""
    TOO_LARGE = "too_large"
    """One object is larger than a bounded store accepts."""


class StoredItem(NamedTuple):
    """An input or output item: its id, and its JSON object, which contains the id."""

    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response of one tenant.

    ``body`` is the JSON of the response object without its ``output``, so that output items are stored once;
    :meth:`json` returns the whole object. ``input`` has the new items of this request only; the history comes from
    ``previous``, the id of the response that this one continues. Times are in seconds since the epoch.
    """

    id: str
    status: Status
    created_at: int
    expires_at: float
    body: bytes
    input: Sequence[StoredItem] = ()
    output: Sequence[StoredItem] = ()
    previous: str | None = None
    conversation: str | None = None
    background: bool = False
    model: str = ""
    """The model name that the client requested."""
    target: str = ""
    """The target that answered, as vendor/model."""
    owner: str = ""
    """The server process that runs it (background responses)."""
    run: bytes = field(default=b"", repr=False)
    """What another process needs to start a queued background response. Opaque to the store; contains no key."""

    def json(self) -> bytes:
        """Return the JSON of the response object, with its output."""
        output = b",".join(item.body for item in self.output)
        start = self.body.rstrip().removesuffix(b"}").rstrip()
        comma = b"" if start.endswith(b"{") else b","
        return b"".join((start, comma, b'"output":[', output, b"]}"))

    @property
    def is_unfinished(self) -> bool:
        """Whether the response is waiting or running in the background."""
        return self.status in UNFINISHED


class ConversationAppend(NamedTuple):
    """Items that a completed turn adds to a conversation.

    ``expected_version``: the version that the turn was based on (:class:`ConversationHistory`); another one is a conflict. None: any.
    """

    conversation: str
    items: Sequence[StoredItem]
    expected_version: int | None


class ChainLink(NamedTuple):
    """One response of a chain: its new input items and its output items."""

    id: str
    status: Status
    input: Sequence[StoredItem]
    output: Sequence[StoredItem]


class Chain(NamedTuple):
    """A response with those that it continues, oldest first. The last link is the response that was asked for."""

    links: Sequence[ChainLink]

    def items(self) -> Iterable[StoredItem]:
        """Return the items of all links in order: each link's input, then its output."""
        return (item for link in self.links for side in (link.input, link.output) for item in side)


class BrokenChain(NamedTuple):
    """Why a chain cannot be read.

    ``id``: with ``missing`` the id that is unknown, deleted or expired (of the response that was asked for, or of an
    earlier one); else the id that was asked for.
    """

    cause: Literal["missing", "too_many_links", "too_many_bytes"]
    id: str


class StoredConversation(NamedTuple):
    """A conversation without its items.

    ``metadata`` is a JSON object. ``version`` changes with each change of the items. ``items_size``: of all items' bodies (bytes).
    """

    id: str
    created_at: int
    metadata: bytes
    version: int = 0
    item_count: int = 0
    items_size: int = 0


class ConversationHistory(NamedTuple):
    """The items of a conversation, oldest first, and the version that they belong to."""

    version: int
    items: Sequence[StoredItem]


class ItemPage(NamedTuple):
    """Items of a conversation in the order that was asked for, and whether more follow."""

    items: Sequence[StoredItem]
    has_more: bool


class TakenRun(NamedTuple):
    """A background response of a process that has ended. Its new owner starts it if queued, else stores it as failed."""

    tenant: str
    response: StoredResponse
