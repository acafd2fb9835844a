"""``banjia init``: write a commented configuration for the API keys in the environment. Their values are never copied."""

import json
from collections.abc import Collection, Iterator, Mapping
from importlib import resources
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

from adapters.core.message import COMMA, Message, all_of, joined, one_of
from adapters.core.request import Operation
from adapters.core.vendor import Vendor
from adapters.registry import BY_NAME, VENDORS
from config.catalog import models as catalog
from config.loader.environment import key_names, searched_keys, vendors_by_rank, zero_config
from config.nodes import CREDENTIALS, Node
from config.routing import stand_in_route
from config.schema import VendorEntry

USUAL: tuple[tuple[str, Operation], ...] = (
    ("gpt-4o", "chat"),
    ("gpt-4o-mini", "chat"),
    ("gpt-4-turbo", "chat"),
    ("gpt-4", "chat"),
    ("gpt-3.5-turbo", "chat"),
    ("text-embedding-3-small", "embeddings"),
    ("text-embedding-3-large", "embeddings"),
    ("text-embedding-ada-002", "embeddings"),
)
"""The names that apps of 2024 ask for."""


class FoundVendor(NamedTuple):
    """A vendor for the file: its name, its entry with each value as YAML, and the variables of its credential."""

    name: str
    vendor: Vendor
    entry: Mapping[str, str]
    variables: tuple[str, ...]


def found_in(environ: Mapping[str, str]) -> list[FoundVendor]:
    """Return the vendors whose key variable is set, in the order of failover."""
    root, _ = zero_config(environ, Path())
    vendors = root.child("vendors")
    return [_found(name, node) for name, node in vendors.value.items()] if vendors else []


def _found(name: str, node: Node) -> FoundVendor:
    entry: dict[str, str] = {}
    variables = []
    for key, child in node.value.items():
        if key in CREDENTIALS:
            entry[key] = f'"${{{child.location.variable}}}"'
            variables.append(child.location.variable)
        else:
            entry[key] = str(child.value)
    kind = str(node.value["kind"].value) if "kind" in node.value else name
    return FoundVendor(name, BY_NAME[kind].of_variant(entry.get("edition")) or BY_NAME[kind], entry, tuple(variables))


def _not_found(vendor: Vendor) -> FoundVendor:
    names = key_names(vendor)
    return FoundVendor(vendor.name, vendor, {"api_key": f'"${{{names[0]}}}"'}, tuple(names))


def text(environ: Mapping[str, str], file: Path | None) -> str:
    """Return the text of the configuration. ``file`` is its future path, for the path to the schema; None for stdout."""
    return "\n".join(_lines(environ, file)) + "\n"


def _lines(environ: Mapping[str, str], file: Path | None) -> Iterator[str]:
    there = found_in(environ)
    named = {found.vendor.name for found in there}
    # An edition other than the usual one, and a preset, is listed only if its key is set.
    usual = [vendor for vendor in vendors_by_rank() if vendor.variant is None and not vendor.preset]
    rest = [_not_found(vendor) for vendor in usual if vendor.name not in named]
    gone = [found for found in there if ended(found.vendor)]
    if len(gone) < len(there):  # what has ended is not built on where there is something else
        there, rest = [found for found in there if found not in gone], gone + rest
    real = there or rest
    there_is = schema(file)
    if there_is:
        yield f"# yaml-language-server: $schema={there_is}"
        yield "#"
    yield "# Configuration of banjia. `banjia check` finds mistakes in this file, `banjia routes` shows the resulting routes."
    yield "# Keys that are not set have their defaults."
    if not there_is:
        yield "#"
        yield "# Editors complete it by its JSON Schema: `banjia schema > banjia.schema.json`, and as the first line of this file:"
        yield "#     # yaml-language-server: $schema=banjia.schema.json"
    yield ""
    yield "version: 1"
    yield ""
    yield "server:"
    yield "  listen: 127.0.0.1:8080"
    yield "  # To serve other machines, listen on 0.0.0.0:8080. Clients then need a key, which they send as OPENAI_API_KEY."
    yield '  # client_keys: ["${BANJIA_CLIENT_KEY}"]'
    yield ""
    if there:
        yield "# Found in the environment. The keys stay there: this file has only the names of their variables."
    else:
        yield "# The environment has no vendor API key. Set the variable of one of these vendors; the others stay off."
    yield "vendors:"
    for found in real:
        yield from _vendor(found, "  ")
    for found in rest:
        if found not in real:
            yield from _vendor(found, "  # ")
    yield from _presets(named)
    yield ""
    yield from _models(real)
    yield ""
    yield "# policy:"
    yield "#   unsupported: strict   # refuse requests that adapt, the default, would drop or clamp a field of"
    yield "#   attempts: 3           # maximum number of upstream calls for one request"


def _presets(named: Collection[str]) -> Iterator[str]:
    """Yield the lines about the presets that the file does not name, in a comment."""
    presets = [vendor for vendor in VENDORS if vendor.preset and vendor.name not in named]
    keyless = next((vendor for vendor in presets if vendor.keyless), None)
    if keyless is None:
        return
    text = f"Other servers by name (docs/vendors/presets.md): {', '.join(vendor.name for vendor in presets)}. A local one needs no key:"
    yield from wrap(text, 118, initial_indent="  # ", subsequent_indent="  # ", break_on_hyphens=False)
    yield f"  # {keyless.name}: {{}}"


def _vendor(found: FoundVendor, indent: str) -> Iterator[str]:
    vendor = found.vendor
    more = f" (or {' or '.join(found.variables[1:])})" if len(found.variables) > 1 and "#" in indent else ""
    yield f"{indent}{found.name}: # {vendor.title}{more}"
    for key, value in found.entry.items():
        yield f"{indent}  {key}: {value}"
    if len(vendor.base_urls) > 1 and "#" not in indent:
        region = found.entry.get("region", "cn")
        yield f"{indent}  # region: {region}   # where the key is from, for it works there only: {one_of(vendor.base_urls)}"


def _models(vendors: list[FoundVendor]) -> Iterator[str]:
    entries = {one.name: VendorEntry(kind=one.vendor.name, edition=one.vendor.variant) for one in vendors}
    yield "# Routes: the model name that the app requests, and its targets in order of preference. Dated forms of a name have its"
    yield "# route. OpenAI's other names go to the stand-ins of the vendors above, in that order."
    yield "models:"
    for name, operation in USUAL:
        targets = [f"{called}/{hit.model}" for called, hit in stand_in_route(entries, name, operation)]
        if operation == "chat" and targets:
            yield f"  {name}: {targets[0]}" if len(targets) == 1 else f"  {name}: [{', '.join(targets)}]"
    vectors = [(name, *one) for name, op in USUAL if op == "embeddings" for one in stand_in_route(entries, name, op)]
    if vectors:
        yield "  # Vectors of two models can't be compared: one model for each name, and no failover. Without a line here:"
    for name, called, row in vectors:
        sizes = f", {row.set['dimensions']} numbers unless the app asks for others" if "dimensions" in row.set else ""
        yield f"  # {name}: {called}/{row.model}{sizes}"


def ended(vendor: Vendor) -> bool:
    """Whether the catalog has a date on which the vendor ends this API."""
    try:
        return catalog.load(vendor.catalog).ended is not None
    except catalog.CatalogNotFound:
        return False


def schema(file: Path | None) -> str:
    """Return the path of the shipped schema relative to the file; empty unless it is below the file's directory.

    The file is copied and committed, so it never contains an absolute path.
    """
    there = Path(str(resources.files("config").joinpath("banjia.schema.json"))).resolve()
    folder = file.resolve().parent if file else None
    return there.relative_to(folder).as_posix() if folder and there.is_relative_to(folder) else ""


def describe(environ: Mapping[str, str], file: Path) -> Iterator[Message]:
    """Yield the lines to print after writing the file."""
    there = found_in(environ)
    if there:
        keys = joined(
            COMMA,
            [Message("{text} ({detail})", text=found.name, detail=all_of(found.variables)) for found in there],
        )
        yield Message("{file}: written for {keys}", file=file, keys=keys)
    else:
        yield Message(
            "{file}: written as a template, because no vendor API key is set; looked for {names}",
            file=file,
            names=searched_keys(),
        )
    where = "" if file.name == "banjia.yaml" and file.parent == Path() else f" -c {json.dumps(str(file))}"
    yield Message(
        "next: {check}, then {serve}", check=f"banjia check{where.removeprefix(' -c')}", serve=f"banjia serve{where}"
    )
