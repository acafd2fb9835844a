"""``python -m scripts.new_vendor NAME …``: see scripts/new-vendor.

The files are complete: banjia serves the vendor with them as a vendor that has OpenAI's chat API of 2024 and a switch for thinking.
What has to be looked up in the vendor's pages is marked with TODO.
"""

import argparse
import datetime
import keyword
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

from adapters.registry import BY_NAME, VENDORS
from config.catalog import models as catalog

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")

TABLE = Template('''\
"""$title: OpenAI's chat API. TODO: what differs, in a sentence.

Sources: TODO, as collected in docs/vendors/$name.md. Checked against the live service: never.
"""

from collections.abc import Mapping

from adapters.codecs.openai.chat import openai_chat
from adapters.core.auth import Bearer
from adapters.core.builder import Verdict
from adapters.core.vendor import Op, ReasoningSwitch, Vendor
from adapters.rules.defaults import OPENAI_CHAT
from adapters.rules.failures import BY_MEANING

CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    # TODO: a row for each parameter that differs, made of the rules in adapters/rules/.
}

FAILURES = (
    # TODO: the vendor's own codes, before the rows that look at the meaning of a message.
    *BY_MEANING,
)

$constant = Vendor(
    name="$name",
    title="$title",
    docs="$docs",
    base_urls={"cn": "$base_url"},
    auth=Bearer(),
    key_names=("$key",),
    reasoning_switch=ReasoningSwitch.enable_thinking(),  # TODO: how thinking is switched
    operations={"chat": Op("/chat/completions", openai_chat, CHAT, FAILURES)},
)
''')

CATALOG = Template("""\
# $title: models, prices and stand-ins; docs/vendors/$name.md says what is certain and what is not. Limits in tokens, prices in
# CNY per million tokens. confidence: high is the vendor's own page, medium one third party, low sources that disagree.
# scripts/docs writes what stands here into catalogs.json, which is what the program reads.
vendor: $name
currency: CNY
read: $today

models:
  # TODO: family, context, max_output, input, thinking, facts, and prices with date and source:
  # prices: [{input: 1, output: 2, since: $today, source: vendor price page $today, confidence: high}]
  - {id: $model, family: $name, thinking: default_on, confidence: low}

# Under gpt names that do not reason thinking is turned off; the o series needs a model that thinks. Names without * are listed by /v1/models; patterns catch the dated ids.
stand_ins:
$stand_ins
""")

PAGE = Template("""\
# $title (TODO: the maker's name)

TODO: what the vendor's API is, in one paragraph. Facts as of $today; the last section says how certain they are.

## Keys and hosts

| | |
|---|---|
| docs | $docs |
| host | `$base_url` |

Without a configuration file, set the environment variable: `$key=sk-… banjia serve`. With a file:

```yaml
version: 1
vendors:
  $name: {api_key: "$${$key}"}
models:
  gpt-4o: $name/$model
```

## Models to use today

TODO: a table of models with context, input, thinking and price.

## What differs from OpenAI

TODO: a table of parameters: what the vendor does, and what banjia does.

## Endings, errors, limits

TODO: finish reasons, error bodies, rate limits.

## What is certain

- **Certain** (vendor's pages): TODO.
- **Likely** (one source): TODO.
- **Unknown**: TODO.
- banjia's adapter is based on these sources; its authors have not run it against the live service.
""")

ANSWER = """\
HTTP 200
content-type: application/json

{"id":"a-1","object":"chat.completion","created":1790000000,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}
"""
STREAM = """\
HTTP 200
content-type: text/event-stream

data: {"id":"a-1","object":"chat.completion.chunk","created":1790000000,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi."},"finish_reason":null}]}

data: {"id":"a-1","object":"chat.completion.chunk","created":1790000000,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}

data: [DONE]

"""
LINE = "----------\n"
PAIRS: Mapping[str, tuple[str, str]] = {
    "plain.txt": ("whole {}", ANSWER),
    "stream.txt": ("stream {}", STREAM),
    "requests/parameters.txt": ('whole {"temperature":0.5,"top_p":0.9,"seed":7,"stop":["END"],"user":"u-1"}', ANSWER),
}
"""The first pairs of a vendor: ``python -m tests.adapters.golden --write`` writes their other parts."""


def files(given: argparse.Namespace) -> Iterator[tuple[Path, str]]:
    """Yield the path and the text of each file of the vendor."""
    fields = vars(given) | {
        "constant": given.name.upper(),
        "docs": given.docs or given.base_url,
        "today": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "stand_ins": "\n".join(f"  {name}: {{model: {given.model}}}" for name in chat_names()),
    }
    yield Path(f"adapters/vendors/{given.name}.py"), TABLE.substitute(fields)
    yield Path(f"config/catalog/data/{given.name}.yaml"), CATALOG.substitute(fields)
    yield Path(f"docs/vendors/{given.name}.md"), PAGE.substitute(fields)
    for file, (request, answer) in PAIRS.items():
        text = f"chat {given.model} {request}\n{LINE}{LINE}{answer}{LINE}"
        yield Path(f"tests/adapters/golden/{given.name}/{file}"), text


def chat_names() -> list[str]:
    """Return OpenAI's names of chat models that a catalog has stand-ins for: those of the first vendor."""
    rows = catalog.load(VENDORS[0].catalog)
    return [name for name, found in rows.stand_ins.items() if rows.by_id[found.model].operation == "chat"]


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the arguments. Exits with a message for a name that cannot be a vendor's."""
    parser = argparse.ArgumentParser(prog="scripts/new-vendor", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("name", help="the vendor's kind in banjia.yaml: lower case letters, digits and _")
    parser.add_argument("--title", required=True, help="the vendor's name in messages, such as Kimi")
    parser.add_argument("--base-url", required=True, help="what an OpenAI SDK would get as base_url")
    parser.add_argument("--key", required=True, help="the environment variable with the API key")
    parser.add_argument("--model", required=True, help="the model that serves OpenAI's names")
    parser.add_argument("--docs", default="", help="the vendor's documentation (a URL)")
    given = parser.parse_args(arguments)
    if not NAME.fullmatch(given.name) or keyword.iskeyword(given.name):
        parser.error(f"{given.name!r} cannot be a vendor's name: use lower case letters, digits and _")
    if given.name in BY_NAME:
        parser.error(f"{given.name} is a vendor already: edit adapters/vendors/")
    return given


def main(arguments: list[str]) -> None:
    """Write the files. Exits with a message, and writes nothing, if one of them exists."""
    made = list(files(parsed(arguments)))
    existing = [str(path) for path, _ in made if (ROOT / path).exists()]
    if existing:
        sys.exit(f"scripts/new-vendor: exists already: {', '.join(existing)}")
    for path, text in made:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
