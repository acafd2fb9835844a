"""Kimi's dialect of JSON Schema: rewritten, unchanged and refused schemas."""

import copy
import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adapters.core.failures import Refused
from adapters.rules.tools import NotExpressible
from adapters.vendors.kimi.json_schema import _fits, rewrite
from adapters.vendors.kimi.json_schema_merge import matches
from tests.adapters.play import chat_plan

Schema = dict[str, Any]
EXAMPLES = 100
NODE: Schema = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}


def around(schema: Any, **rest: Any) -> Schema:
    """A schema of an object with one property."""
    return {"type": "object", "properties": {"x": schema}, **rest}


def rewritten(schema: Any, **rest: Any) -> Any:
    """Return the rewritten schema of a property."""
    return rewrite(around(schema, **rest))["properties"]["x"]


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        # type beside anyOf
        (
            {"type": "string", "anyOf": [{"enum": ["a"]}, {"minLength": 2}]},
            {"anyOf": [{"enum": ["a"], "type": "string"}, {"minLength": 2, "type": "string"}]},
        ),
        (
            {"type": "number", "description": "d", "anyOf": [{"type": "integer"}, {"type": "string"}, {"maximum": 2}]},
            {"description": "d", "anyOf": [{"type": "integer"}, {"maximum": 2, "type": "number"}]},
        ),
        (
            {"type": ["string", "null"], "anyOf": [{"type": ["null", "integer"]}, {"minLength": 1}]},
            {"anyOf": [{"type": "null"}, {"minLength": 1, "type": ["string", "null"]}]},
        ),
        (
            {"type": "string", "enum": ["a", "b"], "anyOf": [{"enum": ["b", "c"]}, {"enum": ["d"]}, {}]},
            {"anyOf": [{"enum": ["b"], "type": "string"}, {"type": "string", "enum": ["a", "b"]}]},
        ),
        (
            {
                "type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
                "anyOf": [{"required": ["b"], "properties": {"b": {"type": "null"}}}, {"required": ["a"]}],
            },
            {
                "anyOf": [
                    {
                        "type": "object", "required": ["b", "a"],
                        "properties": {"b": {"type": "null"}, "a": {"type": "string"}},
                    },
                    {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}},
                ]
            },
        ),
        (  # what is said of members stays where it is: the branch has a property that the parent forbids
            {
                "type": "object", "additionalProperties": False,
                "anyOf": [{"properties": {"b": {"type": "null"}}}, {"minProperties": 1}],
            },
            {
                "additionalProperties": False,
                "anyOf": [{"type": "object", "properties": {"b": {"type": "null"}}}, {"type": "object", "minProperties": 1}],
            },
        ),
        (
            {"properties": {"a": {"type": "null"}}, "oneOf": [{"required": ["a"]}, {"description": "d"}]},
            {
                "properties": {"a": {"type": "null"}},
                "oneOf": [{"required": ["a"], "type": "object"}, {"description": "d", "type": "object"}],
            },
        ),
        ({"type": "string", "anyOf": [{"anyOf": [{"minLength": 1}]}]}, {"anyOf": [{"anyOf": [{"minLength": 1, "type": "string"}]}]}),
        ({"anyOf": [{"type": "string"}, True, False]}, {"anyOf": [{"type": "string"}, {"type": "string"}]}),
        # tuples
        (
            {"type": "array", "items": [{"type": "string"}, {"enum": [1]}]},
            {"type": "array", "prefixItems": [{"type": "string"}, {"enum": [1], "type": "integer"}]},
        ),
        (
            {"type": "array", "items": [{"type": "string"}], "additionalItems": False},
            {"type": "array", "prefixItems": [{"type": "string"}], "maxItems": 1},
        ),
        (
            {"type": "array", "items": [{"type": "string"}], "additionalItems": {"type": "null"}},
            {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "null"}},
        ),
        (
            {"type": "array", "prefixItems": [{"type": "string"}], "items": False, "maxItems": 5},
            {"type": "array", "prefixItems": [{"type": "string"}], "maxItems": 1},
        ),
        ({"type": "array", "items": {}}, {"type": "array"}),
        ({"type": "array", "items": True}, {"type": "array"}),
        # missing types
        ({"description": "any value"}, {"description": "any value", "type": "string"}),
        ({}, {"type": "string"}),
        (True, {"type": "string"}),
        ({"enum": ["a", "b"]}, {"enum": ["a", "b"], "type": "string"}),
        ({"enum": [1, 2.5]}, {"enum": [1, 2.5], "type": "number"}),
        ({"enum": [True]}, {"enum": [True], "type": "boolean"}),
        ({"enum": ["a", None]}, {"enum": ["a", None], "type": ["string", "null"]}),
        (
            {"enum": ["a", 1, None], "title": "t"},
            {"title": "t", "anyOf": [
                {"type": "string", "enum": ["a"]}, {"type": "integer", "enum": [1]}, {"type": "null", "enum": [None]}
            ]},
        ),
        ({"type": "string", "enum": ["a", None, 1]}, {"type": "string", "enum": ["a"]}),
        ({"type": ["string", "null"], "enum": ["a", None]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"const": 4}, {"const": 4, "type": "integer"}),
        ({"properties": {"a": {"minimum": 1}}}, {"properties": {"a": {"minimum": 1, "type": "number"}}, "type": "object"}),
        ({"items": {"pattern": "a"}}, {"items": {"pattern": "a", "type": "string"}, "type": "array"}),
        ({"default": 5}, {"default": 5, "type": "integer"}),
        ({"oneOf": [{"type": "string"}, {"enum": [1]}]}, {"oneOf": [{"type": "string"}, {"enum": [1], "type": "integer"}]}),
        (
            {"type": "object", "allOf": [{"if": {"required": ["a"]}, "then": {"required": ["b"]}}]},
            {"type": "object", "allOf": [{"if": {"required": ["a"]}, "then": {"required": ["b"]}, "type": "object"}]},
        ),
        ({"type": "object", "additionalProperties": {"title": "any"}}, {"type": "object", "additionalProperties": {}}),
        ({"type": "object", "additionalProperties": {"enum": [1]}}, {"type": "object", "additionalProperties": {"enum": [1], "type": "integer"}}),
        ({"type": "string", "$schema": "http://json-schema.org/draft-07/schema#"}, {"type": "string"}),
    ],
)  # fmt: skip
def test_a_schema_is_rewritten_in_the_dialect(came: Any, goes: Any) -> None:
    before = copy.deepcopy(came)
    assert rewritten(came) == goes
    assert came == before, "the caller's schema was changed in place"


@pytest.mark.parametrize("empty", [None, {}, True])
def test_an_empty_root_is_an_object_without_properties(empty: Any) -> None:
    assert rewrite(empty) == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        ({"properties": {}}, {"type": "object", "properties": {}}),
        ({"type": ["object", "null"]}, {"type": "object"}),
        ({"$schema": "x", "type": "object"}, {"type": "object"}),
        ({"type": "object", "anyOf": [{"required": ["a"]}]}, {"type": "object", "anyOf": [{"required": ["a"], "type": "object"}]}),
        (
            {"$ref": "#/definitions/A", "definitions": {"A": {"properties": {"b": {"$ref": "#/definitions/A"}}}}},
            {
                "type": "object", "properties": {"b": {"$ref": "#/$defs/A"}},
                "$defs": {"A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/A"}}}},
            },
        ),
    ],
)  # fmt: skip
def test_the_root_is_an_object_with_a_type_and_no_reference(came: Schema, goes: Schema) -> None:
    assert rewrite(came) == goes


def test_a_schema_in_the_dialect_is_the_very_same_one() -> None:
    schema = around({"type": "array", "items": {"type": "string", "enum": ["a"]}}, required=["x"])
    assert rewrite(schema) is schema


FIT: Schema = {"type": "string", "enum": ["a", "b"], "maxLength": 1}


@pytest.mark.parametrize(
    "schema",
    [
        FIT,
        around(FIT),
        {"type": "array", "items": FIT},
        {"type": "object", "additionalProperties": FIT},
        {"type": "object", "additionalProperties": False},
        {"type": "object", "additionalProperties": True},
        {"type": "number", "enum": [1, 2.5]},
        {"type": "integer", "enum": [1, 2.0]},
    ],
)
def test_every_part_in_the_dialect_stays_as_it_is(schema: Schema) -> None:
    whole = around(schema, required=["x"])
    assert rewrite(whole) is whole


UNFIT: dict[str, tuple[Any, Any]] = {
    "no type": ({"minLength": 1}, {"minLength": 1, "type": "string"}),
    "values of another type": ({"type": "string", "enum": ["a", 1]}, {"type": "string", "enum": ["a"]}),
    "its own definitions": ({"type": "string", "$defs": {}}, {"type": "string"}),
}


@pytest.mark.parametrize(("came", "goes"), UNFIT.values(), ids=UNFIT)
def test_one_part_outside_the_dialect_is_rewritten_wherever_it_is(came: Schema, goes: Schema) -> None:
    for inner in ({"a": FIT, "b": came}, {"a": came, "b": FIT}):
        expected = {name: goes if schema is came else schema for name, schema in inner.items()}
        assert rewrite({"type": "object", "properties": inner}) == {"type": "object", "properties": expected}
        last = {"title": "t", "type": "object", "required": ["a"], "properties": inner}
        assert rewrite(last) == {**last, "properties": expected}
    for key in ("items", "additionalProperties"):
        kind = "array" if key == "items" else "object"
        for around_it in ({"type": kind, key: came}, {key: came, "description": "d", "type": kind}):
            assert rewritten(around_it) == {**around_it, key: goes}
            assert rewritten(around(around_it)) == around({**around_it, key: goes})


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        ({"$ref": "#/$defs/Node"}, {"$ref": "#/$defs/Node"}),
        ({"$ref": "#"}, {"$ref": "#"}),
        ({"$ref": "#/$defs/Node", "description": "d"}, {"anyOf": [{"$ref": "#/$defs/Node"}], "description": "d"}),
        ({"$ref": "#/$defs/Node", "type": "object"}, {"$ref": "#/$defs/Node"}),
        ({"$ref": "#/$defs/Text", "maxLength": 5}, {"type": "string", "minLength": 1, "maxLength": 5}),
        ({"$ref": "#/$defs/Text", "minLength": 3, "title": "t"}, {"type": "string", "minLength": 3, "title": "t"}),
        (
            {"$ref": "#/$defs/Node", "required": ["next"]},
            {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}, "required": ["next"]},
        ),
        ({"anyOf": [{"$ref": "#/$defs/Text"}, {"type": "null"}]}, {"anyOf": [{"$ref": "#/$defs/Text"}, {"type": "null"}]}),
        ({"type": "string", "anyOf": [{"$ref": "#/$defs/Text"}, {"$ref": "#/$defs/Node"}]}, {"anyOf": [{"$ref": "#/$defs/Text"}]}),
        ({"$ref": "#/$defs/Alias", "maxLength": 5}, {"type": "string", "minLength": 1, "maxLength": 5}),
    ],
)  # fmt: skip
def test_a_reference_stands_alone(came: Schema, goes: Schema) -> None:
    defs = {"Node": NODE, "Text": {"type": "string", "minLength": 1}, "Alias": {"$ref": "#/$defs/Text"}}
    assert rewritten(came, **{"$defs": defs}) == goes


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("#/definitions/A", "A"), ("#/$defs/a~1b", "a_b"), ("#/$defs/b%20c", "b_c"), ("#/properties/y", "properties_y"),
        ("#/properties/y/$defs/Z", "properties_y__defs_Z"),
    ],
)  # fmt: skip
def test_every_definition_is_referred_to_among_defs_at_the_root(reference: str, name: str) -> None:
    schema = around(
        {"$ref": reference},
        definitions={"A": {"type": "null"}},
        **{"$defs": {"a/b": {"type": "null"}, "b c": {"type": "null"}, "unused": {"enum": []}}},
    )
    schema["properties"]["y"] = {"type": "null", "$defs": {"Z": {"type": "null"}}}
    out = rewrite(schema)
    assert out["properties"] == {"x": {"$ref": f"#/$defs/{name}"}, "y": {"type": "null"}}
    assert out["$defs"] == {name: {"type": "null"}}


def test_two_definitions_of_one_name_stay_two() -> None:
    schema = {
        "type": "object",
        "properties": {"x": {"$ref": "#/$defs/A"}, "y": {"$ref": "#/definitions/A"}},
        "$defs": {"A": {"type": "null"}},
        "definitions": {"A": {"type": "string"}},
    }
    out = rewrite(schema)
    first, second = (out["properties"][name]["$ref"].rpartition("/")[2] for name in "xy")
    assert (out["$defs"][first], out["$defs"][second]) == ({"type": "null"}, {"type": "string"})


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ([], "a schema must be an object"),
        ({"type": "array"}, "the vendor accepts only schemas of type object"),
        (around(False), ".properties.x: the vendor does not accept false as a schema"),
        (around("string"), ".properties.x: a schema must be an object"),
        (around({"$ref": "https://example.com/a.json"}), ".properties.x.$ref: a reference must point into the schema itself, such as #/$defs/x"),
        (around({"$ref": "#/$defs/A"}), ".properties.x.$ref: the reference target does not exist"),
        (around({"anyOf": [{"type": "string"}], "type": "null"}), ".properties.x.anyOf: no value can match any of the branches"),
        (around({"$ref": "#/$defs/A", "type": "null"}, **{"$defs": {"A": {"type": "string"}}}), ".properties.x.type: it contradicts the referenced definition"),
        (around({"$ref": "#/$defs/A", "minLength": 1}, **{"$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}}), "circular or too long"),
        (
            around({"$ref": "#/$defs/A", "minProperties": 1}, **{"$defs": {"A": around({"$ref": "#/$defs/A", "minProperties": 2})}}),
            ".properties.x.properties.x: constraints next to a reference to a recursive definition are not supported",
        ),
        (around({"type": "array", "items": 5}), ".properties.x.items: a schema must be an object"),
        (around({"type": "array", "items": [], "maxItems": "a", "additionalItems": False}), "the schema is malformed"),
    ],
)  # fmt: skip
def test_what_the_dialect_has_no_form_for_is_refused_at_its_place(schema: Any, says: str) -> None:
    with pytest.raises(NotExpressible) as caught:
        rewrite(schema)
    assert says in str(caught.value)


def test_a_schema_that_would_grow_without_measure_is_refused() -> None:
    """Each definition refers twice to the next one, with a constraint: 2 to the 40th copies."""
    defs: Schema = {f"d{at}": {"type": "object", "properties": {
        name: {"$ref": f"#/$defs/d{at + 1}", "minProperties": 1} for name in "ab"
    }} for at in range(40)}  # fmt: skip
    defs["d40"] = {"type": "object"}
    with pytest.raises(NotExpressible, match=r"becomes too large|levels"):
        rewrite(around({"$ref": "#/$defs/d0", "minProperties": 1}, **{"$defs": defs}))
    wide = {f"p{at}": {"type": "string"} for at in range(20_000)}
    branches = [{"required": ["p1"]}] * 1000
    with pytest.raises(NotExpressible, match="becomes too large"):
        rewrite(around({"type": "object", "properties": wide, "anyOf": branches}))


# --- for every schema ---

VALUES = st.sampled_from(
    [None, True, 0, 1, 2.5, "", "a", "b", "abc", [], ["a"], [1, "a"], {}, {"a": "a"}, {"a": 1, "b": "b"}]
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "object", "array"])
TYPE = st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=3, unique=True))
LEAF = st.fixed_dictionaries(
    {"type": TYPE},
    optional={
        "minLength": st.integers(0, 2), "maximum": st.integers(0, 2), "description": st.just("d"), "minItems": st.integers(0, 1),
        "enum": st.lists(VALUES, min_size=1, max_size=4),
    },
)  # fmt: skip
REFERENCES = st.sampled_from(["#/$defs/A", "#/$defs/B", "#", "#/properties/p"])


def below(schemas: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(st.sampled_from("ab"), schemas, max_size=2)
    required = st.lists(st.sampled_from("ab"), max_size=2, unique=True)
    return st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object")},
            optional={
                "properties": named, "required": required, "additionalProperties": st.one_of(st.booleans(), schemas),
                "anyOf": st.lists(st.fixed_dictionaries({}, optional={"required": required, "properties": named}), min_size=1, max_size=2),
            },
        ),
        st.fixed_dictionaries({"type": TYPE, "anyOf": st.lists(st.one_of(schemas, st.just({"minLength": 1})), min_size=1, max_size=3)}),
        st.fixed_dictionaries({"type": st.just("array")}, optional={
            "items": st.one_of(schemas, st.booleans(), st.just({})), "prefixItems": st.lists(schemas, min_size=1, max_size=2),
        }),
        st.fixed_dictionaries({"$ref": REFERENCES}, optional={"description": st.just("d"), "type": TYPE}),
        st.fixed_dictionaries({"$ref": REFERENCES, "type": TYPE, "minLength": st.just(1)}),
        st.builds(lambda key, some: {key: some}, st.sampled_from(["oneOf", "allOf"]), st.lists(schemas, min_size=1, max_size=2)),
        st.builds(lambda one: {"not": one}, LEAF),  # not what refers to itself: a definition that is not itself means nothing
        st.builds(lambda values: {"enum": values}, st.lists(VALUES, min_size=1, max_size=4)),
    )  # fmt: skip


TYPED = st.recursive(LEAF, below, max_leaves=8)
"""Schemas that name a type wherever the vendor wants one, so that none is guessed."""
ROOTS = st.builds(
    lambda p, a, b: {"type": "object", "properties": {"p": p}, "$defs": {"A": a, "B": b}}, TYPED, TYPED, TYPED
)
JSON = st.recursive(VALUES, lambda inner: st.one_of(
    st.lists(inner, max_size=3),
    st.dictionaries(st.sampled_from(["type", "anyOf", "items", "enum", "properties", "$ref", "$defs", "required", "prefixItems", "maxItems", "allOf", "additionalProperties", "x"]), inner, max_size=4),
), max_leaves=20)  # fmt: skip


def attempt(schema: Any) -> Any:
    try:
        return rewrite(schema)
    except NotExpressible:
        assume(False)


def allows(schema: Any, value: Any) -> bool:
    try:
        return jsonschema_rs.Draft202012Validator(schema).is_valid(value)
    except (jsonschema_rs.ValidationError, ValueError):
        assume(False)
    raise AssertionError


@settings(max_examples=EXAMPLES, deadline=None)
@given(ROOTS)
def test_a_rewritten_schema_is_in_the_dialect_and_the_callers_stays_as_it_is(schema: Schema) -> None:
    before = copy.deepcopy(schema)
    once = attempt(schema)
    assert schema == before
    breaks(once)
    breaks(rewrite(once))


@settings(max_examples=EXAMPLES, deadline=None)
@given(ROOTS, VALUES)
def test_a_value_that_was_valid_stays_valid(schema: Schema, value: Any) -> None:
    once = attempt(schema)
    if allows(schema, {"p": value}):
        assert allows(once, {"p": value})


@settings(max_examples=EXAMPLES, deadline=None)
@given(JSON)
def test_any_json_at_all_is_rewritten_or_refused(schema: Any) -> None:
    try:
        out = rewrite(schema)
    except NotExpressible:
        return
    json.dumps(out)
    assert rewrite(out) == out


@settings(max_examples=EXAMPLES, deadline=None)
@given(ROOTS)
def test_the_cheap_look_agrees_with_the_rewriting(schema: Schema) -> None:
    if _fits(schema["properties"]["p"], 0):
        plain = {"type": "object", "properties": schema["properties"]}
        assert rewrite(plain) is plain
        assert rewrite({**plain, "$schema": "x"}) == plain


def breaks(node: Any, *, root: bool = True) -> None:
    """Assert the rules of the vendor's validator of mid-2026, the strictest that hosts have had."""
    assert type(node) is dict
    assert "$schema" not in node
    if root:
        assert node["type"] == "object"
    else:
        assert "$defs" not in node
        assert "type" not in node or "anyOf" not in node
        assert "type" in node or any(key in node for key in ("anyOf", "oneOf", "allOf", "not", "if", "$ref"))
    if "$ref" in node:
        assert set(node) == {"$ref"}
        assert node["$ref"] == "#" or node["$ref"].startswith("#/$defs/")
    kinds = [node["type"]] if type(node.get("type")) is str else node.get("type")
    if "enum" in node and kinds and any(matches(one, kinds) for one in node["enum"]):
        assert len(kinds) == 1 or (len(kinds) == 2 and "null" in kinds)
    for key in ("properties", "$defs"):
        for one in node.get(key, {}).values():
            breaks(one, root=False)
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for one in node.get(key, []):
            breaks(one, root=False)
    for key in ("items", "additionalProperties"):
        if type(node.get(key)) is dict and node[key]:
            breaks(node[key], root=False)
    assert type(node.get("items", {})) is dict


# --- in requests ---


def tools(parameters: Any) -> list[Any]:
    return [{"type": "function", "function": {"name": "do_it", "parameters": parameters}}]


def test_the_schemas_of_tools_and_answers_are_rewritten_and_it_is_reported() -> None:
    came = around({"enum": ["a"]})
    wish = {"type": "json_schema", "json_schema": {"name": "n", "schema": came}}
    planned = chat_plan("kimi", tools=tools(came), response_format=wish)
    goes = around({"enum": ["a"], "type": "string"})
    assert planned.request.fields["tools"][0]["function"]["parameters"] == goes
    assert planned.request.fields["response_format"]["json_schema"] == {"name": "n", "schema": goes}
    assert (planned.adaptations["tools"].word, planned.adaptations["response_format"].word) == ("mapped", "mapped")
    assert came == around({"enum": ["a"]})


def test_schemas_in_the_dialect_are_honoured() -> None:
    plain = around({"type": "string"})
    wish = {"type": "json_schema", "json_schema": {"name": "n", "schema": plain}}
    planned = chat_plan("kimi", tools=tools(plain), response_format=wish)
    assert (planned.adaptations["tools"].word, planned.adaptations["response_format"].word) == ("honoured", "honoured")
    assert chat_plan("kimi", tools=tools(None)).adaptations["tools"].word == "honoured"


@pytest.mark.parametrize("vendor", ["qwen", "hunyuan"])
def test_other_vendors_get_schemas_as_they_came(vendor: str) -> None:
    came = around({"enum": ["a"]})
    assert chat_plan(vendor, tools=tools(came)).request.fields["tools"] == tools(came)


def test_a_schema_without_a_form_is_refused_with_its_path() -> None:
    bad = around({"$ref": "http://example.com"})
    with pytest.raises(Refused) as caught:
        chat_plan("kimi", tools=tools(bad))
    assert caught.value.param == "tools[0].function.parameters.properties.x.$ref"
    assert "'tools[0].function.parameters.properties.x.$ref' is not supported" in caught.value.message
    wish: Schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": bad}}
    with pytest.raises(Refused) as caught:
        chat_plan("kimi", response_format=wish)
    assert caught.value.param == "response_format.json_schema.schema.properties.x.$ref"


@pytest.mark.parametrize("levels", [100, 400])
def test_a_schema_of_too_many_levels_is_refused_by_the_beginning_of_its_path(levels: int) -> None:
    deep: Schema = {}
    for _ in range(levels):
        deep = {"properties": {"a": deep}, "anyOf": [{"$ref": "#", "required": ["a"]}]}
    with pytest.raises(Refused) as caught:
        chat_plan("kimi", tools=tools(deep))
    assert caught.value.param.startswith("tools[0].function.parameters")
    assert len(caught.value.param) < 300
