"""``python -m scripts.pages.prices`` writes docs/prices.md: prices of July 2024 and of today, from the catalogs."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from config.catalog import models as catalog
from config.catalog.models import Price

FILE = Path(__file__).parents[2] / "docs" / "prices.md"
LEFT = datetime.date(2024, 7, 9)
"""The day on which OpenAI closed its API to regions that it does not support."""
TITLES = {"kimi": "Kimi", "qwen": "Qwen", "ernie": "ERNIE", "hunyuan": "Hunyuan", "hunyuan_classic": "Hunyuan"}
THEN: Mapping[str, Sequence[str]] = {
    "kimi": ("moonshot-v1-8k", "moonshot-v1-32k", "moonshot-v1-128k"),
    "qwen": ("qwen-long", "qwen-turbo", "qwen-plus", "qwen-max"),
    "ernie": ("ernie-speed-8k", "ernie-lite-8k", "ernie-3.5-8k", "ernie-4.0-turbo-8k", "ernie-4.0-8k"),
    "hunyuan_classic": ("hunyuan-lite", "hunyuan-standard", "hunyuan-standard-256K", "hunyuan-pro"),
}
NOW: Mapping[str, Sequence[str]] = {
    "kimi": ("kimi-k2.6", "kimi-k3"),
    "qwen": ("qwen-flash", "qwen-plus", "qwen3.6-flash", "qwen3.6-plus", "qwen3-max", "qwen-long"),
    "ernie": ("ernie-4.5-turbo-128k", "ernie-4.5-turbo-vl", "ernie-5.1", "ernie-5.0"),
    "hunyuan": ("hy3",),
}
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

Prices as read on {read}. Of the models above, only Qwen's are still available, most of them with new weights under the old name.
The price of `hy3` itself was not found; the table shows the price of `hy3-preview`, next to which Tencent lists it.

{now}

## Tiers

If a model has several rows, the length of the prompt selects the row: "up to 32,768" applies to prompts of at most that many tokens,
and the vendor bills the whole request, including the answer, at that row. A model with one row costs the same for prompts of any
length. A dash in the last row means all longer prompts.

## Cached input

A vendor may bill a part of a prompt that it has seen recently at the cached price; "?" means that no price was found, not that there is
none. Kimi caches automatically, for prompts that begin like an earlier one of more than 256 tokens. Qwen caches automatically too, and
also on request: filling the cache then costs 125 % of the input price, and a hit 10 %. The `usage` of the answer has the number of
cached tokens in `prompt_tokens_details.cached_tokens`.

## Thinking

Vendors bill reasoning as output, even if the answer does not show it. Some models of Qwen have a higher price for all output of a
request in which they think: the column "out, thinking". `policy: {{thinking: off}}` disables thinking for the models that allow it
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

Your entries replace the shipped ones, and all others stay; `prices` are all prices of a model, the oldest list first. banjia reports a
mistake by file, line and column, as for the configuration. A change of the file applies at once, like a change of the configuration
([lifecycle](lifecycle.md)). `currency: USD` sets the currency of all prices.

## How banjia uses prices

A route with `strategy: cheapest` first tries the target with the lowest cost by these prices: for the estimated prompt without caching,
the longest requested answer, and thinking if the model would think. A target without a known price comes last.
"""


def text() -> str:
    """Return the published page."""
    read = max(catalog.load(name).read for name in NOW)
    return PAGE.format(left=LEFT, read=read, then=_then(), now=_now())


def _then() -> str:
    rows = [
        (title, f"`{model}`", f"{price.input:g}", f"{price.output:g}", str(price.since), price.confidence)
        for title, model, price in _prices(THEN, LEFT)
    ]
    return _table(("vendor", "model", "in", "out", "since", "confidence"), rows)


def _now() -> str:
    rows = []
    for title, model, price in _prices(NOW):
        up_to = "—" if price.up_to is None else f"up to {price.up_to:,}"
        money = (price.input, price.cached, price.output)
        thinking = "" if price.thinking_output is None else f"{price.thinking_output:g}"
        amounts = ("?" if amount is None else f"{amount:g}" for amount in money)
        rows.append((title, f"`{model}`", up_to, *amounts, thinking, str(price.since), price.confidence))
    head = ("vendor", "model", "prompts", "in", "cached", "out", "out, thinking", "since", "confidence")
    return _table(head, rows)


def _prices(chosen: Mapping[str, Sequence[str]], day: datetime.date | None = None) -> Iterator[tuple[str, str, Price]]:
    """Return the prices of the models on a day, or on the day their catalog was read. Raises KeyError without one."""
    for name, models in chosen.items():
        cat = catalog.load(name)
        for model in models:
            found = cat.by_id[model].tiers(day or cat.read)
            if not found:
                raise KeyError(f"{name}/{model} has no price on {day or cat.read}")
            for price in found:
                yield TITLES[name], model, price


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def write(file: Path = FILE) -> None:
    """Write the published page."""
    file.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write()
