"""The events of a background response while it runs: for the clients that follow it, and for the store."""

import asyncio
from collections.abc import AsyncIterator, Sequence


class RunLog:
    """The encoded events of one response, numbered from 0."""

    __slots__ = ("_changed", "ended", "events", "stored")

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.stored = 0
        """How many events the store has."""
        self.ended = False
        self._changed = asyncio.Event()

    def add(self, data: bytes) -> None:
        """Add encoded events. JSON has no empty line, so an empty line separates them."""
        self.events += [piece + b"\n\n" for piece in data.split(b"\n\n") if piece]
        self._wake()

    def end(self) -> None:
        """No event follows."""
        self.ended = True
        self._wake()

    def unstored(self) -> Sequence[bytes]:
        """Return the events that the store does not have. Set ``stored`` once it does."""
        return self.events[self.stored :]

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
