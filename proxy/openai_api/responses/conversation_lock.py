"""The lock of a conversation: one request at a time reads it, is answered, and adds its turn."""

import asyncio
from typing import TYPE_CHECKING

from proxy.openai_api.responses.errors import conversation_locked
from proxy.storage.interface import StoreUnavailable

if TYPE_CHECKING:
    from proxy.app_state import AppState

LEASE_S = 30.0
"""How long a lock outlives a process that was killed (seconds). It is renewed every third of that."""


class ConversationLock:
    """A lease of the store on one conversation, renewed until it is released."""

    def __init__(self, state: "AppState", tenant: str, conversation: str, owner: str) -> None:
        self._state = state
        self._tenant = tenant
        self._conversation = conversation
        self._owner = owner
        self._released = False
        self._renewing = asyncio.create_task(self._renew())

    @classmethod
    async def take(cls, state: "AppState", tenant: str, conversation: str, owner: str) -> "ConversationLock":
        """Lock a conversation. ``owner``: a name of the request. Raises BadRequest if it is locked, StoreUnavailable."""
        try:
            taken = await state.store.leases.take(tenant, lease_name(conversation), owner, LEASE_S)
        except asyncio.CancelledError:
            state.background(release(state, tenant, conversation, owner))  # the store may have written the lease
            raise
        if not taken:
            raise conversation_locked(conversation)
        return cls(state, tenant, conversation, owner)

    def release(self) -> None:
        """Release the lock, without waiting for the store. Does nothing if it is released already."""
        if not self._released:
            self._state.background(self.released())

    async def released(self) -> None:
        """Release the lock, and return once it is. The client's next request may follow its response at once."""
        self._renewing.cancel()
        self._released = True
        await release(self._state, self._tenant, self._conversation, self._owner)

    async def _renew(self) -> None:
        """Prolong the lease. If that fails it may expire; the append then finds another version and fails."""
        name = lease_name(self._conversation)
        while True:
            await asyncio.sleep(LEASE_S / 3)
            try:
                if not await self._state.store.leases.renew(self._tenant, name, self._owner, LEASE_S):
                    return
            except StoreUnavailable:
                pass


async def release(state: "AppState", tenant: str, conversation: str, owner: str) -> None:
    """End the lease if the owner has it. A store that is not available keeps it until it runs out."""
    try:
        await state.store.leases.release(tenant, lease_name(conversation), owner)
    except StoreUnavailable:
        pass


def lease_name(conversation: str) -> str:
    """Return the name of the lease on a conversation."""
    return f"conversation:{conversation}"
