"""``python -m config.json_schema`` generates the JSON Schema of banjia.yaml, for editors, from config/schema.py."""

import ast
import inspect
import itertools
import json
from pathlib import Path
from typing import Any

from config import schema
from config.schema import PlannedValue, Settings
from config.sections import Section

Json = dict[str, Any]

FILE = Path(__file__).with_name("banjia.schema.json")
VARIABLE = {"$ref": "#/definitions/variable"}
_SCALARS = ("integer", "number", "boolean")


def text() -> str:
    """Return the text of the published file."""
    generated = Settings.model_json_schema(ref_template="#/definitions/{model}")
    definitions = generated.pop("$defs")
    for name, definition in {**definitions, "Settings": generated}.items():
        _describe(definition, getattr(schema, name))
    definitions["ModelEntry"] = _model(definitions["ModelEntry"])
    definitions["variable"] = {
        "description": 'A value from the environment, "${NAME}", or from a file, "file:/run/secrets/name".',
        "type": "string",
        "pattern": r"\$\{.+\}|^file:",
    }
    top = {"$schema": "http://json-schema.org/draft-07/schema#", **generated, "title": "banjia.yaml"}
    return json.dumps({**top, "definitions": definitions}, indent=2, ensure_ascii=False) + "\n"


def docstrings(section: type[Section]) -> dict[str, str]:
    """Return the string below each key of a section, from the source of its module."""
    source = ast.parse(Path(inspect.getfile(section)).read_text(encoding="utf-8"))
    body = next(node.body for node in source.body if isinstance(node, ast.ClassDef) and node.name == section.__name__)
    texts = {}
    for key, below in itertools.pairwise(body):
        if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name) and isinstance(below, ast.Expr):
            texts[key.target.id] = str(ast.literal_eval(below.value))
    return texts


def _describe(definition: Json, section: type[Section]) -> None:
    """Add what pydantic leaves out: descriptions, variables in place of scalars, the short forms of lists."""
    definition["description"] = definition["description"].replace("``", "")
    texts = docstrings(section)
    for key, wanted in definition["properties"].items():
        wanted.pop("title", None)
        described: Json = {"description": texts[key].replace("``", "") + _pending(section, key)}
        default = wanted.pop("default", None)
        if default not in (None, [], {}) and "$ref" not in wanted:
            described["default"] = default
        definition["properties"][key] = {**described, **_loosened(wanted, switch=_switch(section, key))}


def _pending(section: type[Section], key: str) -> str:
    marks = [mark for mark in section.model_fields[key].metadata if isinstance(mark, PlannedValue)]
    return " Not yet: leave it out." if marks else ""


def _switch(section: type[Section], key: str) -> bool:
    return "_switch" in str(section.model_fields[key].metadata) or "_switch" in str(
        section.model_fields[key].annotation
    )


def _loosened(wanted: Json, *, switch: bool) -> Json:
    """Extend a value's schema: a scalar may be a variable, and a list may be a single item."""
    if "$ref" in wanted:
        return {"allOf": [wanted]}  # draft 7 ignores keywords next to $ref
    words = [{"enum": ["on", "off"]}] if switch else []
    if "anyOf" in wanted:
        members = [member for member in wanted["anyOf"] if member.get("type") != "null"]
        if len(members) > 1 or members[0].get("type") in _SCALARS:
            return {"anyOf": [*members, *words, VARIABLE]}
        only: Json = members[0]
        return only
    if wanted.get("type") in _SCALARS or "enum" in wanted or "const" in wanted:
        return {"anyOf": [wanted, *words, VARIABLE]}
    if wanted.get("type") == "array":
        one = _loosened(wanted["items"], switch=False)
        return {"anyOf": [one, {**wanted, "items": one}]}
    if wanted.get("additionalProperties", {}) not in ({}, True):
        return {**wanted, "additionalProperties": _loosened(wanted["additionalProperties"], switch=switch)}
    return wanted


def _model(long: Json) -> Json:
    """Return the schema of a route: a target, a list of targets, or the long form."""
    target = {"type": "string", "description": "vendor/model", "pattern": r"^[^/]+/.+|\$\{.+\}"}
    one = {"anyOf": [target, {"$ref": "#/definitions/TargetEntry"}]}
    many = {"type": "array", "items": one, "minItems": 1}
    long["properties"]["targets"] = {**long["properties"]["targets"], "anyOf": [one, many]}
    return {
        "description": long.pop("description"),
        "anyOf": [target, {"$ref": "#/definitions/TargetEntry"}, many, long],
    }


def write(file: Path = FILE) -> None:
    """Write the published file."""
    file.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write()
