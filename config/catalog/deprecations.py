"""What vendors have ended, as their notices say: models, and ways in. Data: a row here changes no behaviour."""

import datetime
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from adapters.core.message import EMPTY, Message, as_message
from config.catalog.models import ModelRow
from config.catalog.openai_names import known_names
from config.routing import catalog_of, key_of
from config.schema import Settings


def describe_retirement(row: ModelRow, today: datetime.date) -> Message:
    """What has become of a model, or will: the words after its name; empty for one that stays."""
    if row.retired is not None:
        if row.retired <= today:
            return Message("was retired on {day}", day=row.retired)
        return Message("will be retired on {day}", day=row.retired)
    return Message("is announced to be retired, on a date not known yet") if row.retiring else EMPTY


class RetiringStandIn(NamedTuple):
    """A model that is gone or will be, and still answers under OpenAI's names: at which vendor, under which."""

    entry: str
    row: ModelRow
    names: list[str]

    def under(self) -> Message:
        """The names in a few words."""
        first, *more = self.names
        if len(more) == 1:
            return Message("{name} and {more} more name", name=first, more=1)
        return Message("{name} and {more} more names", name=first, more=len(more)) if more else as_message(first)


def stand_ins(settings: Settings) -> Iterator[RetiringStandIn]:
    """The stand-ins in use that are gone or will be: of vendors with a key, under names that ``models`` does not have.

    Left out are vendors with a base_url of their own, which may well serve them, and platforms that have ended whole.
    """
    answered: set[str] = set()
    for entry_name, entry in settings.vendors.items():
        if not entry.keys():
            continue
        cat = catalog_of(entry_name, entry)
        fading: dict[str, RetiringStandIn] = {}
        for name, found in cat.stand_ins.items():
            row = cat.by_id[found.model]
            if (row.retired or row.retiring) and name not in answered and not _in_models(name, settings):
                fading.setdefault(row.id, RetiringStandIn(entry_name, row, [])).names.append(name)
            if row.operation == "embeddings" or not settings.policy.failover:
                answered.add(name)  # it has one vendor: the first
        if entry.base_url is None and cat.ended is None:
            yield from fading.values()


def _in_models(name: str, settings: Settings) -> bool:
    """Whether ``models`` has the route of a stand-in's name, or of all names that fit a stand-in's pattern."""
    names = [known for known in known_names() if fnmatchcase(known, name)] if "*" in name else [name]
    return bool(names) and all(key_of(one, settings.models) is not None for one in names)


class ClosedAccess(NamedTuple):
    """One way in: the adapter, the key and value of the configuration that choose it, the day, and what to use now."""

    kind: str
    key: str
    value: str
    since: datetime.date
    instead: Message


CLOSED_ACCESS: tuple[ClosedAccess, ...] = (
    # The vendor's notice (high); whether the old host refuses calls already was not seen.
    ClosedAccess(
        "ernie",
        "protocol",
        "native",
        datetime.date(2026, 8, 31),
        Message("protocol: openai with an api_key of {product}", product="Qianfan v2"),
    ),
    # The vendor's notices (high); the effect was not seen. The whole old platform: native and compatible.
    ClosedAccess(
        "hunyuan",
        "protocol",
        "native",
        datetime.date(2026, 9, 30),
        Message("protocol: openai with an api_key of {product}", product="TokenHub"),
    ),
    ClosedAccess(
        "hunyuan",
        "edition",
        "classic",
        datetime.date(2026, 9, 30),
        Message("edition: tokenhub with an api_key of TokenHub"),
    ),
)


def closed_access(settings: Settings) -> Iterator[tuple[str, ClosedAccess]]:
    """The configured vendors that are called in such a way; one with a base_url of its own may well be served there."""
    for name, entry in settings.vendors.items():
        for row in CLOSED_ACCESS:
            if (entry.kind or name) == row.kind and entry.base_url is None and getattr(entry, row.key) == row.value:
                yield name, row
