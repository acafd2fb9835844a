"""The interface of a store: responses, conversations, leases, runs, and values by kind, tenant and key.

Every method takes the tenant and finds that tenant's objects only; the exceptions are ``sweep`` and the methods by which a
process takes over the background responses of another. Every method may raise :class:`StoreUnavailable`.
``tests/proxy/storage/contract/`` tests what every store must do.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, Protocol

from adapters.core.message import Message
from proxy.storage.metrics import StoreMetrics
from proxy.storage.records import (
    MAX_CHAIN_LINKS,
    MAX_HISTORY_BYTES,
    BrokenChain,
    Chain,
    ConversationAppend,
    History,
    ItemPage,
    Status,
    StoredConversation,
    StoredItem,
    StoredResponse,
    TakenRun,
    WriteResult,
)

Trouble = Literal["full", "read_only", "locked", "gone", "corrupt", "busy", "closed", "io"]
"""Why a store is not available.

full: no space is left, or only unfinished responses could be evicted. read_only: the file or its directory cannot be
written. locked: another program holds the lock for more than 5 s. gone: the file was deleted or replaced. corrupt: the
file is damaged. busy: too many writes wait, or one did not end in time; it may still happen. closed: the server stops.
io: any other error of the file system.
"""


class StoreUnavailable(Exception):
    """The store cannot be used now. ``trouble`` is the cause, for the log and the metrics."""

    def __init__(self, trouble: Trouble = "io", detail: str = "") -> None:
        super().__init__(f"{trouble}: {detail}" if detail else trouble)
        self.trouble = trouble


class StoreError(Exception):
    """A store cannot be opened: ``message`` says why, ``cure`` what to do. ``code`` is explained by ``banjia help``."""

    def __init__(self, message: Message, cure: Message, code: str = "store-unusable") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.code = code


class KeyValueStore(Protocol):
    """Keeps values until they expire or, in a bounded store, until others need their space.

    A value belongs to one ``kind`` (what it is) and one ``tenant`` (whose it is), and only that pair finds it.
    """

    async def get(self, kind: str, tenant: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the values of those keys that are stored and have not expired."""
        ...

    async def put(self, kind: str, tenant: str, keys: Sequence[str], value: bytes, ttl_s: float) -> None:
        """Store one value under each of these keys for ``ttl_s`` seconds, in place of their earlier values.

        A bounded store drops a value that is larger than its bound, and the earlier values of its keys.
        """
        ...


class ResponseStore(Protocol):
    """Keeps responses with their items. An expired response is not found."""

    async def get(self, tenant: str, response_id: str) -> StoredResponse | None:
        """Return the response; None if the tenant has none with this id."""
        ...

    async def put(
        self,
        tenant: str,
        response: StoredResponse,
        append: ConversationAppend | None = None,
        replaces: Collection[Status] | None = None,
    ) -> WriteResult:
        """Store the response, its items and the append to a conversation as a whole, or nothing of it.

        ``replaces``: the response must be stored already, with one of these statuses; else the result is NOT_FOUND
        (it was deleted) or STATUS_CONFLICT. Without it an earlier version is replaced, whatever its status.
        """
        ...

    async def delete(self, tenant: str, response_id: str) -> bool:
        """Delete the response, its items and its events. Return whether there was one."""
        ...

    async def chain(
        self, tenant: str, response_id: str, most_links: int = MAX_CHAIN_LINKS, most_bytes: int = MAX_HISTORY_BYTES
    ) -> Chain | BrokenChain:
        """Return a response with all that it continues. ``most_bytes`` bounds the size of all items."""
        ...

    async def items(self, tenant: str, ids: Sequence[str]) -> Mapping[str, bytes]:
        """Return the bodies of those items that the tenant's responses and conversations have, by id.

        Of several items with one id, the one that was stored first is returned.
        """
        ...


class ConversationStore(Protocol):
    """Keeps conversations with their items."""

    async def create(self, tenant: str, conversation: StoredConversation, items: Sequence[StoredItem]) -> WriteResult:
        """Store a new conversation; only its id, time and metadata are read."""
        ...

    async def get(self, tenant: str, conversation_id: str) -> StoredConversation | None:
        """Return the conversation; None if the tenant has none with this id."""
        ...

    async def update(self, tenant: str, conversation_id: str, metadata: bytes) -> StoredConversation | None:
        """Replace the metadata. Return the conversation as changed; None if there is none."""
        ...

    async def delete(self, tenant: str, conversation_id: str) -> bool:
        """Delete the conversation with its items. Return whether there was one."""
        ...

    async def history(
        self, tenant: str, conversation_id: str, most_bytes: int = MAX_HISTORY_BYTES
    ) -> History | Literal["not_found", "too_many_bytes"]:
        """Return all items and their version, as of one moment."""
        ...

    async def items(
        self, tenant: str, conversation_id: str, after: str | None, limit: int, *, descending: bool
    ) -> ItemPage | Literal["not_found", "item_not_found"]:
        """Return up to ``limit`` items, from the one that follows the item with the id ``after``."""
        ...

    async def item(
        self, tenant: str, conversation_id: str, item_id: str
    ) -> StoredItem | Literal["not_found", "item_not_found"]:
        """Return one item."""
        ...

    async def append(self, tenant: str, append: ConversationAppend) -> WriteResult:
        """Add items at the end. The version of the conversation increases by one."""
        ...

    async def delete_item(
        self, tenant: str, conversation_id: str, item_id: str
    ) -> StoredConversation | Literal["not_found", "item_not_found"]:
        """Delete one item. Return the conversation as changed."""
        ...


class Leases(Protocol):
    """Exclusive rights for a limited time, such as to append to a conversation.

    An owner is any name that is unique to what holds the lease: an ``owner`` that takes it again renews it.
    """

    async def take(self, tenant: str, name: str, owner: str, seconds: float) -> bool:
        """Take the lease if it is free, expired or the owner's own. Return whether the owner has it now."""
        ...

    async def renew(self, tenant: str, name: str, owner: str, seconds: float) -> bool:
        """Prolong a lease that the owner has. Return False if it has expired or belongs to another."""
        ...

    async def release(self, tenant: str, name: str, owner: str) -> None:
        """End the lease if the owner has it."""
        ...


class RunStore(Protocol):
    """What background responses need: their stream of events, and what another process needs after a crash."""

    async def append_events(self, tenant: str, response_id: str, first: int, events: Sequence[bytes]) -> bool:
        """Add events of a response to its log. ``first`` is the number of the first of them; the log begins with 0.

        Return False, and store nothing, if the log does not end before ``first`` or the response is not stored.
        """
        ...

    async def events(self, tenant: str, response_id: str, first: int) -> Sequence[bytes] | None:
        """Return the events from number ``first`` on; None if no events of the response are kept."""
        ...

    async def drop_events(self, tenant: str, response_id: str) -> None:
        """Delete the events of a response. ``sweep`` does so ten minutes after its end."""
        ...

    async def keep_alive(self, owner: str, seconds: float) -> None:
        """Declare that the process ``owner`` is running, for that long. Its background responses stay its own."""
        ...

    async def take_over(self, owner: str, limit: int) -> Sequence[TakenRun]:
        """Return up to ``limit`` unfinished background responses whose owners do not run any more.

        ``owner`` becomes their owner. No response is returned to two owners.
        """
        ...


class Store(Protocol):
    """All parts of one store."""

    @property
    def kind(self) -> Literal["memory", "sqlite"]:
        """What the store is, as in ``store.url``."""
        ...

    @property
    def is_durable(self) -> bool:
        """Whether what is stored outlives the process."""
        ...

    @property
    def values(self) -> KeyValueStore: ...
    @property
    def responses(self) -> ResponseStore: ...
    @property
    def conversations(self) -> ConversationStore: ...
    @property
    def leases(self) -> Leases: ...
    @property
    def runs(self) -> RunStore: ...
    @property
    def metrics(self) -> StoreMetrics:
        """Counters of the store's operations, and its size."""
        ...

    async def sweep(self, conversations_s: float | None = None) -> int:
        """Delete one small slice of what has expired; return how many objects that were. 0: nothing is left.

        ``conversations_s``: how long a conversation is kept that does not change (seconds); None: until it is deleted.
        """
        ...

    async def aclose(self) -> None:
        """Finish the writes that were accepted, then release what the store holds open."""
        ...
