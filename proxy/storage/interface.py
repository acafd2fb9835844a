"""The interface of a store: values by kind, tenant and key, each for a limited time."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class StoreUnavailable(Exception):
    """The store cannot be reached, or did not respond in time."""


class KeyValueStore(Protocol):
    """Keeps values until they expire or, in a bounded store, until others need their space.

    A value belongs to one ``kind`` (what it is) and one ``tenant`` (whose it is), and only that pair finds it.
    ``tests/proxy/storage/contract.py`` tests what every store must do.
    """

    async def get(self, kind: str, tenant: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the values of those keys that are stored and have not expired. Raises StoreUnavailable."""
        ...

    async def put(self, kind: str, tenant: str, keys: Sequence[str], value: bytes, ttl_s: float) -> None:
        """Store one value under each of these keys for ``ttl_s`` seconds, in place of their earlier values.

        A bounded store drops a value that is larger than its bound, and the earlier values of its keys. Raises
        StoreUnavailable.
        """
        ...

    async def aclose(self) -> None:
        """Release what the store holds open."""
        ...
