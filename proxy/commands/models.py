"""``banjia models``: the catalogs, with what is known and how sure it is."""

import datetime
from collections.abc import Iterator, Sequence
from typing import Any

from config import catalog
from config.catalog import Catalog, ModelRow, Price
from proxy.commands.table import table
from proxy.commands.vendors import each_edition


def models(today: datetime.date, only: str | None = None) -> list[dict[str, Any]]:
    """The rows of the catalogs as data, of one vendor if ``only`` names it; ``now`` marks the prices of today.

    Raises KeyError for a vendor that there is not.
    """
    named = dict(each_edition())
    if only is not None and only not in named:
        raise KeyError(only)
    found = []
    for name, vendor in named.items():
        if only is None or name == only or name.startswith(f"{only}/"):
            try:
                rows = catalog.load(vendor.catalog)
            except FileNotFoundError:
                continue
            found += [_told(name, rows, row, today) for row in rows.models]
    return found


def _told(vendor: str, rows: Catalog, row: ModelRow, today: datetime.date) -> dict[str, Any]:
    told = row.model_dump(mode="json", exclude={"prices", "input", "facts"})
    current = tiers(row, today)
    return {
        "vendor": vendor,
        **told,
        "input": sorted(row.input),
        "gone": row.retired is not None and row.retired <= today,
        "stands_in_for": [name for name, found in rows.stand_ins.items() if found.model == row.id],
        "currency": rows.currency,
        "prices": [{**price.model_dump(mode="json"), "now": price in current} for price in row.prices],
        "read": rows.read.isoformat(),
    }


def tiers(row: ModelRow, day: datetime.date) -> list[Price]:
    """The prices that hold on a day, by rising length of prompt."""
    known = [price for price in row.prices if price.holds(day)]
    newest = max((price.since for price in known), default=None)
    of_now = [price for price in known if price.since == newest]
    return sorted(of_now, key=lambda price: float("inf") if price.up_to is None else price.up_to)


FACTS = ("vendor", "model", "context", "output", "takes", "thinking", "retired")
PRICE = ("in / cached / out", "since", "sure", "source")


def lines(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The rows for a terminal: prices per million tokens, a line for each length of prompt."""
    rows = []
    for row in found:
        now = [price for price in row["prices"] if price["now"]]
        names = (row["vendor"], row["id"], _size(row["context"]), _size(row["max_output"]))
        facts = (*names, _takes(row), row["thinking"], _end(row))
        priced = [(_price(price), price["since"], price["confidence"], price["source"]) for price in now]
        for at, more in enumerate(priced or [("-",) * 4]):
            rows.append([*(facts if at == 0 else ("",) * len(facts)), *more])
    yield from table((*FACTS, *PRICE), rows)
    if found:
        currencies = " and ".join(dict.fromkeys(row["currency"] for row in found))
        yield ""
        yield f"Prices in {currencies} per million tokens, as read on {max(row['read'] for row in found)}. Earlier ones,"
        yield "names that a model stands in for, and how sure the other facts are: --json."


def _size(tokens: int | None) -> str:
    return "?" if tokens is None else str(tokens)


def _takes(row: dict[str, Any]) -> str:
    return (
        "embeddings"
        if row["operation"] == "embeddings"
        else "+".join(sorted(row["input"], key=lambda kind: "tiva".find(kind[0])))
    )


def _price(price: dict[str, Any]) -> str:
    cached = "?" if price["cached"] is None else f"{price['cached']:g}"
    told = f"{price['input']:g} / {cached} / {price['output']:g}"
    if price["thinking_output"] is not None:
        told += f" (thinking {price['thinking_output']:g})"
    return told + (f", prompts to {price['up_to']}" if price["up_to"] is not None else "")


def _end(row: dict[str, Any]) -> str:
    if row["retired"] is None:
        return "-"
    return f"{row['retired']}, now {row['successor']}" if row["successor"] else str(row["retired"])
