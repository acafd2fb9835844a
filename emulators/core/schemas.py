"""Generates a deterministic JSON value from a JSON Schema, with values from the prompt.

`city=Oslo` in the prompt gives the property `city` that value. Otherwise strings are `"<property> value"`, numbers 1,
booleans true, enums their first entry, arrays have one entry, objects all their properties.
"""

import re
from typing import Any

Schema = dict[str, Any]

DEEPEST = 8
"""Schemas may refer to themselves: below this depth only required properties are generated."""


class BadSchema(Exception):
    """The value is not a JSON Schema."""


def instance(schema: Any, prompt: str = "") -> Any:
    """Return a value that is valid for `schema`. Raises BadSchema."""
    try:
        return _build(schema, prompt, "value", schema, 0)
    except (TypeError, ValueError, AttributeError, RecursionError) as wrong:
        raise BadSchema from wrong


def _build(schema: Any, prompt: str, name: str, root: Schema, depth: int) -> Any:
    """Return a value; `name` is the property it is for."""
    if not isinstance(schema, dict):
        return f"{name} value"
    schema = _resolved(schema, root, depth)
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return _chosen(schema["enum"], prompt, name)
    make = _MAKERS.get(_kind(schema))
    return make(schema, prompt, name, root, depth) if make else None


def _resolved(schema: Schema, root: Schema, depth: int) -> Schema:
    """Resolve references and choose a branch: the first one, or `null` below `DEEPEST`."""
    for _ in range(DEEPEST):
        if isinstance(schema.get("$ref"), str):
            schema = _lookup(schema["$ref"], root)
            continue
        branches = schema.get("anyOf") or schema.get("oneOf")
        if isinstance(branches, list) and branches:
            schema = _branch(branches, depth)
            continue
        if isinstance(schema.get("allOf"), list):
            schema = _merged(schema, root)
            continue
        break
    return schema


def _lookup(reference: str, root: Schema) -> Schema:
    found: Any = root
    for step in reference.lstrip("#").strip("/").split("/"):
        if step and isinstance(found, dict):
            found = found.get(step.replace("~1", "/").replace("~0", "~"), {})
    return found if isinstance(found, dict) else {}


def _branch(branches: list[Any], depth: int) -> Schema:
    if depth > DEEPEST:
        for branch in branches:
            if isinstance(branch, dict) and branch.get("type") == "null":
                return branch
    return branches[0] if isinstance(branches[0], dict) else {}


def _merged(schema: Schema, root: Schema) -> Schema:
    merged: Schema = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        if isinstance(part, dict):
            resolved = _resolved(part, root, 0)
            properties = {**merged.get("properties", {}), **resolved.get("properties", {})}
            merged.update(resolved)
            if properties:
                merged["properties"] = properties
    return merged


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def quoted_value(prompt: str, name: str) -> str | None:
    """Return the VALUE of `name=VALUE` in the prompt; quotes keep spaces."""
    found = re.search(rf"(?<![\w]){re.escape(name)}=(?:\"([^\"]*)\"|([^\s,;，；。]+))", prompt)
    if found is None:
        return None
    quoted, bare = found.groups()
    return str(quoted) if quoted is not None else str(bare).rstrip(".?!)")


def _chosen(options: list[Any], prompt: str, name: str) -> Any:
    wanted = quoted_value(prompt, name)
    return next((option for option in options if str(option) == wanted), options[0])


def _object(schema: Schema, prompt: str, name: str, root: Schema, depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    required = schema.get("required") or []
    return {
        key: _build(value, prompt, key, root, depth + 1)
        for key, value in properties.items()
        if depth <= DEEPEST or key in required
    }


def _array(schema: Schema, prompt: str, name: str, root: Schema, depth: int) -> list[Any]:
    tuple_items = schema.get("prefixItems")
    if isinstance(tuple_items, list):
        return [_build(item, prompt, name, root, depth + 1) for item in tuple_items]
    least = schema.get("minItems", 0)
    if depth > DEEPEST or schema.get("maxItems") == 0:
        return []
    return [_build(schema.get("items", {}), prompt, name, root, depth + 1)] * max(1, least)


def _string(schema: Schema, prompt: str, name: str, root: Schema, depth: int) -> str:
    wanted = quoted_value(prompt, name)
    text = wanted if wanted is not None else _FORMATS.get(schema.get("format", ""), f"{name} value")
    text = text.ljust(int(schema.get("minLength", 0)), "x")
    return text[: int(schema["maxLength"])] if "maxLength" in schema else text


def _integer(schema: Schema, prompt: str, name: str, root: Schema, depth: int) -> int:
    return int(_number(schema, prompt, name, root, depth))


def _number(schema: Schema, prompt: str, name: str, root: Schema, depth: int) -> float:
    try:
        value = float(quoted_value(prompt, name) or 1)
    except ValueError:
        value = 1.0
    value = _within(value, schema)
    return int(value) if value == int(value) else value


def _within(value: float, schema: Schema) -> float:
    """Return the value, moved inside the schema's bounds."""
    low = schema.get("minimum", schema.get("exclusiveMinimum", value - 1) + 1)
    value = max(value, low)
    high = schema.get("maximum", schema.get("exclusiveMaximum", value + 1) - 1)
    return float(min(value, high))


def _boolean(schema: Schema, prompt: str, name: str, root: Schema, depth: int) -> bool:
    return (quoted_value(prompt, name) or "true").lower() != "false"


_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "someone@example.invalid",
    "uri": "https://example.invalid/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}

_MAKERS = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
