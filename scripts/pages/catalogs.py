"""Generates the JSON file of all catalogs, which the program reads, from the YAML files, which are edited by hand.

Comments, which note doubts, are in the YAML only. A mistake in the YAML is reported with its line.
"""

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from adapters.core.message import as_message
from config.catalog.models import FILE, Catalog
from config.errors import ConfigError, Diagnostic, nearest
from config.loader.included_files import text as text_of
from config.loader.validation_messages import diagnostics_of
from config.loader.yaml_parser import parse
from config.nodes import Node, find, scalars

ROOT = Path(__file__).parents[2]


def sources(folder: Path = FILE.parent) -> list[Path]:
    """Return the YAML files of a folder, sorted by name."""
    return sorted(folder.glob("*.yaml"))


def named(path: Path) -> str:
    """Return the path of a source for messages: relative to the checkout if it is inside."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def read(path: Path) -> dict[str, Any]:
    """Return the plain data of a source, with dates as text.

    Raises ConfigError if it is not YAML, has a duplicate key or model, refers to a model that it lacks, or is not valid for
    ``Catalog``.
    """
    root = parse(text_of(path), named(path), "vendor:, read: and models:")
    plain: dict[str, Any] = root.plain()
    try:
        catalog = Catalog.model_validate(plain)
    except ValidationError as error:
        raise ConfigError(diagnostics_of(error, root, Catalog)) from None
    diagnostics = [*_twice(catalog, root), *_unknown(catalog, root), *_not_finite(root)]
    if diagnostics:
        raise ConfigError(diagnostics)
    return plain


def _twice(catalog: Catalog, root: Node) -> Iterator[Diagnostic]:
    """Yield diagnostics for models that a catalog has twice, of which the last would win."""
    seen: set[str] = set()
    for index, row in enumerate(catalog.models):
        if row.id in seen:
            yield _at(root, "models", index, "id").diagnostic(
                ("models", index, "id"), as_message("this model is listed twice")
            )
        seen.add(row.id)


def _unknown(catalog: Catalog, root: Node) -> Iterator[Diagnostic]:
    """Yield diagnostics for models that the catalog names and does not have."""
    for where, model in _named(catalog):
        if model not in catalog.by_id:
            wrong = as_message(f"there is no model '{model}' in this catalog")
            yield _at(root, *where).diagnostic(where, wrong, suggestion=nearest(model, catalog.by_id))


def _named(catalog: Catalog) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the models of stand-ins and of the price page, each with its place."""
    for name, found in catalog.stand_ins.items():
        yield ("stand_ins", name, "model"), found.model
    for table, models in catalog.price_page:
        yield from ((("price_page", table, index), model) for index, model in enumerate(models))


def _not_finite(root: Node) -> Iterator[Diagnostic]:
    """Yield diagnostics for numbers that JSON lacks, for example in the facts of a model."""
    for path, node in scalars(root):
        if isinstance(node.value, float) and not isfinite(node.value):
            yield node.diagnostic(path, as_message("JSON does not have this number"), as_message("a finite number"))


def _at(root: Node, *path: str | int) -> Node:
    node = find(root, *path)
    assert node is not None  # it has been validated
    return node


def text(folder: Path = FILE.parent) -> str:
    """Return the JSON of all sources of a folder, in order, with a line for each model and each stand-in.

    Raises ConfigError with the diagnostics of all sources.
    """
    catalogs: dict[str, str] = {}
    diagnostics: list[Diagnostic] = []
    for path in sources(folder):
        try:
            catalogs[path.stem] = _object({key: _member(value) for key, value in read(path).items()}, 1)
        except ConfigError as error:
            diagnostics += error.diagnostics
    if diagnostics:
        raise ConfigError(diagnostics)
    return _object(catalogs) + "\n"


def _member(value: Any) -> str:
    """Return a member of a catalog, with a line for each item of a list or a mapping."""
    if isinstance(value, dict) and value:
        return _object({key: _json(inner) for key, inner in value.items()}, 2)
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"   {_json(item)}" for item in value) + "\n  ]"
    return _json(value)


def _object(members: Mapping[str, str], level: int = 0) -> str:
    """Return a JSON object of members whose values are JSON already, one per line."""
    lines = ",\n".join(f"{' ' * (level + 1)}{_json(key)}: {value}" for key, value in members.items())
    return f"{{\n{lines}\n{' ' * level}}}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def write() -> None:
    """Write the file that the program reads. Raises ConfigError, and writes nothing, if a source is invalid."""
    FILE.write_text(text(), encoding="utf-8")
