"""``python -m scripts.pages.prices`` writes docs/prices.md: prices of July 2024 and of today, from the catalogs."""

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from adapters.registry import BY_CATALOG
from config.catalog import models as catalog
from config.catalog.models import Catalog, Price
from scripts.pages.table import code

FILE = Path(__file__).parents[2] / "docs" / "prices.md"
LEFT = datetime.date(2024, 7, 9)
"""The day on which OpenAI closed its API to regions that it does not support."""
Table = Literal["july_2024", "today"]
PAGE = """\
# What a million tokens cost

This page compares prices in CNY per million tokens, without free quotas. `scripts/docs` generates it from the catalogs in
`config/catalog/data/` ([how to change a price](../CONTRIBUTING.md#models-and-prices)). `banjia models` lists every model with the source
of each price, `banjia models --history` earlier prices, `banjia models --at {left}` the prices known on that day.

The column "confidence": **high** is the vendor's own page, **medium** one third party, **low** hearsay, or sources that
disagree. "Since" is the first day on which the price is known to apply; it may have applied earlier.

## {left}: the day OpenAI left

In the third week of May, Alibaba, Baidu and Tencent had cut their prices, and made small models free.

{then}

For comparison: at 7.2 CNY per dollar, gpt-4o cost 36 for input and 108 for output in July 2024, gpt-3.5-turbo 3.6 and 10.8.

## Today

Prices as read on {read}. Of the models above, these are still available, most of them with new weights under the old name:
{left_over}.

{now}

## Tiers

If a model has several rows, the length of the prompt selects the row: "up to 32,768" applies to prompts of at most that many tokens,
and the vendor bills the whole request, including the answer, at that row. A model with one row costs the same for prompts of any
length. A dash in the last row means all longer prompts. A row "peak hours" has the price of the row above it during the vendor's peak
hours, which the vendor's page names.

## Cached input

A vendor may bill a part of a prompt that it has seen recently at the cached price; "?" means that no price was found, not that there is
none. [Each vendor's page](README.md) says what is known of its cache. The `usage` of the answer has the number of cached tokens in
`prompt_tokens_details.cached_tokens`.

## Thinking

Vendors bill reasoning as output, even if the answer does not show it. Some models have a higher price for all output of a request in
which they think: the column "out, thinking". `policy: {{thinking: off}}` disables thinking for the models that allow it
([How it works](architecture.md)).

## Prices of your own

To use the prices of your contract, a changed price, or a model that is newer than this release, override the vendor's catalog, in the
configuration or in a separate file (`catalog: kimi.yaml`, relative to the folder of the configuration):

```yaml
vendors:
  kimi:
    api_key: "${{KIMI_API_KEY}}"
    catalog:
      models:
        - id: kimi-k2.6
          prices:
            - {{input: 5, cached: 1, output: 20, up_to: 32000, since: 2026-10-01, source: our contract, confidence: high}}
            - {{input: 6, cached: 1, output: 24, since: 2026-10-01, source: our contract, confidence: high}}
        - {{id: kimi-k9, context: 2000000, input: [text, image], thinking: default_on}}
      stand_ins:
        gpt-4o: {{model: kimi-k9}}
```

Your entries replace the shipped ones, and all others stay; `prices` are all prices of a model, the oldest list first. `same_as: kimi-k2.6` gives an
id of yours, such as an endpoint or a fine-tuned model, the limits, features and prices of a listed model. banjia reports a
mistake by file, line and column, as for the configuration. A change of the file applies at once, like a change of the configuration
([lifecycle](lifecycle.md)). `currency: USD` sets the currency of all prices.

## How banjia uses prices

A route with `strategy: cheapest` first tries the target with the lowest cost by these prices: for the estimated prompt without caching,
the longest requested answer, and thinking if the model would think. A target without a known price comes last.
"""


def text() -> str:
    """Return the published page."""
    read = max(cat.read for _, cat, models in _shown("today") if models)
    return PAGE.format(left=LEFT, read=read, then=_then(), now=_now(), left_over=_left_over())


def _shown(table: Table) -> Iterator[tuple[str, Catalog, list[str]]]:
    """Yield for each catalog the vendor's title, the catalog, and the models in a table of the page."""
    for name, vendor in BY_CATALOG.items():
        cat = catalog.load(name)
        yield str(vendor.title), cat, getattr(cat.price_page, table)


def _left_over() -> str:
    """Return the models of July 2024 that are not retired."""
    models = (cat.by_id[model] for _, cat, models in _shown("july_2024") for model in models)
    return ", ".join(code(row.id) for row in models if row.retired is None)


def _then() -> str:
    rows = [
        (title, code(model), f"{price.input:g}", f"{price.output:g}", str(price.since), price.confidence)
        for title, model, price in _prices("july_2024", LEFT)
    ]
    return _table(("vendor", "model", "in", "out", "since", "confidence"), rows)


def _now() -> str:
    head = ("vendor", "model", "prompts", "in", "cached", "out", "out, thinking", "since", "confidence")
    rows = [row for title, model, price in _prices("today") for row in _rows(title, model, price)]
    return _table(head, rows)


def _rows(title: str, model: str, price: Price) -> Iterator[tuple[str, ...]]:
    """Yield the row of a price, and that of its peak hours."""
    thinking = "" if price.thinking_output is None else f"{price.thinking_output:g}"
    known = (str(price.since), price.confidence)
    prompts = "—" if price.up_to is None else f"up to {price.up_to:,}"
    yield title, code(model), prompts, *_amounts(price.input, price.cached, price.output), thinking, *known
    if price.peak is not None:
        amounts = _amounts(price.peak.input, price.peak.cached, price.peak.output)
        yield title, code(model), "peak hours", *amounts, "", *known


def _amounts(*amounts: float | None) -> Iterator[str]:
    return ("?" if amount is None else f"{amount:g}" for amount in amounts)


def _prices(table: Table, day: datetime.date | None = None) -> Iterator[tuple[str, str, Price]]:
    """Yield the prices of a table's models on a day, or on the day their catalog was read. Raises KeyError without one."""
    for title, cat, models in _shown(table):
        for model in models:
            found = cat.by_id[model].tiers(day or cat.read)
            if not found:
                raise KeyError(f"{cat.vendor}/{model} has no price on {day or cat.read}")
            for price in found:
                yield title, model, price


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def write(file: Path = FILE) -> None:
    """Write the published page."""
    file.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write()
