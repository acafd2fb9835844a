"""Rewrites JSON Schemas in Kimi's dialect of them ("Moonshot flavored", MFJS). Pure: the caller's schema stays as it is.

Sources: the vendor's published validator and its rules (github.com/MoonshotAI/walle, docs of 2026), its client's own
repairs (MoonshotAI/kimi-cli, kosong), and reports of 400s from its hosts (2026-04 to 2026-09). Hosts have had several
versions of the validator: what is written here is taken by each of them, but for branches at the root, see ``_branches``.

A rewrite never refuses a value that the schema allows, with one exception: where a type is required and none can be
found out, it is ``string``, as the vendor's own client has it. What can't be kept raises ``NotExpressible``.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from adapters.core.message import Message
from adapters.rules.json_schema_merge import (
    Conflict,
    common_types,
    matches,
    merge,
    one_or_many,
    type_of,
    types_of,
    types_of_values,
)

Schema = dict[str, Any]

LEVELS = 64
"""How deep a schema may be nested. The vendor takes 30 levels of properties."""
MOST_COPIED = 500_000
"""How much may be written again in places where a constraint stood beside it, in bytes of JSON. The vendor takes 120,000
bytes of schema in all.
"""
HOPS = 32
"""How many references may lead to one another before a schema comes."""
PLAIN = frozenset(
    {
        "type", "description", "title", "default", "examples", "const", "required", "minLength", "maxLength", "pattern",
        "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems",
        "uniqueItems", "minProperties", "maxProperties",
    }
)  # fmt: skip
"""Members that hold no schema and stay as they are, beside a single type."""
ANNOTATIONS = frozenset(
    ["description", "title", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$id"]
)
"""Members that allow and forbid nothing."""
DATA = frozenset(["enum", "const", "default", "examples", "required"])
"""Members whose values are no schemas, whatever they look like."""
COMBINED = ("anyOf", "oneOf", "allOf")
UNTYPED = ("not", "if")
"""Members beside which a schema needs no type of its own."""
OBJECT_KEYS = ("properties", "required", "additionalProperties")
"""What a schema says of an object's members: they only make sense together."""
IMPLIED: Mapping[str, str] = {
    **dict.fromkeys((*OBJECT_KEYS, "patternProperties", "propertyNames", "minProperties", "maxProperties"), "object"),
    **dict.fromkeys(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"), "array"),
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), "string"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"),
}
"""The type that a member is about."""


class NotExpressible(Exception):
    """A schema, or a part of it, that the dialect has no form for. ``path`` leads to it: ``.properties.x.anyOf[0]``."""

    def __init__(self, path: str, why: Message) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


def rewrite(schema: Any) -> Schema:
    """The schema of an object in the dialect; the very same one where there is nothing to change.

    Raises NotExpressible.
    """
    if schema is None or schema is True or schema == {}:
        return {"type": "object", "properties": {}}
    if type(schema) is not dict:
        raise NotExpressible("", Message("a schema must be an object"))
    if schema.get("type") == "object" and _fits(schema, 0):
        return schema
    try:
        return _Rewriter(schema).run()
    except (AttributeError, TypeError, ValueError, RecursionError):  # not what a member is in any schema, or too deep
        raise NotExpressible("", Message("the schema is malformed")) from None


def _fits(node: Any, depth: int) -> bool:
    """Whether nothing is to be done: a cheap look at what nearly every schema consists of."""
    if type(node) is not dict or depth > LEVELS:
        return False
    kind = node.get("type")
    if type(kind) is not str:
        return False
    for key, value in node.items():
        if key in PLAIN:
            continue
        if key == "properties":
            if type(value) is not dict or not all(_fits(one, depth + 1) for one in value.values()):
                return False
        elif key == "items":
            if not _fits(value, depth + 1):
                return False
        elif key == "additionalProperties":
            if type(value) is not bool and not _fits(value, depth + 1):
                return False
        elif key != "enum" or type(value) is not list or not all(matches(one, (kind,)) for one in value):
            return False
    return True


class _Rewriter:
    """One schema being rewritten: where references lead, and how much may still be written."""

    def __init__(self, root: Schema) -> None:
        self.root = root
        self.defs: Schema = {}
        self.names: dict[tuple[str, ...], str] = {}  # where a reference leads -> its name in $defs
        self.taken: dict[str, int] = {}  # a name in $defs -> the last number behind it
        self.waiting: list[tuple[str, Any]] = []  # definitions that are referred to and not yet rewritten
        self.inlined: list[tuple[str, ...]] = []  # targets that are being put in place of their references
        self.left = MOST_COPIED

    def run(self) -> Schema:
        """The whole schema. Raises NotExpressible."""
        node = self._root()
        out = self._schema(node, "", 0, root=True)
        while self.waiting:
            name, target = self.waiting.pop()
            self.defs[name] = self._schema(target, f".$defs.{name}", 0)
        return {**out, "$defs": self.defs} if self.defs else out

    def _root(self) -> Schema:
        """The root without a reference, of type object: tool arguments and answers are objects."""
        node = self.root
        if "$ref" in node:
            target, tokens = self._target(node["$ref"], "")
            self.inlined.append(tokens)
            node = self._merged(self._expanded(target, ""), _without(node, "$ref", "$defs", "definitions"), "")
        declared = node.get("type")
        if declared is not None and "object" not in types_of(declared):
            raise NotExpressible("", Message("the vendor accepts only schemas of type object"))
        return {"type": "object", **_without(node, "type")}

    def _schema(self, node: Any, path: str, depth: int, *, root: bool = False, kind: Any = None) -> Schema:
        """One schema. ``kind``: the types it has anyway, for one that names none."""
        if depth > LEVELS:
            raise NotExpressible(path, Message("the schema is nested deeper than {most} levels", most=LEVELS))
        if node is True:
            node = {}
        if type(node) is not dict:
            why = (
                Message("the vendor does not accept false as a schema")
                if node is False
                else Message("a schema must be an object")
            )
            raise NotExpressible(path, why)
        out = _without(node, "$schema", "$defs", "definitions")
        if "$ref" in out and not root:
            return self._reference(out, path, depth, kind)
        self._arrays(out)
        self._values(out)
        kinds = types_of(out.get("type")) or _inferred(out) or types_of(kind)
        combined = any(key in out for key in COMBINED)  # then the branches have the types
        if "type" not in out and not combined and (kinds or not any(key in out for key in UNTYPED)):
            out["type"] = one_or_many(kinds or ["string"])
        if type(out.get("anyOf")) is list and out["anyOf"]:
            self._branches(out, path, root=root)
        return {key: self._member(key, value, kinds, path, depth + 1) for key, value in out.items()}

    def _member(self, key: str, value: Any, kinds: list[str], path: str, depth: int) -> Any:
        """The value of one member, with the schemas in it rewritten. ``kinds``: the types of what it belongs to."""
        where = f"{path}.{key}"
        if key == "properties" and type(value) is dict:
            return {name: self._schema(one, f"{where}.{name}", depth) for name, one in value.items()}
        if key in (*COMBINED, "prefixItems") and type(value) is list:
            kind = None if key == "prefixItems" else (_declared(value) if key == "allOf" else None) or kinds
            return [self._schema(one, f"{where}[{at}]", depth, kind=kind) for at, one in enumerate(value)]
        if key == "items" or (key == "additionalProperties" and type(value) is dict and value):
            return self._schema(value, where, depth)
        return value if key in DATA else self._with_references(value, where, depth)

    def _with_references(self, value: Any, path: str, depth: int) -> Any:
        """What the vendor does not look into, with references that lead to where definitions are now."""
        if type(value) not in (dict, list):
            return value
        if depth > LEVELS:
            raise NotExpressible(path, Message("the schema is nested deeper than {most} levels", most=LEVELS))
        if type(value) is list:
            return [self._with_references(one, f"{path}[{at}]", depth + 1) for at, one in enumerate(value)]
        out = {}
        for key, one in value.items():
            if key == "$ref" and type(one) is str:
                out[key] = self._pointer(one, path)
            else:
                out[key] = one if key in DATA else self._with_references(one, f"{path}.{key}", depth + 1)
        return out

    # --- arrays, values ---

    def _arrays(self, out: Schema) -> None:
        """Tuples by ``prefixItems``; what every item may be is left out; no items beyond a tuple are its greatest length."""
        items = out.get("items")
        if type(items) is list:
            rest = out.pop("additionalItems", True)
            out["prefixItems"] = [*out.get("prefixItems", ()), *items]
            items = out["items"] = rest
        if items is True or (type(items) is dict and not _without(items, *ANNOTATIONS)):
            out.pop("items")
        elif items is False:
            out.pop("items")
            length = len(out.get("prefixItems") or ())
            out["maxItems"] = min(length, out.get("maxItems", length))
        extra = out.get("additionalProperties")
        if type(extra) is dict and not _without(extra, *ANNOTATIONS):
            out["additionalProperties"] = {}

    def _values(self, out: Schema) -> None:
        """``enum`` with one type beside it, or one and null; of several types, a branch for each."""
        values = out.get("enum")
        if type(values) is not list or not values:
            return
        declared = types_of(out.get("type"))
        if declared:
            possible = [value for value in values if matches(value, declared)]
            if not possible:
                return
            values = out["enum"] = possible if len(possible) < len(values) else values
        if len(declared) == 1 or _nullable(declared):
            return
        kinds = types_of_values(values)
        if len(kinds) == 1 or _nullable(kinds):
            out["type"] = one_or_many(kinds)
        elif "anyOf" not in out:
            out.pop("type", None)
            del out["enum"]
            out["anyOf"] = [{"type": kind, "enum": [one for one in values if matches(one, (kind,))]} for kind in kinds]

    # --- anyOf ---

    def _branches(self, out: Schema, path: str, *, root: bool) -> None:
        """Move ``type`` and ``enum`` into the branches of ``anyOf``; OBJECT_KEYS too, where a branch has one of them.

        The root keeps its type: hosts of 2026-09 ask for it there, whatever stands beside it, and take it beside anyOf;
        those before refused it, and there is no form that both take.
        """
        moved: Schema = {key: out[key] for key in ("type", "enum") if key in out}
        members: Schema = {}
        if not root and "patternProperties" not in out and any(map(_speaks_of_members, out["anyOf"])):
            members = {key: out[key] for key in OBJECT_KEYS if key in out}
        branches = self._distributed(out["anyOf"], {**moved, **members}, path)
        if branches is None:  # what stands beside anyOf and in a branch can't be one: it stays where it is
            branches, members = self._distributed(out["anyOf"], moved, path), {}
        if not branches:
            raise NotExpressible(f"{path}.anyOf", Message("no value can match any of the branches"))
        out["anyOf"] = branches
        for key in () if root else (*moved, *members):
            del out[key]

    def _distributed(self, branches: list[Any], moved: Schema, path: str) -> list[Any] | None:
        """The branches with what stood beside them, but for those that no value can meet; None if one has no form."""
        if not moved:
            return [branch for branch in branches if branch is not False]
        self._charge(moved, path, len(branches))
        out = []
        for at, branch in enumerate(branches):
            if type(branch) is not dict:
                if branch is not False:
                    out.append(moved if branch is True else branch)
                continue
            kinds, outer = self._kinds(branch, f"{path}.anyOf[{at}]"), types_of(moved.get("type"))
            both = common_types(kinds, outer)
            if kinds and outer and not both:
                continue
            if "$ref" in branch and set(moved) == {"type"} and kinds and both == kinds:
                out.append(branch)  # the definition says so by itself, or more
                continue
            try:
                out.append(merge(branch, moved, exact=True))
            except Conflict as conflict:
                if conflict.key != "enum":
                    return None
        return out

    def _charge(self, copied: Any, path: str, times: int = 1) -> None:
        """Count what is written again. Raises NotExpressible where that is too much."""
        self.left -= len(orjson.dumps(copied)) * times
        if self.left < 0:
            raise NotExpressible(
                path, Message("the schema becomes too large when constraints next to anyOf or $ref are copied into it")
            )

    def _kinds(self, node: Schema, path: str) -> list[str]:
        """The types that a schema, or the definition that it refers to, names."""
        hops = 0
        while "$ref" in node and "type" not in node and hops < HOPS:
            target, _ = self._target(node["$ref"], path)
            if type(target) is not dict:
                return []
            node, hops = target, hops + 1
        return types_of(node.get("type"))

    # --- references ---

    def _reference(self, out: Schema, path: str, depth: int, kind: Any) -> Schema:
        """A reference alone, or as the only branch beside descriptions; with constraints, what it refers to with them."""
        target, tokens = self._target(out["$ref"], path)
        known = target if type(target) is dict else {}
        beside = {
            key: value for key, value in out.items()
            if key != "$ref" and ("$ref" in known or key not in known or known[key] != value)
        }  # fmt: skip
        if all(key in ANNOTATIONS for key in beside):
            alone = {"$ref": self._pointer(out["$ref"], path)}
            return {"anyOf": [alone], **beside} if beside else alone
        if tokens in self.inlined:
            raise NotExpressible(
                path, Message("constraints next to a reference to a recursive definition are not supported")
            )
        self._charge(target, path)
        self.inlined.append(tokens)
        try:
            return self._schema(self._merged(self._expanded(target, path), beside, path), path, depth, kind=kind)
        finally:
            self.inlined.pop()

    def _merged(self, target: Schema, beside: Schema, path: str) -> Schema:
        try:
            return merge(target, beside)
        except Conflict as conflict:
            why = Message("it contradicts the referenced definition")
            raise NotExpressible(f"{path}.{conflict.key}", why) from None

    def _expanded(self, target: Any, path: str) -> Schema:
        """A definition that is no reference itself."""
        for _ in range(HOPS):
            if target is True:
                return {}
            if type(target) is not dict:
                raise NotExpressible(path, Message("the reference does not point to a schema"))
            if "$ref" not in target:
                return target
            further, _ = self._target(target["$ref"], path)
            beside = _without(target, "$ref")
            target = self._merged(further, beside, path) if beside and type(further) is dict else further
        raise NotExpressible(path, Message("the chain of references is circular or too long"))

    def _pointer(self, reference: str, path: str) -> str:
        """The reference to the same definition among ``$defs`` at the root, which is where the vendor looks."""
        if reference == "#":
            return reference
        target, tokens = self._target(reference, path)
        if tokens not in self.names:
            self.names[tokens] = name = self._new_name(tokens)
            self.waiting.append((name, target))
        return f"#/$defs/{self.names[tokens]}"

    def _new_name(self, tokens: tuple[str, ...]) -> str:
        short = tokens[1:] if tokens[0] in ("$defs", "definitions") else tokens
        stem = "_".join("".join(char if char.isalnum() or char in "_.-" else "_" for char in one) for one in short)
        name = stem or "_"
        while name in self.taken:
            self.taken[stem] = number = self.taken.get(stem, 1) + 1
            name = f"{stem}_{number}"
        self.taken.setdefault(name, 1)
        return name

    def _target(self, reference: Any, path: str) -> tuple[Any, tuple[str, ...]]:
        """What a reference leads to, and the way there. Raises NotExpressible for one that leaves the schema."""
        if reference == "#":
            return self.root, ()
        if type(reference) is not str or not reference.startswith("#/"):
            raise NotExpressible(
                f"{path}.$ref", Message("a reference must point into the schema itself, such as #/$defs/x")
            )
        tokens = tuple(unquote(one).replace("~1", "/").replace("~0", "~") for one in reference[2:].split("/"))
        found: Any = self.root
        for token in tokens:
            if type(found) is dict and token in found:
                found = found[token]
            elif type(found) is list and token.isdecimal() and int(token) < len(found):
                found = found[int(token)]
            else:
                raise NotExpressible(f"{path}.$ref", Message("the reference target does not exist"))
        return found, tokens


def _without(node: Mapping[str, Any], *keys: str) -> Schema:
    return {key: value for key, value in node.items() if key not in keys}


def _inferred(node: Schema) -> list[str]:
    """The types that a schema without one is about, by its other members; none if nothing tells."""
    if "const" in node:
        return [type_of(node["const"])]
    implied = dict.fromkeys(IMPLIED[key] for key in node if key in IMPLIED)
    if implied:
        return list(implied)
    return types_of_values([node["default"]]) if node.get("default") is not None else []


def _declared(branches: Iterable[Any]) -> Any:
    """The first type that one of several schemas names, which all of them must meet."""
    return next((one["type"] for one in branches if type(one) is dict and "type" in one), None)


def _nullable(kinds: list[str]) -> bool:
    """Whether these are null and one type of single values, which is what may stand beside ``enum``."""
    return len(kinds) == 2 and "null" in kinds and not {"object", "array"} & set(kinds)


def _speaks_of_members(schema: Any) -> bool:
    return type(schema) is dict and any(key in schema for key in OBJECT_KEYS)
