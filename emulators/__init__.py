"""Emulators of vendors: strict, deterministic, and without code shared with the adapters that they test."""

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules

from emulators.core.emulator import Emulator, ReceivedRequest, Vendor


def scan() -> dict[str, Callable[[Mapping[str, str]], Vendor]]:
    """Return the class of each emulator: that of the package ``emulators/NAME/`` whose ``name`` is NAME."""
    found: dict[str, Callable[[Mapping[str, str]], Vendor]] = {}
    for package in iter_modules(__path__):
        if package.ispkg and package.name != "core":
            members = vars(import_module(f"{__name__}.{package.name}")).values()
            found[package.name] = next(one for one in members if getattr(one, "name", None) == package.name)
    return found


VENDORS = scan()
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
