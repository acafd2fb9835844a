"""The memory budget: how many bytes all request bodies and responses may hold at once.

The memory guard measures memory already in use, which a large body is only after it was accepted. Each request therefore
reserves in advance what its body will need: received, parsed, and serialized for the vendor. Vendor data counts as it
arrives, and so do responses that clients have not read yet. A reservation is released when the request ends.
"""

import ctypes
from contextlib import suppress

from adapters.core.json_limits import count_byte
from adapters.core.message import Message
from config.schema import Settings

MIB = 1024 * 1024
BUDGET_SHARE = 0.5
"""The part of the memory limit for bodies and responses; the rest is for the process, and for parsing one text."""
UNLIMITED = 1 << 62
LARGEST_BODY = 64 * MIB
"""The default of ``server.max_body_mb``, in bytes, if the memory limit allows it."""
BODY_PART = 16
"""One body may take 1/16 of the memory limit, unless ``server.max_body_mb`` is set."""
LARGEST_STORE = 64 * MIB
"""The default of ``store.max_memory_mb``, in bytes, if the memory limit allows it."""
STORE_PART = 8
"""The store may take 1/8 of the memory limit, unless ``store.max_memory_mb`` is set."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Options of ``mallopt``, from glibc's ``malloc.h``: how many free bytes at the end of the heap are returned to the
system, and from which size on a block is allocated with ``mmap``."""
LARGE_BLOCK = 1024 * 1024
"""From this size on a block is allocated with ``mmap``, so that freeing it returns it to the system (bytes)."""
UNCOUNTED_SIZE = 4096
"""Bodies up to this size are not counted: even a thousand at once are small (bytes)."""
VALUE_BYTES = 100
"""Memory of a parsed JSON value beside its text (bytes)."""
RESPONSE_FACTOR = 8
"""Memory for each byte of a vendor's response: as read, joined, as strings of up to four bytes a character, and
serialized again."""
ASCII_FACTOR, TEXT_FACTOR = 4, 8
"""Memory for each byte of a request body: in strings of ASCII alone, and in other strings, whose characters may take
four bytes each."""


def size_of(body_size: int, values: int, escaped: int) -> int:
    """Return the memory that a body needs, in bytes; ``escaped``: its bytes of escapes and text outside ASCII."""
    return body_size * ASCII_FACTOR + escaped * (TEXT_FACTOR - ASCII_FACTOR) + values * VALUE_BYTES


def estimated_size(body: bytes) -> int:
    """Return the memory that a body of medium size needs, in bytes, with an upper bound for its number of values."""
    return len(body) * ASCII_FACTOR + count_values(body) * VALUE_BYTES


def count_values(text: bytes) -> int:
    """Return an upper bound for the number of JSON values in a text; separators inside strings count too."""
    return count_byte(text, b",") + count_byte(text, b"{") + count_byte(text, b"[")


class MemoryBudget:
    """The memory that all requests hold, in bytes. Raises MemoryError when full, like Python when it runs out."""

    __slots__ = ("held", "limit")

    def __init__(self, limit: int | None) -> None:
        """``limit``: the memory limit in bytes; None if it is not known: the budget is then unlimited."""
        self.limit = int(limit * BUDGET_SHARE) if limit is not None else UNLIMITED
        self.held = 0

    def reserve(self, size: int) -> None:
        """Reserve ``size`` more bytes. Raises MemoryError if they do not fit."""
        if self.held + size > self.limit:
            raise MemoryError
        self.held += size

    def force_reserve(self, size: int) -> None:
        """Reserve bytes that are in memory already, whether they fit or not; later reservations may then fail."""
        self.held += size

    def release(self, size: int) -> None:
        """Release ``size`` bytes."""
        self.held -= size


class Lease:
    """The part of the budget that one request holds, in bytes."""

    __slots__ = ("_budget", "size")

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self.size = 0

    def grow(self, size: int) -> None:
        """Reserve ``size`` more bytes. Raises MemoryError if they do not fit."""
        self._budget.reserve(size)
        self.size += size

    def shrink(self, size: int) -> None:
        """Release ``size`` bytes."""
        self._budget.release(size)
        self.size -= size

    def grow_to(self, size: int) -> None:
        """Hold at least ``size`` bytes. Raises MemoryError if they do not fit."""
        if size > self.size:
            self.grow(size - self.size)

    def end(self) -> None:
        """Release everything."""
        if self.size:
            self.shrink(self.size)


def free_large_blocks() -> None:
    """Make the C library return large blocks to the system when they are freed.

    glibc keeps blocks that are smaller than the largest one freed so far (up to 32 MiB), so a few bodies at once would
    leave their memory in use. Other C libraries have no such option and need none.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
        library.mallopt(M_TRIM_THRESHOLD, 2 * LARGE_BLOCK)


def max_body(settings: Settings, limit: int | None) -> int:
    """Return the largest accepted body, in bytes: ``server.max_body_mb``, else a part of the memory limit."""
    configured = settings.server.max_body_mb
    if configured is not None:
        return int(configured * MIB)
    return LARGEST_BODY if limit is None else min(LARGEST_BODY, limit // BODY_PART)


def store_limit(settings: Settings, limit: int | None) -> int:
    """Return the limit of the store in memory, in bytes: ``store.max_memory_mb``, else a part of the memory limit."""
    configured = settings.store.max_memory_mb
    if configured is not None:
        return int(configured * MIB)
    return LARGEST_STORE if limit is None else min(LARGEST_STORE, limit // STORE_PART)


def warnings(settings: Settings, limit: int | None) -> list[Message]:
    """Return a warning if ``server.max_body_mb`` is too large for the memory limit."""
    max_size = MemoryBudget(limit).limit // ASCII_FACTOR
    if limit is None or max_body(settings, limit) <= max_size:
        return []
    warning = Message(
        "server.max_body_mb: a body of {size} MiB needs more than the memory limit of {limit} MiB allows; bodies over {max} MiB always get status 503",
        size=f"{settings.server.max_body_mb:g}",
        limit=limit // MIB,
        max=max_size // MIB,
    )
    return [warning]
