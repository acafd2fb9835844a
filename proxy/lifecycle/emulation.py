"""Emulation mode: replaces every vendor of a configuration by a local emulator, also after a reload."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from pydantic import SecretStr

from adapters.core.message import Message
from config.errors import ConfigError, Diagnostic, Location
from config.routing import vendor_of
from config.schema import Settings, VendorEntry


class Emulator(Protocol):
    """A running emulator."""

    base_url: str
    environment: dict[str, str]

    async def aclose(self) -> None:
        """Stop it."""
        ...


Emulators = Mapping[str, Callable[[], Awaitable[Emulator]]]
"""How to start the emulator of each vendor that has one."""


class EmulatedVendors:
    """The running emulators: one for each vendor entry of the initial configuration."""

    def __init__(self, known: Emulators) -> None:
        self._known = known
        self._running: dict[str, tuple[str, Emulator]] = {}

    async def start(self, settings: Settings) -> None:
        """Start an emulator for each configured vendor that has one; without configured vendors, start all."""
        kinds = {name: entry.kind or name for name, entry in settings.vendors.items()} or {n: n for n in self._known}
        for name, kind in kinds.items():
            if kind in self._known:
                self._running[name] = kind, await self._known[kind]()

    def apply_to(self, settings: Settings, source: str = "") -> Settings:
        """Return the settings with each vendor pointed at its emulator, without the vendors that have none.

        Raises ConfigError for a vendor whose emulator is not running; ``source`` is the file that names it.
        """
        entries: dict[str, VendorEntry] = {}
        for name, entry in (settings.vendors or dict.fromkeys(self._running, VendorEntry())).items():
            kind = entry.kind or name
            emulator = self._emulator(name, kind)
            if emulator is not None:
                entries[name] = _entry(entry, kind, emulator)
            elif kind in self._known:
                wrong = Message("no emulator of this vendor was started, and a reload starts none")
                raise ConfigError([Diagnostic(Location(source), f"vendors.{name}", wrong, Message("a restart"))])
        return settings.model_copy(update={"vendors": entries})

    def _emulator(self, name: str, kind: str) -> Emulator | None:
        """Return the emulator of the entry, or of another entry of the same vendor."""
        own, emulator = self._running.get(name, ("", None))
        if own == kind:
            return emulator
        return next((emulator for other, emulator in self._running.values() if other == kind), None)

    async def aclose(self) -> None:
        """Stop them."""
        for _, emulator in self._running.values():
            await emulator.aclose()


@asynccontextmanager
async def emulated(settings: Settings, emulators: Emulators) -> AsyncIterator[EmulatedVendors]:
    """Run emulators for every vendor of the settings until the block ends."""
    vendors = EmulatedVendors(emulators)
    try:
        await vendors.start(settings)
        yield vendors
    finally:
        await vendors.aclose()


def _entry(configured: VendorEntry, kind: str, emulator: Emulator) -> VendorEntry:
    entry = configured.model_copy(update={"kind": kind})
    key, base_url = key_and_base_url(vendor_of(kind, entry).key_names, emulator.environment)
    overrides = {"base_url": base_url, "api_key": SecretStr(key), "api_keys": [], "region": "cn"}
    overrides |= {"access_key_id": None, "secret_key": None, "token_url": None}
    overrides["proxy"] = "none"  # the emulator is on loopback, which an outbound proxy cannot reach
    return entry.model_copy(update=overrides)


def key_and_base_url(key_names: Sequence[str], environment: Mapping[str, str]) -> tuple[str, str]:
    """Return key and base URL of the API that ``key_names`` belong to; an emulator may serve two vendor editions."""
    name = next(name for name in key_names if name in environment)
    return environment[name], environment[name.replace("_API_KEY", "_BASE_URL")]
