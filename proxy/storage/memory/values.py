"""Values in the memory of this process, bounded in bytes."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from proxy.storage.memory.space import Holding, MemorySpace

VALUE_BYTES = 700
"""Memory of a value beside its keys and its bytes (bytes, as measured)."""
KEY_BYTES = 320
"""Memory of a key beside its text (bytes)."""
VALUE_SHARE = 8
"""The largest value takes 1/8 of the store."""

Address = tuple[str, str, str]
"""Kind, tenant and key."""


class HeldValue(Holding):
    """One value with its addresses."""

    __slots__ = ("addresses", "expires_at", "part", "ttl_s", "value")

    def __init__(
        self, part: "MemoryValues", addresses: set[Address], value: bytes, ttl_s: float, expires_at: float
    ) -> None:
        self.part = part
        self.addresses = addresses
        self.value = value
        self.ttl_s = ttl_s
        self.expires_at = expires_at
        self.size = (
            VALUE_BYTES + len(value) + sum(KEY_BYTES + len(key.encode("utf-8", "replace")) for _, _, key in addresses)
        )

    def forget(self) -> None:
        for address in self.addresses:
            del self.part.by_address[address]
        del self.part.by_age[self.ttl_s][self]


class MemoryValues:
    """The values. Expired ones are removed whenever values are used or counted."""

    def __init__(self, space: MemorySpace, clock: Callable[[], float]) -> None:
        self._space = space
        self._clock = clock
        self.by_address: dict[Address, HeldValue] = {}
        self.by_age: dict[float, OrderedDict[HeldValue, None]] = {}
        """By ttl, so that each begins with the first to expire."""

    def __len__(self) -> int:
        """Return the number of values, without expired ones."""
        self.remove_expired()
        return sum(map(len, self.by_age.values()))

    async def get(self, kind: str, tenant: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        self.remove_expired()
        found: dict[str, bytes] = {}
        for key in keys:
            held = self.by_address.get((kind, tenant, key))
            if held is not None:
                found[key] = held.value
                self._space.touch(held)
        return found

    async def put(self, kind: str, tenant: str, keys: Sequence[str], value: bytes, ttl_s: float) -> None:
        self.remove_expired()
        addresses = {(kind, tenant, key) for key in keys}
        for address in addresses:
            self._forget(address)
        held = HeldValue(self, addresses, value, ttl_s, self._clock() + ttl_s)
        if held.size > self._space.limit // VALUE_SHARE:
            self._space.metrics.removed["too_large"] += 1
            return
        for address in addresses:
            self.by_address[address] = held
        self.by_age.setdefault(ttl_s, OrderedDict())[held] = None
        self._space.add(held)

    def remove_expired(self) -> int:
        """Remove the expired values; return how many."""
        now = self._clock()
        count = 0
        for values in self.by_age.values():
            while values:
                oldest = next(iter(values))
                if oldest.expires_at > now:
                    break
                oldest.forget()
                self._space.remove(oldest)
                count += 1
        self._space.metrics.removed["expired"] += count
        return count

    def _forget(self, address: Address) -> None:
        """Remove one address; its value is removed with its last one."""
        held = self.by_address.pop(address, None)
        if held is not None:
            held.addresses.discard(address)
            if not held.addresses:
                held.forget()
                self._space.remove(held)
