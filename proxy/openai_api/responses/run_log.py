"""The events of a background response while it runs: for the clients that follow it, and for the store."""

import asyncio
from collections.abc import AsyncIterator, Sequence

FLUSH_BYTES = 64 * 1024
"""Events are stored as soon as so many bytes of them are not."""


class RunLog:
    """The encoded events of one response, numbered from 0."""

    __slots__ = ("_changed", "_unstored", "ended", "events", "stored")

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.stored = 0
        """How many events the store has."""
        self.ended = False
        self._unstored = 0  # bytes
        self._changed = asyncio.Event()

    def add(self, data: bytes) -> None:
        """Add encoded events. JSON has no empty line, so an empty line separates them."""
        pieces = [piece + b"\n\n" for piece in data.split(b"\n\n") if piece]
        self.events += pieces
        self._unstored += len(data)
        self._wake()

    def end(self) -> None:
        """No event follows."""
        self.ended = True
        self._wake()

    def unstored(self) -> Sequence[bytes]:
        """Return the events that the store does not have. Set ``stored`` once it does."""
        return self.events[self.stored :]

    @property
    def is_due(self) -> bool:
        """Whether so many bytes are not stored that they should be at once."""
        return self._unstored >= FLUSH_BYTES

    def mark_stored(self, count: int) -> None:
        """The store has the first ``count`` events."""
        self.stored = count
        self._unstored = sum(map(len, self.events[count:]))

    async def follow(self, first: int, heartbeat_s: float) -> AsyncIterator[bytes]:
        """Yield the events from number ``first`` on, until the last one; a comment whenever nothing arrives for long."""
        while True:
            changed = self._changed
            if first < len(self.events):
                pieces = self.events[first:]
                first += len(pieces)
                yield b"".join(pieces)
            elif self.ended:
                return
            else:
                try:
                    async with asyncio.timeout(heartbeat_s):
                        await changed.wait()
                except TimeoutError:
                    yield b": keep-alive\n\n"

    def _wake(self) -> None:
        """Wake all followers: each waits on the event that was current when it last looked."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
