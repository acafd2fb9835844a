"""Bounds the evaluations that a schema takes per value of any text, before a text is checked.

The cost of a subschema is the most that the values below it can take, divided by their number. Subschemas applied to the
same value add up. Of those in ``properties`` only one applies to a member, so the most expensive one counts.

The validator evaluates the target of a recursive reference once per object or array, and repeats it for other values. So
the costs of the root and of each target are summed, and a reference that leads back to a target costs what the target
costs at a value that is no object or array.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from adapters.core.message import Message
from adapters.json_schema.graph import SchemaNode
from adapters.json_schema.invalid import InvalidSchema

MOST_UNITS = 150_000
"""The maximum evaluations per value of a text: with more, a text of 100 values could not be checked."""
MOST_BYTE_NS = 100_000
"""The maximum time of patterns per byte of a text (nanoseconds)."""


class SchemaCost(NamedTuple):
    """``units``: evaluations per value. ``byte_ns``: time per byte of a text. ``recursive``: it refers to itself."""

    units: int
    byte_ns: int
    recursive: bool


def schema_cost(root: SchemaNode) -> SchemaCost:
    """Return the cost of a schema. Raises InvalidSchema if it exceeds what can be checked."""
    order, back = ordered(root, SchemaNode.applied)
    set_single_costs(reversed(order))
    for node in order:
        node.total = checked(node, *(total_cost(node, at, back) for at in (0, 1)))
    entries = {id(node): node for _, node in back.values()}
    entries[id(root)] = root
    totals = [node.total for node in entries.values()]
    return SchemaCost(*checked(root, *map(sum, zip(*totals, strict=True))), recursive=bool(back))


def set_single_costs(nodes: Iterable[SchemaNode]) -> None:
    """Set ``single``, the cost at one value that is no object or array. Raises InvalidSchema for a cycle at one value."""
    done: set[int] = set()
    for start in nodes:  # the root first, so that a cycle is reported where it closes
        order, back = ordered(start, lambda node: node.in_place, done)
        for node, _ in back.values():
            raise InvalidSchema(node.path, Message("the schema applies itself to the same value without end"))
        for node in order:
            units = node.scalar_units + sum(target.single[0] for target in node.in_place)
            node.single = checked(node, units, node.byte_ns + sum(target.single[1] for target in node.in_place))


def total_cost(node: SchemaNode, at: int, back: dict[tuple[int, int], tuple[SchemaNode, SchemaNode]]) -> int:
    """Return the units (``at`` 0) or the time per byte (1) of a node, from those of the nodes that it applies."""

    def cost(target: SchemaNode) -> int:
        return (target.single if (id(node), id(target)) in back else target.total)[at]

    own = (node.units, node.byte_ns)[at]
    members = max(map(cost, node.by_name), default=0) + sum(map(cost, node.to_members))
    return sum(map(cost, node.in_place)) + max(own, members)


def checked(node: SchemaNode, units: int, byte_ns: int) -> tuple[int, int]:
    """Return the costs. Raises InvalidSchema if they exceed the limits."""
    if units > MOST_UNITS or byte_ns > MOST_BYTE_NS:
        raise InvalidSchema(
            node.path, Message("the schema takes too long to check: its parts are combined in too many ways")
        )
    return units, byte_ns


def ordered(
    root: SchemaNode, applied: Callable[[SchemaNode], list[SchemaNode]], done: set[int] | None = None
) -> tuple[list[SchemaNode], dict[tuple[int, int], tuple[SchemaNode, SchemaNode]]]:
    """Return the nodes, each after those that it applies, and the edges that lead back to a node in progress.

    ``done``: the nodes of earlier calls, which are left out; those of this call are added.
    """
    done = set() if done is None else done
    order: list[SchemaNode] = []
    back: dict[tuple[int, int], tuple[SchemaNode, SchemaNode]] = {}
    if id(root) in done:
        return order, back
    in_progress = {id(root)}
    stack = [(root, iter(applied(root)))]
    while stack:
        node, targets = stack[-1]
        target = next(targets, None)
        if target is None:
            stack.pop()
            in_progress.discard(id(node))
            done.add(id(node))
            order.append(node)
        elif id(target) in in_progress:
            back[id(node), id(target)] = (node, target)
        elif id(target) not in done:
            in_progress.add(id(target))
            stack.append((target, iter(applied(target))))
    return order, back
