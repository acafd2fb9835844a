"""The commands ``state size``, ``state purge`` and ``state export``: what the store has, beside a running server."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from adapters.core.message import Message
from proxy.cli.common import (
    CONFIG,
    JSON,
    CommandGroup,
    TranslatedCommand,
    echo,
    error_line,
    examples,
    fail,
    load_config,
)
from proxy.cli.listings import print_result
from proxy.i18n.catalog import for_operator

if TYPE_CHECKING:
    import sqlite3

    from config.schema import Settings


@click.group(
    cls=CommandGroup,
    epilog=examples(
        "banjia state size --tenants",
        "banjia state purge --tenant - --yes",
        "banjia state export resp_1f4c5a7e9b2d4f608192a3b4c5d6e7f8",
        codes="Exit codes: 0; 1 if the store cannot be used, or does not have the id; 2 if the configuration is invalid.",
    ),
)
def state() -> None:
    """Show, delete or export what the store has.

    Needs store.url: sqlite:PATH, and works while the server runs. 'banjia state COMMAND --help' shows the options.
    """


@contextmanager
def _store(settings: "Settings", *, read_only: bool) -> Iterator["sqlite3.Connection"]:
    """Open the store. If it cannot be used, print why and what to do, and exit with 1."""
    from proxy.commands.state import opened
    from proxy.storage.interface import StoreError

    try:
        with opened(settings, read_only=read_only) as connection:
            yield connection
    except StoreError as error:
        fail(error_line(Message("{problem} ({cure})", problem=error.message, cure=error.cure)), 1, error.code)


@state.command(
    cls=TranslatedCommand,
    epilog=examples("banjia state size", "banjia state size --tenants --json", codes="Exit codes: as of banjia state."),
)
@click.option("--tenants", is_flag=True, help="Also each tenant, the largest first.")
@CONFIG
@JSON
def size(tenants: bool, path: Path | None, as_json: bool) -> None:
    """Show rows and bytes of what is stored, by kind.

    A tenant is a client key; its name is made of the key and the server's secret. caller is the name of the key in log
    lines, for keys that are configured.
    """
    from proxy.commands import state as commands
    from proxy.commands.table import terminal_width

    settings = load_config(path, keys_needed=False).settings
    with _store(settings, read_only=True) as connection:
        found = commands.size(connection, settings, tenants=tenants)
    print_result(found, commands.lines(found, terminal_width()), as_json=as_json)


@state.command(
    cls=TranslatedCommand,
    epilog=examples(
        "banjia state purge --tenant - --yes",
        "banjia state purge --key client-key.txt --yes",
        codes="Exit codes: as of banjia state.",
    ),
)
@click.option("--tenant", metavar="T", help="The tenant, or the caller of a log line, as 'size --tenants' shows both.")
@click.option(
    "--key", "key_file", type=click.File("r"), metavar="FILE", help="A file with the client key; - for standard input."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@CONFIG
def purge(tenant: str | None, key_file: TextIO | None, yes: bool, path: Path | None) -> None:
    """Delete everything of one client key.

    Responses, conversations, background events and kept reasoning: all of it is overwritten in the file. Remove the key from
    server.client_keys first: what the client sends meanwhile is stored.
    """
    from proxy.commands.state import NoSuchTenant, tenant_named, tenant_of_key
    from proxy.storage.interface import StoreError
    from proxy.storage.sqlite.maintenance import purge as delete_all
    from proxy.storage.sqlite.maintenance import sizes, total

    if (tenant is None) == (key_file is None):
        raise click.UsageError(for_operator(Message("give either --tenant or --key")))
    if key_file is sys.stdin and not yes:
        raise click.UsageError(for_operator(Message("with --key - add --yes: standard input cannot answer, too")))
    settings = load_config(path, keys_needed=False).settings
    with _store(settings, read_only=False) as connection:
        if key_file is not None:
            key = key_file.read().strip()
            if not key:
                raise click.BadParameter(for_operator(Message("there is no key in it")), param_hint="--key")
            name = tenant_of_key(settings, key)
        else:
            try:
                name = tenant_named(settings, tenant or "")
            except NoSuchTenant as error:
                raise click.BadParameter(for_operator(error.message), param_hint="--tenant") from None
        found = total([sizes(connection).get(name, {})])
        rows, size_ = (sum(one[at] for one in found.values()) for at in (0, 1))
        if not rows:
            echo(Message("nothing is stored for tenant {tenant}", tenant=name))
            return
        what = Message(
            "tenant {tenant} (responses: {responses}, conversations: {conversations}, bytes in all: {bytes})",
            tenant=name,
            responses=found["responses"].rows,
            conversations=found["conversations"].rows,
            bytes=size_,
        )
        if not yes:
            click.confirm(for_operator(Message("Delete {what}?", what=what)), abort=True)
        if not delete_all(connection, name):
            raise StoreError(
                Message("the client of tenant {tenant} stores faster than this command deletes", tenant=name),
                Message("remove its key from server.client_keys, and run the command again"),
            )
    echo(Message("deleted {what}", what=what))


@state.command(
    cls=TranslatedCommand,
    epilog=examples(
        "banjia state export resp_1f4c5a7e9b2d4f608192a3b4c5d6e7f8",
        codes="Exit codes: as of banjia state.",
    ),
)
@click.argument("id_", metavar="ID")
@CONFIG
def export(id_: str, path: Path | None) -> None:
    """Print a response or a conversation with its items as JSON.

    As it is stored: with its tenant, and with the reasoning of the vendor. A response has the new items of its own input; what
    it continues is in the response that previous_response_id names.
    """
    from proxy.storage.sqlite.maintenance import exported

    settings = load_config(path, keys_needed=False).settings
    with _store(settings, read_only=True) as connection:
        found = exported(connection, id_)
    if not found:
        fail(error_line(Message("the store has no response and no conversation with the id {id}", id=id_)), 1)
    click.echo(json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False, indent=2))
