"""Deletes what has expired in the store, every ten minutes, in slices of a few milliseconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from adapters.core.message import Message
from proxy.app_state import AppState
from proxy.storage.interface import StoreUnavailable

EVERY_S = 600.0
"""The time between two sweeps (seconds)."""
PAUSE_S = 0.05
"""The time between two slices of a sweep, in which other writes go first (seconds)."""
DAY_S = 86_400


@asynccontextmanager
async def sweep_store(state: AppState) -> AsyncIterator[None]:
    """Sweep the store at once and every ten minutes until the block ends."""
    task = asyncio.create_task(_repeat(state))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _repeat(state: AppState) -> None:
    while True:
        try:
            await sweep(state)
        except StoreUnavailable as error:
            state.notify(Message("the store could not be swept: {why}", why=str(error)))
        except Exception as bug:  # noqa: BLE001 - a bug in a sweep is no reason never to sweep again
            state.report(bug, "(store sweep)")
        await state.sleep(EVERY_S)


async def sweep(state: AppState) -> int:
    """Delete all that has expired; return how many objects that were. Raises StoreUnavailable."""
    days = state.snapshot.settings.store.conversations_days
    count = 0
    while deleted := await state.store.sweep(days * DAY_S or None):
        count += deleted
        await state.sleep(PAUSE_S)
    return count
