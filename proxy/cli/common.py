"""Shared parts of the commands: options, loading the configuration, output and errors."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapters.core.message import Message
from proxy.cli.output import output_guarded
from proxy.i18n.catalog import click_in, for_operator
from proxy.i18n.negotiate import configured

if TYPE_CHECKING:
    from config.loader.load import LoadedConfig

CONFIG = click.option(
    "-c",
    "--config",
    "path",
    type=click.Path(path_type=Path),
    help="The configuration file [BANJIA_CONFIG, banjia.yaml].",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def platform() -> str:
    """The platform, as Python names it."""
    return sys.platform


def without_platform(args: list[str] | None) -> bool:
    """Whether a command line requests only help or the version, which work on every platform."""
    given = sys.argv[1:] if args is None else list(args)
    return not given or given[0] in ("help", "version") or bool({"-h", "--help", "-v", "--version"} & set(given))


class Spoken(click.Command):
    """A command whose help starts with a line in the operator's language; the rest is in English."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The text below the usage line."""
        if self.help:
            first, *rest = self.help.split("\n", 1)
            self.help = "\n".join([for_operator(Message(first)), *rest])
        super().format_help_text(ctx, formatter)

    def get_short_help_str(self, limit: int = 45) -> str:
        """The line in the list of commands."""
        if configured() != "en" and self.help:
            return for_operator(Message(self.help.partition("\n")[0]))
        return super().get_short_help_str(limit)


class Commands(Spoken, click.Group):
    """The commands."""

    command_class = Spoken

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line. Raises SystemExit."""
        with output_guarded(), click_in(configured()):
            if platform() == "win32" and not without_platform(args[0] if args else extra.get("args")):
                fail(
                    error_line(Message("banjia does not run on Windows: use WSL or Docker")), 1, "unsupported-platform"
                )
            return super().main(*args, **extra)


def echo(line: str, *, err: bool = False) -> None:
    """Print a line for the operator, in the operator's language."""
    click.echo(for_operator(line), err=err)


def fail(message: Message, code: int, explained: str = "") -> None:
    """Print a line to stderr, in the operator's language, and exit. ``explained``: the topic for ``banjia help``."""
    if explained:
        message = Message("{line} (banjia help {code})", line=message, code=explained)
    echo(message, err=True)
    sys.exit(code)


def error_line(message: Message) -> Message:
    """Return the error line of a command."""
    return Message("error: {line}", line=message)


def examples(*commands: str, codes: str) -> str:
    """Return the end of a command's help: examples that run as written, and the exit codes."""
    shown = "\n".join(f"  {command}" for command in commands)
    return f"\b\nExamples:\n{shown}\n\n{codes}"


def loaded(
    path: Path | None, *, keys_needed: bool = True, environ: Mapping[str, str] | None = None, listen: str = ""
) -> "LoadedConfig":
    """Load the configuration. If it is invalid, print the errors and exit with 2.

    ``environ``: replaces the environment of the process. ``listen``: the option that has set ``server.listen``;
    diagnostics about the address name it.
    """
    from config.loader.errors import Location
    from config.loader.load import ConfigError, find_file, load
    from proxy.observability.memory_budget import warnings
    from proxy.observability.memory_guard import limit_of_this_machine

    try:
        known = os.environ if environ is None else environ
        result = load(path or find_file(known, Path.cwd()), known, keys_needed=keys_needed)
    except ConfigError as error:
        given = [
            replace(one, location=Location(listen)) if listen and one.key == "server.listen" else one
            for one in error.diagnostics
        ]
        for diagnostic in given:
            echo(diagnostic.with_help, err=True)
        sys.exit(2)
    for warning in [*(one.with_help for one in result.warnings), *warnings(result.settings, limit_of_this_machine())]:
        echo(Message("warning: {line}", line=warning), err=True)
    return result
