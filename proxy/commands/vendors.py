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
from proxy.commands.probes import PROBES, REASONING_MODEL, Probe
from proxy.commands.table import table
from proxy.errors import NotSupported

WORST_FIRST = (*reversed(get_args(VerdictWord)),)
"""The verdicts from refused to honoured: a field with several parts gets the worst verdict of them."""
ANY_MODEL = "any"
"""Placeholder for the models of a self-hosted server, whose facts are unknown."""
LISTED_STAND_INS = {
    "chat": Probe("chat", ""),
    "embeddings": Probe("embeddings", "", operation="embeddings"),
    "reasoning": Probe("reasoning", "", openai_name=REASONING_MODEL),
}
"""The stand-ins that a row of the matrix describes, by their use."""
LEGEND = (
    f"Each cell describes the stand-in for {OPERATIONS['chat'].usual_model}, and the column thinking the one for {REASONING_MODEL};",
    "they are listed below. A vendor's other models may differ. Reasons: --json",
)
BASE = "openai_compatible"
"""The vendor that presets are made of."""
PRESETS = (
    "Presets of openai_compatible: the columns that differ from it. What they honour depends on the model as well. Models "
    "and stand-ins: banjia models"
)


WHOLE_VENDORS = tuple(vendor for vendor in VENDORS if not vendor.preset)
"""The vendors with a table of their own, and ``openai_compatible``."""


def each_variant(vendors: Iterable[Vendor] = VENDORS) -> Iterator[tuple[str, Vendor]]:
    """Yield every API of every vendor with its name in the matrix: ``vendor``, or ``vendor/variant``."""
    for vendor in vendors:
        yield vendor.name, vendor
        for name, variant in vendor.variants.items():
            yield f"{vendor.name}/{name}", variant


def matrix() -> dict[str, Any]:
    """Return the capability matrix: for each vendor its stand-ins, and for each column a verdict and its reason."""
    return {
        "columns": [probe.column for probe in PROBES],
        "vendors": [
            {
                "vendor": name,
                "title": vendor.title,
                "preset": vendor.preset,
                "models": {
                    part: model.id for part, probe in LISTED_STAND_INS.items() if (model := _model(vendor, probe))
                },
                "cells": {probe.column: {"verdict": cell.word, "why": cell.why} for probe, cell in cells(vendor)},
            }
            for name, vendor in each_variant()
        ],
    }


def cells(vendor: Vendor) -> Iterator[tuple[Probe, Adaptation]]:
    """Yield one row of the matrix."""
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
    except (NotSupported, Refused) as refused:  # the parser refuses token ids if the extra is not installed
        return Adaptation("refused", refused.message)
    parts = [
        adaptation
        for name, adaptation in adaptations.items()
        if name == probe.member or name.startswith(f"{probe.member}.")
    ]
    return min(parts, key=lambda adaptation: WORST_FIRST.index(adaptation.word))


def _model(vendor: Vendor, probe: Probe) -> Model | None:
    """Return the stand-in for the probe's OpenAI name; for a self-hosted server a model without facts."""
    if probe.operation not in vendor.operations:
        return None
    if vendor.transparent:
        return Model(ANY_MODEL, operation=probe.operation)
    vendor_catalog = catalog.load(vendor.catalog)
    found = vendor_catalog.stand_in(probe.model, probe.operation)
    return vendor_catalog.model(found.model) if found else None


def _defaults(vendor: Vendor, probe: Probe) -> dict[str, Any]:
    found = catalog.load(vendor.catalog).stand_in(probe.model, probe.operation)
    return found.set if found else {}


def lines(found: dict[str, Any], width: int = 0) -> Iterator[str]:
    """Yield the matrix as lines of ``width`` columns, 0 for no limit: one row per vendor, then one paragraph per preset."""
    whole = [line for line in found["vendors"] if not line["preset"]]
    presets = [line for line in found["vendors"] if line["preset"]]
    head = ["vendor", *found["columns"]]
    rows = [[line["vendor"], *(line["cells"][column]["verdict"] for column in found["columns"])] for line in whole]
    yield from table(head, rows, width)
    yield ""
    yield from wrap(" ".join(LEGEND), width, break_on_hyphens=False) if width else LEGEND
    yield ""
    yield from _stand_in_lines(whole, width)
    if presets:
        yield ""
        yield from _folded(PRESETS, width, "")
        yield ""
        base = next(line["cells"] for line in whole if line["vendor"] == BASE)
        for line in presets:
            yield from _folded(f"{line['vendor']}: {_differences(line['cells'], base)}", width)


def _differences(cells: dict[str, Any], base: dict[str, Any]) -> str:
    """Return the columns of a preset whose verdict is not that of ``base``, by verdict."""
    columns: dict[str, list[str]] = {}
    for column, cell in cells.items():
        if cell["verdict"] != base[column]["verdict"]:
            columns.setdefault(cell["verdict"], []).append(column)
    words = [f"{word} {', '.join(columns[word])}" for word in get_args(VerdictWord) if word in columns]
    return "; ".join(words) or "none"


def _folded(text: str, width: int, later: str = "    ") -> Iterable[str]:
    if not width:
        return (text,)
    return wrap(text, width, subsequent_indent=later, break_on_hyphens=False, break_long_words=False)


def _stand_in_lines(whole: list[dict[str, Any]], width: int) -> Iterator[str]:
    for line in whole:
        models = [
            f"{LISTED_STAND_INS[part].model} is {id_}" for part, id_ in line["models"].items() if id_ != ANY_MODEL
        ]
        stand_ins = ", ".join(models) or "the models of your own server, by their ids"
        yield from _folded(f"{line['vendor']}: {stand_ins}", width)
