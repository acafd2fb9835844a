"""The subset of JSON Schema that Kimi accepts for structured output (sheet 4a: response_format json_schema)."""

from typing import Any

from emulators.kimi.errors import invalid

_BRANCHES = ("anyOf", "oneOf", "allOf")


def check_schema(schema: dict[str, Any]) -> None:
    """Raise Refused for a schema outside the subset."""
    # "root must be object"
    if schema.get("type") != "object":
        raise invalid("Invalid request: At path '': the root of a json_schema must be of type object")
    # "`$schema` not wanted"
    if "$schema" in schema:
        raise invalid("Invalid request: At path '': $schema is not allowed")
    try:
        _node(schema, "")
    except (TypeError, AttributeError, RecursionError):
        raise invalid("Invalid request: the schema is malformed") from None


def _node(schema: Any, path: str) -> None:
    if not isinstance(schema, dict):
        raise invalid(f"Invalid request: At path '{path}': not a schema")
    branched = any(key in schema for key in _BRANCHES)
    # "every property needs `type`"
    if "type" not in schema and not branched and "$ref" not in schema:
        raise invalid(f"Invalid request: At path '{path}': type is not defined")
    # "`type` beside anyOf must move into the branches"
    if "type" in schema and "anyOf" in schema:
        raise invalid(f"Invalid request: At path '{path}': type must be in the branches of anyOf")
    # "tuple items -> prefixItems"
    if isinstance(schema.get("items"), list):
        raise invalid(f"Invalid request: At path '{path}': use prefixItems for tuples")
    _below(schema, path)


def _below(schema: dict[str, Any], path: str) -> None:
    lead = f"{path}." if path else ""
    for key in ("properties", "$defs", "definitions"):
        for name, value in (schema.get(key) or {}).items():
            _node(value, f"{lead}{key}.{name}")
    for key in (*_BRANCHES, "prefixItems"):
        for index, value in enumerate(schema.get(key) or []):
            _node(value, f"{lead}{key}.{index}")
    if isinstance(schema.get("items"), dict):
        _node(schema["items"], f"{lead}items")
