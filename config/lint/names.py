"""What the names of ``models`` mean that the operator may not have meant, and the fields that ``drop`` and ``set`` name."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from adapters import registry
from adapters.core.message import EMPTY, Message
from adapters.openai_params.operations import OPENAI_PARAMS
from config.catalog.models import CatalogNotFound
from config.catalog.openai_names import EMBEDDINGS, WIDTHS, known_names, name_of
from config.lint.context import LintContext
from config.loader.errors import nearest
from config.routing import catalog_of, key_of, stand_in_route
from config.schema import ModelEntry

REQUIRED = frozenset({"model", "messages", "input", "prompt", "stream"})
"""Fields without which a request is none, and ``stream``, which the caller relies on: they can't be left out."""
Where = tuple[str | int, ...]


def droppable() -> frozenset[str]:
    """The fields that ``policy.drop`` can name: OpenAI's, and those that a vendor's table knows."""
    known = {name for params in OPENAI_PARAMS.values() for name in params}
    for vendor in registry.VENDORS:
        known |= {name for op in vendor.operations.values() for name in op.params}
    return frozenset(known - REQUIRED)


def dropped_fields(found: LintContext) -> None:
    """Check that ``drop`` names known fields that a request can be sent without."""
    known = droppable()
    for where, names in _drops(found):
        for index, name in enumerate(names):
            if name in REQUIRED:
                found.error(
                    (*where, index), Message("no request can be without '{name}'", name=name), Message("other fields")
                )
            elif name not in known:
                meant = nearest(name, known)
                wrong = Message("there is no field {name} in requests", name=found.named((*where, index), name))
                found.error(
                    (*where, index),
                    wrong,
                    EMPTY if meant else Message("one of OpenAI's fields, such as logprobs"),
                    meant,
                )


def _drops(found: LintContext) -> Iterator[tuple[Where, list[str]]]:
    yield ("policy", "drop"), found.settings.policy.drop
    for name, entry in found.settings.models.items():
        yield ("models", name, "policy", "drop"), entry.policy.get("drop", [])


def removed_fields(found: LintContext) -> None:
    """``set`` with null leaves out what a request can be without."""
    for name, entry in found.settings.models.items():
        for index, target in enumerate(entry.targets):
            for key, value in target.set.items():
                if value is None and key in REQUIRED:
                    where = ("models", name, "targets", index, "set", key)
                    found.error(
                        where,
                        Message("no request can be without '{name}'", name=key),
                        Message("a value, or the key left out"),
                    )


def misleading_names(found: LintContext) -> None:
    """Routes of names that do something else than their line seems to say."""
    if found.errors:
        return
    for name, entry in found.settings.models.items():
        if "*" in name:
            _unreached(found, name)
            _hidden(found, name, entry)
        if _serves_embeddings(found, name, entry):
            _two_models(found, name, entry)
            _width(found, name, entry)


def _unreached(found: LintContext, pattern: str) -> None:
    """A pattern all of whose names of OpenAI's have the route of another line."""
    taken = {name: key_of(name, found.settings.models) for name in known_names() if fnmatchcase(name, pattern)}
    if taken and pattern not in taken.values():
        name, key = next(iter(taken.items()))
        wrong = Message(
            "no OpenAI name reaches this pattern: those that fit it have another line, such as {key} for {name}",
            key=key,
            name=name,
        )
        found.warn(("models", pattern), wrong, Message("the line left out"), at_key=True)


def _hidden(found: LintContext, pattern: str, entry: ModelEntry) -> None:
    """A pattern of chat models that takes names of embeddings, for which a vendor here has a stand-in."""
    if not all(_facts(found, target.target)[0] == "chat" for target in entry.targets):
        return
    if any(key_of(name, found.settings.models) != pattern for name in EMBEDDINGS):
        return  # the operator has thought of embeddings
    name = next(iter(EMBEDDINGS))
    for vendor, hit in stand_in_route(found.settings.vendors, name, "embeddings"):
        wrong = Message("{name} gets here too, and a chat model gives no vectors: it is answered with 404", name=name)
        found.warn(
            ("models", pattern),
            wrong,
            Message("a line for it, such as {line}", line=f"{name}: {vendor}/{hit.model}"),
            at_key=True,
        )


def _facts(found: LintContext, target: str) -> tuple[str, dict[str, Any]]:
    """The operation and the facts of a target's model; empty where the catalog does not know it."""
    entry, _, model = target.partition("/")
    if entry not in found.settings.vendors or found.vendor(entry) is None:
        return "", {}
    try:
        row = catalog_of(entry, found.settings.vendors[entry]).by_id.get(model)
    except CatalogNotFound:
        return "", {}
    return (getattr(row, "operation", ""), getattr(row, "facts", {})) if row is not None else ("", {})


def _serves_embeddings(found: LintContext, name: str, entry: ModelEntry) -> bool:
    return name_of(name) in EMBEDDINGS or all(_facts(found, one.target)[0] == "embeddings" for one in entry.targets)


def _two_models(found: LintContext, name: str, entry: ModelEntry) -> None:
    models = dict.fromkeys(target.target.partition("/")[2] for target in entry.targets)
    if len(models) > 1:
        first, second, *_ = models
        wrong = Message(
            "vectors of {first} and {second} can't be compared, and an index would get both", first=first, second=second
        )
        found.warn(("models", name), wrong, Message("one target"), at_key=True)


def _width(found: LintContext, name: str, entry: ModelEntry) -> None:
    """A target under an OpenAI name gives vectors of another width, and no ``dimensions`` say that it is meant."""
    under = [one for one in WIDTHS if key_of(one, found.settings.models) == name] if "*" in name else [name_of(name)]
    for index, target in enumerate(entry.targets):
        offered = _facts(found, target.target)[1].get("dimensions") or []
        other = next((one for one in under if one in WIDTHS and WIDTHS[one] not in offered), None)
        if other is None or not offered or "dimensions" in target.set:
            continue
        wrong = Message(
            "{target} gives vectors of {given} numbers, and {name} has {width}",
            target=target.target,
            given=offered[0],
            name=other,
            width=WIDTHS[other],
        )
        cure = Message(
            "set: {{dimensions: {given}}} to say so, and an index for them, or another model", given=offered[0]
        )
        if len(under) > 1:
            cure = Message(
                "a line for {name} alone, with another model or set: {{dimensions: {given}}} and an index for them",
                name=other,
                given=offered[0],
            )
        found.warn(("models", name, "targets", index, "target"), wrong, cure)
