"""Run blocking calls that may never return, such as reads from a network mount that hangs."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_daemon_thread(work: Callable[[], T], name: str) -> T:
    """Run ``work`` in a new daemon thread and return its result, or raise its exception.

    Unlike with ``asyncio.to_thread``, a call that hangs prevents neither the event loop from closing nor the process
    from exiting. If the waiting task is cancelled, the thread continues and its result is discarded.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(set_outcome: Callable[[], None]) -> None:
        if not future.done():
            set_outcome()

    def run() -> None:
        outcome = _outcome(work, future)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await future


def _outcome(work: Callable[[], T], future: asyncio.Future[T]) -> Callable[[], None]:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
        failure = error
        return lambda: future.set_exception(failure)
    return lambda: future.set_result(result)
