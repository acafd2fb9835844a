"""Check a configuration against the model catalogs: unknown and retiring models, and catalog overrides."""

import re
from collections.abc import Collection

from adapters.core.message import EMPTY, Message, as_message
from adapters.rules.verdicts import UNSAFE
from config import deprecations
from config.catalog import models as catalog
from config.errors import nearest
from config.lint.context import LintContext
from config.routing import catalog_of
from config.schema import VendorEntry

_NO_FIELD = UNSAFE | {"model", "stream"}


def model(context: LintContext, where: tuple[str | int, ...], entry: str, model: str) -> None:
    """Check that the catalog lists a target's model, and that the vendor is not retiring it.

    The catalogs of presets list only some of a server's models.
    """
    vendor = context.vendor(entry)
    if vendor is None:
        return
    try:
        vendor_catalog = catalog_of(entry, context.settings.vendors[entry])
    except catalog.CatalogNotFound:
        return
    rows = vendor_catalog.by_id
    row = rows.get(model)
    if row is None and rows and not vendor.preset:
        same_letters = next((known for known in rows if _bare(known) == _bare(model)), None)
        if same_letters:
            context.error(
                where,
                Message("{entry} has no model {model}", entry=entry, model=context.quote(where, model)),
                suggestion=f"{entry}/{same_letters}",
                code="config-unknown-model",
            )
        else:
            near = nearest(model, rows)
            problem = Message(
                "the catalog of {entry} has no model {model}; banjia requests it anyway",
                entry=entry,
                model=context.quote(where, model),
            )
            row_for_it = Message(
                "a row for it in vendors.{entry}.catalog.models, where same_as names a listed model", entry=entry
            )
            context.warn(
                where,
                problem,
                EMPTY if near else row_for_it,
                suggestion=f"{entry}/{near}" if near else "",
                code="config-unknown-model",
            )
    elif row is not None and (retirement := deprecations.describe_retirement(row, context.today)):
        context.warn(
            where,
            Message("{model} {retirement}", model=model, retirement=retirement),
            _successor(context, entry, row, moved=vendor_catalog.ended is not None),
            code="config-model-retired",
        )


def _successor(context: LintContext, entry: str, row: catalog.ModelRow, *, moved: bool) -> Message:
    """Return the replacement of a retired model; with ``moved``, its platform has ended and the usual edition has it."""
    kind = context.kind(entry)
    if row.successor is None or kind is None:
        return Message("another model")
    return (
        Message("{model} in edition: {edition}", model=row.successor, edition=kind.usual_variant)
        if moved
        else as_message(f"{entry}/{row.successor}")
    )


def catalogs(context: LintContext) -> None:
    """Check that catalog overrides list each model once, and that they name known models."""
    for name, entry in context.settings.vendors.items():
        if entry.catalog is None or context.vendor(name) is None:
            continue
        known, ids = catalog_of(name, entry).by_id, [row.id for row in entry.catalog.models]
        for index, id_ in enumerate(ids):
            if id_ in ids[:index]:
                context.error(
                    ("vendors", name, "catalog", "models", index, "id"), Message("this model is listed twice")
                )
        shipped = _ids_before(name, entry)
        for index, row in enumerate(entry.catalog.models):
            if row.same_as is not None and row.same_as not in {*shipped, *ids[:index]}:
                _unknown(context, name, ("vendors", name, "catalog", "models", index, "same_as"), row.same_as, shipped)
        for openai, stand_in in entry.catalog.stand_ins.items():
            if stand_in.model not in known:
                where = ("vendors", name, "catalog", "stand_ins", openai, "model")
                _unknown(context, name, where, stand_in.model, known)
            for key in stand_in.set:
                settable(context, ("vendors", name, "catalog", "stand_ins", openai, "set", key))


def _ids_before(name: str, entry: VendorEntry) -> Collection[str]:
    """Return the ids of the models that ship for a vendor."""
    return catalog_of(name, entry.model_copy(update={"catalog": None})).by_id


def _unknown(
    context: LintContext, entry: str, where: tuple[str | int, ...], model: str, known: Collection[str]
) -> None:
    """Report a model that a vendor's catalog does not have."""
    problem = Message("{entry} has no model {model}", entry=entry, model=context.quote(where, model))
    near = nearest(model, known)
    expected = EMPTY if near else Message("one of its models, or an entry for this one in models")
    context.error(where, problem, expected, near, code="config-unknown-model")


def stand_ins(context: LintContext) -> None:
    """Warn about default stand-ins that are retired or retiring."""
    if context.errors:
        return
    for stand_in in deprecations.stand_ins(context.settings):
        entry, row = stand_in.entry, stand_in.row
        problem = Message(
            "{model}, the stand-in for {names}, {retirement}",
            model=row.id,
            names=stand_in.names_text(),
            retirement=deprecations.describe_retirement(row, context.today),
        )
        name = stand_in.names[0]
        if row.successor:
            instead = Message("{model} for {name} in models", model=f"{entry}/{row.successor}", name=name)
        else:
            instead = Message("another model for {name} in models", name=name)
        context.warn(
            ("vendors", entry),
            problem,
            instead,
            at_key=True,
            code="config-model-retired",
        )


def _bare(model: str) -> str:
    return re.sub(r"[^a-z0-9]", "", model.lower())


def settable(context: LintContext, where: tuple[str | int, ...]) -> None:
    """Check that ``set`` may set this field. ``where`` is its path."""
    if str(where[-1]).lower() in _NO_FIELD:
        problem = Message("set cannot change this field")
        context.error(where, problem, Message("the model in target, and addresses and keys in vendors"), at_key=True)
