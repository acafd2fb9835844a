"""``banjia vendors``: the verdict of each vendor on each OpenAI feature, found by planning one request per cell."""

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Any, get_args

import orjson

from adapters.core.adaptations import Adaptation, VerdictWord
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.vendor import Target, Vendor
from adapters.openai_params.operations import OPERATIONS
from adapters.planning import plan
from adapters.registry import VENDORS
from config.catalog import models as catalog
from proxy.commands.explain import read
from proxy.commands.probes import PROBES, REASONS, Probe
from proxy.commands.table import table
from proxy.errors import NotSupported

LOUDEST = (*reversed(get_args(VerdictWord)),)
"""The words from refused to honoured: a field of several parts is as good as the worst of them."""
ANY = "any"
"""What stands for the models of a server of the user's own, of which nothing is known."""
SHOWN = {
    "chat": Probe("chat", ""),
    "embeddings": Probe("embeddings", "", operation="embeddings"),
    "reasoning": Probe("reasoning", "", name=REASONS),
}
"""The stand-ins that a line of the matrix speaks of, by what they are asked for."""
LEGEND = (
    f"A cell speaks of the model that answers under {OPERATIONS['chat'].usual_model}; thinking of the one under {REASONS},",
    "which are listed below. A vendor's other models may do more, or less. The reasons: --json",
)


def each_edition(vendors: Iterable[Vendor] = VENDORS) -> Iterator[tuple[str, Vendor]]:
    """Every API of every vendor, with the name that the matrix gives it: ``vendor``, or ``vendor/edition``."""
    for vendor in vendors:
        yield vendor.name, vendor
        for name, edition in vendor.editions.items():
            if edition.edition is not None:
                yield f"{vendor.name}/{name}", edition


def matrix() -> dict[str, Any]:
    """The capability matrix: for each vendor its stand-ins, and for each column a verdict and its reason."""
    return {
        "columns": [probe.column for probe in PROBES],
        "vendors": [
            {
                "vendor": name,
                "title": vendor.title,
                "models": {part: model.id for part, probe in SHOWN.items() if (model := _model(vendor, probe))},
                "cells": {probe.column: {"verdict": cell.word, "why": cell.why} for probe, cell in cells(vendor)},
            }
            for name, vendor in each_edition()
        ],
    }


def cells(vendor: Vendor) -> Iterator[tuple[Probe, Adaptation]]:
    """One line of the matrix."""
    for probe in PROBES:
        yield probe, cell(vendor, probe)


def cell(vendor: Vendor, probe: Probe) -> Adaptation:
    """Return the verdict on a probe for the vendor's stand-in."""
    model = _model(vendor, probe)
    if model is None:
        return Adaptation(
            "refused", Message("{vendor} has no {operation}", vendor=vendor.title, operation=probe.operation)
        )
    try:
        request = read(orjson.dumps(probe.body))
        adaptations = plan(
            request, Target(vendor.name, vendor, model, "", defaults=_defaults(vendor, probe))
        ).adaptations
    except (NotSupported, Refused) as refused:  # token ids are refused at the front where the extra is not installed
        return Adaptation("refused", refused.message)
    parts = [
        adaptation
        for name, adaptation in adaptations.items()
        if name == probe.member or name.startswith(f"{probe.member}.")
    ]
    return min(parts, key=lambda adaptation: LOUDEST.index(adaptation.word))


def _model(vendor: Vendor, probe: Probe) -> Model | None:
    """The model that answers under OpenAI's name; one without facts where a server of the user's own has any models."""
    if probe.operation not in vendor.operations:
        return None
    if vendor.transparent:
        return Model(ANY, operation=probe.operation)
    rows = catalog.load(vendor.catalog)
    found = rows.stand_in(probe.model, probe.operation)
    return rows.model(found.model) if found else None


def _defaults(vendor: Vendor, probe: Probe) -> dict[str, Any]:
    found = catalog.load(vendor.catalog).stand_in(probe.model, probe.operation)
    return found.set if found else {}


def lines(found: dict[str, Any], width: int = 0) -> Iterator[str]:
    """Yield the matrix as lines of ``width`` columns, 0 for no limit: one row per vendor."""
    head = ["vendor", *found["columns"]]
    rows = [
        [line["vendor"], *(line["cells"][column]["verdict"] for column in found["columns"])]
        for line in found["vendors"]
    ]
    yield from table(head, rows, width)
    yield ""
    yield from wrap(" ".join(LEGEND), width, break_on_hyphens=False) if width else LEGEND
    yield ""
    for line in found["vendors"]:
        models = [f"{SHOWN[part].model} is {id_}" for part, id_ in line["models"].items() if id_ != ANY]
        what = ", ".join(models) or "the models of your own server, under their names"
        text = f"{line['vendor']}: {what}"
        yield from (
            wrap(text, width, subsequent_indent="    ", break_on_hyphens=False, break_long_words=False)
            if width
            else (text,)
        )
