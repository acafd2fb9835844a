"""Serves several emulators, each on its own port, until an event is set: for the command line."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

import emulators


async def serve(
    vendors: Sequence[str],
    port: int,
    faults: Sequence[str],
    environ: Mapping[str, str],
    out: Callable[[str], None],
    until: asyncio.Event,
) -> None:
    """Serve each vendor on `port`, `port` + 1, … in the given order (0: free ports) until the event is set.

    Passes `out` the `NAME=VALUE` lines that point a client at the emulators, then `ready`. Raises ValueError for an
    unknown vendor or fault, and OSError if a port is in use; all emulators are closed then.
    """
    async with AsyncExitStack() as running:
        lines: list[str] = []
        for index, vendor in enumerate(vendors):
            emulator = await emulators.start(vendor, port=port + index if port else 0, environ=environ, faults=faults)
            running.push_async_callback(emulator.aclose)
            lines += [f"{name}={value}" for name, value in emulator.environment.items()]
        for line in lines:
            out(line)
        out("ready")
        await until.wait()
