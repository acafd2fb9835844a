"""The commands for setup: ``init``, ``schema``, ``tiktoken``, ``env`` and ``doctor``."""

import os
from pathlib import Path

import click

from adapters.core.message import Message
from proxy.cli.common import CONFIG, JSON, TranslatedCommand, echo, error_line, examples, fail, load_config

SHELL = click.option(
    "--shell",
    type=click.Choice(["sh", "fish", "powershell", "dotenv"]),
    help="The syntax of the output; dotenv for a .env file [by SHELL].",
)


@click.command(
    cls=TranslatedCommand,
    epilog=examples(
        "banjia init",
        "banjia init mine.yaml --force",
        "banjia init -",
        codes="Exit codes: 0; 1 if the file exists already, or cannot be written.",
    ),
)
@click.argument("file", default="banjia.yaml", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def init(file: Path, force: bool) -> None:
    """Write a commented configuration for the API keys in the environment.

    FILE defaults to banjia.yaml; - is standard output. The file contains the names of the variables, never the keys.
    """
    from config.loader.system_errors import reason_of
    from proxy.commands.init import describe, text

    if str(file) == "-":
        click.echo(text(os.environ, None), nl=False)
        return
    if force and file.exists() and not (file.is_file() or file.is_dir()):
        fail(error_line(Message("{file} is a pipe or a device; give a regular file", file=file)), 1)
    try:
        with file.open("w" if force else "x", encoding="utf-8") as out:
            out.write(text(os.environ, file))
    except FileExistsError:
        if file.is_dir():
            wrong = Message("{file} is a directory; give a file in it", file=file)
        else:
            wrong = Message("{file} exists; --force overwrites it", file=file)
        fail(error_line(wrong), 1, "file-exists")
    except OSError as error:
        fail(error_line(Message("cannot write {file}: {why}", file=file, why=reason_of(error))), 1)
    for line in describe(os.environ, file):
        echo(line)


@click.command(
    cls=TranslatedCommand,
    epilog=examples("banjia schema", "banjia schema > banjia.schema.json", codes="Exit code: 0."),
)
def schema() -> None:
    """Print the JSON Schema of banjia.yaml, for editors."""
    from importlib import resources

    click.echo(resources.files("config").joinpath("banjia.schema.json").read_text(encoding="utf-8"), nl=False)


@click.command(
    cls=TranslatedCommand,
    epilog=examples(
        "banjia tiktoken tables",
        'eval "$(banjia tiktoken tables --shell sh)"',
        codes="Exit codes: 0; 1 if the tables are not installed, or cannot be written.",
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@SHELL
def tiktoken(folder: Path, shell: str | None) -> None:
    """Write OpenAI's token tables to a directory, so that clients do not download them.

    The tables come with the extra banjia[tokens]; the files have the names that tiktoken expects. Prints the variables that
    point a client to the directory: TIKTOKEN_CACHE_DIR, and DATA_GYM_CACHE_DIR for programs that only know that one.
    """
    from config.loader.system_errors import reason_of
    from proxy.commands.env import lines, selected_shell
    from proxy.commands.tiktoken import NotInstalled, export, variables

    try:
        export(folder)
    except NotInstalled:
        fail(
            error_line(Message("the token tables are not installed: pip install 'banjia[tokens]'")),
            1,
            "tokens-extra-missing",
        )
    except OSError as error:
        fail(error_line(Message("cannot write {file}: {why}", file=folder, why=reason_of(error))), 1)
    for line in lines(variables(folder), selected_shell(shell, os.environ)):
        click.echo(line)


@click.command(
    cls=TranslatedCommand,
    epilog=examples(
        'eval "$(banjia env)"',
        "banjia env --shell dotenv",
        codes="Exit codes: 0; 2 if the configuration is invalid.",
    ),
)
@SHELL
@CONFIG
def env(shell: str | None, path: Path | None) -> None:
    """Print the environment variables that point an app to banjia.

    OPENAI_BASE_URL and OPENAI_API_KEY, and OPENAI_API_BASE for SDKs before 1.0. If a proxy variable is set, NO_PROXY keeps
    calls to this machine from going through it. No secret is printed.
    """
    from proxy.commands.env import lines, selected_shell, variables

    wanted = selected_shell(shell, os.environ)
    for line in lines(variables(load_config(path, keys_needed=False).settings, os.environ), wanted):
        click.echo(line)


@click.command(
    cls=TranslatedCommand,
    epilog=examples(
        "banjia doctor",
        "banjia doctor --offline --json",
        codes="Exit codes: 0 if nothing failed; 1 if something did.",
    ),
)
@CONFIG
@JSON
@click.option("--offline", is_flag=True, help="Make no calls: check this machine only.")
def doctor(path: Path | None, as_json: bool, offline: bool) -> None:
    """Find problems and how to fix them.

    Checks the configuration, retired models, proxies, the port, and for each vendor DNS, TLS, the clock and the API keys.
    Each key is tested by listing the vendor's models, which uses no tokens. Output shows the last four characters of keys.
    """
    import asyncio
    import json
    import sys

    from config.loader.load import find_file
    from proxy.commands.doctor import examine
    from proxy.commands.doctor.report import Finding, data, healthy, lines

    def report(finding: Finding) -> None:
        for line in () if as_json else lines(finding):
            echo(line)

    file = path or find_file(os.environ, Path.cwd())
    found = asyncio.run(examine(file, os.environ, report, offline=offline))
    if as_json:
        click.echo(json.dumps(data(found), ensure_ascii=False, indent=2))
    sys.exit(0 if healthy(found) else 1)
