"""Several emulators, each on its own port, until told to stop: what a command line needs."""

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
    """Serve each vendor on `port`, `port` + 1, … in the order named (0: free ones) until the event is set.

    Tells `out` the `NAME=VALUE` lines that point a client here, then `ready`. Raises ValueError for a vendor or a
    fault that does not exist, OSError for a port that is taken; nothing is left open then.
    """
    async with AsyncExitStack() as running:
        lines: list[str] = []
        for place, vendor in enumerate(vendors):
            emulator = await emulators.start(vendor, port=port + place if port else 0, environ=environ, faults=faults)
            running.push_async_callback(emulator.aclose)
            lines += [f"{name}={value}" for name, value in emulator.environment.items()]
        for line in lines:
            out(line)
        out("ready")
        await until.wait()
