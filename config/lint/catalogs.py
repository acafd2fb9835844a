"""What the catalogs tell of a configuration: models that there are not or that retire, and what is laid over them."""

import re

from adapters.core.message import EMPTY, Message, as_message
from adapters.rules.verdicts import UNSAFE
from config.catalog import deprecations as retired
from config.catalog import models as catalog
from config.lint.context import LintContext
from config.loader.errors import nearest
from config.routing import catalog_of

_NO_FIELD = UNSAFE | {"model", "stream"}


def model(found: LintContext, where: tuple[str | int, ...], entry: str, model: str) -> None:
    """A model of a target is one that its vendor is known to have, and stays."""
    vendor = found.vendor(entry)
    if vendor is None:
        return
    try:
        cat = catalog_of(entry, found.settings.vendors[entry])
    except catalog.CatalogNotFound:
        return
    rows = cat.by_id
    row = rows.get(model)
    if row is None and rows:
        slip = next((known for known in rows if _bare(known) == _bare(model)), None)
        if slip:
            found.error(
                where,
                Message("{entry} has no model {model}", entry=entry, model=found.named(where, model)),
                meant=f"{entry}/{slip}",
                code="config-unknown-model",
            )
        else:
            near = nearest(model, rows)
            wrong = Message(
                "the catalog of {entry} has no model {model}; it will be asked for all the same",
                entry=entry,
                model=found.named(where, model),
            )
            found.warn(where, wrong, meant=f"{entry}/{near}" if near else "", code="config-unknown-model")
    elif row is not None and (told := retired.describe_retirement(row, found.today)):
        found.warn(
            where,
            Message("{model} {fate}", model=model, fate=told),
            _successor(found, entry, row, moved=cat.ended is not None),
            code="config-model-retired",
        )


def _successor(found: LintContext, entry: str, row: catalog.ModelRow, *, moved: bool) -> Message:
    """What to use in a retired model's place; where its whole platform has ended, that is in the usual edition."""
    kind = found.kind(entry)
    if row.successor is None or kind is None:
        return Message("another model")
    return (
        Message("{model} in edition: {edition}", model=row.successor, edition=kind.usual_edition)
        if moved
        else as_message(f"{entry}/{row.successor}")
    )


def catalogs(found: LintContext) -> None:
    """What is laid over a catalog names models that are in one of the two."""
    for name, entry in found.settings.vendors.items():
        if entry.catalog is None or found.vendor(name) is None:
            continue
        known, ids = catalog_of(name, entry).by_id, [row.id for row in entry.catalog.models]
        for index, id_ in enumerate(ids):
            if id_ in ids[:index]:
                found.error(("vendors", name, "catalog", "models", index, "id"), Message("this model is listed twice"))
        for openai, stand_in in entry.catalog.stand_ins.items():
            if stand_in.model not in known:
                where = ("vendors", name, "catalog", "stand_ins", openai, "model")
                wrong = Message("{entry} has no model {model}", entry=name, model=found.named(where, stand_in.model))
                near = nearest(stand_in.model, known)
                found.error(
                    where,
                    wrong,
                    EMPTY if near else Message("one of its models, or it in models"),
                    near,
                    code="config-unknown-model",
                )
            for key in stand_in.set:
                settable(found, ("vendors", name, "catalog", "stand_ins", openai, "set", key))


def stand_ins(found: LintContext) -> None:
    """What answers under OpenAI's names without a word of the operator's is there, and stays."""
    if found.errors:
        return
    for fading in retired.stand_ins(found.settings):
        entry, row = fading.entry, fading.row
        wrong = Message(
            "{model}, which answers under {names}, {fate}",
            model=row.id,
            names=fading.under(),
            fate=retired.describe_retirement(row, found.today),
        )
        name = fading.names[0]
        if row.successor:
            instead = Message("{model} for {name} in models", model=f"{entry}/{row.successor}", name=name)
        else:
            instead = Message("another model for {name} in models", name=name)
        found.warn(
            ("vendors", entry),
            wrong,
            instead,
            at_key=True,
            code="config-model-retired",
        )


def _bare(model: str) -> str:
    return re.sub(r"[^a-z0-9]", "", model.lower())


def settable(found: LintContext, where: tuple[str | int, ...]) -> None:
    """A field that ``set`` lays over requests is one that it can choose; ``where`` ends in its name."""
    if str(where[-1]).lower() in _NO_FIELD:
        wrong = Message("a field that set can't choose")
        found.error(where, wrong, Message("the model in target, and addresses and keys in vendors"), at_key=True)
