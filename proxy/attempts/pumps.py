"""Wait on several calls and sleeps of one attempt at once: a task for each, all into one queue of size 1."""

import asyncio
import contextlib
from collections.abc import Mapping

from adapters.core.wire import End, Got, Id, Lost, Woke
from proxy.upstream.client import UpstreamCall


class Pumps:
    """The tasks of one attempt. Once an attempt waits on several things it does so to its end."""

    __slots__ = ("_queue", "_tasks")

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Got | BaseException] = asyncio.Queue(1)
        self._tasks: dict[Id, asyncio.Task[None]] = {}

    async def next(self, calls: Mapping[Id, UpstreamCall], sleeps: Mapping[Id, float]) -> Got:
        """Wait for the next result of any of these. Raises what a call raised, RuntimeError if nothing is open."""
        for id_, call in calls.items():
            if id_ not in self._tasks:
                self._tasks[id_] = asyncio.create_task(self._pump(call))
        for id_, s in sleeps.items():
            if id_ not in self._tasks:
                self._tasks[id_] = asyncio.create_task(self._sleep(id_, s))
        if not self._tasks:
            raise RuntimeError("an Exchange waits with no open call or sleep")
        got = await self._queue.get()
        if isinstance(got, BaseException):
            raise got
        return got

    def forget(self, id_: Id) -> None:
        """Forget a call or a sleep that has ended by itself."""
        self._tasks.pop(id_, None)

    async def stop(self, id_: Id) -> None:
        """Cancel the task of a call or a sleep, and wait for its end."""
        task = self._tasks.pop(id_, None)
        if task is not None and not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(asyncio.wait([task]))

    async def _pump(self, call: UpstreamCall) -> None:
        try:
            while True:
                for got in await call.next():
                    await self._queue.put(got)
                if isinstance(got, (End, Lost)):
                    return
        except Exception as error:  # noqa: BLE001 - without it the request would wait forever
            await self._queue.put(error)

    async def _sleep(self, id_: Id, s: float) -> None:
        await asyncio.sleep(s)
        await self._queue.put(Woke(id_))
