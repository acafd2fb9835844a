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
        self._name = f"conversation:{conversation}"
        self._owner = owner
        self._renewing = asyncio.create_task(self._renew())

    @classmethod
    async def take(cls, state: "AppState", tenant: str, conversation: str, owner: str) -> "ConversationLock":
        """Lock a conversation. ``owner``: a name of the request. Raises BadRequest if it is locked, StoreUnavailable."""
        if not await state.store.leases.take(tenant, f"conversation:{conversation}", owner, LEASE_S):
            raise conversation_locked(conversation)
        return cls(state, tenant, conversation, owner)

    def release(self) -> None:
        """Release the lock, without waiting for the store."""
        self._renewing.cancel()
        self._state.background(self._release())

    async def _release(self) -> None:
        try:
            await self._state.store.leases.release(self._tenant, self._name, self._owner)
        except StoreUnavailable:
            pass  # the lease runs out by itself

    async def _renew(self) -> None:
        """Prolong the lease. If that fails it may expire; the append then finds another version and fails."""
        while True:
            await asyncio.sleep(LEASE_S / 3)
            try:
                if not await self._state.store.leases.renew(self._tenant, self._name, self._owner, LEASE_S):
                    return
            except StoreUnavailable:
                pass
