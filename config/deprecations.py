"""Models, protocols and editions that vendors have retired, by their notices. Used for warnings only."""

import datetime
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from adapters.core.message import EMPTY, Message, as_message
from adapters.core.vendor import ClosedVariant
from adapters.registry import BY_NAME
from config.catalog.models import ModelRow
from config.catalog.openai_names import known_names
from config.routing import catalog_of, key_of
from config.schema import Settings


def describe_retirement(row: ModelRow, today: datetime.date) -> Message:
    """Return when a model was or will be retired, as words to follow its name; empty if it is not retiring."""
    if row.retired is not None:
        if row.retired <= today:
            return Message("was retired on {day}", day=row.retired)
        return Message("will be retired on {day}", day=row.retired)
    return Message("will be retired, on a date not announced yet") if row.retiring else EMPTY


class RetiringStandIn(NamedTuple):
    """A retired or retiring model that still is the stand-in for OpenAI names, with its vendor entry and these names."""

    entry: str
    row: ModelRow
    names: list[str]

    def names_text(self) -> Message:
        """Return the first name and the number of others."""
        first, *more = self.names
        if len(more) == 1:
            return Message("{name} and {more} more name", name=first, more=1)
        return Message("{name} and {more} more names", name=first, more=len(more)) if more else as_message(first)


def stand_ins(settings: Settings) -> Iterator[RetiringStandIn]:
    """Yield the retired or retiring stand-ins in use: of vendors with an API key, for names that ``models`` does not list.

    Skips vendors with a base_url of their own, which may still serve them, and platforms that have ended as a whole.
    """
    served: set[str] = set()
    for entry_name, entry in settings.vendors.items():
        if not entry.keys():
            continue
        cat = catalog_of(entry_name, entry)
        retiring: dict[str, RetiringStandIn] = {}
        for name, found in cat.stand_ins.items():
            row = cat.by_id[found.model]
            if (row.retired or row.retiring) and name not in served and not _in_models(name, settings):
                retiring.setdefault(row.id, RetiringStandIn(entry_name, row, [])).names.append(name)
            if row.operation == "embeddings" or not settings.policy.failover:
                served.add(name)  # only the first vendor serves it
        if entry.base_url is None and cat.ended is None:
            yield from retiring.values()


def _in_models(name: str, settings: Settings) -> bool:
    """Whether ``models`` has a route for a stand-in's name, or for all names that match a stand-in's pattern."""
    names = [known for known in known_names() if fnmatchcase(known, name)] if "*" in name else [name]
    return bool(names) and all(key_of(one, settings.models) is not None for one in names)


def closed_variants(settings: Settings) -> Iterator[tuple[str, ClosedVariant]]:
    """Yield the configured vendors that use a closed protocol or edition, unless they have a base_url of their own."""
    for name, entry in settings.vendors.items():
        closed = BY_NAME[entry.kind or name].closed if entry.base_url is None else ()
        yield from ((name, variant) for variant in closed if variant.name == entry.variant)
