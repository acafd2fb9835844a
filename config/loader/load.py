"""Load Settings from a file and the environment, or raise diagnostics with position, key and cure."""

import datetime
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from adapters.core.message import EMPTY, Message
from config.errors import DEFAULT_CODE, ConfigError, Diagnostic, Location
from config.loader.system_errors import reason_of
from config.nodes import Node
from config.schema import Settings
from config.sections import Section

__all__ = ["ConfigError", "Diagnostic", "LoadedConfig", "find_file", "load", "load_file", "sources"]

DEFAULT_NAME = "banjia.yaml"
ENVIRONMENT = "environment"
"""``LoadedConfig.source`` of a configuration without a file."""


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A valid configuration.

    ``source`` is the file's path, or ``environment``. ``off`` has the vendors without an API key, with the reason.
    """

    settings: Settings
    source: str
    warnings: list[Diagnostic]
    disabled: Mapping[str, Message]


def find_file(environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Return the default file: ``BANJIA_CONFIG``, else ``banjia.yaml`` in ``cwd`` if it exists, else None."""
    named = environ.get("BANJIA_CONFIG")
    if named:
        return cwd / named
    default = cwd / DEFAULT_NAME
    return default if default.exists() else None


def load(path: Path | None, environ: Mapping[str, str], *, keys_needed: bool = True) -> LoadedConfig:
    """Load a file, or with None the vendors' key variables, and apply the ``BANJIA_`` variables.

    With ``keys_needed=False`` vendors need no API key, because emulators replace them. Raises ConfigError.
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
    """Return the files of a configuration: the file itself, then its catalogs and secrets, whether they exist or not.

    If the file is not valid YAML, return that file only.
    """
    from config.loader.environment import override
    from config.loader.included_files import included_files

    folder = path.parent
    try:
        root, _ = _tree(path, environ, folder)
        override(root, environ, folder)
    except ConfigError:
        return [path]
    return list(dict.fromkeys([path, *included_files(root, folder)]))


def load_file(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of a file. Raises ConfigError."""
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
            [
                replace(diagnostic, code="config-syntax") if diagnostic.code == DEFAULT_CODE else diagnostic
                for diagnostic in error.diagnostics
            ]
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
                    Message("cannot read the file: {why}", why=why),
                    expected,
                    code="config-unreadable",
                )
            ]
        ) from None


def _plain_vendors(root: Node) -> bool:
    vendors = root.child("vendors")
    return bool(vendors and vendors.value)


def _no_key() -> Diagnostic:
    from config.loader.environment import searched_keys

    problem = Message("no vendor API key is set; looked for {names}", names=searched_keys())
    return Diagnostic(
        Location("environment"),
        "",
        problem,
        Message("one of these variables, or a file {name} (`banjia demo` needs no key)", name=DEFAULT_NAME),
        code="config-no-vendor-key",
    )


def _check_open_listen(root: Node) -> list[Diagnostic]:
    """Check for a missing client key too: reporting both at once saves the operator of a container one restart."""
    from config.lint.context import LintContext
    from config.lint.settings import listen_addresses

    context = LintContext(_validated(root, []), root, datetime.datetime.now(tz=datetime.UTC).date())
    listen_addresses(context)
    return context.errors


def _validated(root: Node, diagnostics: list[Diagnostic]) -> Settings:
    """Return the tree as settings. Raises ConfigError with its validation errors and the diagnostics so far."""
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
    """Drop keys without a value: their content may be commented out."""
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
    """Return the warnings and the vendors that are off. Raises ConfigError."""
    from config.lint.context import LintContext
    from config.lint.settings import check

    context = LintContext(settings, root, datetime.datetime.now(tz=datetime.UTC).date())
    check(context, keys_needed=keys_needed)
    if context.errors:
        raise ConfigError(context.errors)
    return context.warnings, context.disabled
