"""Checks JSON texts by a JSON Schema, within a budget of time. Formats are not checked.

The validator (jsonschema-rs) can't be interrupted, so the time is bounded before a check begins: a schema is accepted only
if its references are local, its patterns match in linear time and its evaluations per value are limited; a text is
checked only if the number of its values and its size, times the schema's costs, are within the budget.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import orjson

from adapters.core.json_limits import BEYOND, MAX_LEVELS, TooManyLevels, ValueCounter
from adapters.core.message import Message
from adapters.json_schema.cost import SchemaCost, schema_cost
from adapters.json_schema.graph import SchemaReader
from adapters.json_schema.invalid import INVALID, InvalidSchema, path_of

MOST_SCHEMA_BYTES = 64 * 1024
"""The maximum size of a schema as JSON, in bytes."""
MOST_TEXT_BYTES = 1024 * 1024
"""The maximum size of a text that is checked, in bytes."""
BUDGET_NS = 120_000_000
"""The most time that one check may take by the estimate (nanoseconds)."""
UNIT_NS = 3
"""The time of one evaluation of a keyword (nanoseconds, measured)."""
EXPLAINED_UNITS, EXPLAINED_BYTES = 30_000, 16 * 1024
"""Up to these the validator also says what is wrong, which takes many times as long as the decision."""
LONGEST_PROBLEM = 200
"""How many characters of a text are quoted in what is wrong with it."""
TOO_DEEP = Message("the schema is nested deeper than {most} levels", most=MAX_LEVELS)
PATTERN_BYTES, AUTOMATON_BYTES = 256 * 1024, 1024 * 1024
"""The maximum size of a compiled pattern and of the automaton that matches it, in bytes."""


class InvalidText(Exception):
    """A text is not JSON within the limits. ``problem``: what is wrong with it, as part of a sentence."""

    def __init__(self, problem: Message) -> None:
        super().__init__(problem)
        self.problem = problem


class ParsedText(NamedTuple):
    """A JSON text: its value, the number of values with the names of members, and its size in bytes."""

    value: Any
    values: int
    size: int


def parse_text(text: str) -> ParsedText:
    """Parse a JSON text. Raises InvalidText."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise InvalidText(Message("it is not valid Unicode")) from None
    if len(data) > MOST_TEXT_BYTES:
        raise InvalidText(
            Message("it has {size} bytes, and at most {most} are checked", size=len(data), most=MOST_TEXT_BYTES)
        )
    try:
        counter = ValueCounter()
        counter.add(data)
        return ParsedText(orjson.loads(data), counter.values, len(data))
    except TooManyLevels:
        raise InvalidText(Message("it is nested deeper than {most} levels", most=MAX_LEVELS)) from None
    except BEYOND:
        raise InvalidText(Message("it has too many values to be checked")) from None
    except orjson.JSONDecodeError as error:
        why = shortened(str(error), LONGEST_PROBLEM)
        raise InvalidText(Message("it is not valid JSON ({why})", why=why)) from None


class TextChecker(Protocol):
    """Checks JSON texts. ``budget_ns``: the longest check, in nanoseconds by the estimate; a longer one is a problem."""

    def problem(self, text: str, budget_ns: int = BUDGET_NS) -> Message | None:
        """Return what is wrong with a text, as part of a sentence; None if it is valid."""
        ...


class AnyObject:
    """Checks that a text is a JSON object."""

    def problem(self, text: str, budget_ns: int = BUDGET_NS) -> Message | None:
        """Return what is wrong with a text, as part of a sentence; None if it is a JSON object."""
        try:
            return None if type(parse_text(text).value) is dict else Message("it is not a JSON object")
        except InvalidText as invalid:
            return invalid.problem


class CompiledSchema:
    """A schema ready to check texts; made by :func:`compile_schema`."""

    __slots__ = ("_cost", "_validator")

    def __init__(self, validator: Any, cost: SchemaCost) -> None:
        self._validator = validator
        self._cost = cost

    def problem(self, text: str, budget_ns: int = BUDGET_NS) -> Message | None:
        """Return what is wrong with a JSON text, as part of a sentence; None if it is valid."""
        try:
            parsed = parse_text(text)
        except InvalidText as invalid:
            return invalid.problem
        units = parsed.values * self._cost.units
        if units * UNIT_NS + parsed.size * self._cost.byte_ns > budget_ns:
            return Message("it takes too long to check by the schema")
        if self._validator.is_valid(parsed.value):
            return None
        if self._cost.recursive or units > EXPLAINED_UNITS or parsed.size > EXPLAINED_BYTES:
            return Message("it does not match the schema")
        error = next(iter(self._validator.iter_errors(parsed.value)))
        what = f"{path_of(error.instance_path)} {error.message}".strip()
        return Message("it does not match the schema: {what}", what=shortened(what, LONGEST_PROBLEM))


def shortened(text: str, most: int) -> str:
    """Return the text, cut to ``most`` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def compile_schema(schema: Any) -> CompiledSchema:
    """Return the schema ready to check texts. Raises InvalidSchema."""
    if type(schema) is not dict:
        raise InvalidSchema("", Message("a schema must be an object"))
    check_size(schema)
    cost = schema_cost(SchemaReader(schema).root)
    import jsonschema_rs as library

    options = library.RegexOptions(size_limit=PATTERN_BYTES, dfa_size_limit=AUTOMATON_BYTES)
    try:
        validator = draft(schema, library)(schema, validate_formats=False, offline=True, pattern_options=options)
    except library.ValidationError as error:
        path = path_of(error.instance_path)
        if str(error.message).endswith('is not a "regex"'):
            why = Message("the pattern is invalid, too large, or not linear: it has look-around or back-references")
            raise InvalidSchema(path, why) from None
        raise InvalidSchema(path, INVALID) from None
    except (ValueError, library.ReferencingError):
        raise InvalidSchema("", INVALID) from None
    return CompiledSchema(validator, cost)


def draft(schema: Mapping[str, Any], library: Any) -> Any:
    """Return the validator class of the schema's draft; of the newest one if it names none."""
    name = str(schema.get("$schema") or "").rstrip("#").partition("://")[2]
    drafts = {
        "json-schema.org/draft-04/schema": library.Draft4Validator,
        "json-schema.org/draft-06/schema": library.Draft6Validator,
        "json-schema.org/draft-07/schema": library.Draft7Validator,
        "json-schema.org/draft/2019-09/schema": library.Draft201909Validator,
    }
    return drafts.get(name, library.Draft202012Validator)


def check_size(schema: dict[str, Any]) -> None:
    """Raise InvalidSchema for a schema that is too large, or nested too deeply."""
    try:
        size = len(orjson.dumps(schema))
    except TypeError:
        raise InvalidSchema("", TOO_DEEP) from None
    if size > MOST_SCHEMA_BYTES:
        why = Message("the schema has {size} bytes, and at most {most} are accepted", size=size, most=MOST_SCHEMA_BYTES)
        raise InvalidSchema("", why)
    todo: list[tuple[str, Any, int]] = [("", schema, 1)]
    while todo:
        path, one, level = todo.pop()
        if level > MAX_LEVELS:
            raise InvalidSchema(path, TOO_DEEP)
        members = one.items() if type(one) is dict else enumerate(one)
        todo += [(path + path_of([key]), value, level + 1) for key, value in members if type(value) in (dict, list)]
