"""``banjia doctor``: find problems and how to fix them. It changes nothing, uses no tokens and shows no API key."""

import asyncio
import datetime
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from config.loader.load import ConfigError, LoadedConfig, load
from config.routing import catalog_of
from config.schema import Settings
from proxy.commands.doctor import local
from proxy.commands.doctor.report import Finding, failed
from proxy.commands.doctor.store import check_store
from proxy.commands.doctor.vendor import VendorCheck
from proxy.upstream.client import Upstream

Report = Callable[[Finding], None]


async def examine(
    path: Path | None,
    environ: Mapping[str, str],
    on_finding: Report,
    *,
    offline: bool = False,
    now: Callable[[], float] = time.time,
) -> list[Finding]:
    """Run all checks, call ``on_finding`` with each finding, and return all. ``now``: this machine's time, in epoch seconds."""
    found: list[Finding] = []

    def report(finding: Finding) -> None:
        found.append(finding)
        on_finding(finding)

    loaded: LoadedConfig | None
    try:
        loaded = load(path, environ)
    except ConfigError as error:
        for diagnostic in error.diagnostics:
            report(failed("config", diagnostic.with_help, local.cure(diagnostic, has_file=path is not None)))
        loaded = _without_keys(path, environ)
    else:
        for finding in local.check_configuration(loaded):
            report(finding)
    settings = loaded.settings if loaded else Settings()
    upstream = Upstream.over_the_network(20, settings.server.transport)
    try:
        _check_local(loaded, settings, upstream, report, now)
        if not offline:
            await _check_vendors(settings, upstream, report, now)
    finally:
        await upstream.aclose()
    return found


def _without_keys(path: Path | None, environ: Mapping[str, str]) -> LoadedConfig | None:
    """Load the configuration without API keys; None if it has other errors."""
    try:
        return load(path, environ, keys_needed=False)
    except ConfigError:
        return None


def _check_local(
    loaded: LoadedConfig | None, settings: Settings, upstream: Upstream, report: Report, now: Callable[[], float]
) -> None:
    """Run the checks that need no network; for an invalid configuration, only those that do not depend on it."""
    today = datetime.datetime.fromtimestamp(now(), tz=datetime.UTC).date()
    if loaded:
        for finding in local.check_retired(settings, today):
            report(finding)
    for finding in local.check_outbound(settings, upstream):
        report(finding)
    if loaded:
        for finding in local.check_listen(settings):
            report(finding)
        for finding in check_store(settings.store):
            report(finding)


def model_of(settings: Settings, name: str) -> str:
    """Return a model that the configuration calls at this vendor: the first one in ``models``, else a stand-in."""
    targets = (target.target.partition("/") for entry in settings.models.values() for target in entry.targets)
    configured = next((model for vendor, _, model in targets if vendor == name), None)
    if configured is not None:
        return configured
    stand_in = catalog_of(name, settings.vendors[name]).stand_in("gpt-4o", "chat")
    return stand_in.model if stand_in is not None else ""


async def _check_vendors(settings: Settings, upstream: Upstream, report: Report, now: Callable[[], float]) -> None:
    """Check all vendors with an API key concurrently. Report the findings in the order of the configuration."""

    async def check(name: str) -> list[Finding]:
        entry = settings.vendors[name]
        vendor = VendorCheck(name, entry, upstream, now, model_of(settings, name) if entry.key_id() else "")
        return [finding async for finding in vendor.findings()]

    checks = [asyncio.create_task(check(name)) for name, entry in settings.vendors.items() if entry.keys()]
    try:
        for each in checks:
            for finding in await each:
                report(finding)
    finally:
        for each in checks:
            each.cancel()
