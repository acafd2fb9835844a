"""Single rules of the rewriting to Kimi's dialect of JSON Schema: merging, references, implied types and limits."""

import json
from typing import Any

import pytest

from adapters.rules.tools import NotExpressible
from adapters.vendors.kimi.json_schema import LEVELS, rewrite
from adapters.vendors.kimi.json_schema_merge import Conflict, common_types, merge
from tests.adapters.vendors.test_kimi_json_schema import Schema, around, breaks, rewritten


@pytest.mark.parametrize("some", [["number"], ["number", "string"]])
def test_an_integer_is_what_a_number_and_an_integer_have_in_common(some: list[str]) -> None:
    assert common_types(some, ["integer"]) == ["integer"]
    assert common_types(["integer"], some) == ["integer"]
    assert common_types(["string"], ["integer"]) == []


def test_a_conflict_in_a_property_names_its_path() -> None:
    inner = {"properties": {"a": {"properties": {"b": {"multipleOf": 2}}}}}
    outer = {"properties": {"a": {"properties": {"b": {"multipleOf": 3}}}}}
    with pytest.raises(Conflict) as conflict:
        merge(inner, outer)
    assert conflict.value.key == "properties.a.properties.b.multipleOf"


@pytest.mark.parametrize(
    "key",
    [
        "description", "title", "default", "examples", "const", "required", "minLength", "maxLength", "pattern", "format", "minimum",
        "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems", "minProperties",
        "maxProperties",
    ],
)  # fmt: skip
def test_a_member_that_holds_no_schema_is_no_reason_to_rewrite(key: str) -> None:
    schema = around({"type": "string", key: "x"})
    assert rewrite(schema) is schema


def test_a_property_that_no_value_meets_is_no_reason_to_refuse_its_object() -> None:
    """The object may still lack it."""
    impossible = {"a": {"type": "object", "properties": {}, "anyOf": [{}]}}
    schema = around({"type": "object", "properties": impossible, "anyOf": [{"properties": {"a": {"type": "string"}}}]})
    once = rewrite(schema)
    breaks(once)
    assert rewrite(once) == once


@pytest.mark.parametrize("key", ["items", "properties", "additionalProperties"])
def test_a_schema_in_the_dialect_may_have_64_levels_below_the_root(key: str) -> None:
    def deep(levels: int) -> Schema:
        schema: Schema = {"type": "string"}
        for _ in range(levels):
            inner = {"a": schema} if key == "properties" else schema
            schema = {"type": "array" if key == "items" else "object", key: inner}
        return schema

    whole = around(deep(63))
    assert rewrite(whole) is whole
    with pytest.raises(NotExpressible, match="deeper than 64 levels"):
        rewrite(around(deep(64)))


def test_a_definition_may_be_as_deep_as_a_schema() -> None:
    deep: Schema = {"type": "string"}
    for _ in range(LEVELS):
        deep = {"type": "array", "items": deep}
    schema = around({"$ref": "#/definitions/Deep"}, definitions={"Deep": deep})
    assert rewrite(schema)["$defs"]["Deep"] == deep
    with pytest.raises(NotExpressible):
        rewrite(around({"$ref": "#/definitions/Deep"}, definitions={"Deep": {"type": "array", "items": deep}}))


def test_a_type_beside_a_reference_decides_what_a_branch_is() -> None:
    """The outer type is a number: a branch that refers to any number, and says that it is a text, can't be met."""
    schema = {"type": "number", "anyOf": [{"$ref": "#/$defs/A", "type": "string"}, {"type": "integer"}]}
    assert rewritten(schema, **{"$defs": {"A": {"type": "number"}}}) == {"anyOf": [{"type": "integer"}]}


def test_definitions_whose_names_become_one_are_numbered() -> None:
    names = ["a b", "a_b", "a:b"]
    properties = {str(at): {"$ref": f"#/$defs/{name}"} for at, name in enumerate(names)}
    schema = {"type": "object", "properties": properties, "$defs": {name: {"type": "string"} for name in names}}
    assert sorted(rewrite(schema)["$defs"]) == ["a_b", "a_b_2", "a_b_3"]


def test_what_else_an_object_may_have_is_the_stricter_of_two_or_a_conflict() -> None:
    text: Schema = {"type": "string"}
    for inner, outer, both in ((False, True, False), (True, False, False), (True, text, text), (False, text, False)):
        assert merge({"additionalProperties": inner}, {"additionalProperties": outer})["additionalProperties"] == both
    with pytest.raises(Conflict, match="additionalProperties"):
        merge({"additionalProperties": text}, {"additionalProperties": {"type": "null"}})
    with pytest.raises(Conflict, match="pattern"):
        merge({"pattern": "a"}, {"pattern": "b"})
    with pytest.raises(Conflict, match="minimum"):
        merge({"minimum": "a"}, {"minimum": 1})


def test_values_of_several_types_go_into_the_branches_that_stand_beside_them() -> None:
    branches = [{"type": "string", "maxLength": 1}, {"type": "integer"}]
    assert rewritten({"enum": ["a", 1, "bc"], "anyOf": branches}) == {
        "anyOf": [{"type": "string", "maxLength": 1, "enum": ["a", "bc"]}, {"type": "integer", "enum": [1]}]
    }


IMPLYING = {
    "object": [
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
    ],
    "array": ["items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"],
    "string": ["minLength", "maxLength", "pattern", "format"],
    "number": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
}


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, keys in IMPLYING.items() for key in keys])
def test_a_keyword_implies_the_type_that_a_schema_does_not_name(kind: str, key: str) -> None:
    value: Any = {
        "properties": {},
        "patternProperties": {},
        "propertyNames": {"type": "string"},
        "items": {"type": "string"},
        "additionalProperties": False,
        "required": [],
        "prefixItems": [{"type": "string"}],
        "uniqueItems": True,
        "contains": {"type": "string"},
        "pattern": "a",
        "format": "date",
    }.get(key, 1)
    assert rewritten({key: value})["type"] == kind


def test_500_000_bytes_of_a_definition_are_copied_and_no_more() -> None:
    empty = len(json.dumps({"type": "object", "title": ""}, separators=(",", ":")))
    for size, copied in ((500_000, True), (500_001, False)):
        schema = around(
            {"$ref": "#/$defs/A", "minProperties": 1},
            **{"$defs": {"A": {"type": "object", "title": "x" * (size - empty)}}},
        )
        if copied:
            assert rewrite(schema)["properties"]["x"]["minProperties"] == 1
        else:
            with pytest.raises(NotExpressible, match="becomes too large"):
                rewrite(schema)


@pytest.mark.parametrize(("further", "followed"), [(0, True), (31, True), (32, False)])
def test_a_chain_of_32_definitions_is_followed_and_no_longer_one(further: int, followed: bool) -> None:
    defs: Schema = {f"d{at}": {"$ref": f"#/$defs/d{at + 1}"} for at in range(further)}
    defs[f"d{further}"] = {"type": "string"}
    schema = around({"$ref": "#/$defs/d0", "minLength": 1}, **{"$defs": defs})
    if followed:
        assert rewrite(schema)["properties"]["x"] == {"type": "string", "minLength": 1}
    else:
        with pytest.raises(NotExpressible, match="circular or too long"):
            rewrite(schema)


@pytest.mark.parametrize("key", ["const", "default", "enum", "examples"])
@pytest.mark.parametrize("nested", [False, True])
def test_what_looks_like_a_reference_in_a_value_is_a_value(key: str, nested: bool) -> None:
    value: Any = {"$ref": "#/definitions/none"}
    part = {"type": ["object", "null"], key: [value] if key in ("enum", "examples") else value}
    schema = {"type": "array", "items": {"type": "object"}, "contains": part} if nested else part
    (made,) = rewrite({"type": "object", "properties": {"x": schema}})["properties"].values()
    found = made["contains"] if nested else made
    assert found[key] == part[key]


def test_a_branch_that_refers_to_a_definition_of_the_outer_type_stays_and_so_do_the_ones_behind_it() -> None:
    schema = {"type": "string", "anyOf": [{"$ref": "#/$defs/A"}, {"minLength": 2}]}
    assert rewritten(schema, **{"$defs": {"A": {"type": "string"}}}) == {
        "anyOf": [{"$ref": "#/$defs/A"}, {"minLength": 2, "type": "string"}]
    }


def test_a_branch_that_refers_to_a_definition_that_allows_anything_has_the_outer_type() -> None:
    schema = {"type": "string", "anyOf": [{"$ref": "#/$defs/Any"}, {"type": "string", "maxLength": 3}]}
    made = rewritten(schema, **{"$defs": {"Any": True}})
    assert [branch.get("type") for branch in made["anyOf"]] == ["string", "string"]
