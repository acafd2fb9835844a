"""The commands that serve: the proxy, the demo and the emulators."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapters.core.message import Message, as_message
from proxy.cli.common import CONFIG, Spoken, echo, error_line, examples, fail, loaded
from proxy.cli.output import is_unwritable
from proxy.i18n.catalog import for_operator

if TYPE_CHECKING:
    from proxy.lifecycle.emulation import Emulators

LISTEN = "BANJIA_SERVER__LISTEN"
"""The variable of ``server.listen``; an option sets it, so that it also holds when the file is read again."""


def _address(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """The value of --listen. Raises BadParameter."""
    from config.loader.errors import InvalidValue
    from config.schema import checked_address

    try:
        return None if value is None else checked_address(value)
    except InvalidValue as error:
        raise click.BadParameter(for_operator(error.message)) from None


def where(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where to listen."""
    port = click.option(
        "--port", type=click.IntRange(0, 65535), metavar="N", help="The port to listen on; 0 for a free one."
    )
    listen = click.option(
        "--listen",
        callback=_address,
        metavar="HOST:PORT",
        help="Address and port to listen on, in the place of server.listen.",
    )
    return port(listen(command))


def only_one(port: int | None, listen: str | None) -> None:
    """Raise UsageError if both options are given."""
    if port is not None and listen is not None:
        raise click.UsageError(for_operator(Message("--port and --listen are both given; give one of them")))


@click.command(
    cls=Spoken,
    epilog=examples(
        "banjia demo",
        "banjia demo --port 0",
        codes="Exit codes: 0 after Ctrl-C; 1 if no port is free.",
    ),
)
@where
def demo(port: int | None, listen: str | None) -> None:
    """Emulated vendors, the proxy in front of them, one streamed call; then serves until Ctrl-C. Needs no key.

    The port is 8080, or the next free one, unless --port or --listen names it.
    """
    only_one(port, listen)
    from proxy.cli.demo import run
    from proxy.observability.log_writer import install_log_streams

    # Before the queues: a full disk ends it here.
    echo(Message("Starting emulated vendors, and banjia in front of them."))
    install_log_streams(access_lines=False)
    address = listen or (f"127.0.0.1:{port}" if port is not None else None)
    try:
        run(_emulators(), echo, lambda text: click.echo(text, nl=False), address)
    except OSError as error:
        fail(error_line(message_of(error)), 1, code_of(error))


@click.command(
    cls=Spoken,
    epilog=examples(
        "MOONSHOT_API_KEY=… banjia serve",
        "banjia serve --emulate --port 9000",
        "banjia serve --emulate --listen 127.0.0.1:0",
        codes="Exit codes: 0 after a signal; 1 if the address is in use, or at a second signal; "
        "2 if the command line or the configuration is wrong.",
    ),
)
@CONFIG
@click.option("--emulate", is_flag=True, help="Call our own emulators instead of the vendors.")
@where
def serve(path: Path | None, emulate: bool, port: int | None, listen: str | None) -> None:
    """Run the proxy. Without a file, vendors come from the key variables in the environment.

    A file is read again when it changes, and on SIGHUP; mistakes in it are reported and change nothing. --port and
    --listen win over the file and over the environment.
    """
    only_one(port, listen)
    from proxy.lifecycle.run import run
    from proxy.observability.log_writer import install_log_streams

    logs = install_log_streams(access_lines=True)
    environ = dict(os.environ)
    if listen is not None:
        environ[LISTEN] = listen
    configured = loaded(path, keys_needed=not emulate, environ=environ, listen="--listen" if listen else "")
    if port is not None:
        server = configured.settings.server
        environ[LISTEN] = f"{server.listen.rpartition(':')[0]}:{port}"
        server = server.model_copy(update={"listen": environ[LISTEN]})
        configured = replace(configured, settings=configured.settings.model_copy(update={"server": server}))
    try:
        run(
            configured,
            lambda line: echo(line, err=True),
            environ,
            _emulators() if emulate else None,
            logs,
        )
    except OSError as error:
        fail(error_line(message_of(error)), 1, code_of(error))


def code_of(error: OSError) -> str:
    """The code of an error at the start: about the address, or none."""
    from proxy.lifecycle.run import AddressError

    return error.code if isinstance(error, AddressError) else ""


def message_of(error: OSError) -> Message:
    """What went wrong at the start."""
    from proxy.lifecycle.run import AddressError

    return error.message if isinstance(error, AddressError) else as_message(str(error))


def _emulators() -> "Emulators":
    from emulators import NAMES, start

    return {name: partial(start, name) for name in NAMES}


@click.command(
    cls=Spoken,
    epilog=examples(
        "banjia emulate kimi qwen",
        "banjia emulate kimi --port 0 --fault rate_limit@2",
        codes="Exit codes: 0 after a signal; 1 if a port is in use; 2 if a vendor or fault does not exist.",
    ),
)
@click.argument("vendors", nargs=-1, required=True)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9001,
    metavar="P",
    help="The first vendor's port; the next ones follow. 0: free ones. [9001]",
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
        fail(error_line(as_message(str(error))), 2)
    except OSError as error:
        if is_unwritable(error):
            raise
        fail(error_line(as_message(str(error))), 1)
