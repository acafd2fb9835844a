"""An event loop whose clock advances only when nothing else can run, so a busy machine makes nothing late."""

import asyncio
import selectors
from typing import Any


class UnhurriedLoop(asyncio.SelectorEventLoop):
    """Its clock stops while anything runs, and jumps to the next timer when everything waits for one.

    For tests without sockets and threads: it does not wait for external events while a timer is set.
    """

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self.now


class _Jumping(selectors.DefaultSelector):
    """Advances the loop's clock instead of waiting for a timer."""

    def __init__(self, loop: UnhurriedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            return list(super().select(None))
        events = list(super().select(0))
        if not events:
            self._loop.now += max(0.0, timeout)
        return events
