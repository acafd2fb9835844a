"""Shared parts of the commands: options, loading the configuration, output and errors."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapters.core.message import Message
from proxy.cli.output import guard_output
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
    """Return the name of the platform, as in ``sys.platform``."""
    return sys.platform


def needs_no_platform(args: list[str] | None) -> bool:
    """Whether a command line requests only help or the version, which work on every platform."""
    given = sys.argv[1:] if args is None else list(args)
    return not given or given[0] in ("help", "version") or bool({"-h", "--help", "-v", "--version"} & set(given))


PLACEHOLDERS = ("VENDOR_KEY", "VENDOR_NAME", "FIRST_VENDOR")


def with_vendors(text: str) -> str:
    """Return the text of a help page with names of vendors in place of ``PLACEHOLDERS``."""
    if any(word in text for word in PLACEHOLDERS):
        from adapters.registry import EXAMPLE, VENDORS  # only here: importing all vendors takes long

        for word, shown in zip(PLACEHOLDERS, (EXAMPLE.key_names[0], EXAMPLE.name, VENDORS[0].name), strict=True):
            text = text.replace(word, shown)
    return text


class TranslatedCommand(click.Command):
    """A command with the first line of its help in the operator's language and the rest in English."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The text below the usage line."""
        if self.help:
            first, *rest = self.help.split("\n", 1)
            self.help = "\n".join([for_operator(Message(first)), *rest])
        super().format_help_text(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, with the names of vendors in place of the placeholders of ``examples``."""
        self.epilog = with_vendors(self.epilog or "")
        super().format_epilog(ctx, formatter)

    def get_short_help_str(self, limit: int = 45) -> str:
        """The line in the list of commands."""
        if configured() != "en" and self.help:
            return for_operator(Message(self.help.partition("\n")[0]))
        return super().get_short_help_str(limit)


class CommandGroup(TranslatedCommand, click.Group):
    """The commands."""

    command_class = TranslatedCommand

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line. Raises SystemExit."""
        with guard_output(), click_in(configured()):
            if platform() == "win32" and not needs_no_platform(args[0] if args else extra.get("args")):
                fail(
                    error_line(Message("banjia does not run on Windows: use WSL or Docker")), 1, "unsupported-platform"
                )
            return super().main(*args, **extra)


def echo(line: str, *, err: bool = False) -> None:
    """Print a line for the operator, in the operator's language."""
    click.echo(for_operator(line), err=err)


def fail(message: Message, code: int, topic: str = "") -> None:
    """Print a line to stderr, in the operator's language, and exit. ``topic``: the error code for ``banjia help``."""
    if topic:
        message = Message("{line} (banjia help {code})", line=message, code=topic)
    echo(message, err=True)
    sys.exit(code)


def error_line(message: Message) -> Message:
    """Return the error line of a command."""
    return Message("error: {line}", line=message)


def examples(*commands: str, codes: str) -> str:
    """Return the end of a command's help: examples that run as written, and the exit codes.

    ``VENDOR_KEY``, ``VENDOR_NAME`` and ``FIRST_VENDOR`` stand for the key variable and the names of vendors.
    """
    shown = "\n".join(f"  {command}" for command in commands)
    return f"\b\nExamples:\n{shown}\n\n{codes}"


def load_config(
    path: Path | None, *, keys_needed: bool = True, environ: Mapping[str, str] | None = None, listen: str = ""
) -> "LoadedConfig":
    """Load the configuration. If it is invalid, print the errors and exit with 2.

    ``environ``: replaces the environment of the process. ``listen``: the option that has set ``server.listen``;
    diagnostics about the address name it.
    """
    from config.errors import Location
    from config.loader.load import ConfigError, find_file, load
    from proxy.observability.memory_budget import warnings
    from proxy.observability.memory_guard import limit_of_this_machine

    try:
        variables = os.environ if environ is None else environ
        result = load(path or find_file(variables, Path.cwd()), variables, keys_needed=keys_needed)
    except ConfigError as error:
        diagnostics = [
            replace(diagnostic, location=Location(listen))
            if listen and diagnostic.key == "server.listen"
            else diagnostic
            for diagnostic in error.diagnostics
        ]
        for diagnostic in diagnostics:
            echo(diagnostic.with_help, err=True)
        sys.exit(2)
    for warning in [
        *(diagnostic.with_help for diagnostic in result.warnings),
        *warnings(result.settings, limit_of_this_machine()),
    ]:
        echo(Message("warning: {line}", line=warning), err=True)
    return result
