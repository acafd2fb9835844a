"""Responses and their events in the memory of this process."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from proxy.storage.memory.conversations import MemoryConversations
from proxy.storage.memory.leases import MemoryLeases
from proxy.storage.memory.space import Holding, ItemIndex, MemorySpace, size_of
from proxy.storage.records import (
    EVENTS_KEPT_S,
    MAX_CHAIN_LINKS,
    MAX_HISTORY_BYTES,
    PROCESSES,
    BrokenChain,
    Chain,
    ChainLink,
    ConversationAppend,
    Status,
    StoredItem,
    StoredResponse,
    TakenRun,
    WriteResult,
)

RESPONSE_BYTES = 2_000
"""Memory of a response beside its texts and items (bytes, as measured)."""
EVENT_BYTES = 60
"""Memory of an event beside its bytes (bytes)."""
RESPONSE_SHARE = 2
"""The largest response takes 1/2 of the store."""
MAX_RESPONSES = 10_000
"""The most responses in memory."""


class HeldResponse(Holding):
    """One response, with the events of its stream if it runs in the background."""

    __slots__ = ("ended_at", "events", "part", "response", "tenant")

    def __init__(self, part: "MemoryResponses", tenant: str, response: StoredResponse, ended_at: float) -> None:
        self.part = part
        self.tenant = tenant
        self.response = response
        self.ended_at = ended_at
        self.events: list[bytes] = []
        self.size = (
            RESPONSE_BYTES
            + len(response.body)
            + len(response.run)
            + size_of(list(response.input) + list(response.output))
        )

    def items(self) -> list[StoredItem]:
        """Return the input and output items."""
        return [*self.response.input, *self.response.output]

    def forget(self) -> None:
        del self.part.held[self.tenant, self.response.id]
        self.part.index.remove(self.tenant, self.response.id, self.items())


class MemoryResponses:
    """The responses. The longest unused one is evicted first, but none that is queued or in progress."""

    def __init__(
        self, space: MemorySpace, index: ItemIndex, conversations: MemoryConversations, clock: Callable[[], float]
    ) -> None:
        self._space = space
        self._conversations = conversations
        self._clock = clock
        self.index = index
        self.held: OrderedDict[tuple[str, str], HeldResponse] = OrderedDict()
        """By tenant and id, the longest unused first."""

    async def get(self, tenant: str, response_id: str) -> StoredResponse | None:
        held = self.used(tenant, response_id)
        return None if held is None else held.response

    async def put(
        self,
        tenant: str,
        response: StoredResponse,
        append: ConversationAppend | None = None,
        replaces: Collection[Status] | None = None,
    ) -> WriteResult:
        earlier = self.held.get((tenant, response.id))
        if replaces is not None:
            if earlier is None or earlier.response.expires_at <= self._clock():
                return WriteResult.NOT_FOUND
            if earlier.response.status not in replaces:
                return WriteResult.STATUS_CONFLICT
        held = HeldResponse(self, tenant, response, self._clock())
        if held.size > self._space.limit // RESPONSE_SHARE:
            return WriteResult.TOO_LARGE
        if append is not None:
            problem = self._conversations.problem_with(tenant, append)
            if problem is not WriteResult.DONE:
                return problem
        if response.is_unfinished:
            freed = earlier.size if earlier is not None and earlier in self._space.pinned else 0
            self._space.check(held.size, freed)
        if earlier is not None:
            held.events = earlier.events
            held.size += _size_of_events(held.events)
            self.remove(earlier)
        if append is not None:
            self._conversations.add(self._conversations.held[tenant, append.conversation], append.items)
        self.held[tenant, response.id] = held
        self.index.add(tenant, response.id, held.items(), response.expires_at)
        self._space.add(held, pinned=response.is_unfinished)
        self._limit_number()
        return WriteResult.DONE

    async def delete(self, tenant: str, response_id: str) -> bool:
        held = self.used(tenant, response_id)
        if held is None:
            return False
        self.remove(held)
        return True

    async def chain(
        self,
        tenant: str,
        response_id: str,
        most_links: int = MAX_CHAIN_LINKS,
        most_bytes: int = MAX_HISTORY_BYTES,
    ) -> Chain | BrokenChain:
        links: list[ChainLink] = []
        id_: str | None = response_id
        size = 0
        while id_ is not None:
            held = self.used(tenant, id_)
            if held is None:
                return BrokenChain("missing", id_)
            if len(links) == most_links:
                return BrokenChain("too_many_links", response_id)
            response = held.response
            size += sum(len(item.body) for item in held.items())
            if size > most_bytes:
                return BrokenChain("too_many_bytes", response_id)
            links.append(ChainLink(response.id, response.status, response.input, response.output))
            id_ = response.previous
        return Chain(links[::-1])

    async def items(self, tenant: str, ids: Sequence[str]) -> Mapping[str, bytes]:
        now = self._clock()
        found = ((id_, self.index.find(tenant, id_, now)) for id_ in ids)
        return {id_: body for id_, body in found if body is not None}

    def used(self, tenant: str, response_id: str) -> HeldResponse | None:
        """Return a response that has not expired, and count it as used now."""
        held = self.held.get((tenant, response_id))
        if held is None or held.response.expires_at <= self._clock():
            return None
        self.held.move_to_end((tenant, response_id))
        self._space.touch(held)
        return held

    def remove(self, held: HeldResponse) -> None:
        """Remove a response with its items and events."""
        held.forget()
        self._space.remove(held)

    def remove_expired(self, most: int) -> int:
        """Remove up to ``most`` expired responses, and events that are no longer kept; return how many."""
        now = self._clock()
        expired = [held for held in self.held.values() if held.response.expires_at <= now][:most]
        for held in expired:
            self.remove(held)
        self._space.metrics.removed["expired"] += len(expired)
        ended = [held for held in self.held.values() if held.events and not held.response.is_unfinished]
        for held in ended:
            if held.ended_at + EVENTS_KEPT_S <= now:
                self.drop_events(held)
        return len(expired)

    def drop_events(self, held: HeldResponse) -> None:
        """Remove the events of a response."""
        self._resize(held, -_size_of_events(held.events))
        held.events = []

    def add_events(self, held: HeldResponse, events: Sequence[bytes]) -> None:
        """Add events to a response. Raises StoreUnavailable if there is no room."""
        size = _size_of_events(events)
        self._space.check(size)
        held.events.extend(events)
        self._resize(held, size)

    def _resize(self, held: HeldResponse, size: int) -> None:
        self._space.remove(held)
        held.size += size
        self._space.add(held, pinned=held.response.is_unfinished)

    def _limit_number(self) -> None:
        if len(self.held) > MAX_RESPONSES:
            for held in self.held.values():
                if not held.response.is_unfinished:
                    self._space.evict(held)
                    return


class MemoryRuns:
    """The events of background responses. All runs end with the process, so there are none to take over but in tests."""

    def __init__(self, responses: MemoryResponses, leases: MemoryLeases, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._responses = responses
        self._leases = leases

    async def append_events(self, tenant: str, response_id: str, first: int, events: Sequence[bytes]) -> bool:
        held = self._responses.used(tenant, response_id)
        if held is None or len(held.events) != first:
            return False
        self._responses.add_events(held, events)
        return True

    async def events(self, tenant: str, response_id: str, first: int) -> Sequence[bytes] | None:
        held = self._responses.used(tenant, response_id)
        return held.events[first:] if held is not None and held.events else None

    async def drop_events(self, tenant: str, response_id: str) -> None:
        held = self._responses.used(tenant, response_id)
        if held is not None:
            self._responses.drop_events(held)

    async def keep_alive(self, owner: str, seconds: float) -> None:
        await self._leases.take(PROCESSES, owner, owner, seconds)

    async def take_over(self, owner: str, limit: int) -> Sequence[TakenRun]:
        taken: list[TakenRun] = []
        now = self._clock()
        for (tenant, _), held in self._responses.held.items():
            response = held.response
            if len(taken) == limit:
                break
            is_left = response.background and response.is_unfinished and response.expires_at > now
            if is_left and not self._leases.is_held(PROCESSES, response.owner):
                held.response = replace(response, owner=owner)
                taken.append(TakenRun(tenant, held.response))
        return taken


def _size_of_events(events: Sequence[bytes]) -> int:
    return sum(EVENT_BYTES + len(event) for event in events)
