"""What pydantic found, in our own words, at the place of the key or value at fault."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.catalog import Row
from config.complaints import Complaint, nearest, one_of
from config.overlay import Overlay
from config.schema import ModelEntry, Section, Settings, TargetEntry
from config.shape import at, fields, is_section
from config.tree import Node, follow, is_credential, shown

MAX_COMPLAINTS = 300
"""More are not listed until these are fixed: finding the nearest known word for each takes long."""

Words = tuple[str, str, str]
"""What is wrong, what was expected, the nearest word."""


def complaints_of(error: ValidationError, root: Node, top: type[Section | Row] = Settings) -> list[Complaint]:
    """One complaint for each value at fault, of the first few hundred; what was complained about before is left out.

    ``top`` is the model that the root was validated as.
    """
    found: dict[tuple[str | int, ...], Complaint] = {}
    for detail in error.errors(include_url=False, include_input=False)[:MAX_COMPLAINTS]:
        node, path = follow(root, detail["loc"])
        if node.broken:
            continue
        here = (*path, detail["loc"][-1]) if detail["type"] == "missing" else tuple(path)
        complaint = _complaint(detail, node, path, top)
        earlier = found.get(here)
        # A union says for each of its members what it would have taken.
        if earlier is not None and earlier.expected and complaint.expected and earlier.expected != complaint.expected:
            complaint = node.complaint(path, earlier.wrong, f"{earlier.expected} or {complaint.expected}")
        found[here] = complaint
    return list(found.values())


def _complaint(detail: ErrorDetails, node: Node, path: list[str | int], top: type[Section | Row]) -> Complaint:
    kind, loc = detail["type"], detail["loc"]
    if kind == "extra_forbidden":
        wrong, expected, meant = _unknown(loc, top)
        return node.complaint(path, wrong, expected, meant, at_key=True, code="config-unknown-key")
    if kind == "missing":
        section = at(loc[:-1], top)
        expected = _of(section) if section in (ModelEntry, TargetEntry) else ""
        return node.complaint(path, f"the key '{loc[-1]}' is missing", expected, at_key=True, code="config-missing-key")
    name: str | int = detail.get("ctx", {}).get("at", "")
    inner = node.child(name) if name != "" else None
    if inner is not None:
        node, path = inner, [*path, name]
    wrong, expected, meant = _words(detail, node, path, top)
    return node.complaint(path, wrong, expected, meant, code="config-not-yet" if kind == "not_yet" else "")


def _unknown(loc: tuple[int | str, ...], top: type[Section | Row]) -> Words:
    section = at(loc[:-1], top)
    if section is TargetEntry and loc[-1] in fields(ModelEntry):
        return f"'{loc[-1]}' goes beside targets", "targets: [...] in the place of target", ""
    known = list(fields(section)) if is_section(section) else []
    meant = nearest(str(loc[-1]), known)
    return "unknown key", "" if meant else one_of(known) if known else "", meant


def _words(detail: ErrorDetails, node: Node, path: list[str | int], top: type[Section | Row]) -> Words:
    kind, ctx = detail["type"], detail.get("ctx", {})
    got = f"got {shown(node, path)}"
    if kind in ("value_error", "two_keys", "header", "price"):
        wrong, _, expected = f"; {ctx['error'] if kind == 'value_error' else detail['msg']}".partition("; expected ")
        return wrong.removeprefix("; ") or got, expected, ""
    if kind == "not_yet":
        return f"not yet: {_pending(node, path)} is still to come", f"{_value(ctx['only'])}the key left out", ""
    if kind == "literal_error":
        return _choice(ctx, node, got)
    expected = _EXPECTED.get(kind) or _RANGES.get(kind, _no_words)(ctx) or _of(at(detail["loc"], top))
    hint = " in quotes" if kind == "string_type" and isinstance(node.value, bool | int | float) else ""
    return got, f"{expected}{hint}", ""


def _pending(node: Node, path: list[str | int]) -> str:
    simple = isinstance(node.value, str | int | float) and not is_credential(path)
    return shown(node, path).removeprefix("text ").removeprefix("the number ") if simple else "this key"


def _value(only: Any) -> str:
    return f"{only}, or " if isinstance(only, str | int | float) and not isinstance(only, bool) else ""


def _choice(ctx: Mapping[str, Any], node: Node, got: str) -> Words:
    quoted = re.findall(r"'([^']*)'", str(ctx["expected"]))
    words = quoted or [str(ctx["expected"])]
    meant = nearest(node.value, words) if isinstance(node.value, str) and not node.variables else ""
    return got, one_of(words), meant


def _of(annotation: Any) -> str:
    """What may stand where this section or list is."""
    if annotation is ModelEntry:
        return "vendor/model, a list of them, or {targets: [...]}"
    if annotation is TargetEntry:
        return "vendor/model, or {target: vendor/model, set: {...}}"
    if annotation is Overlay:
        return "the path of a file"
    if is_section(annotation):
        return "a mapping, with keys indented below it"
    return "another value"


def _no_words(ctx: Mapping[str, Any]) -> str:
    return ""


def _table(words: str, kinds: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(kinds, words)


_EXPECTED: Mapping[str, str] = {
    **_table("text", ("string_type", "string_unicode", "string_too_short")),
    **_table(
        "a day such as 2026-11-22",
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
    ),
    **_table("a whole number", ("int_type", "int_parsing", "int_from_float", "int_parsing_size")),
    **_table("a number", ("float_type", "float_parsing")),
    **_table("a finite number", ("finite_number",)),
    **_table("true or false", ("bool_type", "bool_parsing")),
    **_table("a list", ("list_type", "frozen_set_type")),
    **_table("a mapping, with keys indented below it", ("dict_type", "mapping_type")),
    **_table("at least one", ("too_short",)),
}
_RANGES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda ctx: f"more than {ctx['gt']:g}",
    "greater_than_equal": lambda ctx: f"{ctx['ge']:g} or more",
    "less_than": lambda ctx: f"less than {ctx['lt']:g}",
    "less_than_equal": lambda ctx: f"{ctx['le']:g} or less",
}
