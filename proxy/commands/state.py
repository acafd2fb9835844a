"""``banjia state``: count, delete and export what the store has. Works on the SQLite file, also while the server runs."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from adapters.core.message import Message
from config.loader.system_errors import reason_of
from config.schema import Settings
from proxy.commands.table import table
from proxy.storage.interface import StoreError
from proxy.storage.migrations import migrations
from proxy.storage.open_store import folder_of
from proxy.storage.secret import ANONYMOUS, SECRET_FILE, SIZE, ServerSecret
from proxy.storage.sqlite.connection import USABLE, connect
from proxy.storage.sqlite.maintenance import Kind, Size, sizes, total
from proxy.storage.sqlite.migrate import applied, check
from proxy.storage.sqlite.store import cannot_open

HEXADECIMAL = frozenset("0123456789abcdef")
IN_MEMORY = Message("the store is in the memory of the server (store.url: memory), where no other process can reach it")
USE_A_FILE = Message(
    "a restart of the server deletes all of it; the API shows and deletes single objects; to keep a file, set store.url to sqlite:PATH"
)


class NoSuchTenant(Exception):
    """No tenant can have this name. ``message`` says which names there are."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


@contextmanager
def opened(settings: Settings, *, read_only: bool) -> Iterator[sqlite3.Connection]:
    """Open the file of the store, and close it. Raises StoreError, also for errors of SQLite in the block."""
    path = Path(settings.store.path)
    if not settings.store.path:
        raise StoreError(IN_MEMORY, USE_A_FILE)
    try:
        if not path.exists():  # to open it would create it
            raise StoreError(
                Message("the store {path} does not exist yet", path=path),
                Message("the first start of the server makes it; check store.url and the working directory"),
            )
        connection = connect(path, read_only=read_only)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from error
    try:
        known = migrations("sqlite")
        if check(applied(connection), known, path) < len(known):
            raise StoreError(
                Message("the store {path} has an older schema than this version of banjia", path=path),
                Message("start the server once: it updates the file"),
            )
        yield connection
    except sqlite3.Error as error:
        raise cannot_open(path, error) from error
    finally:
        connection.close()


def _unusable(path: Path, error: Exception) -> StoreError:
    if isinstance(error, OSError):
        return StoreError(Message("the store {path} cannot be opened: {why}", path=path, why=reason_of(error)), USABLE)
    return cannot_open(path, error)


# --- tenants ----------------------------------------------------------------------------------------------------


def server_secret(settings: Settings) -> ServerSecret:
    """Return the secret that names tenants. It is never made here. Raises StoreError."""
    configured = settings.store.configured_secret().encode()
    if configured:
        return ServerSecret(configured)
    path = folder_of(settings.store) / SECRET_FILE
    try:
        secret = path.read_bytes()
    except OSError as error:
        raise StoreError(
            Message("the secret {path} cannot be read or written: {why}", path=path, why=reason_of(error)),
            Message("correct the permissions of store.dir, or set store.secret"),
        ) from None
    if len(secret) < SIZE:
        raise StoreError(
            Message(
                "the secret {path} has {size} bytes instead of {expected}", path=path, size=len(secret), expected=SIZE
            ),
            Message("restore the file"),
        )
    return ServerSecret(secret)


def tenant_of_key(settings: Settings, key: str) -> str:
    """Return the tenant of a client key, which need not be configured any more. Raises StoreError."""
    return server_secret(settings).tenant(_hash(key))


def callers(settings: Settings) -> dict[str, str]:
    """Return the name in the log (``caller``) for each tenant of a configured client key. Raises StoreError."""
    keys = settings.client_keys()
    secret = server_secret(settings) if keys else None
    return {secret.tenant(_hash(key)): _hash(key).hex()[:8] for key in keys if secret is not None}


def tenant_named(settings: Settings, name: str) -> str:
    """Return the tenant for a name of the command line: the tenant itself, or the ``caller`` of log lines.

    Raises NoSuchTenant for any other text, and StoreError.
    """
    if name == ANONYMOUS or (len(name) == 32 and set(name) <= HEXADECIMAL):
        return name
    if name == "anonymous":
        return ANONYMOUS
    for tenant, caller in callers(settings).items():
        if name == caller:
            return tenant
    raise NoSuchTenant(
        Message(
            "no tenant is named {name}: give the 32 digits that 'banjia state size --tenants' shows, '-' for all clients"
            " without a key, or the caller of a log line, whose key is configured",
            name=repr(name),
        )
    )


def _hash(key: str) -> bytes:
    """Return the hash that the server knows a client key by."""
    return sha256(key.encode("utf-8", "surrogateescape")).digest()


# --- size -------------------------------------------------------------------------------------------------------


def size(connection: sqlite3.Connection, settings: Settings, *, tenants: bool) -> dict[str, Any]:
    """Return rows and bytes by kind as data, with ``tenants`` for each tenant too. Raises StoreError, sqlite3.Error."""
    found = sizes(connection)
    path = Path(settings.store.path)
    data: dict[str, Any] = {
        "store": settings.store.url,
        "file_bytes": sum(file.stat().st_size for file in (path, Path(f"{path}-wal")) if file.exists()),
        "kinds": _as_data(total(found.values())),
    }
    if tenants:
        names = {ANONYMOUS: "anonymous", **callers(settings)}
        data["tenants"] = [
            {"tenant": tenant, "caller": names.get(tenant), "kinds": _as_data(kinds)}
            for tenant, kinds in sorted(found.items(), key=lambda one: -sum(size.bytes for size in one[1].values()))
        ]
    return data


def _as_data(kinds: Mapping[Kind, Size]) -> dict[str, dict[str, int]]:
    return {kind: {"rows": found.rows, "bytes": found.bytes} for kind, found in kinds.items()}


def lines(data: Mapping[str, Any], width: int) -> Iterator[str]:
    """Yield the sizes as lines for a terminal."""
    kinds: Mapping[str, Mapping[str, int]] = data["kinds"]
    whole = {name: sum(found[name] for found in kinds.values()) for name in ("rows", "bytes")}
    rows = [[kind, *_counted(found)] for kind, found in {**kinds, "total": whole}.items()]
    yield from table(("kind", "rows", "bytes"), rows, width)
    yield f"{data['store']}: {data['file_bytes']:,} bytes on disk"
    if "tenants" in data:
        yield ""
        yield from table(("tenant", "caller", "responses", "conversations", "bytes"), list(_tenant_rows(data)), width)


def _tenant_rows(data: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for one in data["tenants"]:
        kinds = one["kinds"]
        counts = [f"{kinds.get(kind, {'rows': 0})['rows']:,}" for kind in ("responses", "conversations")]
        yield [one["tenant"], one["caller"] or "?", *counts, f"{sum(found['bytes'] for found in kinds.values()):,}"]


def _counted(found: Mapping[str, int]) -> list[str]:
    return [f"{found[name]:,}" for name in ("rows", "bytes")]
