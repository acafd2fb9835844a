"""A store in the memory of this process, bounded in bytes. Its values end with the process."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

Removal = Literal["evicted", "expired", "too_large"]

ENTRY_BYTES = 700
"""Memory of an entry beside its keys and its value (bytes, as measured)."""
KEY_BYTES = 320
"""Memory of a key beside its text (bytes)."""
ENTRY_SHARE = 8
"""The largest entry takes 1/8 of the store."""

Address = tuple[str, str, str]
"""Kind, tenant and key."""


class Entry:
    """One value with its addresses."""

    __slots__ = ("addresses", "expires_at", "size", "ttl_s", "value")

    def __init__(self, addresses: set[Address], value: bytes, ttl_s: float, expires_at: float) -> None:
        self.addresses = addresses
        self.value = value
        self.ttl_s = ttl_s
        self.expires_at = expires_at
        self.size = (
            ENTRY_BYTES + len(value) + sum(KEY_BYTES + len(key.encode("utf-8", "replace")) for _, _, key in addresses)
        )


class MemoryStore:
    """Evicts the entry that has been unused for longest: conversations that continue keep all of their turns.

    Expired entries are removed whenever the store is used or read for the metrics.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``limit``: the size of all entries (bytes)."""
        self.limit = limit
        self.size = 0
        self.removed: dict[Removal, int] = {"evicted": 0, "expired": 0, "too_large": 0}
        self._clock = clock
        self._entries: dict[Address, Entry] = {}
        self._by_use: OrderedDict[Entry, None] = OrderedDict()  # the longest unused first
        self._by_age: dict[float, OrderedDict[Entry, None]] = {}  # by ttl, so that each begins with the first to expire

    def __len__(self) -> int:
        """Return the number of entries, without expired ones."""
        self._remove_expired()
        return len(self._by_use)

    async def get(self, kind: str, tenant: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        self._remove_expired()
        found: dict[str, bytes] = {}
        for key in keys:
            entry = self._entries.get((kind, tenant, key))
            if entry is not None:
                found[key] = entry.value
                self._by_use.move_to_end(entry)
        return found

    async def put(self, kind: str, tenant: str, keys: Sequence[str], value: bytes, ttl_s: float) -> None:
        self._remove_expired()
        addresses = {(kind, tenant, key) for key in keys}
        for address in addresses:
            self._forget(address)
        entry = Entry(addresses, value, ttl_s, self._clock() + ttl_s)
        if entry.size > self.limit // ENTRY_SHARE:
            self.removed["too_large"] += 1
            return
        for address in addresses:
            self._entries[address] = entry
        self._by_use[entry] = None
        self._by_age.setdefault(ttl_s, OrderedDict())[entry] = None
        self.size += entry.size
        self._make_room()

    async def aclose(self) -> None:
        """Do nothing: the memory is freed with the process."""

    def resize(self, limit: int) -> None:
        """Change the limit (bytes)."""
        self.limit = limit
        self._make_room()

    def _make_room(self) -> None:
        while self.size > self.limit:
            self._remove(next(iter(self._by_use)), "evicted")

    def _remove_expired(self) -> None:
        now = self._clock()
        for entries in self._by_age.values():
            while entries:
                oldest = next(iter(entries))
                if oldest.expires_at > now:
                    break
                self._remove(oldest, "expired")

    def _forget(self, address: Address) -> None:
        """Remove one address; its entry is removed with its last one."""
        entry = self._entries.pop(address, None)
        if entry is not None:
            entry.addresses.discard(address)
            if not entry.addresses:
                self._drop(entry)

    def _remove(self, entry: Entry, why: Removal) -> None:
        for address in entry.addresses:
            del self._entries[address]
        self._drop(entry)
        self.removed[why] += 1

    def _drop(self, entry: Entry) -> None:
        del self._by_use[entry]
        del self._by_age[entry.ttl_s][entry]
        self.size -= entry.size
