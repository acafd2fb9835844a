"""``python -m scripts.pages.prices`` writes docs/prices.md: prices per million tokens, then and now, by catalog."""

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

Prices in CNY per million tokens, without free quotas, made by `scripts/docs` from the catalogs in `config/catalog/`
([how to change one](../CONTRIBUTING.md#models-and-prices)). `banjia models` lists every model with the source of each price, `banjia models --history`
what it cost before, `banjia models --at {left}` what had a price on that day.

How sure a price is: **high** is the vendor's own page, **medium** one third party, **low** hearsay, or sources that
disagree. "Since" is the first day on which a price is known to hold, which may be later than the first on which it did.

## {left}: the day OpenAI left

In the third week of May, Alibaba, Baidu and Tencent had cut their prices, those of small models to nothing.

{then}

For comparison: at 7.2 CNY to the dollar gpt-4o cost 36 in and 108 out in July 2024, gpt-3.5-turbo 3.6 and 10.8.

## Today

As read on {read}. Of the models above, only Qwen's are still served, most of them with new weights under the old name.
The price of `hy3` itself was not found: it is that of `hy3-preview`, beside which Tencent lists it.

{now}

## Tiers

Where a model has several lines, the length of the prompt decides: "up to 32,768" is for prompts of at most that many
tokens, and the whole request is billed at its line, the answer included. A model with one line costs the same for
prompts of any length. A dash in the last line stands for all longer prompts.

## Cached input

Part of a prompt that the vendor has seen shortly before may be billed at the cached price; "?" means that none was found,
not that there is none. It happens by itself at Kimi, for prompts that begin like an earlier one of more than 256 tokens,
and at Qwen, whose cache can also be filled by request: that costs 125 % of the input price, and a hit then 10 %. How much
was cached is in the answer's `usage`, in `prompt_tokens_details.cached_tokens`.

## Thinking

What a model thinks is billed as output, also where an answer shows nothing of it. Some models of Qwen have a higher price
for all output of a request in which they think: the column "out, thinking". `policy: {{thinking: off}}` keeps models from
thinking that can be kept from it ([How it works](architecture.md)).

## Prices of your own

What a contract says, a price that changed, or a model that is newer than this release is laid over a vendor's catalog, in
the configuration or in a file of its own (`catalog: kimi.yaml`, from the folder of the configuration):

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

What is given takes the place of what ships, the rest stays; `prices` are all prices of a model, the oldest list first. A
mistake is told by file, line and column, as any other of the configuration's. A change of
the file applies at once, as one of the configuration does ([lifecycle](lifecycle.md)). `currency: USD` says in which currency all of them are.

## What banjia makes of it

A route with `strategy: cheapest` asks first who costs least by these prices: for the prompt as estimated and uncached,
the longest answer that is asked for, and thinking where the model would think. A target without a known price comes last.
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
    return _table(("vendor", "model", "in", "out", "since", "sure"), rows)


def _now() -> str:
    rows = []
    for title, model, price in _prices(NOW):
        up_to = "—" if price.up_to is None else f"up to {price.up_to:,}"
        money = (price.input, price.cached, price.output)
        thinking = "" if price.thinking_output is None else f"{price.thinking_output:g}"
        amounts = ("?" if amount is None else f"{amount:g}" for amount in money)
        rows.append((title, f"`{model}`", up_to, *amounts, thinking, str(price.since), price.confidence))
    head = ("vendor", "model", "prompts", "in", "cached", "out", "out, thinking", "since", "sure")
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
