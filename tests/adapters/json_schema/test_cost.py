"""What a schema costs by the estimate: the evaluations of each keyword, and how those of subschemas add up."""

from typing import Any

import pytest

from adapters.json_schema.cost import MOST_UNITS, schema_cost
from adapters.json_schema.graph import SchemaReader, count_values
from adapters.json_schema.invalid import InvalidSchema

ENUM = {"enum": ["a", {"b": 1}]}
"""Five values and names of 8 units each, the keyword, and the schema itself."""
A, B = {"maxLength": 9}, {"uniqueItems": True}
"""2 units and 1 ns per byte; 22 units."""


def cost(schema: Any) -> tuple[int, int]:
    """Return the evaluations per value, and the nanoseconds per byte."""
    found = schema_cost(SchemaReader(schema).root)
    return found.units, found.byte_ns


@pytest.mark.parametrize(
    ("schema", "units", "byte_ns"),
    [
        ({}, 1, 0),
        ({"title": "t"}, 2, 0),
        ({"type": "string"}, 3, 0),
        ({"type": ["string", "null"]}, 5, 0),
        ({"required": ["a", "b"]}, 5, 0),
        ({"dependentRequired": {"a": ["b"]}}, 6, 0),
        (ENUM, 42, 0),
        ({"const": "a"}, 10, 0),
        (A, 2, 1),
        ({"minLength": 1}, 2, 1),
        (B, 22, 0),
        ({"pattern": "abc"}, 2, 16),
        ({"maxLength": 9, "pattern": "abc"}, 3, 17),
        # subschemas of the same value: the sum
        ({"allOf": [A, B]}, 4 + 2 + 22, 1),
        ({"anyOf": [A, B]}, 4 + 2 + 22, 1),
        ({"oneOf": [A, A]}, 4 + 2 + 2, 2),
        ({"not": A}, 3 + 2, 1),
        ({"if": A, "then": A, "else": B}, 7 + 2 + 2 + 22, 2),
        ({"dependentSchemas": {"a": A, "b": A}}, 4 + 2 + 2, 2),
        ({"dependencies": {"a": A}}, 3 + 2, 1),
        ({"not": True}, 3 + 1, 0),
        # subschemas of members: the most expensive property, and all others
        ({"properties": {"a": A, "b": ENUM}}, 42, 1),
        ({"properties": {"a": A, "b": {}}}, 4, 1),
        ({"properties": {"a": ENUM}, "additionalProperties": B}, 42 + 22, 0),
        ({"patternProperties": {"ab": ENUM}}, 42, 11),
        ({"items": ENUM}, 42, 0),
        ({"items": [ENUM, B]}, 42 + 22, 0),
        ({"prefixItems": [ENUM, A], "contains": B}, 42 + 2 + 22, 1),
        ({"items": [A], "additionalItems": ENUM}, 2 + 42, 1),
        ({"propertyNames": ENUM}, 42, 0),
        ({"items": {"items": ENUM}}, 42, 0),
        ({"allOf": [{"items": B}, {"items": B}]}, 4 + 22 + 22, 0),
        # definitions cost where they are applied
        ({"$defs": {"a": ENUM}, "definitions": {"b": ENUM}}, 3, 0),
        ({"$ref": "#/$defs/a", "$defs": {"a": ENUM}}, 3 + 42, 0),
        ({"allOf": [{"$ref": "#/$defs/a"}] * 2, "$defs": {"a": ENUM}}, 5 + 2 * (2 + 42), 0),
        ({"$ref": "#name", "$defs": {"a": {"$anchor": "name", **ENUM}}}, 3 + 43, 0),
        ({"$ref": "#/$defs/a~1b/0/a%20b~0", "$defs": {"a/b": [{"a b~": ENUM}]}}, 3 + 42, 0),
        ({"$ref": "#/$defs/a", "$defs": {"a": False}}, 3 + 1, 0),
    ],
)
def test_a_schema_costs_so_much_for_each_value_and_byte(schema: Any, units: int, byte_ns: int) -> None:
    assert cost(schema) == (units, byte_ns)
    assert not schema_cost(SchemaReader(schema).root).recursive


@pytest.mark.parametrize(
    ("schema", "units"),
    [
        ({"properties": {"next": {"$ref": "#"}, "value": ENUM}}, 42),
        ({"properties": {"next": {"$ref": "#"}}}, 4),
        ({"properties": {"next": {"$ref": "#"}}, "allOf": [ENUM]}, 90),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"properties": {"next": {"$ref": "#/$defs/n"}}}}}, 4 + (3 + 4)),
    ],
)
def test_a_recursive_schema_costs_the_sum_of_the_root_and_each_target(schema: Any, units: int) -> None:
    found = schema_cost(SchemaReader(schema).root)
    assert (found.units, found.recursive) == (units, True)


def test_a_schema_may_take_150000_evaluations_for_a_value_and_no_more() -> None:
    def many(count: int) -> Any:
        return {"allOf": [{"$ref": "#/$defs/a"}] * count, "$defs": {"a": {"enum": list(range(1_000))}}}

    one = cost(many(2))[0] - cost(many(1))[0]
    most = 150_000 // one
    assert cost(many(most))[0] <= MOST_UNITS == 150_000
    with pytest.raises(InvalidSchema, match="too many ways"):
        cost(many(most + 1))


@pytest.mark.parametrize(
    ("schema", "compile_us"),
    [
        ({}, 0), ({"pattern": "abc"}, 69), ({"pattern": "[a]b"}, 135), ({"patternProperties": {"a": {}, "bc": {}}}, 63 + 66),
        ({"$defs": {"a": {"pattern": "a"}}, "items": {"pattern": "b"}}, 126),
    ],
)  # fmt: skip
def test_the_patterns_of_a_schema_take_so_many_microseconds_to_compile(schema: Any, compile_us: int) -> None:
    assert SchemaReader(schema).compile_us == compile_us


def test_names_and_values_of_data_are_counted() -> None:
    for value, count in ((1, 1), ([], 1), ([1, 2], 3), ({"a": 1}, 3), ({"a": [1], "b": {}}, 6), ([[[]]], 3)):
        assert count_values(value) == count
