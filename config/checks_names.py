"""What the names of ``models`` mean that the operator may not have meant, and the fields that ``drop`` and ``set`` name."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from adapters import registry
from adapters.openai_params.operations import OPENAI_PARAMS
from config.catalog import CatalogNotFound
from config.complaints import nearest
from config.findings import Findings
from config.openai_names import EMBEDDINGS, WIDTHS, known_names, name_of
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


def drops(found: Findings) -> None:
    """Check that ``drop`` names known fields that a request can be sent without."""
    known = droppable()
    for where, names in _drops(found):
        for index, name in enumerate(names):
            if name in REQUIRED:
                found.error((*where, index), f"no request can be without '{name}'", "other fields")
            elif name not in known:
                meant = nearest(name, known)
                wrong = f"there is no field {found.named((*where, index), name)} in requests"
                found.error((*where, index), wrong, "" if meant else "one of OpenAI's fields, such as logprobs", meant)


def _drops(found: Findings) -> Iterator[tuple[Where, list[str]]]:
    yield ("policy", "drop"), found.settings.policy.drop
    for name, entry in found.settings.models.items():
        yield ("models", name, "policy", "drop"), entry.policy.get("drop", [])


def removed(found: Findings) -> None:
    """``set`` with null leaves out what a request can be without."""
    for name, entry in found.settings.models.items():
        for index, target in enumerate(entry.targets):
            for key, value in target.set.items():
                if value is None and key in REQUIRED:
                    where = ("models", name, "targets", index, "set", key)
                    found.error(where, f"no request can be without '{key}'", "a value, or the key left out")


def surprises(found: Findings) -> None:
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


def _unreached(found: Findings, pattern: str) -> None:
    """A pattern all of whose names of OpenAI's have the route of another line."""
    taken = {name: key_of(name, found.settings.models) for name in known_names() if fnmatchcase(name, pattern)}
    if taken and pattern not in taken.values():
        name, key = next(iter(taken.items()))
        wrong = f"no OpenAI name reaches this pattern: those that fit it have another line, such as {key} for {name}"
        found.warn(("models", pattern), wrong, "the line left out", at_key=True)


def _hidden(found: Findings, pattern: str, entry: ModelEntry) -> None:
    """A pattern of chat models that takes names of embeddings, for which a vendor here has a stand-in."""
    if not all(_facts(found, target.target)[0] == "chat" for target in entry.targets):
        return
    if any(key_of(name, found.settings.models) != pattern for name in EMBEDDINGS):
        return  # the operator has thought of embeddings
    name = next(iter(EMBEDDINGS))
    for vendor, hit in stand_in_route(found.settings.vendors, name, "embeddings"):
        wrong = f"{name} gets here too, and a chat model gives no vectors: it is answered with 404"
        found.warn(("models", pattern), wrong, f"a line for it, such as {name}: {vendor}/{hit.model}", at_key=True)


def _facts(found: Findings, target: str) -> tuple[str, dict[str, Any]]:
    """The operation and the facts of a target's model; empty where the catalog does not know it."""
    entry, _, model = target.partition("/")
    if entry not in found.settings.vendors or found.vendor(entry) is None:
        return "", {}
    try:
        row = catalog_of(entry, found.settings.vendors[entry]).by_id.get(model)
    except CatalogNotFound:
        return "", {}
    return (getattr(row, "operation", ""), getattr(row, "facts", {})) if row is not None else ("", {})


def _serves_embeddings(found: Findings, name: str, entry: ModelEntry) -> bool:
    return name_of(name) in EMBEDDINGS or all(_facts(found, one.target)[0] == "embeddings" for one in entry.targets)


def _two_models(found: Findings, name: str, entry: ModelEntry) -> None:
    models = dict.fromkeys(target.target.partition("/")[2] for target in entry.targets)
    if len(models) > 1:
        first, second, *_ = models
        wrong = f"vectors of {first} and {second} can't be compared, and an index would get both"
        found.warn(("models", name), wrong, "one target", at_key=True)


def _width(found: Findings, name: str, entry: ModelEntry) -> None:
    """A target under an OpenAI name gives vectors of another width, and no ``dimensions`` say that it is meant."""
    under = [one for one in WIDTHS if key_of(one, found.settings.models) == name] if "*" in name else [name_of(name)]
    for index, target in enumerate(entry.targets):
        offered = _facts(found, target.target)[1].get("dimensions") or []
        other = next((one for one in under if one in WIDTHS and WIDTHS[one] not in offered), None)
        if other is None or not offered or "dimensions" in target.set:
            continue
        wrong = f"{target.target} gives vectors of {offered[0]} numbers, and {other} has {WIDTHS[other]}"
        cure = f"set: {{dimensions: {offered[0]}}} to say so, and an index for them, or another model"
        if len(under) > 1:
            cure = f"a line for {other} alone, with another model or set: {{dimensions: {offered[0]}}} and an index for them"
        found.warn(("models", name, "targets", index, "target"), wrong, cure)
