"""File and environment -> Settings, or diagnostics that name the place, the key and the cure."""

import datetime
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from adapters.core.message import COMMA, EMPTY, Message, joined
from config.loader.errors import DEFAULT_CODE, ConfigError, Diagnostic, Location
from config.loader.nodes import Node
from config.loader.system_errors import reason_of
from config.schema import Section, Settings

__all__ = ["ConfigError", "Diagnostic", "LoadedConfig", "find_file", "load", "load_file", "sources"]

DEFAULT_NAME = "banjia.yaml"
ENVIRONMENT = "environment"
"""The source of a configuration without a file."""


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration that can be used.

    ``source`` is the file's path, or ``environment``; ``off`` are the vendors that have no key, with the reason.
    """

    settings: Settings
    source: str
    warnings: list[Diagnostic]
    off: Mapping[str, Message]


def find_file(environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The file to load when none is named: ``BANJIA_CONFIG``, else ``banjia.yaml`` here; None for no file at all."""
    named = environ.get("BANJIA_CONFIG")
    if named:
        return cwd / named
    default = cwd / DEFAULT_NAME
    return default if default.exists() else None


def load(path: Path | None, environ: Mapping[str, str], *, keys_needed: bool = True) -> LoadedConfig:
    """The settings of a file, or without one of the vendors' key variables, with ``BANJIA_`` variables laid over them.

    Without ``keys_needed`` vendors may have no key: for when emulators take their place. Raises ConfigError.
    """
    from config.loader.environment import override
    from config.loader.included_files import catalogs
    from config.loader.renamed_keys import rename

    folder = path.parent if path else Path()
    root, diagnostics = _tree(path, environ, folder)
    twice, renamed = rename(root)
    diagnostics += override(root, environ, folder)
    twice_in_environment, renamed_in_environment = rename(root)
    diagnostics += [*twice, *twice_in_environment]
    diagnostics += catalogs(root, folder)
    if path is None and keys_needed and not diagnostics and not _plain_vendors(root):
        raise ConfigError([_no_key(), *_check_open_listen(root)])
    settings = _validated(root, diagnostics)
    if path is None:
        settings = settings.from_environment()
    warnings, off = _checked(settings, root, keys_needed=keys_needed)
    warnings = sorted([*warnings, *renamed, *renamed_in_environment], key=lambda warning: warning.location)
    return LoadedConfig(settings, str(path) if path else ENVIRONMENT, warnings, off)


def sources(path: Path, environ: Mapping[str, str]) -> list[Path]:
    """The files that a configuration is made of: its own first, then those of catalogs and secrets, there or not.

    Of a file that can't be read as YAML, it is that one alone.
    """
    from config.loader.environment import override
    from config.loader.included_files import named

    folder = path.parent
    try:
        root, _ = _tree(path, environ, folder)
        override(root, environ, folder)
    except ConfigError:
        return [path]
    return list(dict.fromkeys([path, *named(root, folder)]))


def load_file(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a file."""
    return load(path, environ).settings


def _tree(path: Path | None, environ: Mapping[str, str], folder: Path) -> tuple[Node, list[Diagnostic]]:
    if path is None:
        from config.loader.environment import zero_config

        return zero_config(environ, folder)
    from config.loader.interpolation import interpolate
    from config.loader.yaml_parser import parse

    text = _text(path)
    try:
        root = parse(text, str(path))
    except ConfigError as error:
        raise ConfigError(
            [replace(one, code="config-syntax") if one.code == DEFAULT_CODE else one for one in error.diagnostics]
        ) from None
    return root, interpolate(root, environ, folder)


def _text(path: Path) -> str:
    from config.loader.included_files import text

    try:
        return text(path)
    except OSError as error:
        why = reason_of(error, lower_case=True)
        expected = EMPTY if isinstance(error, FileNotFoundError | PermissionError) else Message("a regular file")
        raise ConfigError(
            [
                Diagnostic(
                    Location(str(path)),
                    "",
                    Message("the file can't be read ({why})", why=why),
                    expected,
                    code="config-unreadable",
                )
            ]
        ) from None


def _plain_vendors(root: Node) -> bool:
    vendors = root.child("vendors")
    return bool(vendors and vendors.value)


def _no_key() -> Diagnostic:
    from config.loader.environment import key_names, vendors_by_rank

    names = joined(COMMA, (name for vendor in vendors_by_rank() for name in key_names(vendor)))
    wrong = Message("no vendor's key was found; looked for {names}", names=names)
    return Diagnostic(
        Location("environment"),
        "",
        wrong,
        Message("one of them, or a file {name} (`banjia demo` needs none)", name=DEFAULT_NAME),
        code="config-no-vendor-key",
    )


def _check_open_listen(root: Node) -> list[Diagnostic]:
    """Whether a client key is missing too: both are told at once, so that a container is started a second time only."""
    from config.lint.context import LintContext
    from config.lint.settings import listen_addresses

    found = LintContext(_validated(root, []), root, datetime.datetime.now(tz=datetime.UTC).date())
    listen_addresses(found)
    return found.errors


def _validated(root: Node, diagnostics: list[Diagnostic]) -> Settings:
    """The tree as settings. Raises ConfigError with what is wrong with it, and with the diagnostics so far."""
    from config.loader.validation_messages import diagnostics_of

    _drop_empty_sections(root)
    try:
        settings = Settings.model_validate(root.plain())
    except ValidationError as error:
        raise ConfigError([*diagnostics, *diagnostics_of(error, root)]) from None
    if diagnostics:
        raise ConfigError(diagnostics)
    return settings


def _drop_empty_sections(root: Node) -> None:
    """A key with nothing under it, all of it commented out perhaps, is as good as none."""
    from config.loader.schema_walk import at

    for key in [key for key, node in root.value.items() if node.value is None and key in Settings.model_fields]:
        kind = at([key])
        if key in ("vendors", "models") or (isinstance(kind, type) and issubclass(kind, Section)):
            del root.value[key]
    vendors = root.child("vendors")
    for node in vendors.value.values() if vendors and isinstance(vendors.value, dict) else ():
        if node.value is None:
            node.value = {}


def _checked(settings: Settings, root: Node, *, keys_needed: bool) -> tuple[list[Diagnostic], Mapping[str, Message]]:
    """The warnings, and the vendors that are off. Raises ConfigError."""
    from config.lint.context import LintContext
    from config.lint.settings import check

    found = LintContext(settings, root, datetime.datetime.now(tz=datetime.UTC).date())
    check(found, keys_needed=keys_needed)
    if found.errors:
        raise ConfigError(found.errors)
    return found.warnings, found.disabled
