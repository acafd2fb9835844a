"""Conversations in the memory of this process."""

from collections.abc import Callable, Sequence
from typing import Literal

from proxy.storage.memory.space import Holding, ItemIndex, MemorySpace, size_of
from proxy.storage.records import (
    MAX_CONVERSATION_ITEMS,
    MAX_HISTORY_BYTES,
    ConversationAppend,
    ConversationHistory,
    ItemPage,
    StoredConversation,
    StoredItem,
    WriteResult,
)

CONVERSATION_BYTES = 1_500
"""Memory of a conversation beside its metadata and items (bytes, as measured)."""
CONVERSATION_SHARE = 2
"""The largest conversation takes 1/2 of the store."""
NEVER = float("inf")


class HeldConversation(Holding):
    """One conversation with its items by id, oldest first."""

    __slots__ = ("items", "part", "state", "tenant", "touched_at")

    def __init__(self, part: "MemoryConversations", tenant: str, state: StoredConversation, now: float) -> None:
        self.part = part
        self.tenant = tenant
        self.state = state
        self.items: dict[str, StoredItem] = {}
        self.touched_at = now
        self.size = CONVERSATION_BYTES + len(state.metadata)

    def forget(self) -> None:
        del self.part.held[self.tenant, self.state.id]
        self.part.index.remove(self.tenant, self.state.id, list(self.items.values()))


class MemoryConversations:
    """The conversations. The longest unused one is evicted first."""

    def __init__(self, space: MemorySpace, index: ItemIndex, clock: Callable[[], float]) -> None:
        self._space = space
        self.index = index
        self._clock = clock
        self.held: dict[tuple[str, str], HeldConversation] = {}

    async def create(self, tenant: str, conversation: StoredConversation, items: Sequence[StoredItem]) -> WriteResult:
        if (tenant, conversation.id) in self.held:
            return WriteResult.ALREADY_EXISTS
        state = conversation._replace(version=0, item_count=0, items_size=0)
        held = HeldConversation(self, tenant, state, self._clock())
        problem = self._problem(held, items)
        if problem is not WriteResult.DONE:
            return problem
        self.held[tenant, conversation.id] = held
        self._space.add(held)
        if items:
            self.add(held, items)
        return WriteResult.DONE

    async def get(self, tenant: str, conversation_id: str) -> StoredConversation | None:
        held = self._used(tenant, conversation_id)
        return None if held is None else held.state

    async def update(self, tenant: str, conversation_id: str, metadata: bytes) -> StoredConversation | None:
        held = self._used(tenant, conversation_id)
        if held is None:
            return None
        self._space.grow(held, len(metadata) - len(held.state.metadata))
        held.touched_at = self._clock()
        held.state = held.state._replace(metadata=metadata)
        return held.state

    async def delete(self, tenant: str, conversation_id: str) -> bool:
        held = self.held.get((tenant, conversation_id))
        if held is None:
            return False
        held.forget()
        self._space.remove(held)
        return True

    async def history(
        self, tenant: str, conversation_id: str, most_bytes: int = MAX_HISTORY_BYTES
    ) -> ConversationHistory | Literal["not_found", "too_many_bytes"]:
        held = self._used(tenant, conversation_id)
        if held is None:
            return "not_found"
        if held.state.items_size > most_bytes:
            return "too_many_bytes"
        return ConversationHistory(held.state.version, list(held.items.values()))

    async def items(
        self, tenant: str, conversation_id: str, after: str | None, limit: int, *, descending: bool
    ) -> ItemPage | Literal["not_found", "item_not_found"]:
        held = self._used(tenant, conversation_id)
        if held is None:
            return "not_found"
        items = list(held.items.values())
        if descending:
            items.reverse()
        start = 0
        if after is not None:
            if after not in held.items:
                return "item_not_found"
            start = items.index(held.items[after]) + 1
        return ItemPage(items[start : start + limit], len(items) > start + limit)

    async def item(
        self, tenant: str, conversation_id: str, item_id: str
    ) -> StoredItem | Literal["not_found", "item_not_found"]:
        held = self._used(tenant, conversation_id)
        return "not_found" if held is None else held.items.get(item_id, "item_not_found")

    async def append(self, tenant: str, append: ConversationAppend) -> WriteResult:
        problem = self.problem_with(tenant, append)
        if problem is WriteResult.CONVERSATION_NOT_FOUND:
            return WriteResult.NOT_FOUND
        if problem is WriteResult.DONE:
            self.add(self.held[tenant, append.conversation], append.items)
        return problem

    async def delete_item(
        self, tenant: str, conversation_id: str, item_id: str
    ) -> StoredConversation | Literal["not_found", "item_not_found"]:
        held = self._used(tenant, conversation_id)
        if held is None:
            return "not_found"
        item = held.items.pop(item_id, None)
        if item is None:
            return "item_not_found"
        self.index.remove(tenant, conversation_id, [item])
        self._changed(held, -1, -len(item.body))
        self._space.grow(held, -size_of([item]))
        return held.state

    def problem_with(self, tenant: str, append: ConversationAppend) -> WriteResult:
        """Return why these items cannot be appended; DONE if they can."""
        held = self.held.get((tenant, append.conversation))
        if held is None:
            return WriteResult.CONVERSATION_NOT_FOUND
        if append.expected_version not in (None, held.state.version):
            return WriteResult.VERSION_CONFLICT
        return self._problem(held, append.items)

    def _problem(self, held: HeldConversation, items: Sequence[StoredItem]) -> WriteResult:
        ids = {item.id for item in items}
        if len(ids) < len(items) or not ids.isdisjoint(held.items):
            return WriteResult.DUPLICATE_ITEM
        if len(held.items) + len(items) > MAX_CONVERSATION_ITEMS:
            return WriteResult.TOO_MANY_ITEMS
        if held.size + size_of(list(items)) > self._space.limit // CONVERSATION_SHARE:
            return WriteResult.TOO_LARGE
        return WriteResult.DONE

    def add(self, held: HeldConversation, items: Sequence[StoredItem]) -> None:
        """Append items that :meth:`problem_with` found no problem with."""
        held.items.update((item.id, item) for item in items)
        self.index.add(held.tenant, held.state.id, list(items), NEVER)
        self._changed(held, len(items), sum(len(item.body) for item in items))
        self._space.grow(held, size_of(list(items)))

    def remove_untouched(self, before: float, most: int) -> int:
        """Delete up to ``most`` conversations that were not changed since ``before``; return how many."""
        old = [held for held in self.held.values() if held.touched_at < before][:most]
        for held in old:
            held.forget()
            self._space.remove(held)
        return len(old)

    def _changed(self, held: HeldConversation, count: int, size: int) -> None:
        state = held.state
        held.touched_at = self._clock()
        held.state = state._replace(
            version=state.version + 1, item_count=state.item_count + count, items_size=state.items_size + size
        )

    def _used(self, tenant: str, conversation_id: str) -> HeldConversation | None:
        held = self.held.get((tenant, conversation_id))
        if held is not None:
            self._space.touch(held)
        return held
