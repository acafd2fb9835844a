"""An event loop whose time passes only when nothing else can happen: what a busy machine delays is not late on it."""

import asyncio
import selectors
from typing import Any


class UnhurriedLoop(asyncio.SelectorEventLoop):
    """Its clock stands still while anything runs, and goes to the next timer at once when all wait for one.

    For scenes without sockets and threads: it does not wait for what comes from outside while a timer is set.
    """

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self.now


class _Jumping(selectors.DefaultSelector):
    """Does not wait for a timer: it moves the loop's clock instead."""

    def __init__(self, loop: UnhurriedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            return list(super().select(None))
        found = list(super().select(0))
        if not found:
            self._loop.now += max(0.0, timeout)
        return found
