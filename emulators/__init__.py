"""Emulators of vendors: strict, deterministic, and without code shared with the adapters that they test."""

import difflib
import os
from collections.abc import Callable, Mapping, Sequence

from emulators.core.emulator import Emulator, ReceivedRequest, Vendor
from emulators.deepseek import DeepSeek
from emulators.ernie import Ernie
from emulators.hunyuan import Hunyuan
from emulators.kimi import Kimi
from emulators.qwen import Qwen

VENDORS: dict[str, Callable[[Mapping[str, str]], Vendor]] = {
    "kimi": Kimi,
    "qwen": Qwen,
    "ernie": Ernie,
    "hunyuan": Hunyuan,
    "deepseek": DeepSeek,
}
NAMES: tuple[str, ...] = tuple(VENDORS)

__all__ = ["NAMES", "Emulator", "ReceivedRequest", "start"]


async def start(
    vendor: str,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    environ: Mapping[str, str] = os.environ,
    faults: Sequence[str] = (),
) -> Emulator:
    """Start an emulator and return it when it listens; port 0 takes a free port.

    Raises ValueError for an unknown vendor or fault, with the closest known name, and OSError if the port is in use.
    """
    if vendor not in VENDORS:
        near = difflib.get_close_matches(vendor, NAMES, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown emulator {vendor!r}{hint}; known: {', '.join(NAMES)}")
    emulator = Emulator(VENDORS[vendor](environ), host, faults)
    await emulator.listen(port)
    return emulator
