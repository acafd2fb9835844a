"""What the commands have in common: their options, how they load a configuration, how they fail."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from config.load import Loaded

CONFIG = click.option(
    "-c",
    "--config",
    "path",
    type=click.Path(path_type=Path),
    help="The configuration file [BANJIA_CONFIG, banjia.yaml].",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def fail(message: str, code: int) -> None:
    """Print to stderr and exit."""
    click.echo(message, err=True)
    sys.exit(code)


def loaded(path: Path | None, *, keys_needed: bool = True) -> "Loaded":
    """The configuration; what is wrong with it is printed, and ends the command with 2."""
    from config.load import ConfigError, find_file, load

    try:
        result = load(path or find_file(os.environ, Path.cwd()), os.environ, keys_needed=keys_needed)
    except ConfigError as error:
        fail("\n".join(map(str, error.complaints)), 2)
        raise AssertionError from error
    for warning in result.warnings:
        click.echo(f"warning: {warning}", err=True)
    return result
