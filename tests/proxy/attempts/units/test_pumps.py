"""Waiting on several calls and sleeps at once."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.core.wire import Data, End, Got, Woke
from proxy.attempts.pumps import Pumps


class ScriptedCall:
    """Returns these results, then waits forever; raises an exception among them."""

    def __init__(self, *results: Got | Exception) -> None:
        self._results: Sequence[Got | Exception] = results
        self.cancelled = False

    async def next(self) -> list[Got]:
        if not self._results:
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled = True
        got, *self._results = self._results
        if isinstance(got, Exception):
            raise got
        return [got]


def test_results_of_all_calls_and_sleeps_arrive() -> None:
    async def main() -> None:
        pumps, calls = Pumps(), {1: ScriptedCall(Data(1, b"a"), End(1)), 2: ScriptedCall(End(2))}
        opened: Any = calls
        got = [await pumps.next(opened, {3: 0.001}) for _ in range(4)]
        assert sorted(map(repr, got)) == sorted(map(repr, [Data(1, b"a"), End(1), End(2), Woke(3)]))

    asyncio.run(main())


def test_what_a_call_raises_is_raised() -> None:
    async def main() -> None:
        opened: Any = {1: ScriptedCall(ValueError("a bug"))}
        with pytest.raises(ValueError, match="a bug"):
            await Pumps().next(opened, {})

    asyncio.run(main())


def test_waiting_on_nothing_is_a_bug() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="no open call"):
            await Pumps().next({}, {})

    asyncio.run(main())


def test_a_stopped_call_is_cancelled_and_its_end_awaited() -> None:
    async def main() -> None:
        pumps, silent = Pumps(), ScriptedCall()
        opened: Any = {1: silent, 2: ScriptedCall(End(2))}
        assert await pumps.next(opened, {}) == End(2)
        await pumps.stop(1)
        assert silent.cancelled
        await pumps.stop(1)  # nothing happens

    asyncio.run(main())


def test_a_forgotten_sleep_is_not_started_again() -> None:
    async def main() -> None:
        pumps = Pumps()
        assert await pumps.next({}, {1: 0.0}) == Woke(1)
        pumps.forget(1)
        with pytest.raises(RuntimeError, match="no open call"):
            await pumps.next({}, {})

    asyncio.run(main())
