"""The commands. What a command needs is imported when it runs, so that help and errors come at once.

Exit codes: 0 all is well; 1 it can't be done here (a port in use, a server that does not answer); 2 the command line
or the configuration is wrong.
"""

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy import cli_listings, cli_setup
from proxy.cli_parts import CONFIG, JSON, Commands, fail, loaded, say
from proxy.language import for_operator

if TYPE_CHECKING:
    from proxy.emulated import Emulators


EXAMPLES = """\b
Examples:
  banjia demo                              see it work, with no key
  MOONSHOT_API_KEY=… banjia serve          run it, with one
  banjia init && banjia check              a configuration from the keys that are there
  eval "$(banjia env)"                     point the apps of this shell here
  banjia routes                            who answers under which name
  banjia doctor                            what stands in the way, and the cure
  echo '{"model": "gpt-4o", "messages": []}' | banjia explain -

\b
Exit codes: 0 all is well; 1 it can't be done here; 2 the command line or the configuration is wrong.
"""


def _version(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from proxy.version import told

        click.echo(f"banjia {told()}")
        context.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLES)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version and exit."
)
def main() -> None:
    """An OpenAI-compatible migration proxy: leave OpenAI without touching your code."""


for command in (
    cli_setup.init, cli_setup.env, cli_setup.doctor, cli_listings.routes, cli_listings.vendors, cli_listings.models,
):  # fmt: skip
    main.add_command(command)


@main.command(epilog="Exit codes: 0 after Ctrl-C; 1 if no port is free.")
def demo() -> None:
    """Emulated vendors, the proxy in front of them, one streamed call; then serves until Ctrl-C. Needs no key."""
    from proxy.demo import run
    from proxy.observability.log_writer import install_log_streams

    install_log_streams(access_lines=False)
    try:
        run(_emulators(), say, lambda text: click.echo(text, nl=False))
    except OSError as error:
        fail(f"error: {error}", 1)


@main.command(
    epilog="Exit codes: 0 after a signal; 1 if the address can't be had, or at a second signal; 2 if the configuration is wrong."
)
@CONFIG
@click.option("--emulate", is_flag=True, help="Call our own emulators instead of the vendors.")
def serve(path: Path | None, emulate: bool) -> None:
    """Run the proxy. Without a file, vendors come from the key variables in the environment.

    A file is read again when it changes, and on SIGHUP; one that is wrong is told and changes nothing.
    """
    from proxy.lifecycle.run import run
    from proxy.observability.log_writer import install_log_streams

    logs = install_log_streams(access_lines=True)
    configured = loaded(path, keys_needed=not emulate)
    try:
        run(
            configured,
            lambda line: say(line, err=True),
            os.environ,
            _emulators() if emulate else None,
            logs,
        )
    except OSError as error:
        fail(f"error: {error}", 1)


def _emulators() -> "Emulators":
    from emulators import NAMES, start

    return {name: partial(start, name) for name in NAMES}


@main.command(epilog="Exit codes: 0 after a signal; 1 if a port is taken; 2 for a vendor or fault that there is not.")
@click.argument("vendors", nargs=-1, required=True)
@click.option(
    "--port", default=9001, show_default=True, help="The first vendor's port; the next ones follow. 0: free ones."
)
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME[=VALUE][@N]", help="Misbehave; may be given several times."
)
def emulate(vendors: tuple[str, ...], port: int, faults: tuple[str, ...]) -> None:
    """Stand-in vendors alone, on loopback, speaking the vendors' own wire. Prints their NAME=VALUE lines, then ready."""
    import asyncio
    import signal

    import uvloop

    from emulators.serve import serve as serve_vendors

    async def until_signal() -> None:
        stop = asyncio.Event()
        for sig in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sig, stop.set)
        await serve_vendors(vendors, port, faults, os.environ, click.echo, stop)

    try:
        uvloop.run(until_signal())
    except ValueError as error:
        fail(f"error: {error}", 2)
    except OSError as error:
        fail(f"error: {error}", 1)


@main.command(epilog="Exit codes: 0; 2 if the configuration can't be used.")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@CONFIG
@JSON
def check(file: Path | None, path: Path | None, as_json: bool) -> None:
    """Lint a configuration: file:line:col, key, what is expected. Exit 2 if it can't be used.

    FILE can be given by -c too, as for the other commands.
    """
    from config.load import ConfigError, find_file, load
    from proxy.commands.routes import form_lines, forms_by_name
    from proxy.observability.memory_budget import warnings as of_memory
    from proxy.services.memory import limit_of_this_machine

    if file and path and file != path:
        raise click.UsageError(for_operator(f"one file is checked, and two are named: {file} and {path}"))
    source = file or path or find_file(os.environ, Path.cwd())
    errors: list[str] = []
    warnings: list[str] = []
    forms: dict[str, list[str]] = {}
    try:
        checked = load(source, os.environ)
        warnings = [*map(str, checked.warnings), *of_memory(checked.settings, limit_of_this_machine())]
        forms = forms_by_name(checked.settings)
    except ConfigError as error:
        errors = [str(complaint) for complaint in error.complaints]
    if as_json:
        found = {"file": str(source or ""), "errors": errors, "warnings": warnings, "forms": forms}
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        for line in errors:
            say(line, err=True)
        for line in warnings:
            say(f"warning: {line}", err=True)
        for line in form_lines(forms):
            say(line)
        if not errors:
            say(f"{source or 'the environment'}: ok")
    sys.exit(2 if errors else 0)


@main.command(
    epilog="Exit codes: 0; 1 if the request would be answered with an error; 2 if the configuration can't be used."
)
@click.argument("request", type=click.File("rb"))
@CONFIG
@JSON
def explain(request: Any, path: Path | None, as_json: bool) -> None:
    """What would be sent to whom, field by field, sending nothing. REQUEST is a JSON body, or - for standard input."""
    from proxy.errors import ProxyError
    from proxy.explain import answered, error_line, lines
    from proxy.explain import explain as explained

    settings = loaded(path).settings
    try:
        found = explained(request.read(), settings)
    except ProxyError as error:
        found = {"error": answered(error)}
    cli_listings.shown(found, lines(found), as_json=as_json)
    if found["error"]:
        fail(error_line(found["error"]), 1)


def _door(context: click.Context, option: click.Parameter, url: str | None) -> str | None:
    """The URL, if it is one that can be asked over HTTP."""
    from urllib.parse import urlsplit

    try:
        if url is None or (urlsplit(url).scheme == "http" and urlsplit(url).hostname and urlsplit(url).port != 0):
            return url
    except ValueError:
        pass
    raise click.BadParameter(for_operator("expected http://HOST:PORT, such as http://127.0.0.1:8080"))


@main.command(epilog="Exit codes: 0 if the server is ready; 1 if not; 2 for a URL that is none.")
@click.option("--url", callback=_door, help="Where the server is [http://127.0.0.1:8080, or as configured].")
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
        fail(f"{target.geturl()} does not answer: {error}", 1)
    finally:
        connection.close()
    say("ready" if status == 200 else f"not ready ({status})")
    sys.exit(0 if status == 200 else 1)


def _configured_url() -> str:
    from config.load import ConfigError, find_file, load
    from config.schema import Server

    try:
        listen = load(find_file(os.environ, Path.cwd()), os.environ, keys_needed=False).settings.server.listen
    except ConfigError:
        listen = Server().listen
    host, _, port = listen.rpartition(":")
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '[::]') else host}:{port}"  # noqa: S104
