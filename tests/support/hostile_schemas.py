"""Generates hostile schemas and texts: recursion, giant enums, patterns, reference loops, and texts that fit them."""

from collections.abc import Iterator
from random import Random
from typing import Any

import orjson

NAMES = ("a", "b", "c")
PATTERNS = (
    "^(a|aa)+$",
    "(a*)*b",
    "a[ab]{300}c",
    r"(\w{1,20}\s?){1,20}c",
    "(a|b)*a(a|b){20}c",
    "(?=a)b",
    r"(a)\1",
    "(?<!a)b",
    "((a{100}){100}){100}",
    r"[\p{L}\d]{30}x",
    "(",
)
APPLYING = (
    *("allOf", "anyOf", "oneOf", "not", "if", "properties", "items", "additionalProperties", "contains", "pattern"),
    *("patternProperties", "dependentSchemas", "prefixItems", "uniqueItems", "type", "required"),
)
REMOTE = ("http://127.0.0.1:9/schema", "file:///etc/passwd", "https://example.com/a#/b", "other.json", "//host/x")
MOST_TEXT = 1_200_000


class HostileSchemas:
    """Returns pairs of a schema and a text, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def pairs(self, count: int) -> Iterator[tuple[Any, str]]:
        """Return this many pairs."""
        for _ in range(count):
            yield self.schema(), self.text()

    def schema(self) -> Any:
        kinds = (self._graph, self._graph, self._graph, self._tower, self._enum, self._pattern, self._loop, self._deep)
        return self._random.choice(kinds)()

    def _graph(self) -> dict[str, Any]:
        """Definitions that refer to each other at random, through every kind of keyword."""
        size = self._random.choice((1, 2, 3, 8, 30))
        fan = self._random.choice((1, 2, 3, 12))
        definitions = {f"d{at}": self._applying(size, fan) for at in range(size)}
        return {"$ref": "#/$defs/d0", "$defs": definitions}

    def _reference(self, size: int) -> dict[str, Any]:
        return {"$ref": f"#/$defs/d{self._random.randrange(size)}"}

    def _applying(self, size: int, fan: int) -> dict[str, Any]:
        random, out = self._random, dict[str, Any]()
        for _ in range(random.randint(1, 3)):
            kind = random.choice(APPLYING)
            if kind in ("allOf", "anyOf", "oneOf", "prefixItems"):
                out[kind] = [self._inner(size) for _ in range(random.randint(1, fan))]
            elif kind in ("properties", "dependentSchemas"):
                out[kind] = {name: self._inner(size) for name in NAMES[: random.randint(1, 3)]}
            elif kind == "patternProperties":
                out[kind] = {pattern: self._inner(size) for pattern in random.sample(("a", "b*", ".", "^", "$"), 3)}
            elif kind == "if":
                out.update({"if": self._inner(size), "then": self._inner(size), "else": self._inner(size)})
            elif kind == "uniqueItems":
                out[kind] = True
            elif kind == "type":
                out[kind] = random.choice(("object", "array", ["object", "array", "null"]))
            elif kind == "required":
                out[kind] = [random.choice(NAMES)]
            elif kind == "pattern":
                out[kind] = random.choice(PATTERNS[:5])
            else:
                out[kind] = self._inner(size)
        return out

    def _inner(self, size: int) -> dict[str, Any]:
        """Return a reference, most often inside a keyword that applies it to members."""
        reference, random = self._reference(size), self._random
        member = {"properties": {random.choice(NAMES): reference}}
        choices = (
            reference,
            member,
            member,
            {"items": reference},
            {"allOf": [member, member]},
            {"anyOf": [member] * 3},
        )
        chosen = random.choice(choices)
        return {**chosen, "required": ["z"]} if random.random() < 0.2 else chosen

    def _tower(self) -> dict[str, Any]:
        """A chain of definitions, each of which applies the next one twice."""
        height, random = self._random.randint(2, 40), self._random
        in_place = random.random() < 0.5
        definitions: dict[str, Any] = {f"d{height}": {"type": random.choice(("object", "string"))}}
        for at in range(height):
            inner: dict[str, Any] = {"$ref": f"#/$defs/d{at + 1}"}
            inner = inner if in_place else {"properties": {"a": inner}}
            definitions[f"d{at}"] = {random.choice(("allOf", "anyOf", "oneOf")): [inner, inner]}
        return {"$ref": "#/$defs/d0", "$defs": definitions}

    def _enum(self) -> dict[str, Any]:
        size = self._random.choice((10, 500, 3_000, 9_000))
        values = self._random.choice(
            (
                [f"v{at}" for at in range(size)],
                [{"a": at} for at in range(size)],
                [[at, "x" * 30] for at in range(size)],
            )
        )
        schema: dict[str, Any] = {"enum": values}
        wrapped = self._random.choice(
            (schema, {"items": schema}, {"items": {"items": schema}}, {"additionalProperties": schema})
        )
        return {"anyOf": [wrapped, {"uniqueItems": True, "items": wrapped}]}

    def _pattern(self) -> dict[str, Any]:
        patterns = [self._random.choice(PATTERNS) for _ in range(self._random.choice((1, 2, 20, 400)))]
        schema = {"anyOf": [{"pattern": pattern} for pattern in patterns]}
        return self._random.choice(
            (schema, {"items": schema}, {"propertyNames": schema}, {"patternProperties": dict.fromkeys(patterns, True)})
        )

    def _loop(self) -> dict[str, Any]:
        """References that lead nowhere, to themselves or away."""
        random = self._random
        target = random.choice((*REMOTE, "#", "#/$defs/a", "#/$defs/none", "#/properties/a", "#x", "#/$defs/a/allOf/0"))
        loop: dict[str, Any] = {
            "$defs": {"a": {"$ref": target}, "b": {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]}}
        }
        return random.choice(
            (
                {**loop, "properties": {"a": {"$ref": "#/$defs/a"}}},
                {**loop, "$ref": "#/$defs/b"},
                {"$id": REMOTE[0], "$ref": target},
                {"$schema": REMOTE[0], **loop},
                {"$dynamicRef": target},
                {"properties": {"a": {"$id": "x", "$ref": target}}},
            )
        )

    def _deep(self) -> dict[str, Any]:
        word = self._random.choice(("not", "items", "allOf", "additionalProperties", "contains"))
        schema: dict[str, Any] = {"type": "object"}
        for _ in range(self._random.choice((10, 29, 60, 90))):
            schema = {word: [schema, schema] if word == "allOf" and self._random.random() < 0.1 else schema}
            if word == "allOf" and type(schema[word]) is dict:
                schema = {word: [schema[word]]}
        return schema

    def text(self) -> str:
        random = self._random
        name, depth = random.choice(NAMES), random.choice((1, 5, 20, 60, 63, 70))
        match random.randrange(7):
            case 0:
                return f'{{"{name}":' * depth + "1" + "}" * depth
            case 1:
                return "[" * depth + "]" * depth
            case 2:
                return orjson.dumps(["ab" * random.choice((5, 1_000, 250_000, 500_000))]).decode()
            case 3:
                item = random.choice((1, "v1", {"a": 2_999}, [1, "x" * 30], {"a": {"a": {"b": 1}}}, {}, "ab" * 20))
                items = orjson.dumps([item] * random.choice((1, 100, 3_000, 60_000))).decode()
                return items if len(items) < MOST_TEXT else "[]"
            case 4:
                return orjson.dumps(self._tree(random.choice((3, 6, 9)))).decode()
            case 5:
                return orjson.dumps({f"a{at}": {"a": at} for at in range(random.choice((10, 2_000, 30_000)))}).decode()
            case _:
                return random.choice(("", "{", "nul", '"ab', "[" * 100_000, '{"a":1e999}', "ab" * 1_000_000))

    def _tree(self, depth: int) -> Any:
        if not depth:
            return self._random.choice((1, "ab", None, {}))
        return {name: self._tree(depth - 1) for name in NAMES[: self._random.randint(1, 3)]}
