"""The validator: what is refused, with its path; what is wrong with a text; ordinary recursive schemas work."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.json_schema.invalid import InvalidSchema
from adapters.json_schema.pattern_cost import count_states
from adapters.json_schema.validator import LONGEST_PROBLEM, MOST_SCHEMA_BYTES, MOST_TEXT_BYTES, compile_schema
from tests.support.effort import examples

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
        "home": {"$ref": "#/$defs/Address"},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"Address": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
}


def problem(schema: dict[str, Any], value: Any) -> str | None:
    return compile_schema(schema).problem(value if type(value) is str else orjson.dumps(value).decode())


def nested(levels: int, word: str = "items") -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {word: schema}
    return schema


@pytest.mark.parametrize(
    "value",
    [{"name": "x"}, {"name": "x", "tags": []}, {"name": "x", "tags": ["a", "b"], "home": {"city": "奥斯陆", "zip": 1}}],
)
def test_a_text_that_matches_has_no_problem(value: Any) -> None:
    assert problem(PERSON, value) is None


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({}, '"name" is a required property'),
        ({"name": 1}, ".name"),
        ({"name": "x", "tags": ["a", "c"]}, ".tags[1]"),
        ({"name": "x", "home": {"city": None}}, ".home.city"),
        ({"name": "x", "more": 1}, "more"),
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ('{"name": "x"} and more', "not valid JSON"),
        ("NaN", "not valid JSON"),
        ("[" * 65 + "]" * 65, "nested deeper than 64 levels"),
        ('"' + "x" * MOST_TEXT_BYTES + '"', "bytes"),
        ('"\ud800"', "Unicode"),
    ],
)
def test_what_is_wrong_with_a_text_is_named(value: Any, named: str) -> None:
    found = problem(PERSON, value)
    assert found is not None
    assert named in found


@given(st.text(min_size=300, max_size=3_000))
@settings(max_examples=examples(50), deadline=None)
def test_at_most_200_characters_of_a_text_are_quoted(text: str) -> None:
    found = problem(PERSON, {text: text, "name": text})
    assert found is not None
    assert len(found) <= LONGEST_PROBLEM + len("it does not match the schema: ")


@pytest.mark.parametrize(
    ("schema", "path", "why"),
    [
        ([], "", "must be an object"),
        ({"type": "strng"}, ".type", "invalid"),
        ({"properties": {"a": {"required": "x"}}}, ".properties.a.required", "invalid"),
        ({"properties": {"a": {"pattern": "(?=x)"}}}, ".properties.a.pattern", "not linear"),
        ({"anyOf": [{}, {"pattern": r"(x)\1"}]}, ".anyOf[1].pattern", "not linear"),
        ({"patternProperties": {"(?<!a)b": {}}}, ".patternProperties.(?<!a)b", "not linear"),
        ({"$ref": "https://example.com/a"}, ".$ref", "within the schema"),
        ({"items": {"$ref": "file:///etc/passwd"}}, ".items.$ref", "within the schema"),
        ({"items": {"$ref": "#/$defs/none"}}, ".items.$ref", "does not exist"),
        ({"items": {"$ref": "#none"}}, ".items.$ref", "does not exist"),
        ({"items": {"$ref": "#/items/$ref"}}, ".items.$ref", "does not exist"),
        ({"items": {"$id": "x"}}, ".items.$id", "only the root"),
        ({"$dynamicRef": "#"}, ".$dynamicRef", "not supported"),
        ({"allOf": [{"unevaluatedProperties": False}]}, ".allOf[0].unevaluatedProperties", "not supported"),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, ".$defs.a", "without end"),
        ({"allOf": [{"$ref": "#"}]}, ".allOf[0]", "without end"),
        (nested(64), ".items" * 64, "64 levels"),
        ({"enum": ["x" * MOST_SCHEMA_BYTES]}, "", "bytes"),
        ({"items": {"pattern": r"(\w{100}){400}"}}, ".items.pattern", "repetitions"),
        ({"pattern": "a{²}"}, ".pattern", "invalid"),
        ({"pattern": "a{1,³}"}, ".pattern", "invalid"),
        ({"pattern": "a{3,12345678}"}, ".pattern", "repetitions"),
        ({"pattern": "a{" + "9" * 5_000 + "}"}, ".pattern", "repetitions"),
    ],
)
def test_a_schema_that_is_refused_names_the_part(schema: Any, path: str, why: str) -> None:
    with pytest.raises(InvalidSchema) as caught:
        compile_schema(schema)
    assert caught.value.path.rstrip("…") == path[: len(caught.value.path.rstrip("…"))]
    assert len(caught.value.path) >= min(len(path), 200)
    assert why in caught.value.why


@pytest.mark.parametrize("word", ["allOf", "anyOf", "oneOf"])
@pytest.mark.parametrize("members", [True, False])
def test_a_tower_of_definitions_that_doubles_at_each_level_is_refused(word: str, *, members: bool) -> None:
    definitions: dict[str, Any] = {"d40": {"type": "object"}}
    for at in range(40):
        inner: dict[str, Any] = {"$ref": f"#/$defs/d{at + 1}"}
        definitions[f"d{at}"] = {word: [{"properties": {"a": inner}} if members else inner] * 2}
    with pytest.raises(InvalidSchema, match="too many ways"):
        compile_schema({"$ref": "#/$defs/d0", "$defs": definitions})


def test_a_recursive_schema_that_applies_two_branches_to_each_member_is_checked_in_time() -> None:
    twice = {"properties": {"c": {"$ref": "#"}}}
    schema = compile_schema({"allOf": [twice, twice], "maxProperties": 1})
    assert schema.problem('{"c":' * 60 + "{}" + "}" * 60) is None
    assert schema.problem('{"c":' * 60 + '{"a":1,"b":2}' + "}" * 60) == "it does not match the schema"


def test_a_text_that_alone_is_too_costly_is_a_problem_of_the_text() -> None:
    schema = compile_schema({"items": {"enum": [{"a": at} for at in range(4_000)]}})
    assert schema.problem('[{"a":3}]') is None
    assert schema.problem(orjson.dumps([{"a": 3_999}] * 20_000).decode()) == "it takes too long to check by the schema"


@pytest.mark.parametrize(
    ("schema", "text", "ns"),
    [
        ({"maxLength": 9}, '"a"', 2 * 3 + 3),
        ({"items": {}}, "[1,2]", 3 * 3 * 3),
        ({"pattern": "ab"}, '"ab"', 2 * 3 + 4 * 11),
    ],
)
def test_the_time_of_a_check_is_that_of_its_evaluations_and_of_its_bytes(
    schema: dict[str, Any], text: str, ns: int
) -> None:
    compiled = compile_schema(schema)
    assert compiled.problem(text, ns) is None
    assert compiled.problem(text, ns - 1) == "it takes too long to check by the schema"


def test_a_check_may_take_120_milliseconds_by_the_estimate() -> None:
    schema = compile_schema({"pattern": "a{100}"})
    for size, long in ((239_000, False), (240_000, True)):
        assert (schema.problem(f'"{"b" * size}"') == "it takes too long to check by the schema") == long


def test_what_is_wrong_is_named_in_texts_of_up_to_16_kib() -> None:
    schema = compile_schema({"properties": {"a": {"type": "string"}}})
    for size, named in ((16_000, True), (17_000, False)):
        found = schema.problem(orjson.dumps({"b": "x" * size, "a": 1}).decode())
        assert (found != "it does not match the schema") == named


def test_a_schema_may_have_64_kib_and_64_levels() -> None:
    empty = len(orjson.dumps({"title": ""}))
    assert problem({"title": "x" * (64 * 1024 - empty)}, 1) is None
    with pytest.raises(InvalidSchema, match="65537 bytes, and at most 65536"):
        compile_schema({"title": "x" * (64 * 1024 - empty + 1)})
    assert problem(nested(63), []) is None
    for levels in (64, 300):
        with pytest.raises(InvalidSchema, match="64 levels"):
            compile_schema(nested(levels))


TREE = {
    "type": "object",
    "properties": {"value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["value", "children"],
    "additionalProperties": False,
}
LIST = {
    "$ref": "#/definitions/node",
    "definitions": {
        "node": {
            "anyOf": [{"type": "null"}, {"type": "object", "properties": {"next": {"$ref": "#/definitions/node"}}}]
        }
    },
}


def grammar(kinds: int) -> dict[str, Any]:
    """An expression grammar with a discriminated ``anyOf``, whose last kind is a leaf."""
    expression = {"$ref": "#/$defs/expression"}
    branches = [
        {
            "type": "object",
            "properties": {"kind": {"const": f"k{at}"}, "left": expression, "right": expression},
            "required": ["kind", "left", "right"],
            "additionalProperties": False,
        }
        for at in range(kinds)
    ]
    leaf = {"type": "object", "properties": {"kind": {"const": "leaf"}, "value": {"type": "number"}}}
    return {**expression, "$defs": {"expression": {"anyOf": [*branches, {**leaf, "required": ["kind", "value"]}]}}}


def expression(depth: int, kinds: int) -> dict[str, Any]:
    if not depth:
        return {"kind": "leaf", "value": 1.5}
    side = expression(depth - 1, kinds)
    return {"kind": f"k{depth % kinds}", "left": side, "right": side}


def tree(depth: int) -> dict[str, Any]:
    return {"value": depth, "children": [tree(depth - 1), tree(depth - 1)] if depth else []}


def test_ordinary_recursive_schemas_work() -> None:
    assert problem(TREE, tree(12)) is None
    assert problem(TREE, {"value": 1, "children": [{"value": "x", "children": []}]}) is not None
    chain: Any = None
    for _ in range(60):
        chain = {"next": chain}
    assert problem(LIST, chain) is None
    assert problem(LIST, {"next": {"next": 1}}) is not None
    for kinds, depth in ((4, 11), (10, 9), (30, 6)):
        assert problem(grammar(kinds), expression(depth, kinds)) is None
        wrong = expression(depth, kinds)
        wrong["left"] = {"kind": "none"}
        assert problem(grammar(kinds), wrong) is not None


def test_a_large_plain_text_is_checked() -> None:
    assert problem({"type": "array", "items": {"type": "number"}}, [1.5] * 200_000) is None


@pytest.mark.parametrize("draft", ["http://json-schema.org/draft-07/schema#", "https://example.com/own", None])
def test_the_schema_names_its_draft_and_nothing_is_downloaded(draft: str | None) -> None:
    schema = {"type": "array", "items": [{"type": "string"}]}
    if draft == "http://json-schema.org/draft-07/schema#":
        assert problem({"$schema": draft, **schema}, [1]) is not None
    else:
        with pytest.raises(InvalidSchema):
            compile_schema({**({"$schema": draft} if draft else {}), **schema})


IF_THEN = {"if": {"type": "string"}, "then": False}
NEEDS = {"dependentRequired": {"a": ["b"]}}
TUPLE = {"items": [{"type": "string"}]}


@pytest.mark.parametrize(
    ("draft", "schema", "value", "matches"),
    [
        ("draft-04/schema#", {"minimum": 1, "exclusiveMinimum": True}, 1, False),
        ("draft-04/schema", {"minimum": 1, "exclusiveMinimum": True}, 2, True),
        ("draft-06/schema#", {"exclusiveMinimum": 1}, 1, False),
        ("draft-06/schema", IF_THEN, '"a"', True),
        ("draft-07/schema#", IF_THEN, '"a"', False),
        ("draft-07/schema", NEEDS, {"a": 1}, True),
        ("draft/2019-09/schema", NEEDS, {"a": 1}, False),
        ("draft/2019-09/schema#", TUPLE, [1], False),
        ("draft/2020-12/schema", {"prefixItems": [{"type": "string"}]}, [1], False),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_text_is_checked_by_the_draft_that_the_schema_names(
    scheme: str, draft: str, schema: dict[str, Any], value: Any, *, matches: bool
) -> None:
    named = {"$schema": f"{scheme}://json-schema.org/{draft}", **schema}
    assert (problem(named, value) is None) == matches


def test_formats_are_not_checked() -> None:
    assert problem({"type": "string", "format": "date-time"}, '"yesterday"') is None


@pytest.mark.parametrize(
    ("pattern", "states"),
    [("abc", 3), ("a{3}", 3), ("(ab){2,5}", 10), ("((a{3}){4}){5}", 60), ("[a-z]{3}b", 4), (r"\d{4}-\d{2}", 7)],
)
def test_the_states_of_a_pattern_are_counted_with_their_repetitions(pattern: str, states: int) -> None:
    assert count_states(pattern, 1) == states


@pytest.mark.parametrize(
    ("pattern", "states"),
    [
        ("[]a]b", 25), ("[a[b]c]d", 25), (r"[\]]a", 25), (r"\p{Lu}b", 25), (r"\P{Lu}b", 25), (r"\p{Lu}{3}", 72), (r"\db", 25),
        (".b", 25), ("中b", 25), ("(.b)c", 26), ("()b", 1), ("b)c", 2), ("b{x}", 4), ("b{,3}", 5), ("b{0}", 1), ("b{2,}", 2), ("b{0002}", 2), ("b{2,00000009}", 9), ("b{3,12345678}", 1_000_000),
    ],
)  # fmt: skip
def test_a_class_of_a_pattern_counts_as_many_states_however_it_is_written(pattern: str, states: int) -> None:
    assert count_states(pattern, 24) == states


@given(st.text(alphabet="ab(){}[]\\0129²٣,|*+?.^$pd", max_size=30))
@settings(max_examples=examples(500), deadline=None)
def test_the_states_of_any_text_can_be_counted(pattern: str) -> None:
    assert count_states(pattern, 24) >= 0
