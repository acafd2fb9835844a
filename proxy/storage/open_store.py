"""Opens the store that the configuration names, and reads or makes the secret that belongs to it."""

from pathlib import Path
from typing import NamedTuple

from config.sections import StoreSettings
from proxy.storage.interface import Store
from proxy.storage.memory.store import MemoryStore
from proxy.storage.secret import ServerSecret, read_or_make_secret


class OpenedStore(NamedTuple):
    """A store with the secret of the server."""

    store: Store
    secret: ServerSecret


def open_store(settings: StoreSettings, memory_limit: int) -> OpenedStore:
    """Open the store. Blocks until its schema is up to date. Raises StoreError.

    ``memory_limit``: the size of a store in memory (bytes).
    """
    configured = settings.configured_secret().encode()
    if not settings.path:
        return OpenedStore(MemoryStore(memory_limit), ServerSecret(configured or None))
    from proxy.storage.sqlite.store import SqliteStore  # imports sqlite3

    secret = configured or read_or_make_secret(folder_of(settings))
    return OpenedStore(SqliteStore(Path(settings.path)), ServerSecret(secret))


def folder_of(settings: StoreSettings) -> Path:
    """Return the directory of the files beside a SQLite store."""
    return Path(settings.dir) if settings.dir else Path(settings.path).parent
