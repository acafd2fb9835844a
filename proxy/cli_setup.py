"""The commands that help to get going: a configuration to start from, the lines for the app, what stands in the way."""

import os
from pathlib import Path

import click

from proxy.cli_parts import CONFIG, fail, loaded


@click.command(epilog="Exit codes: 0; 1 if the file is there already, or can't be written.")
@click.argument("file", default="banjia.yaml", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init(file: Path, force: bool) -> None:
    """Write a commented configuration from the vendors' key variables in the environment.

    FILE is banjia.yaml unless given; - is standard output. Keys are named as variables, never copied.
    """
    from proxy.commands.init import said, text

    if str(file) == "-":
        click.echo(text(os.environ, None), nl=False)
        return
    try:
        with file.open("w" if force else "x", encoding="utf-8") as out:
            out.write(text(os.environ, file))
    except FileExistsError:
        fail(f"error: {file} is there already; --force writes over it", 1)
    except OSError as error:
        fail(f"error: {file} can't be written: {error.strerror or error}", 1)
    for line in said(os.environ, file):
        click.echo(line)


@click.command(epilog='Exit codes: 0; 2 if the configuration can\'t be used.  In sh: eval "$(banjia env)"')
@click.option(
    "--shell",
    type=click.Choice(["sh", "fish", "powershell", "dotenv"]),
    help="The shell to speak to; dotenv for a .env file [by SHELL].",
)
@CONFIG
def env(shell: str | None, path: Path | None) -> None:
    """The environment lines that point an app here: OPENAI_BASE_URL and OPENAI_API_KEY, and OPENAI_API_BASE for old SDKs.

    Where a proxy variable is set, NO_PROXY keeps calls to this machine from going through it. No secret is printed.
    """
    from proxy.commands.env import SHELLS, lines, shell_of, variables

    wanted = next((known for known in SHELLS if known == shell), None) or shell_of(os.environ)
    for line in lines(variables(loaded(path, keys_needed=False).settings, os.environ), wanted):
        click.echo(line)
