"""The commands ``serve``, ``demo`` and ``emulate``."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapters.core.message import Message, as_message
from proxy.cli.common import CONFIG, TranslatedCommand, echo, error_line, examples, fail, load_config
from proxy.cli.output import is_write_error
from proxy.i18n.catalog import for_operator

if TYPE_CHECKING:
    from proxy.lifecycle.emulation import Emulators

LISTEN = "BANJIA_SERVER__LISTEN"
"""The variable of ``server.listen``. The options set it, so that they stay in effect after a reload."""


def _listen_address(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """The value of --listen. Raises BadParameter."""
    from config.errors import InvalidValue
    from config.schema import checked_address

    try:
        return None if value is None else checked_address(value)
    except InvalidValue as error:
        raise click.BadParameter(for_operator(error.message)) from None


def address_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options --port and --listen."""
    port = click.option(
        "--port", type=click.IntRange(0, 65535), metavar="N", help="The port to listen on; 0 for a free one."
    )
    listen = click.option(
        "--listen",
        callback=_listen_address,
        metavar="HOST:PORT",
        help="Address and port to listen on; overrides server.listen.",
    )
    return port(listen(command))


def reject_both(port: int | None, listen: str | None) -> None:
    """Raise UsageError if both options are given."""
    if port is not None and listen is not None:
        raise click.UsageError(for_operator(Message("give either --port or --listen, not both")))


@click.command(
    cls=TranslatedCommand,
    epilog=examples(
        "banjia demo",
        "banjia demo --port 0",
        codes="Exit codes: 0 after Ctrl-C; 1 if no port is free.",
    ),
)
@address_options
def demo(port: int | None, listen: str | None) -> None:
    """Run emulated vendors with the proxy in front, make one streamed call, then serve until Ctrl-C. Needs no API key.

    The default port is 8080, or the next free one.
    """
    reject_both(port, listen)
    from proxy.cli.demo import run
    from proxy.observability.log_writer import install_log_streams

    # Before the log queues start: if the output cannot be written, the command ends here.
    echo(Message("Starting emulated vendors, and banjia in front of them."))
    install_log_streams(access_lines=False)
    address = listen or (f"127.0.0.1:{port}" if port is not None else None)
    try:
        run(_emulators(), echo, lambda text: click.echo(text, nl=False), address)
    except OSError as error:
        fail(error_line(message_of(error)), 1, code_of(error))


@click.command(
    cls=TranslatedCommand,
    epilog=examples(
        "VENDOR_KEY=… banjia serve",
        "banjia serve --emulate --port 9000",
        "banjia serve --emulate --listen 127.0.0.1:0",
        codes="Exit codes: 0 after a signal; 1 if the address is in use, or at a second signal; "
        "2 if the command line or the configuration is invalid, or if the store cannot be opened.",
    ),
)
@CONFIG
@click.option("--emulate", is_flag=True, help="Call emulators instead of the vendors.")
@address_options
def serve(path: Path | None, emulate: bool, port: int | None, listen: str | None) -> None:
    """Run the proxy. Without a file, vendors come from the key variables in the environment.

    The file is reloaded when it changes, and on SIGHUP; if it is invalid, banjia logs the errors and keeps the current
    configuration. --port and --listen override the file and the environment.
    """
    reject_both(port, listen)
    from proxy.lifecycle.run import run
    from proxy.observability.log_writer import install_log_streams
    from proxy.storage.interface import StoreError

    logs = install_log_streams(access_lines=True)
    environ = dict(os.environ)
    if listen is not None:
        environ[LISTEN] = listen
    configured = load_config(path, keys_needed=not emulate, environ=environ, listen="--listen" if listen else "")
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
    except StoreError as error:
        fail(error_line(Message("{problem} ({cure})", problem=error.message, cure=error.cure)), 2, error.code)


def code_of(error: OSError) -> str:
    """Return the code of a startup error about the address; empty for others."""
    from proxy.lifecycle.run import AddressError

    return error.code if isinstance(error, AddressError) else ""


def message_of(error: OSError) -> Message:
    """Return the message of a startup error."""
    from proxy.lifecycle.run import AddressError

    return error.message if isinstance(error, AddressError) else as_message(str(error))


def _emulators() -> "Emulators":
    from adapters.registry import VENDORS
    from emulators import NAMES, start

    return {vendor.name: partial(start, vendor.name) for vendor in VENDORS if vendor.name in NAMES}


@click.command(
    cls=TranslatedCommand,
    epilog=examples(
        "banjia emulate VENDOR_NAME FIRST_VENDOR",
        "banjia emulate VENDOR_NAME --port 0 --fault rate_limit@2",
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
    """Run vendor emulators on loopback, without the proxy. Prints NAME=VALUE lines, then ready."""
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
        if is_write_error(error):
            raise
        fail(error_line(as_message(str(error))), 1)
