"""``banjia models``: list the model catalogs with limits, prices, sources and confidence."""

import datetime
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from adapters.core.message import one_of
from config.catalog import models as catalog
from config.catalog.models import Catalog, ModelRow
from config.routing import catalog_of
from config.schema import Settings
from proxy.commands.table import fitted, table
from proxy.commands.vendors import each_edition

OF_EMBEDDINGS = ("max_tokens_per_input", "max_inputs", "dimensions")
"""Facts of a model for embeddings: tokens of a text, texts of a call, the sizes of its vectors, the default first."""
SOURCE = 12
"""Columns that the source of a price has at least; with fewer it stands on a line of its own."""


def models(
    today: datetime.date,
    only: str | None = None,
    *,
    at: datetime.date | None = None,
    catalogs: Mapping[str, Catalog] | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of the catalogs as data, of one vendor with ``only``. ``now`` marks today's prices.

    With ``at``, ``now`` marks the prices of that day, and models without a known price are left out. ``catalogs`` replaces
    the shipped ones. Raises KeyError for an unknown vendor.
    """
    named = each_catalog() if catalogs is None else catalogs
    if only is not None and only not in named:
        raise KeyError(only)
    return [
        _model_info(name, rows, row, today, at or today)
        for name, rows in named.items()
        if only is None or name == only or name.startswith(f"{only}/")
        for row in rows.models
        if at is None or row.tiers(at)
    ]


def each_catalog() -> dict[str, Catalog]:
    """Return the shipped catalogs, by vendor or ``vendor/edition``."""
    found = {}
    for name, vendor in each_edition():
        try:
            found[name] = catalog.load(vendor.catalog)
        except catalog.CatalogNotFound:
            continue
    return found


def configured(settings: Settings) -> dict[str, Catalog]:
    """Return the catalogs of the configured vendors, with the operator's overrides."""
    return {name: catalog_of(name, entry) for name, entry in settings.vendors.items()}


def _model_info(vendor: str, rows: Catalog, row: ModelRow, today: datetime.date, day: datetime.date) -> dict[str, Any]:
    info = row.model_dump(mode="json", exclude={"prices", "input", "facts"})
    current = row.tiers(day)
    return {
        "vendor": vendor,
        **info,
        "input": sorted(row.input),
        **{fact: row.facts.get(fact) for fact in OF_EMBEDDINGS},
        "gone": row.retired is not None and row.retired <= today,
        "stands_in_for": [name for name, found in rows.stand_ins.items() if found.model == row.id],
        "currency": rows.currency,
        "prices": [{**price.model_dump(mode="json"), "now": price in current} for price in row.prices],
        "read": rows.read.isoformat(),
    }


FACTS = ("model", "context", "output", "takes", "thinking")
PRICE = ("prompts to", "in", "cached", "out", "thinking", "since", "sure", "source")


def lines(found: Sequence[dict[str, Any]], width: int = 100, *, history: bool = False) -> Iterator[str]:
    """Yield the rows as lines of ``width`` columns: one line of facts per model, then one line per price.

    With ``history``, include the prices of other days, the latest first.
    """
    for vendor, rows in groupby(found, key=lambda row: row["vendor"]):
        yield from _vendor(vendor, list(rows), width, history=history)
        yield ""
    yield from _wrapped(
        "? is not known, - is none. Names that a model stands in for, and how sure the other facts are: --json. "
        "Earlier prices: --history; those of a day: --at 2024-07-09."
        if found
        else "There is no model of which that is known.",
        width,
    )


def _wrapped(text: str, width: int, first: str = "", later: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )


def _vendor(vendor: str, rows: Sequence[dict[str, Any]], width: int, *, history: bool) -> Iterator[str]:
    heading = f"{vendor}: prices in {rows[0]['currency']} per million tokens, as read on {rows[0]['read']}"
    yield from _wrapped(heading, width, "", "    ")
    head = (*PRICE[:6], *(("until",) if history else ()), *PRICE[6:])
    prices = [[_price(price, history=history) for price in _shown_prices(row, history=history)] for row in rows]
    priced = list(_prices(head, prices, width))
    facts = list(fitted(FACTS, [_facts(row) for row in rows], width, (3,)))
    yield from facts[0]
    yield from priced[0][0]
    for row, fact, told_prices in zip(rows, facts[1:], priced[1:], strict=True):
        yield from fact
        for line in _vectors(row):
            yield from _wrapped(line, width, "    ", "      ")
        for price in told_prices:
            yield from price
        if not told_prices and not row["gone"]:
            yield f"    no price {'of the day ' if row['prices'] else ''}is known"
        if end := _end(row):
            yield from _wrapped(end, width, "    ", "        ")


def _prices(head: Sequence[str], prices: Sequence[Sequence[Sequence[str]]], width: int) -> Iterator[list[list[str]]]:
    """The head, then for each model its prices, each as the lines that it takes."""
    flat = [line for of_model in prices for line in of_model]
    aligned = list(table(head[:-1], [line[:-1] for line in flat]))
    left = 4 + max(map(len, aligned)) + 2
    if left - 2 > width:  # in words
        yield [[]]
        for of_model in prices:
            said = [", ".join(f"{name} {cell}" for name, cell in zip(head, line, strict=True)) for line in of_model]
            yield [_wrapped(text, width, "    ", "      ") for text in said]
        return
    beside = width - left >= SOURCE
    yield [[f"    {aligned[0].ljust(left - 4)}{head[-1]}" if beside else f"    {aligned[0]}"]]
    at = 1
    for of_model in prices:
        found = []
        for line in of_model:
            if beside:
                source, *more = _wrapped(line[-1], width - left) or [""]
                found.append([f"    {aligned[at].ljust(left - 4)}{source}", *(" " * left + rest for rest in more)])
            else:
                found.append([f"    {aligned[at]}", *_wrapped(f"source {line[-1]}", width, " " * 6, " " * 8)])
            at += 1
        yield found


def _shown_prices(row: dict[str, Any], *, history: bool) -> list[dict[str, Any]]:
    """The prices of the day, or all of them, the latest list first."""
    if not history:
        return [price for price in row["prices"] if price["now"]]
    return sorted(row["prices"], key=lambda price: str(price["since"]), reverse=True)


def _facts(row: dict[str, Any]) -> tuple[str, ...]:
    if row["operation"] == "embeddings":
        return row["id"], _size(row["context"] or row["max_tokens_per_input"]), "-", "embeddings", row["thinking"]
    kinds = sorted(row["input"], key=lambda kind: "tiva".find(kind[0]))
    return row["id"], _size(row["context"]), _size(row["max_output"]), "+".join(kinds), row["thinking"]


def _vectors(row: dict[str, Any]) -> Iterator[str]:
    """What its vectors are like, the default size first."""
    if row["operation"] == "embeddings" and not row["gone"]:
        sizes = one_of(map(str, row["dimensions"] or "?"))
        texts = row["max_inputs"]
        yield f"{sizes} dimensions" + (f", {texts} {'text' if texts == 1 else 'texts'} a call" if texts else "")


def _size(tokens: int | None) -> str:
    return "?" if tokens is None else str(tokens)


def _price(price: dict[str, Any], *, history: bool) -> list[str]:
    thinking = price["thinking_output"]
    return [
        "-" if price["up_to"] is None else str(price["up_to"]),
        f"{price['input']:g}",
        "?" if price["cached"] is None else f"{price['cached']:g}",
        f"{price['output']:g}",
        "-" if thinking is None else f"{thinking:g}",
        price["since"],
        *((price["until"] or "-",) if history else ()),
        price["confidence"],
        price["source"],
    ]


def _end(row: dict[str, Any]) -> str:
    instead = f", in its place {row['successor']}" if row["successor"] else ""
    if row["retired"] is not None:
        return f"retired on {row['retired']}{instead}" if row["gone"] else f"to retire on {row['retired']}{instead}"
    return f"to retire, on a date not known yet{instead}" if row["retiring"] else ""
