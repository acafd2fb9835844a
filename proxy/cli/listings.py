"""The commands ``routes``, ``vendors`` and ``models``. They make no network calls."""

import datetime
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from adapters.core.message import COMMA, Message, joined
from proxy.cli.common import CONFIG, JSON, TranslatedCommand, echo, examples, load_config
from proxy.i18n.catalog import for_operator


def print_result(data: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Print the data as JSON, or the lines."""
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        for line in lines:
            click.echo(line)


@click.command(
    cls=TranslatedCommand,
    epilog=examples("banjia routes", "banjia routes --json", codes="Exit codes: 0; 2 if the configuration is invalid."),
)
@CONFIG
@JSON
def routes(path: Path | None, as_json: bool) -> None:
    """List the model names with their targets, and the vendors that are off."""
    from proxy.commands.routes import lines
    from proxy.commands.routes import routes as found_routes
    from proxy.commands.table import terminal_width

    found = found_routes(load_config(path))
    print_result(found, lines(found, terminal_width()), as_json=as_json)


@click.command(cls=TranslatedCommand, epilog=examples("banjia vendors", "banjia vendors --json", codes="Exit code: 0."))
@JSON
def vendors(as_json: bool) -> None:
    """Show which OpenAI features each vendor supports.

    Each cell is the verdict for one planned request to the vendor's stand-in for gpt-4o: honoured, mapped, clamped,
    emulated, dropped or refused.
    """
    from proxy.commands.table import terminal_width
    from proxy.commands.vendors import lines, matrix

    found = matrix()
    print_result(found, lines(found, terminal_width()), as_json=as_json)


@click.command(
    cls=TranslatedCommand,
    epilog=examples(
        "banjia models --vendor VENDOR_NAME",
        "banjia models --at 2024-07-09",
        codes="Exit codes: 0; 2 if the vendor does not exist, or the configuration is invalid.",
    ),
)
@click.option(
    "-c",
    "--config",
    "path",
    type=click.Path(path_type=Path),
    help="The configuration whose vendors are listed [BANJIA_CONFIG, banjia.yaml; without one, all vendors].",
)
@click.option("--vendor", metavar="V", help="One vendor's models only.")
@click.option("--history", is_flag=True, help="Also the prices of other days, the latest first.")
@click.option(
    "--at", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Prices of that day; omit models without one."
)
@JSON
def models(
    path: Path | None, vendor: str | None, *, history: bool, at: datetime.datetime | None, as_json: bool
) -> None:
    """List the model catalog: limits, prices, retirements.

    With a configuration, list its vendors, with its catalog overrides applied.
    """
    from config.errors import nearest
    from config.loader.load import find_file
    from proxy.commands.models import configured_catalogs, lines, shipped_catalogs
    from proxy.commands.models import models as found_models
    from proxy.commands.table import terminal_width

    file = path or find_file(os.environ, Path.cwd())
    known = configured_catalogs(load_config(file, keys_needed=False).settings) if file else shipped_catalogs()
    if file and path is None:  # the default file does not restrict --vendor
        if vendor is None or vendor in known:
            echo(
                Message("models of the vendors in {file}, with its overrides; for others: --vendor", file=file),
                err=True,
            )
        else:
            known = shipped_catalogs()
    today = datetime.datetime.now(tz=datetime.UTC).date()
    try:
        found = found_models(today, vendor, at=at.date() if at else None, catalogs=known)
    except KeyError:
        near = nearest(vendor or "", known)
        if near:
            wrong = Message("unknown vendor '{vendor}'; did you mean '{near}'?", vendor=vendor, near=near)
        else:
            names = joined(COMMA, known)
            wrong = Message("unknown vendor '{vendor}'; known vendors: {names}", vendor=vendor, names=names)
        raise click.BadParameter(for_operator(wrong), param_hint="--vendor") from None
    print_result(found, lines(found, terminal_width(), history=history), as_json=as_json)
