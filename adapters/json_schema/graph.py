"""The subschemas of a schema as a graph: which of them each one applies, and what its own keywords cost."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from adapters.core.message import Message
from adapters.json_schema.invalid import INVALID, InvalidSchema, path_of
from adapters.json_schema.pattern_cost import pattern_cost

MOST_COMPILE_US = 100_000
"""The most time that the patterns of a schema may take to compile, by the estimate (microseconds)."""

ONE_SCHEMA = frozenset(
    ["not", "if", "then", "else", "items", "additionalItems", "additionalProperties", "contains", "propertyNames"]
)
SCHEMA_LISTS = frozenset(["allOf", "anyOf", "oneOf", "prefixItems", "items"])
SCHEMA_MAPS = frozenset(["properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"])
NOT_APPLIED = frozenset(["$defs", "definitions"])
IN_PLACE = frozenset(["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"])
"""Keywords whose schemas apply to the same value; those of the others apply to its members."""
REFUSED = frozenset(
    ["$dynamicRef", "$recursiveRef", "$dynamicAnchor", "$recursiveAnchor", "unevaluatedProperties", "unevaluatedItems"]
)
"""Keywords whose cost is not bounded by the evaluations of their own subschemas."""
NAMES = frozenset(["required", "dependentRequired", "type"])
DATA = frozenset(["enum", "const"])
DATA_UNITS = 8
"""The cost of comparing with a value of an enum, in evaluations."""
UNIQUE_UNITS = 20
"""The cost of ``uniqueItems`` per value: up to 15 items are compared with each other, more are hashed."""


class SchemaNode:
    """One subschema: its path, its own cost, and the subschemas that it applies.

    ``units``: its evaluations at an object or array; ``scalar_units``: at another value. ``byte_ns``: the time of its patterns
    per byte of a string. ``in_place``:
    the subschemas applied to the same value. ``by_name``: those of ``properties``, of which one applies to a member.
    ``to_members``: those that may all apply to one member. ``single`` and ``total`` are set by ``cost.py``.
    """

    __slots__ = ("by_name", "byte_ns", "in_place", "path", "scalar_units", "single", "to_members", "total", "units")

    def __init__(self, path: str) -> None:
        self.path = path
        self.units = self.scalar_units = 1
        self.byte_ns = 0
        self.in_place: list[SchemaNode] = []
        self.by_name: list[SchemaNode] = []
        self.to_members: list[SchemaNode] = []
        self.single = self.total = (0, 0)

    def applied(self) -> list["SchemaNode"]:
        """Return all subschemas that it applies."""
        return [*self.in_place, *self.by_name, *self.to_members]


class SchemaReader:
    """Reads a schema into nodes; ``root`` is the first. Raises InvalidSchema.

    ``compile_us``: the estimated time that its patterns take to compile (microseconds).
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._nodes: dict[int, SchemaNode] = {}  # id() of a subschema -> its node
        self._todo: list[tuple[dict[str, Any], SchemaNode]] = []
        self._references: list[tuple[SchemaNode, str]] = []
        self._anchors: dict[str, SchemaNode] = {}
        self.compile_us = 0
        self.root = self._node(schema, "")
        self._read_all()
        while self._references:  # a target outside the keywords is read as well, and may have references
            node, reference = self._references.pop()
            node.in_place.append(self._target(reference, f"{node.path}.$ref"))
            self._read_all()

    def _node(self, schema: Any, path: str) -> SchemaNode:
        """Return the node of a subschema; ``true`` and ``false`` have a node of their own at each place."""
        if type(schema) is not dict:
            return SchemaNode(path)
        node = self._nodes.get(id(schema))
        if node is None:
            node = self._nodes[id(schema)] = SchemaNode(path)
            self._todo.append((schema, node))
        return node

    def _read_all(self) -> None:
        while self._todo:
            schema, node = self._todo.pop()
            for name, value in schema.items():
                node.units += 1
                node.scalar_units += 1
                self._keyword(node, name, value, f"{node.path}.{name}")

    def _keyword(self, node: SchemaNode, name: str, value: Any, path: str) -> None:
        if name in REFUSED:
            raise InvalidSchema(path, Message("{name} is not supported", name=name))
        if name == "$ref":
            if type(value) is not str:
                raise InvalidSchema(path, INVALID)
            self._references.append((node, value))
        elif name == "$anchor" and type(value) is str:
            self._anchors[value] = node
        elif name in ("$id", "id") and node is not self._nodes[id(self._schema)] and type(value) is str:
            raise InvalidSchema(path, Message("only the root may have an id"))
        elif name == "pattern" and type(value) is str:
            self._add_pattern(node, value, path)
        elif name in ("minLength", "maxLength"):
            node.byte_ns += 1
        elif name == "uniqueItems":
            node.units += UNIQUE_UNITS
        elif name in NAMES:
            node.units += count_values(value)
        elif name in DATA:
            units = DATA_UNITS * count_values(value)
            node.units += units
            node.scalar_units += units
        else:
            self._apply(node, name, list(subschemas(name, value, path)))
            if name == "patternProperties" and type(value) is dict:
                for pattern in value:
                    self._add_pattern(node, pattern, f"{path}.{pattern}")

    def _apply(self, node: SchemaNode, name: str, schemas: list[tuple[Any, str]]) -> None:
        nodes = [self._node(schema, path) for schema, path in schemas]
        if name in NOT_APPLIED:
            return
        node.units += len(nodes)
        node.scalar_units += len(nodes) if name in IN_PLACE else 0
        edges = node.in_place if name in IN_PLACE else node.by_name if name == "properties" else node.to_members
        edges += nodes

    def _add_pattern(self, node: SchemaNode, pattern: str, path: str) -> None:
        cost = pattern_cost(pattern)
        node.byte_ns += cost.byte_ns
        self.compile_us += cost.compile_us
        if self.compile_us > MOST_COMPILE_US:
            raise InvalidSchema(path, Message("the patterns are too large: use fewer repetitions"))

    def _target(self, reference: str, path: str) -> SchemaNode:
        """Return the subschema that a reference names. Raises InvalidSchema."""
        if not reference.startswith("#"):
            why = Message("only references within the schema (#/…) are supported: nothing is downloaded")
            raise InvalidSchema(path, why)
        pointer = unquote(reference[1:])
        if pointer in self._anchors:
            return self._anchors[pointer]
        target, parts = self._schema, list[str | int]()
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            inside: Any = target
            if type(inside) is dict and key in inside:
                parts.append(key)
            elif type(inside) is list and key.isdecimal() and len(key) < 9 and int(key) < len(inside):
                parts.append(int(key))
            else:
                raise InvalidSchema(path, Message("the reference target does not exist"))
            target = inside[parts[-1]]
        if type(target) not in (dict, bool) or (pointer and not pointer.startswith("/")):
            raise InvalidSchema(path, Message("the reference target does not exist"))
        return self._node(target, path_of(parts))


def subschemas(name: str, value: Any, path: str) -> Iterator[tuple[Any, str]]:
    """Return the subschemas in a keyword's value, each with its path."""
    if name in SCHEMA_LISTS and type(value) is list:
        for at, one in enumerate(value):
            yield one, f"{path}[{at}]"
    elif name in SCHEMA_MAPS and type(value) is dict:
        for key, one in value.items():
            yield one, f"{path}.{key}"
    elif name in ONE_SCHEMA:
        yield value, path


def count_values(value: Any) -> int:
    """Count the values in JSON data, names of members included."""
    count, todo = 0, [value]
    while todo:
        one = todo.pop()
        count += 1
        if type(one) is dict:
            count += len(one)
            todo += one.values()
        elif type(one) is list:
            todo += one
    return count
