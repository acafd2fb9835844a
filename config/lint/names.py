"""Check the names in ``models`` for unintended effects, and the request fields that ``drop`` and ``set`` name."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from adapters import registry
from adapters.core.message import EMPTY, Message
from adapters.openai_params.operations import OPERATIONS
from adapters.translations.field_names import CHAT_FIELDS
from config.catalog.models import CatalogNotFound
from config.catalog.openai_names import EMBEDDINGS, WIDTHS, known_names, name_of
from config.errors import nearest
from config.lint.context import LintContext
from config.routing import catalog_of, key_of, stand_in_route
from config.schema import ModelEntry

REQUIRED = frozenset({"model", "messages", "input", "prompt", "stream"})
"""Fields that cannot be dropped: those that every request needs, and ``stream``, which the client relies on."""
Where = tuple[str | int, ...]


def droppable() -> frozenset[str]:
    """Return the fields that ``policy.drop`` can name: OpenAI's parameters, of chat and of the Responses API, and the vendors'."""
    known = {*CHAT_FIELDS, *(name for operation in OPERATIONS.values() for name in operation.params)}
    for vendor in registry.VENDORS:
        known |= {name for op in vendor.operations.values() for name in op.params}
    return frozenset(known - REQUIRED)


def dropped_fields(context: LintContext) -> None:
    """Check that ``drop`` names known fields that are not required."""
    known = droppable()
    for where, names in _drops(context):
        for index, name in enumerate(names):
            if name in REQUIRED:
                context.error(
                    (*where, index), Message("'{name}' is required in requests", name=name), Message("another field")
                )
            elif name not in known:
                suggestion = nearest(name, known)
                problem = Message("unknown request field {name}", name=context.quote((*where, index), name))
                context.error(
                    (*where, index),
                    problem,
                    EMPTY if suggestion else Message("one of OpenAI's fields, such as logprobs"),
                    suggestion,
                )


def _drops(context: LintContext) -> Iterator[tuple[Where, list[str]]]:
    yield ("policy", "drop"), context.settings.policy.drop
    for name, entry in context.settings.models.items():
        yield ("models", name, "policy", "drop"), entry.policy.get("drop", [])


def removed_fields(context: LintContext) -> None:
    """Check that ``set`` does not remove required fields."""
    for name, entry in context.settings.models.items():
        for index, target in enumerate(entry.targets):
            for key, value in target.set.items():
                if value is None and key in REQUIRED:
                    where = ("models", name, "targets", index, "set", key)
                    context.error(
                        where,
                        Message("'{name}' is required in requests", name=key),
                        Message("a value, or the key omitted"),
                    )


def misleading_names(context: LintContext) -> None:
    """Warn about entries of ``models`` that have another effect than they seem to have."""
    if context.errors:
        return
    for name, entry in context.settings.models.items():
        if "*" in name:
            _unreached(context, name)
            _hidden(context, name, entry)
        if _serves_embeddings(context, name, entry):
            _two_models(context, name, entry)
            _width(context, name, entry)


def _unreached(context: LintContext, pattern: str) -> None:
    """Warn about a pattern whose OpenAI names all have the route of another entry."""
    taken = {name: key_of(name, context.settings.models) for name in known_names() if fnmatchcase(name, pattern)}
    if taken and pattern not in taken.values():
        name, key = next(iter(taken.items()))
        problem = Message(
            "no OpenAI name uses this pattern: other entries match first, such as {key} for {name}",
            key=key,
            name=name,
        )
        context.warn(("models", pattern), problem, Message("the pattern removed"), at_key=True)


def _hidden(context: LintContext, pattern: str, entry: ModelEntry) -> None:
    """Warn about a pattern with chat targets that also matches embeddings names, if a vendor has a stand-in for these."""
    if not all(_facts(context, target.target)[0] == "chat" for target in entry.targets):
        return
    if any(key_of(name, context.settings.models) != pattern for name in EMBEDDINGS):
        return  # the operator has configured embeddings
    name = next(iter(EMBEDDINGS))
    for vendor, hit in stand_in_route(context.settings.vendors, name, "embeddings"):
        problem = Message("the pattern also matches {name}, which gets 404: its targets are chat models", name=name)
        context.warn(
            ("models", pattern),
            problem,
            Message("an entry for it, such as {line}", line=f"{name}: {vendor}/{hit.model}"),
            at_key=True,
        )


def _facts(context: LintContext, target: str) -> tuple[str, dict[str, Any]]:
    """Return the operation and the facts of a target's model; both empty if the catalog does not list it."""
    entry, _, model = target.partition("/")
    if entry not in context.settings.vendors or context.vendor(entry) is None:
        return "", {}
    try:
        row = catalog_of(entry, context.settings.vendors[entry]).by_id.get(model)
    except CatalogNotFound:
        return "", {}
    return (row.operation, row.facts) if row is not None else ("", {})


def _serves_embeddings(context: LintContext, name: str, entry: ModelEntry) -> bool:
    return name_of(name) in EMBEDDINGS or all(_facts(context, one.target)[0] == "embeddings" for one in entry.targets)


def _two_models(context: LintContext, name: str, entry: ModelEntry) -> None:
    models = dict.fromkeys(target.target.partition("/")[2] for target in entry.targets)
    if len(models) > 1:
        first, second, *_ = models
        problem = Message(
            "vectors of {first} and {second} cannot be compared, but failover would mix them in one index",
            first=first,
            second=second,
        )
        context.warn(("models", name), problem, Message("one target"), at_key=True)


def _width(context: LintContext, name: str, entry: ModelEntry) -> None:
    """Warn about a target whose vectors have another width than OpenAI's, unless ``set.dimensions`` confirms it."""
    under = (
        [known for known in WIDTHS if key_of(known, context.settings.models) == name]
        if "*" in name
        else [name_of(name)]
    )
    for index, target in enumerate(entry.targets):
        offered = _facts(context, target.target)[1].get("dimensions") or []
        other = next((known for known in under if known in WIDTHS and WIDTHS[known] not in offered), None)
        if other is None or not offered or "dimensions" in target.set:
            continue
        problem = Message(
            "vectors of {target} have {given} dimensions, those of {name} have {width}",
            target=target.target,
            given=offered[0],
            name=other,
            width=WIDTHS[other],
        )
        cure = Message(
            "set: {{dimensions: {given}}} to confirm this, and an index of that size, or another model",
            given=offered[0],
        )
        if len(under) > 1:
            cure = Message(
                "an entry for {name}, with another model, or with set: {{dimensions: {given}}} and an index of that size",
                name=other,
                given=offered[0],
            )
        context.warn(("models", name, "targets", index, "target"), problem, cure)
