"""Reloads the configuration when one of its files changes, and on SIGHUP."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from adapters.core.message import Message
from config.errors import ConfigError, Diagnostic, Location
from config.loader.load import LoadedConfig, load, sources
from proxy.app_state import AppState
from proxy.lifecycle.emulation import EmulatedVendors
from proxy.lifecycle.file_watcher import FileState, being_written, changes, read_states


class ConfigReader:
    """Reads the configuration file again, with its catalogs and secret files, and with the environment of the start.

    ``known``: the warnings that were printed already; new ones go to ``out``.
    """

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        emulators: EmulatedVendors | None,
        known: Sequence[Diagnostic],
        out: Callable[[Message], None],
    ) -> None:
        self._path = path
        self._environ = environ
        self._emulators = emulators
        self._known = {warning.message for warning in known}
        self._out = out

    def __call__(self) -> LoadedConfig:
        """Return the configuration as it is now. Raises ConfigError, also while a file is being written."""
        before = read_states(self.files())
        loaded = load(self._path, self._environ, keys_needed=self._emulators is None)
        if self._emulators is not None:
            loaded = replace(loaded, settings=self._emulators.apply_to(loaded.settings, loaded.source))
        for path, seen in read_states(before).items():
            if seen != before[path] or being_written(path):
                raise ConfigError(
                    [
                        Diagnostic(
                            Location(str(path)),
                            "",
                            Message("the file is being written: it may be half of it"),
                            code="config-unreadable",
                        )
                    ]
                )
        warnings = [warning.message for warning in loaded.warnings]
        for warning in warnings:
            if warning not in self._known:
                self._out(Message("warning: {line}", line=warning))
        self._known = set(warnings)
        return loaded

    def files(self) -> list[Path]:
        """Return the files that make up the configuration now, the main file first."""
        try:
            return sources(self._path, self._environ)
        except Exception:  # noqa: BLE001 - the reload reports the bug; it must not end the watch
            return [self._path]


@contextmanager
def reload_on_hangup(state: AppState) -> Iterator[None]:
    """Reload on SIGHUP until the block ends."""
    loop = asyncio.get_running_loop()
    running: set[asyncio.Task[object]] = set()

    def reload() -> None:
        task: asyncio.Task[object] = loop.create_task(state.reload())
        running.add(task)
        task.add_done_callback(running.discard)

    loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


@asynccontextmanager
async def reload_on_change(
    state: AppState, reader: ConfigReader, seen: Mapping[Path, FileState]
) -> AsyncIterator[None]:
    """Reload when one of the configuration's files changes, until the block ends.

    ``seen``: the states of the files when they were last read, the main file first.
    """

    async def follow() -> None:
        async with aclosing(changes(reader.files, seen)) as changed:
            async for _ in changed:
                await state.reload()

    task = asyncio.create_task(follow())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
