"""Tables of the migration guide: stand-ins for OpenAI's names, vector lengths and JSON modes."""

from collections.abc import Iterator

from adapters.core.request import Operation
from adapters.core.vendor import Vendor
from config.catalog import models as catalog
from proxy.commands.probes import PROBES
from proxy.commands.vendors import cell, each_variant
from scripts.pages.table import code, table

CHATS = (
    "gpt-4o", "gpt-4o-mini", "gpt-4-turbo", "gpt-4", "gpt-3.5-turbo", "gpt-3.5-turbo-instruct",
    "gpt-4.1", "gpt-4.1-mini", "gpt-5", "gpt-5-mini", "o1", "o3", "o3-mini", "o4-mini",
)  # fmt: skip
VECTORS = ("text-embedding-ada-002", "text-embedding-3-small", "text-embedding-3-large")
JSON = ("json_object", "json_schema")
NONE = "–"


def _vendors() -> Iterator[tuple[str, Vendor]]:
    """Return the vendors with models in a catalog."""
    return ((name, vendor) for name, vendor in each_variant() if not vendor.transparent)


def stand_ins() -> str:
    """Return a row for each of OpenAI's names, with a column for each vendor."""
    rows = [[code(name), *(_model(vendor, name, "chat") for _, vendor in _vendors())] for name in CHATS]
    rows += [[code(name), *(_model(vendor, name, "embeddings") for _, vendor in _vendors())] for name in VECTORS]
    return "\n" + table(["OpenAI", *(code(name) for name, _ in _vendors())], rows) + "\n"


def _model(vendor: Vendor, name: str, operation: Operation) -> str:
    found = catalog.load(vendor.catalog).stand_in(name, operation)
    return code(found.model) if found else NONE


def vectors() -> str:
    """Return the default length of vectors at OpenAI and of each vendor's stand-in."""
    openai = {"text-embedding-ada-002": "1536", "text-embedding-3-small": "1536", "text-embedding-3-large": "3072"}
    rows = [[code(name), openai[name], *(_length(vendor, name) for _, vendor in _vendors())] for name in VECTORS]
    return "\n" + table(["", "OpenAI", *(code(name) for name, _ in _vendors())], rows) + "\n"


def _length(vendor: Vendor, name: str) -> str:
    rows = catalog.load(vendor.catalog)
    found = rows.stand_in(name, "embeddings")
    if found is None:
        return NONE
    offered = rows.by_id[found.model].facts["dimensions"]  # the default first
    return str(found.set.get("dimensions") or offered[0])


def json_modes() -> str:
    """Return the verdicts for both kinds of ``response_format`` on each vendor's stand-in for gpt-4o."""
    probes = [probe for probe in PROBES if probe.column in JSON]
    rows = [[code(probe.column), *(cell(vendor, probe).word for _, vendor in _vendors())] for probe in probes]
    return "\n" + table(["`response_format`", *(code(name) for name, _ in _vendors())], rows) + "\n"
