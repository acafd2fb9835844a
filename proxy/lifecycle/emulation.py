"""Emulators of ours in the place of every vendor of a configuration, and of each one that follows it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from pydantic import SecretStr

from adapters.core.message import Message
from config.loader.errors import ConfigError, Diagnostic, Location
from config.routing import vendor_of
from config.schema import Settings, VendorEntry


class Emulator(Protocol):
    """What is needed of a running emulator."""

    base_url: str
    environment: dict[str, str]

    async def aclose(self) -> None:
        """Stop it."""
        ...


Emulators = Mapping[str, Callable[[], Awaitable[Emulator]]]
"""How to start the emulator of each vendor that has one."""


class EmulatedVendors:
    """The emulators that run: one for each vendor entry of the configuration at the start."""

    def __init__(self, known: Emulators) -> None:
        self._known = known
        self._running: dict[str, tuple[str, Emulator]] = {}

    async def start(self, settings: Settings) -> None:
        """Start one for each vendor that has one; for all of them if no vendor is configured."""
        kinds = {name: entry.kind or name for name, entry in settings.vendors.items()} or {n: n for n in self._known}
        for name, kind in kinds.items():
            if kind in self._known:
                self._running[name] = kind, await self._known[kind]()

    def over(self, settings: Settings, source: str = "") -> Settings:
        """The settings with each vendor stood in for; vendors that have no emulator are left out.

        Raises ConfigError for a vendor whose emulator was not started: ``source`` is where it is named.
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
        """The entry's own, or another entry's of the same vendor."""
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
    """Emulators for every vendor of the settings, for as long as the block runs."""
    stand_ins = EmulatedVendors(emulators)
    try:
        await stand_ins.start(settings)
        yield stand_ins
    finally:
        await stand_ins.aclose()


def _entry(configured: VendorEntry, kind: str, emulator: Emulator) -> VendorEntry:
    entry = configured.model_copy(update={"kind": kind})
    key, base_url = listen_and_key(vendor_of(kind, entry).key_names, emulator.environment)
    mine = {"base_url": base_url, "api_key": SecretStr(key), "api_keys": [], "region": "cn"}
    mine["proxy"] = "none"  # it is on loopback: a proxy of the environment could not reach it
    return entry.model_copy(update=mine)


def listen_and_key(key_names: Sequence[str], environment: Mapping[str, str]) -> tuple[str, str]:
    """The key and the base URL of one API among those that an emulator serves: a vendor may have two editions."""
    name = next(name for name in key_names if name in environment)
    return environment[name], environment[name.replace("_API_KEY", "_BASE_URL")]
