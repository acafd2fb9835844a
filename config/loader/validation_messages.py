"""Convert pydantic's validation errors to diagnostics at the position of the key or value at fault."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from adapters.core.message import EMPTY, Message, as_message, one_of
from config.catalog.models import CatalogSection
from config.catalog.overrides import CatalogOverrides
from config.errors import Diagnostic, InvalidValue, got, nearest
from config.loader.schema_walk import at, fields, is_section
from config.nodes import Node, describe, describe_literal, follow, is_credential
from config.schema import ModelEntry, Settings, TargetEntry
from config.sections import Section

MAX_DIAGNOSTICS = 300
"""Maximum number of validation errors listed at once: finding the nearest known word for each takes long."""

MessageParts = tuple[Message, Message, str]
"""Problem, expected value, nearest known word."""


def diagnostics_of(
    error: ValidationError, root: Node, top: type[Section | CatalogSection] = Settings
) -> list[Diagnostic]:
    """Return one diagnostic per invalid value, at most ``MAX_DIAGNOSTICS``, without nodes that are marked broken.

    ``top`` is the model that the root was validated as.
    """
    found: dict[tuple[str | int, ...], Diagnostic] = {}
    for detail in error.errors(include_url=False, include_input=False)[:MAX_DIAGNOSTICS]:
        node, path = follow(root, detail["loc"])
        if node.broken:
            continue
        here = (*path, detail["loc"][-1]) if detail["type"] == "missing" else tuple(path)
        diagnostic = _diagnostic(detail, node, path, top)
        earlier = found.get(here)
        # pydantic reports one error per member of a union: join what each expects.
        if earlier is not None and earlier.expected and diagnostic.expected and earlier.expected != diagnostic.expected:
            diagnostic = node.diagnostic(path, earlier.problem, one_of([earlier.expected, diagnostic.expected]))
        found[here] = diagnostic
    return list(found.values())


def _diagnostic(
    detail: ErrorDetails, node: Node, path: list[str | int], top: type[Section | CatalogSection]
) -> Diagnostic:
    kind, loc = detail["type"], detail["loc"]
    if kind == "extra_forbidden":
        problem, expected, suggestion = _unknown(loc, top)
        return node.diagnostic(path, problem, expected, suggestion, at_key=True, code="config-unknown-key")
    if kind == "missing":
        section = at(loc[:-1], top)
        expected = _of(section) if section in (ModelEntry, TargetEntry) else EMPTY
        return node.diagnostic(
            path, Message("the key '{key}' is missing", key=loc[-1]), expected, at_key=True, code="config-missing-key"
        )
    name: str | int = detail.get("ctx", {}).get("at", "")
    inner = node.child(name) if name != "" else None
    if inner is not None:
        node, path = inner, [*path, name]
    problem, expected, suggestion = _message_parts(detail, node, path, top)
    return node.diagnostic(path, problem, expected, suggestion, code="config-not-yet" if kind == "not_yet" else "")


def _unknown(loc: tuple[int | str, ...], top: type[Section | CatalogSection]) -> MessageParts:
    section = at(loc[:-1], top)
    if section is TargetEntry and loc[-1] in fields(ModelEntry):
        problem = Message("'{key}' belongs next to 'targets', not in a target", key=loc[-1])
        return problem, Message("targets: [...] instead of target"), ""
    known = list(fields(section)) if is_section(section) else []
    suggestion = nearest(str(loc[-1]), known)
    return Message("unknown key"), EMPTY if suggestion or not known else one_of(known), suggestion


def _message_parts(
    detail: ErrorDetails, node: Node, path: list[str | int], top: type[Section | CatalogSection]
) -> MessageParts:
    kind, ctx = detail["type"], detail.get("ctx", {})
    found = got(describe(node, path))
    if kind in ("value_error", "two_keys", "header", "price", "store_dir"):
        problem, expected = _stated(kind, ctx)
        return problem or found, expected, ""
    if kind == "not_yet":
        return (
            Message("{what} is not implemented yet", what=_pending(node, path)),
            _value(ctx["only"]),
            "",
        )
    if kind == "literal_error":
        return _choice(ctx, node, found)
    expected = _EXPECTED.get(kind) or _RANGES.get(kind, _no_range)(ctx) or _of(at(detail["loc"], top))
    if kind == "string_type" and isinstance(node.value, bool | int | float):
        expected = Message("text in quotes")
    return found, expected, ""


def _stated(kind: str, ctx: Mapping[str, Any]) -> tuple[Message, Message]:
    """Return problem and expected value from one of banjia's own checks."""
    if kind != "value_error":
        return ctx["problem"], ctx["expected"]
    error = ctx["error"]
    return (error.problem, error.expected) if isinstance(error, InvalidValue) else (as_message(str(error)), EMPTY)


def _pending(node: Node, path: list[str | int]) -> Message:
    if not isinstance(node.value, str | int | float) or is_credential(path):
        return Message("this key")
    if node.variables:
        return describe(node, path)
    literal = describe_literal(node, path)
    return Message("(not shown)") if literal is None else as_message(literal)


def _value(only: Any) -> Message:
    if isinstance(only, str | int | float) and not isinstance(only, bool):
        return Message("{value}, or the key omitted", value=only)
    return Message("the key omitted")


def _choice(ctx: Mapping[str, Any], node: Node, found: Message) -> MessageParts:
    quoted = re.findall(r"'([^']*)'", str(ctx["expected"]))
    words = quoted or [str(ctx["expected"])]
    suggestion = nearest(node.value, words) if isinstance(node.value, str) and not node.variables else ""
    return found, one_of(words), suggestion


def _of(annotation: Any) -> Message:
    """Return what a section or list accepts."""
    if annotation is ModelEntry:
        return Message("vendor/model, a list of them, or {targets: [...]}")
    if annotation is TargetEntry:
        return Message("vendor/model, or {target: vendor/model, set: {...}}")
    if annotation is CatalogOverrides:
        return Message("the path of a file")
    if is_section(annotation):
        return Message("a mapping, with keys indented below it")
    return Message("another value")


def _no_range(ctx: Mapping[str, Any]) -> Message:
    return EMPTY


def _table(words: Message, kinds: Iterable[str]) -> dict[str, Message]:
    return dict.fromkeys(kinds, words)


_EXPECTED: Mapping[str, Message] = {
    **_table(Message("text"), ("string_type", "string_unicode", "string_too_short")),
    **_table(
        Message("a date such as 2026-11-22"),
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
    ),
    **_table(Message("an integer"), ("int_type", "int_parsing", "int_from_float", "int_parsing_size")),
    **_table(Message("a number"), ("float_type", "float_parsing")),
    **_table(Message("a finite number"), ("finite_number",)),
    **_table(Message("true or false"), ("bool_type", "bool_parsing")),
    **_table(Message("a list"), ("list_type", "frozen_set_type")),
    **_table(Message("a mapping, with keys indented below it"), ("dict_type", "mapping_type")),
    **_table(Message("at least one entry"), ("too_short",)),
}
_RANGES: Mapping[str, Callable[[Mapping[str, Any]], Message]] = {
    "greater_than": lambda ctx: Message("a value greater than {low}", low=f"{ctx['gt']:g}"),
    "greater_than_equal": lambda ctx: Message("{low} or more", low=f"{ctx['ge']:g}"),
    "less_than": lambda ctx: Message("a value less than {high}", high=f"{ctx['lt']:g}"),
    "less_than_equal": lambda ctx: Message("{high} or less", high=f"{ctx['le']:g}"),
}
