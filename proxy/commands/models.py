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
from proxy.commands.table import fit_table, table
from proxy.commands.vendors import each_variant

EMBEDDING_FACTS = ("max_tokens_per_input", "max_inputs", "dimensions")
"""Facts of an embedding model: tokens per text, texts per call, and the sizes of its vectors, the default first."""
MIN_SOURCE_WIDTH = 12
"""Minimum width of the source of a price; with less space the source gets its own line."""


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
    catalogs_by_name = shipped_catalogs() if catalogs is None else catalogs
    if only is not None and only not in catalogs_by_name:
        raise KeyError(only)
    return [
        _model_info(name, rows, row, today, at or today)
        for name, rows in catalogs_by_name.items()
        if only is None or name == only or name.startswith(f"{only}/")
        for row in rows.models
        if at is None or row.tiers(at)
    ]


def shipped_catalogs() -> dict[str, Catalog]:
    """Return the shipped catalogs, by vendor or ``vendor/variant``."""
    found = {}
    for name, vendor in each_variant():
        try:
            found[name] = catalog.load(vendor.catalog)
        except catalog.CatalogNotFound:
            continue
    return found


def configured_catalogs(settings: Settings) -> dict[str, Catalog]:
    """Return the catalogs of the configured vendors, with the operator's overrides."""
    return {name: catalog_of(name, entry) for name, entry in settings.vendors.items()}


def _model_info(vendor: str, rows: Catalog, row: ModelRow, today: datetime.date, day: datetime.date) -> dict[str, Any]:
    info = row.model_dump(mode="json", exclude={"prices", "input", "facts"})
    current = row.tiers(day)
    return {
        "vendor": vendor,
        **info,
        "input": sorted(row.input),
        **{fact: row.facts.get(fact) for fact in EMBEDDING_FACTS},
        "gone": row.retired is not None and row.retired <= today,
        "stands_in_for": [name for name, found in rows.stand_ins.items() if found.model == row.id],
        "currency": rows.currency,
        "prices": [{**price.model_dump(mode="json"), "now": price in current} for price in row.prices],
        "read": rows.read.isoformat(),
    }


FACT_HEADS = ("model", "context", "max output", "input", "thinking")
PRICE_HEADS = ("prompts up to", "input", "cached", "output", "thinking", "since", "confidence", "source")


def lines(found: Sequence[dict[str, Any]], width: int = 100, *, history: bool = False) -> Iterator[str]:
    """Yield the rows as lines of ``width`` columns: one line of facts per model, then one line per price.

    With ``history``, include the prices of other days, the latest first.
    """
    for vendor, rows in groupby(found, key=lambda row: row["vendor"]):
        yield from _vendor_lines(vendor, list(rows), width, history=history)
        yield ""
    yield from _wrapped(
        "?: unknown, -: none. --json adds the names that a model stands in for and the confidence of the other facts. "
        "Earlier prices: --history; those of a day: --at 2024-07-09."
        if found
        else "No model matches.",
        width,
    )


def _wrapped(text: str, width: int, first: str = "", later: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )


def _vendor_lines(vendor: str, rows: Sequence[dict[str, Any]], width: int, *, history: bool) -> Iterator[str]:
    heading = f"{vendor}: prices in {rows[0]['currency']} per million tokens, as read on {rows[0]['read']}"
    yield from _wrapped(heading, width, "", "    ")
    head = (*PRICE_HEADS[:6], *(("until",) if history else ()), *PRICE_HEADS[6:])
    prices = [
        [cells for price in _selected_prices(row, history=history) for cells in _price_rows(price, history=history)]
        for row in rows
    ]
    price_blocks = list(_price_lines(head, prices, width))
    fact_blocks = list(fit_table(FACT_HEADS, [_fact_cells(row) for row in rows], width, (3,)))
    yield from fact_blocks[0]
    yield from price_blocks[0][0]
    for row, fact_lines, row_prices in zip(rows, fact_blocks[1:], price_blocks[1:], strict=True):
        yield from fact_lines
        for line in _embedding_lines(row):
            yield from _wrapped(line, width, "    ", "      ")
        for price in row_prices:
            yield from price
        if not row_prices and not row["gone"]:
            yield f"    no known price{' on this day' if row['prices'] else ''}"
        if note := _retirement_note(row):
            yield from _wrapped(note, width, "    ", "        ")


def _price_lines(
    head: Sequence[str], prices: Sequence[Sequence[Sequence[str]]], width: int
) -> Iterator[list[list[str]]]:
    """Yield the head, then for each model its prices; each price is a list of lines."""
    all_rows = [cells for model_rows in prices for cells in model_rows]
    aligned = list(table(head[:-1], [cells[:-1] for cells in all_rows]))
    source_column = 4 + max(map(len, aligned)) + 2
    if source_column - 2 > width:  # too narrow for a table: each price as text
        yield [[]]
        for model_rows in prices:
            texts = [
                ", ".join(f"{name} {cell}" for name, cell in zip(head, cells, strict=True)) for cells in model_rows
            ]
            yield [_wrapped(text, width, "    ", "      ") for text in texts]
        return
    source_fits = width - source_column >= MIN_SOURCE_WIDTH
    yield [[f"    {aligned[0].ljust(source_column - 4)}{head[-1]}" if source_fits else f"    {aligned[0]}"]]
    number = 1
    for model_rows in prices:
        blocks = []
        for cells in model_rows:
            if source_fits:
                source, *more = _wrapped(cells[-1], width - source_column) or [""]
                blocks.append(
                    [
                        f"    {aligned[number].ljust(source_column - 4)}{source}",
                        *(" " * source_column + line for line in more),
                    ]
                )
            else:
                blocks.append([f"    {aligned[number]}", *_wrapped(f"source {cells[-1]}", width, " " * 6, " " * 8)])
            number += 1
        yield blocks


def _selected_prices(row: dict[str, Any], *, history: bool) -> list[dict[str, Any]]:
    """Return the prices of the day; with ``history`` all prices, the latest first."""
    if not history:
        return [price for price in row["prices"] if price["now"]]
    return sorted(row["prices"], key=lambda price: str(price["since"]), reverse=True)


def _fact_cells(row: dict[str, Any]) -> tuple[str, ...]:
    if row["operation"] == "embeddings":
        return (
            row["id"],
            _token_count(row["context"] or row["max_tokens_per_input"]),
            "-",
            "embeddings",
            row["thinking"],
        )
    input_types = sorted(row["input"], key=lambda kind: "tiva".find(kind[0]))
    return (
        row["id"],
        _token_count(row["context"]),
        _token_count(row["max_output"]),
        "+".join(input_types),
        row["thinking"],
    )


def _embedding_lines(row: dict[str, Any]) -> Iterator[str]:
    """Yield a line with the sizes of the vectors, the default first, and the number of texts per call."""
    if row["operation"] == "embeddings" and not row["gone"]:
        sizes = one_of(map(str, row["dimensions"] or "?"))
        texts = row["max_inputs"]
        yield f"{sizes} dimensions" + (f", {texts} {'text' if texts == 1 else 'texts'} a call" if texts else "")


def _token_count(tokens: int | None) -> str:
    return "?" if tokens is None else str(tokens)


def _price_rows(price: dict[str, Any], *, history: bool) -> Iterator[list[str]]:
    """Yield the cells of a price, and those of its price at peak hours."""
    yield _price_cells(price, history=history)
    if price["peak"] is not None:
        cells = _price_cells({**price, **price["peak"]}, history=history)
        yield ["at peak", *cells[1:]]


def _price_cells(price: dict[str, Any], *, history: bool) -> list[str]:
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


def _retirement_note(row: dict[str, Any]) -> str:
    successor = f"; successor: {row['successor']}" if row["successor"] else ""
    if row["retired"] is not None:
        return f"retired on {row['retired']}{successor}" if row["gone"] else f"to retire on {row['retired']}{successor}"
    return f"to retire, on a date not known yet{successor}" if row["retiring"] else ""
