"""Leases in the memory of this process."""

from collections.abc import Callable


class MemoryLeases:
    """The leases: owner and end (seconds since the epoch), by tenant and name."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[tuple[str, str], tuple[str, float]] = {}

    async def take(self, tenant: str, name: str, owner: str, seconds: float) -> bool:
        if self.is_held(tenant, name) and self._held[tenant, name][0] != owner:
            return False
        self._held[tenant, name] = (owner, self._clock() + seconds)
        return True

    async def renew(self, tenant: str, name: str, owner: str, seconds: float) -> bool:
        if not self.is_held(tenant, name) or self._held[tenant, name][0] != owner:
            return False
        self._held[tenant, name] = (owner, self._clock() + seconds)
        return True

    async def release(self, tenant: str, name: str, owner: str) -> None:
        if self._held.get((tenant, name), ("", 0))[0] == owner:
            del self._held[tenant, name]

    def is_held(self, tenant: str, name: str) -> bool:
        """Whether any owner has the lease."""
        return self._held.get((tenant, name), ("", 0.0))[1] > self._clock()

    def remove_expired(self) -> None:
        """Forget the leases that have ended."""
        now = self._clock()
        self._held = {key: lease for key, lease in self._held.items() if lease[1] > now}
