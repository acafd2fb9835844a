"""The memory budget: how much of the memory may be held by bodies and answers at once.

The memory guard sees what is used already; a large body is used only after it was let in. So each request says beforehand
what its body will need: while it comes in, parsed, and written anew for the vendor. What a vendor sends counts as it comes,
and so do answers that their callers have not read yet. What is held is given back when the request ends.
"""

import ctypes
from contextlib import suppress

from adapters.core.json_limits import count_byte
from adapters.core.message import Message
from config.schema import Settings

MIB = 1024 * 1024
SHARE = 0.5
"""The part of the memory limit that bodies and answers may take; the rest is for the process, and for parsing one text."""
UNLIMITED = 1 << 62
LARGEST_BODY = 64 * MIB
"""The default of ``server.max_body_mb``, in bytes, where there is memory enough."""
BODY_PART = 16
"""What part of the memory limit one body may have, unless ``server.max_body_mb`` says otherwise."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""The options' numbers in glibc's ``malloc.h``: from how much at the heap's end on it is given back, and what is not in it."""
LARGE_BLOCK = 1024 * 1024
"""From how many bytes on a block of memory is one of its own, which the system has back when it is freed."""
FREE = 4096
"""Bodies of no more bytes are not counted: a thousand of them at once do not matter."""
A_VALUE = 100
"""What a parsed JSON value takes, in bytes, beside its text."""
AN_ANSWER = 8
"""How often the bytes of a vendor's answer may be in memory: as read, joined, as texts of up to four bytes a character,
and written anew."""
QUICK, SLOW = 4, 8
"""The same for the bytes of a request: in strings that are ASCII throughout, and in others, whose characters may take four
bytes each."""


def size_of(body_size: int, values: int, slow: int) -> int:
    """What a body needs, in bytes, by its size, its values and how much of it is escapes and text outside ASCII."""
    return body_size * QUICK + slow * (SLOW - QUICK) + values * A_VALUE


def estimated_size(body: bytes) -> int:
    """What a body of middling size needs, in bytes: its values are not counted, for it is too small to matter much."""
    return len(body) * QUICK + most_values(body) * A_VALUE


def most_values(text: bytes) -> int:
    """About how many JSON values are in a text at most: what is in strings counts too."""
    return count_byte(text, b",") + count_byte(text, b"{") + count_byte(text, b"[")


class MemoryBudget:
    """What all requests hold, in bytes. Where no more fits a MemoryError is raised, as where memory has run out."""

    __slots__ = ("held", "most")

    def __init__(self, limit: int | None) -> None:
        """``limit``: the memory that there is, in bytes; None where that is not known, and nothing is refused."""
        self.most = int(limit * SHARE) if limit is not None else UNLIMITED
        self.held = 0

    def take(self, size: int) -> None:
        """Hold so many bytes more. Raises MemoryError where they would not fit."""
        if self.held + size > self.most:
            raise MemoryError
        self.held += size

    def force(self, size: int) -> None:
        """Hold so many bytes that are in memory already, whether they fit or not: others are refused meanwhile."""
        self.held += size

    def give(self, size: int) -> None:
        """Give so many bytes back."""
        self.held -= size


class Lease:
    """What one request holds of the budget, in bytes."""

    __slots__ = ("_budget", "size")

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self.size = 0

    def grow(self, size: int) -> None:
        """Hold so many bytes more. Raises MemoryError where they would not fit."""
        self._budget.take(size)
        self.size += size

    def shrink(self, size: int) -> None:
        """Give so many bytes back."""
        self._budget.give(size)
        self.size -= size

    def grow_to(self, size: int) -> None:
        """Hold at least so many bytes. Raises MemoryError where they would not fit."""
        if size > self.size:
            self.grow(size - self.size)

    def end(self) -> None:
        """Give everything back."""
        if self.size:
            self.shrink(self.size)


def free_large_blocks() -> None:
    """Have the C library give large blocks back to the system when they are freed.

    glibc keeps those that are smaller than the largest one freed so far (up to 32 MiB), and a few bodies at once would
    leave their memory in use. Other libraries have no such switch and need none.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
        library.mallopt(M_TRIM_THRESHOLD, 2 * LARGE_BLOCK)


def max_body(settings: Settings, limit: int | None) -> int:
    """The largest body that is taken, in bytes: what the operator says, else a part of the memory limit."""
    wished = settings.server.max_body_mb
    if wished is not None:
        return int(wished * MIB)
    return LARGEST_BODY if limit is None else min(LARGEST_BODY, limit // BODY_PART)


def warnings(settings: Settings, limit: int | None) -> list[Message]:
    """What to tell the operator of a ``server.max_body_mb`` that the memory is too small for."""
    most = MemoryBudget(limit).most // QUICK
    if limit is None or max_body(settings, limit) <= most:
        return []
    warning = Message(
        "server.max_body_mb: a body of {wished} MiB would need more than the memory limit of {limit} MiB allows; bodies over {most} MiB are always answered 503",
        wished=f"{settings.server.max_body_mb:g}",
        limit=limit // MIB,
        most=most // MIB,
    )
    return [warning]
