"""``banjia doctor``: what stands in the way, and the cure. It changes nothing, spends no token and shows no key."""

import asyncio
import datetime
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from config.loader.load import ConfigError, LoadedConfig, load
from config.schema import Settings
from proxy.commands.doctor import local
from proxy.commands.doctor.report import Finding, failed
from proxy.commands.doctor.vendor import VendorCheck
from proxy.upstream.client import Upstream

Report = Callable[[Finding], None]


async def examine(
    path: Path | None,
    environ: Mapping[str, str],
    tell: Report,
    *,
    offline: bool = False,
    now: Callable[[], float] = time.time,
) -> list[Finding]:
    """Look at everything, and tell each finding as it comes. ``now``: the time of this machine, in epoch seconds."""
    found: list[Finding] = []

    def told(finding: Finding) -> None:
        found.append(finding)
        tell(finding)

    loaded: LoadedConfig | None
    try:
        loaded = load(path, environ)
    except ConfigError as error:
        for diagnostic in error.diagnostics:
            told(failed("config", diagnostic.with_help, local.cure(diagnostic, has_file=path is not None)))
        loaded = _without_keys(path, environ)
    else:
        for finding in local.configuration(loaded):
            told(finding)
    settings = loaded.settings if loaded else Settings()
    upstream = Upstream.over_the_network(20, settings.server.transport)
    try:
        _check_local(loaded, settings, upstream, told, now)
        if not offline:
            await _check_vendors(settings, upstream, told, now)
    finally:
        await upstream.aclose()
    return found


def _without_keys(path: Path | None, environ: Mapping[str, str]) -> LoadedConfig | None:
    """What can be read where nothing but keys is missing; None where more is wrong."""
    try:
        return load(path, environ, keys_needed=False)
    except ConfigError:
        return None


def _check_local(
    loaded: LoadedConfig | None, settings: Settings, upstream: Upstream, tell: Report, now: Callable[[], float]
) -> None:
    """All that nobody need be asked for. Of a configuration that does not load, only what does not depend on it."""
    today = datetime.datetime.fromtimestamp(now(), tz=datetime.UTC).date()
    if loaded:
        for finding in local.retired(settings, today):
            tell(finding)
    for finding in local.check_outbound(settings, upstream):
        tell(finding)
    if loaded:
        for finding in local.check_listen(settings):
            tell(finding)


async def _check_vendors(settings: Settings, upstream: Upstream, tell: Report, now: Callable[[], float]) -> None:
    """All vendors that have a key, side by side; told in the order of the configuration."""

    async def look(name: str) -> list[Finding]:
        return [finding async for finding in VendorCheck(name, settings.vendors[name], upstream, now).findings()]

    looks = [asyncio.create_task(look(name)) for name, entry in settings.vendors.items() if entry.keys()]
    try:
        for each in looks:
            for finding in await each:
                tell(finding)
    finally:
        for each in looks:
            each.cancel()
