"""Reading the configuration again: when one of its files changes, and on SIGHUP."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from adapters.core.message import Message
from config.loader.errors import ConfigError, Diagnostic, Location
from config.loader.load import LoadedConfig, load, sources
from proxy.app_state import AppState
from proxy.lifecycle.emulation import EmulatedVendors
from proxy.lifecycle.file_watcher import FileState, being_written, changes, read_states


class ConfigReader:
    """Reads the file again, catalogs and secrets in files of their own included; the environment is that of the start.

    ``told``: the warnings that the operator has seen already; others go to ``out``.
    """

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        stand_ins: EmulatedVendors | None,
        told: Sequence[Diagnostic],
        out: Callable[[Message], None],
    ) -> None:
        self._path = path
        self._environ = environ
        self._stand_ins = stand_ins
        self._told = {warning.message for warning in told}
        self._notify = out

    def __call__(self) -> LoadedConfig:
        """The configuration as it is now. Raises ConfigError, also while the file is being written."""
        before = read_states(self.files())
        loaded = load(self._path, self._environ, keys_needed=self._stand_ins is None)
        if self._stand_ins is not None:
            loaded = replace(loaded, settings=self._stand_ins.over(loaded.settings, loaded.source))
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
            if warning not in self._told:
                self._notify(Message("warning: {line}", line=warning))
        self._told = set(warnings)
        return loaded

    def files(self) -> list[Path]:
        """The files that the configuration is made of now, its own first."""
        try:
            return sources(self._path, self._environ)
        except Exception:  # noqa: BLE001 - a bug of ours, which the reload tells; it is no reason to stop watching
            return [self._path]


@contextmanager
def reload_on_hangup(state: AppState) -> Iterator[None]:
    """SIGHUP reads the configuration again, for as long as the block runs."""
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
async def reload_on_change(state: AppState, again: ConfigReader, seen: Mapping[Path, FileState]) -> AsyncIterator[None]:
    """A change of one of the files reads all again, for as long as the block runs.

    ``seen``: how they looked when they were last read, the configuration's own first.
    """

    async def follow() -> None:
        async with aclosing(changes(again.files, seen)) as changed:
            async for _ in changed:
                await state.reload()

    task = asyncio.create_task(follow())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
