"""Rewrites JSON Schemas in Kimi's dialect ("Moonshot flavored", MFJS). Pure: the client's schema is not modified.

Sources: the vendor's published validator and its rules (github.com/MoonshotAI/walle, docs of 2026), the repairs in its
client (MoonshotAI/kimi-cli, kosong), and reports of 400s from its hosts (2026-04 to 2026-09). Hosts have run several
versions of the validator: all of them accept the result, except for branches at the root, see ``_branches``.

The rewritten schema allows every value that the original allows, with one exception: where a type is required and
can't be inferred, it is ``string``, as in the vendor's own client. Schemas that have no equivalent raise
``NotExpressible``.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from adapters.core.message import Message
from adapters.rules.tools import NotExpressible
from adapters.vendors.kimi.json_schema_merge import (
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
"""The maximum nesting of a schema. The vendor accepts 30 levels of properties."""
MOST_COPIED = 500_000
"""How much may be copied where constraints are next to ``anyOf`` or ``$ref``, in bytes of JSON. The vendor accepts
schemas of 120,000 bytes in total.
"""
HOPS = 32
"""The maximum length of a chain of references."""
PLAIN = frozenset(
    {
        "type", "description", "title", "default", "examples", "const", "required", "minLength", "maxLength", "pattern",
        "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems",
        "uniqueItems", "minProperties", "maxProperties",
    }
)  # fmt: skip
"""Members that contain no schema and are kept unchanged next to a single type."""
ANNOTATIONS = frozenset(
    ["description", "title", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$id"]
)
"""Members without effect on validation."""
DATA = frozenset(["enum", "const", "default", "examples", "required"])
"""Members whose values are data, never schemas."""
COMBINED = ("anyOf", "oneOf", "allOf")
UNTYPED = ("not", "if")
"""Members next to which a schema needs no type."""
OBJECT_KEYS = ("properties", "required", "additionalProperties")
"""Members about an object's properties: they only make sense together."""
IMPLIED: Mapping[str, str] = {
    **dict.fromkeys((*OBJECT_KEYS, "patternProperties", "propertyNames", "minProperties", "maxProperties"), "object"),
    **dict.fromkeys(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"), "array"),
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), "string"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"),
}
"""The type that each member applies to."""


def rewrite(schema: Any) -> Schema:
    """Return the schema of an object in the dialect; the same object if nothing has to change.

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
    except (AttributeError, TypeError, ValueError, RecursionError):  # a member of an invalid type, or nested too deeply
        raise NotExpressible("", Message("the schema is malformed")) from None


def _fits(node: Any, depth: int) -> bool:
    """Whether the schema needs no change: a cheap test that covers nearly every schema."""
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
    """The state of one rewrite: the definitions, and how much may still be copied."""

    def __init__(self, root: Schema) -> None:
        self.root = root
        self.defs: Schema = {}
        self.names: dict[tuple[str, ...], str] = {}  # target of a reference -> its name in $defs
        self.taken: dict[str, int] = {}  # a name in $defs -> the last number appended to it
        self.waiting: list[tuple[str, Any]] = []  # referenced definitions that are not yet rewritten
        self.inlined: list[tuple[str, ...]] = []  # targets that are currently replacing their references
        self.left = MOST_COPIED

    def run(self) -> Schema:
        """Return the rewritten schema. Raises NotExpressible."""
        node = self._root()
        out = self._schema(node, "", 0, root=True)
        while self.waiting:
            name, target = self.waiting.pop()
            self.defs[name] = self._schema(target, f".$defs.{name}", 0)
        return {**out, "$defs": self.defs} if self.defs else out

    def _root(self) -> Schema:
        """Return the root without a reference, of type object: tool arguments and answers are objects."""
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
        """Rewrite one schema. ``kind``: the types implied by its context, for a schema without ``type``."""
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
        combined = any(key in out for key in COMBINED)  # the branches then have the types
        if "type" not in out and not combined and (kinds or not any(key in out for key in UNTYPED)):
            out["type"] = one_or_many(kinds or ["string"])
        if type(out.get("anyOf")) is list and out["anyOf"]:
            self._branches(out, path, root=root)
        return {key: self._member(key, value, kinds, path, depth + 1) for key, value in out.items()}

    def _member(self, key: str, value: Any, kinds: list[str], path: str, depth: int) -> Any:
        """Return the value of one member, with its schemas rewritten. ``kinds``: the types of the schema it is in."""
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
        """Return a value that the vendor does not validate, with references adjusted to the new definitions."""
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
        """Express tuples by ``prefixItems``; omit ``items`` that allow anything; express ``items: false`` by ``maxItems``."""
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
        """Give ``enum`` one type, or one and null; split an ``enum`` of several types into branches."""
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
        """Move ``type`` and ``enum`` into the branches of ``anyOf``; also OBJECT_KEYS if a branch has one of them.

        The root keeps its type: hosts of 2026-09 require it there and accept it next to anyOf; earlier hosts refused
        it, and no form works with both.
        """
        moved: Schema = {key: out[key] for key in ("type", "enum") if key in out}
        members: Schema = {}
        if not root and "patternProperties" not in out and any(map(_speaks_of_members, out["anyOf"])):
            members = {key: out[key] for key in OBJECT_KEYS if key in out}
        branches = self._distributed(out["anyOf"], {**moved, **members}, path)
        if branches is None:  # members can't be merged into a branch: keep them next to anyOf
            branches, members = self._distributed(out["anyOf"], moved, path), {}
        if not branches:
            raise NotExpressible(f"{path}.anyOf", Message("no value can match any of the branches"))
        out["anyOf"] = branches
        for key in () if root else (*moved, *members):
            del out[key]

    def _distributed(self, branches: list[Any], moved: Schema, path: str) -> list[Any] | None:
        """Merge ``moved`` into the branches, without those that no value can match; None if a merge fails."""
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
                out.append(branch)  # the definition has this type or a narrower one
                continue
            try:
                out.append(merge(branch, moved, exact=True))
            except Conflict as conflict:
                if conflict.key != "enum":
                    return None
        return out

    def _charge(self, copied: Any, path: str, times: int = 1) -> None:
        """Count the bytes that are copied. Raises NotExpressible if there are too many."""
        self.left -= len(orjson.dumps(copied)) * times
        if self.left < 0:
            raise NotExpressible(
                path, Message("the schema becomes too large when constraints next to anyOf or $ref are copied into it")
            )

    def _kinds(self, node: Schema, path: str) -> list[str]:
        """Return the types of a schema, or of the definition that it references."""
        hops = 0
        while "$ref" in node and "type" not in node and hops < HOPS:
            target, _ = self._target(node["$ref"], path)
            if type(target) is not dict:
                return []
            node, hops = target, hops + 1
        return types_of(node.get("type"))

    # --- references ---

    def _reference(self, out: Schema, path: str, depth: int, kind: Any) -> Schema:
        """Rewrite a reference: alone, as the only branch next to annotations, or merged with constraints next to it."""
        target, tokens = self._target(out["$ref"], path)
        known = target if type(target) is dict else {}
        members = {
            key: value for key, value in out.items()
            if key != "$ref" and ("$ref" in known or key not in known or known[key] != value)
        }  # fmt: skip
        if all(key in ANNOTATIONS for key in members):
            alone = {"$ref": self._pointer(out["$ref"], path)}
            return {"anyOf": [alone], **members} if members else alone
        if tokens in self.inlined:
            raise NotExpressible(
                path, Message("constraints next to a reference to a recursive definition are not supported")
            )
        self._charge(target, path)
        self.inlined.append(tokens)
        try:
            return self._schema(self._merged(self._expanded(target, path), members, path), path, depth, kind=kind)
        finally:
            self.inlined.pop()

    def _merged(self, target: Schema, members: Schema, path: str) -> Schema:
        try:
            return merge(target, members)
        except Conflict as conflict:
            why = Message("it contradicts the referenced definition")
            raise NotExpressible(f"{path}.{conflict.key}", why) from None

    def _expanded(self, target: Any, path: str) -> Schema:
        """Follow a definition that is itself a reference."""
        for _ in range(HOPS):
            if target is True:
                return {}
            if type(target) is not dict:
                raise NotExpressible(path, Message("the reference does not point to a schema"))
            if "$ref" not in target:
                return target
            further, _ = self._target(target["$ref"], path)
            members = _without(target, "$ref")
            target = self._merged(further, members, path) if members and type(further) is dict else further
        raise NotExpressible(path, Message("the chain of references is circular or too long"))

    def _pointer(self, reference: str, path: str) -> str:
        """Return the reference to the same definition in ``$defs`` at the root, the only place that the vendor reads."""
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
        """Return the target of a reference and its path. Raises NotExpressible for one that leaves the schema."""
        if reference == "#":
            return self.root, ()
        if type(reference) is not str or not reference.startswith("#/"):
            raise NotExpressible(
                f"{path}.$ref", Message("a reference must point into the schema itself, such as #/$defs/x")
            )
        tokens = tuple(unquote(one).replace("~1", "/").replace("~0", "~") for one in reference[2:].split("/"))
        target: Any = self.root
        for token in tokens:
            if type(target) is dict and token in target:
                target = target[token]
            elif type(target) is list and token.isdecimal() and int(token) < len(target):
                target = target[int(token)]
            else:
                raise NotExpressible(f"{path}.$ref", Message("the reference target does not exist"))
        return target, tokens


def _without(node: Mapping[str, Any], *keys: str) -> Schema:
    return {key: value for key, value in node.items() if key not in keys}


def _inferred(node: Schema) -> list[str]:
    """Infer the types of a schema without ``type`` from its other members; empty if there is no evidence."""
    if "const" in node:
        return [type_of(node["const"])]
    implied = dict.fromkeys(IMPLIED[key] for key in node if key in IMPLIED)
    if implied:
        return list(implied)
    return types_of_values([node["default"]]) if node.get("default") is not None else []


def _declared(branches: Iterable[Any]) -> Any:
    """Return the first ``type`` among several schemas of an ``allOf``."""
    return next((one["type"] for one in branches if type(one) is dict and "type" in one), None)


def _nullable(kinds: list[str]) -> bool:
    """Whether these are null and one scalar type, which may be next to ``enum``."""
    return len(kinds) == 2 and "null" in kinds and not {"object", "array"} & set(kinds)


def _speaks_of_members(schema: Any) -> bool:
    return type(schema) is dict and any(key in schema for key in OBJECT_KEYS)
