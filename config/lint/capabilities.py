"""Warn about models that serve an OpenAI name without tools or images, while another model of the vendor has them."""

import datetime
from collections.abc import Callable, Iterator
from typing import NamedTuple

from adapters import registry
from adapters.core.message import Message, as_message
from config.catalog.models import Catalog, ModelRow
from config.catalog.openai_names import CHAT
from config.lint.context import LintContext
from config.routing import catalog_of, key_of, stand_in_route
from config.schema import Settings, VendorEntry

NO_TOOLS = frozenset(
    ["gpt-4-vision-preview", "o1-mini", "o1-preview", "gpt-4o-search-preview", "gpt-4o-mini-search-preview"]
)
"""OpenAI's chat names without tools; all others of ``CHAT`` have them."""
IMAGES = ("gpt-4o", "gpt-4-turbo", "gpt-4-vision", "gpt-4.1", "gpt-4.5", "gpt-5", "o1", "o3", "o4")
"""The beginnings of OpenAI's chat names that accept images."""
NO_IMAGES = ("gpt-4-turbo-preview", "gpt-4o-audio", "gpt-4o-mini-audio", "o1-mini", "o1-preview", "o3-mini")
"""The beginnings of those that accept none although their names begin like that."""


class Capability(NamedTuple):
    """Something that an app relies on under a name: which OpenAI names have it, which models have it, how to say so."""

    at_openai: Callable[[str], bool]
    has: Callable[[ModelRow], bool]
    lacking: str
    other: str


TOOLS = Capability(
    lambda name: name not in NO_TOOLS,
    lambda row: not row.facts.get("no_tools"),
    Message("{model}, which serves {names}, does not support tools"),
    Message("{model}, which supports them"),
)
IMAGE_INPUT = Capability(
    lambda name: name.startswith(IMAGES) and not name.startswith(NO_IMAGES),
    lambda row: "image" in row.input,
    Message("{model}, which serves {names}, does not accept images"),
    Message("{model}, which accepts them"),
)
Where = tuple[str | int, ...]


class Lack(NamedTuple):
    """A model that lacks a capability under OpenAI names, and another model of the vendor that has it.

    ``where``: the path of the settings that choose it. ``shipped``: it is the vendor's stand-in for the first name.
    """

    where: Where
    problem: Message
    instead: Message
    shipped: bool


def capabilities(context: LintContext) -> None:
    """Warn about targets in ``models`` that lack something; of shipped stand-ins ``banjia check`` prints a line."""
    if context.errors:
        return
    for lack in lacks(context.settings, context.today):
        if not lack.shipped:
            context.warn(lack.where, lack.problem, lack.instead, code="config-lacks-capability")


def lacks(settings: Settings, today: datetime.date) -> Iterator[Lack]:
    """Yield each model and capability once, with the OpenAI names that the model serves."""
    for capability in (TOOLS, IMAGE_INPUT):
        found: dict[tuple[Where, str], tuple[ModelRow, Catalog, list[str]]] = {}
        for name in filter(capability.at_openai, CHAT):
            for where, row, catalog in _serving(settings, name):
                if not capability.has(row):
                    found.setdefault((where, row.id), (row, catalog, []))[2].append(name)
        for (where, _), (row, catalog, names) in found.items():
            other = _another(catalog, capability, names[0], today)
            if other is None:
                continue
            stand_in = catalog.stand_in(names[0], "chat")
            yield Lack(
                where,
                Message(capability.lacking, model=row.id, names=_in_short(names)),
                Message(capability.other, model=other.id),
                stand_in is not None and stand_in.model == row.id,
            )


def _serving(settings: Settings, name: str) -> Iterator[tuple[Where, ModelRow, Catalog]]:
    """Yield the models of an OpenAI chat name that a catalog lists, each with where the settings choose it."""
    known = {entry_name: entry for entry_name, entry in settings.vendors.items() if _is_known(entry_name, entry)}
    key = key_of(name, settings.models)
    chosen: list[tuple[Where, str, str]]
    if key is not None:
        targets = [target.target.partition("/") for target in settings.models[key].targets]
        chosen = [(("models", key, "targets", at), entry, model) for at, (entry, _, model) in enumerate(targets)]
    else:
        enabled = {entry_name: entry for entry_name, entry in known.items() if entry.keys()}
        route = stand_in_route(enabled, name, "chat")
        chosen = [(("vendors", entry), entry, hit.model) for entry, hit in route]
    for where, entry, model in chosen:
        catalog = catalog_of(entry, known[entry]) if entry in known else None
        row = catalog.by_id.get(model) if catalog is not None else None
        if catalog is not None and row is not None and row.operation == "chat":
            yield where, row, catalog


def _is_known(name: str, entry: VendorEntry) -> bool:
    kind = registry.BY_NAME.get(entry.kind or name)
    return kind is not None and kind.of_variant(entry.variant) is not None


def _another(catalog: Catalog, capability: Capability, name: str, today: datetime.date) -> ModelRow | None:
    """Return a current model of a vendor that has the capability, and tools; None if there is none.

    It is the vendor's stand-in for ``name`` if that has both, else the first of the catalog.
    """
    stand_in = catalog.stand_in(name, "chat")
    preferred = [catalog.by_id[stand_in.model]] if stand_in is not None else []
    for row in [*preferred, *catalog.models]:
        ended = row.retiring or (row.retired is not None and row.retired <= today)
        if row.operation == "chat" and not ended and capability.has(row) and TOOLS.has(row):
            return row
    return None


def _in_short(names: list[str]) -> str:
    """Return the first name, and how many more there are."""
    first, *more = names
    return Message("{name} and {more} more names", name=first, more=len(more)) if more else as_message(first)
