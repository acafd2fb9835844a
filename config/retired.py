"""Ways into vendors that the vendors have closed, as their notices say. Data: a row here changes no behaviour."""

import datetime
from collections.abc import Iterator
from typing import NamedTuple

from config.schema import Settings


class Closed(NamedTuple):
    """One way in: the adapter, the key and value of the configuration that choose it, the day, and what to use now."""

    kind: str
    key: str
    value: str
    since: datetime.date
    instead: str


CLOSED: tuple[Closed, ...] = (
    # The vendor's notice (high); whether the old host refuses calls already was not seen.
    Closed("ernie", "protocol", "native", datetime.date(2026, 8, 31), "protocol: openai with an api_key of Qianfan v2"),
    # The vendor's notices (high); the effect was not seen. The whole old platform: native and compatible.
    Closed("hunyuan", "protocol", "native", datetime.date(2026, 9, 30), "protocol: openai with an api_key of TokenHub"),
    Closed(
        "hunyuan", "edition", "classic", datetime.date(2026, 9, 30), "edition: tokenhub with an api_key of TokenHub"
    ),
)


def closed(settings: Settings) -> Iterator[tuple[str, Closed]]:
    """The configured vendors that are called in such a way; one with a base_url of its own may well be served there."""
    for name, entry in settings.vendors.items():
        for row in CLOSED:
            if (entry.kind or name) == row.kind and entry.base_url is None and getattr(entry, row.key) == row.value:
                yield name, row
