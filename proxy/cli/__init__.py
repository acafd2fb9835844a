"""The command line. Commands import their modules when they run, so that help and errors appear at once.

Exit codes: 0 success; 1 failure at run time (a port in use, a server that does not respond); 2 invalid command line or
configuration.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from adapters.core.message import Message
from proxy.cli import help as help_page
from proxy.cli import listings, serving, setup
from proxy.cli import state as state_commands
from proxy.cli.common import CONFIG, JSON, CommandGroup, echo, examples, fail, load_config
from proxy.i18n.catalog import for_operator

EXAMPLES = """\b
Examples:
  banjia demo                              try it without an API key
  banjia serve                             run it with the API keys in the environment
  banjia init && banjia check              write a configuration from the keys in the environment
  eval "$(banjia env)"                     point the apps of this shell to banjia
  banjia routes                            show the targets of each model name
  banjia doctor                            find problems and how to fix them
  echo '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}' | banjia explain -

\b
Exit codes: 0 success; 1 failure; 2 invalid command line or configuration.
"""


def _version(context: click.Context, option: click.Parameter, requested: bool) -> None:
    if requested and not context.resilient_parsing:
        from proxy.version import display_version

        click.echo(f"banjia {display_version()}")
        context.exit()


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLES)
@click.option(
    "-v",
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Show the version and exit.",
)
def main() -> None:
    """An OpenAI-compatible migration proxy: leave OpenAI without touching your code."""


@main.command(epilog=examples("banjia version", codes="Exit code: 0."))
def version() -> None:
    """Show the version, as --version does."""
    from proxy.version import display_version

    click.echo(f"banjia {display_version()}")


for command in (
    serving.demo, serving.serve, serving.emulate, setup.init, setup.schema, setup.env, setup.tiktoken, setup.doctor, listings.routes,
    listings.vendors, listings.models, state_commands.state,
):  # fmt: skip
    main.add_command(command)
main.add_command(help_page.help_, "help")


@main.command(
    epilog=examples(
        "banjia check",
        "banjia check other.yaml",
        "banjia check --json",
        codes="Exit codes: 0; 2 if the configuration is invalid.",
    )
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@CONFIG
@JSON
def check(file: Path | None, path: Path | None, as_json: bool) -> None:
    """Check a configuration: list errors with file:line:col, key and expected value. Exit 2 if it is invalid.

    -c works instead of FILE, as in the other commands.
    """
    import datetime

    from config.lint.capabilities import lacks
    from config.loader.load import ConfigError, find_file, load
    from proxy.commands.routes import form_lines, forms_by_name
    from proxy.observability.memory_budget import warnings as memory_warnings
    from proxy.observability.memory_guard import limit_of_this_machine

    if file and path and file != path:
        raise click.UsageError(
            for_operator(Message("two files are given, {file} and {other}; give one", file=file, other=path))
        )
    source = file or path or find_file(os.environ, Path.cwd())
    errors: list[Message] = []
    warnings: list[Message] = []
    notes: list[Message] = []
    forms: dict[str, list[str]] = {}
    try:
        checked = load(source, os.environ)
        warnings = [
            *(warning.with_help for warning in checked.warnings),
            *memory_warnings(checked.settings, limit_of_this_machine()),
        ]
        forms = forms_by_name(checked.settings)
        today = datetime.datetime.now(tz=datetime.UTC).date()
        notes = [
            Message("{problem}; use {instead}", problem=lack.problem, instead=lack.instead)
            for lack in lacks(checked.settings, today)
            if lack.shipped
        ]
    except ConfigError as error:
        errors = [diagnostic.with_help for diagnostic in error.diagnostics]
    if as_json:
        found = {"file": str(source or ""), "errors": errors, "warnings": warnings, "notes": notes, "forms": forms}
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        for line in errors:
            echo(line, err=True)
        for line in warnings:
            echo(Message("warning: {line}", line=line), err=True)
        for line in (*notes, *form_lines(forms)):
            echo(line)
        if not errors:
            echo(Message("{source}: ok", source=source or Message("the environment")))
    sys.exit(2 if errors else 0)


@main.command(
    epilog=examples(
        """echo '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}' | banjia explain -""",
        """echo '{"model": "gpt-4o", "input": "Hi", "store": false}' | banjia explain -""",
        "banjia explain request.json --json",
        codes="Exit codes: 0; 1 if the request would be answered with an error; 2 if the configuration is invalid.",
    )
)
@click.argument("request", type=click.File("rb"))
@CONFIG
@JSON
def explain(request: Any, path: Path | None, as_json: bool) -> None:
    """Show what banjia would send to each target, without sending it. REQUEST is a JSON file, or - for standard input."""
    from proxy.commands.explain import answered, error_line, lines
    from proxy.commands.explain import explain as explained
    from proxy.errors import ProxyError

    settings = load_config(path).settings
    try:
        found = explained(request.read(), settings)
    except ProxyError as error:
        found = {"error": answered(error)}
    listings.print_result(found, lines(found), as_json=as_json)
    if found["error"]:
        fail(error_line(found["error"]), 1)


def _server_url(context: click.Context, option: click.Parameter, url: str | None) -> str | None:
    """Return the value of --url. Raises BadParameter unless it is an http:// URL with a host."""
    from urllib.parse import urlsplit

    try:
        if url is None or (urlsplit(url).scheme == "http" and urlsplit(url).hostname and urlsplit(url).port != 0):
            return url
    except ValueError:
        pass
    raise click.BadParameter(
        for_operator(
            Message("expected {expected}", expected=Message("http://HOST:PORT, such as http://127.0.0.1:8080"))
        )
    )


@main.command(
    epilog=examples(
        "banjia healthcheck",
        "banjia healthcheck --url http://127.0.0.1:8080",
        codes="Exit codes: 0 if the server is ready; 1 if not; 2 if --url is not a URL.",
    )
)
@click.option("--url", callback=_server_url, help="URL of the server [as configured, else http://127.0.0.1:8080].")
def healthcheck(url: str | None) -> None:
    """Exit 0 if the server is ready, 1 if not."""
    import http.client
    from urllib.parse import urlsplit

    target = urlsplit(url or _configured_url())
    connection = http.client.HTTPConnection(target.hostname or "127.0.0.1", target.port or 80, timeout=4)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        fail(Message("{url} does not respond: {why}", url=target.geturl(), why=error), 1, "server-unreachable")
    finally:
        connection.close()
    echo(Message("ready") if status == 200 else Message("not ready ({status})", status=status))
    sys.exit(0 if status == 200 else 1)


def _configured_url() -> str:
    from config.loader.load import ConfigError, find_file, load
    from config.schema import Server

    try:
        listen = load(find_file(os.environ, Path.cwd()), os.environ, keys_needed=False).settings.server.listen
    except ConfigError:
        listen = Server().listen
    host, _, port = listen.rpartition(":")
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '[::]') else host}:{port}"  # noqa: S104
