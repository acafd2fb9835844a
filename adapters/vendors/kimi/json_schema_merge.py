"""Merges two JSON Schemas into one for values that match both; and the types of values and schemas."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

Schema = dict[str, Any]

TYPES: Mapping[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


KNOWN = frozenset(TYPES.values())


class Conflict(Exception):
    """Two schemas have values under ``key`` that can't be combined into one."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def type_of(value: Any) -> str:
    """Return the JSON Schema type of a value."""
    return TYPES[type(value)]


def types_of(declared: Any) -> list[str]:
    """Return the distinct known types of a ``type``, which is a name or a list; empty if there are none."""
    if type(declared) is str:
        declared = [declared]
    if type(declared) is not list:
        return []
    return [kind for kind in dict.fromkeys(one for one in declared if type(one) is str) if kind in KNOWN]


def types_of_values(values: Iterable[Any]) -> list[str]:
    """Return the distinct types of several values; ``integer`` is omitted if there is ``number``."""
    kinds = list(dict.fromkeys(map(type_of, values)))
    return [kind for kind in kinds if kind != "integer" or "number" not in kinds]


def one_or_many(kinds: list[str]) -> Any:
    """Return the value of ``type``: one name, or a list of several."""
    return kinds[0] if len(kinds) == 1 else kinds


def matches(value: Any, kinds: Iterable[str]) -> bool:
    """Whether a value has one of these types."""
    kind = type_of(value)
    if kind in kinds:
        return True
    if kind == "integer":
        return "number" in kinds
    return kind == "number" and "integer" in kinds and float(value).is_integer()


def common_types(some: list[str], others: list[str]) -> list[str]:
    """Return the types that both lists allow; an empty list allows every type."""
    if not some or not others:
        return some or others
    both = [kind for kind in some if kind in others or (kind == "integer" and "number" in others)]
    return both + [kind for kind in others if kind == "integer" and "number" in some and kind not in both]


def merge(inner: Schema, outer: Schema, *, exact: bool = False) -> Schema:
    """Return one schema for values that match both. Descriptions are the inner schema's. Raises Conflict.

    ``additionalProperties`` applies to names that a schema does not list, so the merged schema may allow more than both
    do; with ``exact``, that is a conflict.
    """
    if exact and (_hides(inner, outer) or _hides(outer, inner)):
        raise Conflict("additionalProperties")
    some, others = _possible_types(inner), _possible_types(outer)
    if some and others and not common_types(some, others):
        raise Conflict("type")
    out = dict(inner)
    for key, value in outer.items():
        if key not in out:
            out[key] = value
        elif out[key] != value and key not in ("description", "title", "default", "examples", "$comment"):
            joined = MERGED.get(key)
            if joined is None:
                raise Conflict(key)
            try:
                out[key] = joined(out[key], value)
            except (AttributeError, TypeError, ValueError):  # the member has an invalid type
                raise Conflict(key) from None
    return out


def _possible_types(schema: Schema) -> list[str]:
    """Return the types of a schema, or of all branches of its ``anyOf``; empty if a branch allows any type."""
    named = types_of(schema.get("type"))
    branches = schema.get("anyOf")
    if named or type(branches) is not list:
        return named
    by_branch = [_possible_types(branch) if type(branch) is dict else [] for branch in branches]
    return list(dict.fromkeys(kind for kinds in by_branch for kind in kinds)) if all(by_branch) else []


def _hides(some: Schema, others: Schema) -> bool:
    """Whether ``additionalProperties`` of one schema applies to names that only the other lists."""
    if some.get("additionalProperties", True) is True:
        return False
    return any(name not in some.get("properties", {}) for name in others.get("properties", {}))


def _types(inner: Any, outer: Any) -> Any:
    common = common_types(types_of(inner), types_of(outer))
    if not common:
        raise Conflict("type")
    return one_or_many(common)


def _values(inner: Any, outer: Any) -> Any:
    allowed = {orjson.dumps(value, option=orjson.OPT_SORT_KEYS) for value in outer}
    common = [value for value in inner if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) in allowed]
    if not common:
        raise Conflict("enum")
    return common


def _names(inner: Any, outer: Any) -> Any:
    return list(dict.fromkeys([*inner, *outer]))


def _properties(inner: Any, outer: Any) -> Any:
    out = dict(inner)
    for name, schema in outer.items():
        if name in out and type(out[name]) is dict and type(schema) is dict:
            try:
                out[name] = merge(out[name], schema)
            except Conflict as conflict:
                raise Conflict(f"properties.{name}.{conflict.key}") from None
        elif name in out and out[name] != schema:
            raise Conflict(f"properties.{name}")
        else:
            out[name] = schema
    return out


def _extra(inner: Any, outer: Any) -> Any:
    for one, other in ((inner, outer), (outer, inner)):
        if one is False or other is True:
            return one
    raise Conflict("additionalProperties")


MERGED: Mapping[str, Callable[[Any, Any], Any]] = {
    "type": _types,
    "enum": _values,
    "required": _names,
    "properties": _properties,
    "additionalProperties": _extra,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}
"""How two values of a member are merged."""
