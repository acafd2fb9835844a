"""Types of a body's members, and errors in the words of the vendor's deserializer, serde (sheet 6).

Sheet 6 quotes five texts; those for other members have the same form and are invented.
"""

from collections.abc import Sequence
from typing import Any

from emulators.core.checks import is_integer, is_number

PREFIX = "Failed to deserialize the JSON body into the target type: "
Json = dict[str, Any]


class BodyMismatch(Exception):
    """The body does not fit the schema; `detail` is the text after `PREFIX`, without the position."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def wrong_type(path: str, value: Any, expected: str) -> BodyMismatch:
    """Return the error for a value of another type, as `messages[1]: invalid type: sequence, expected a string`."""
    return BodyMismatch(f"{_lead(path)}invalid type: {_described(value)}, expected {expected}")


def missing_field(path: str, name: str) -> BodyMismatch:
    """Return the error for an absent member."""
    return BodyMismatch(f"{_lead(path)}missing field `{name}`")


def unknown_variant(path: str, value: str, variants: Sequence[str]) -> BodyMismatch:
    """Return the error for a text that is none of the variants."""
    quoted = [f"`{variant}`" for variant in variants]
    expected = " or ".join(quoted) if len(quoted) < 3 else "one of " + ", ".join(quoted)
    return BodyMismatch(f"{_lead(path)}unknown variant `{value}`, expected {expected}")


def no_variant(path: str, enum: str) -> BodyMismatch:
    """Return the error for a value that fits no form of an untagged enum."""
    return BodyMismatch(f"{_lead(path)}data did not match any variant of untagged enum {enum}")


def _lead(path: str) -> str:
    return f"{path}: " if path else ""


def _described(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, str):
        return f'string "{value}"'
    return "sequence" if isinstance(value, list) else "map"


def required(path: str, holder: Json, name: str) -> Any:
    """Return a member. Raises BodyMismatch if it is absent."""
    if name not in holder:
        raise missing_field(path, name)
    return holder[name]


def required_text(path: str, holder: Json, name: str) -> str:
    """Return a member that must be a string. Raises BodyMismatch."""
    value = required(path, holder, name)
    if not isinstance(value, str):
        raise wrong_type(path, value, "a string")
    return value


def variant(path: str, holder: Json, name: str, variants: Sequence[str]) -> str:
    """Return a member that must be one of the texts. Raises BodyMismatch."""
    value = required_text(path, holder, name)
    if value not in variants:
        raise unknown_variant(path, value, variants)
    return value


def optional_map(path: str, holder: Json, name: str) -> Json | None:
    """Return a member that must be an object, or `None` if it is absent or null. Raises BodyMismatch."""
    value = holder.get(name)
    if value is not None and not isinstance(value, dict):
        raise wrong_type(path, value, "a map")
    return value


def optional_list(path: str, holder: Json, name: str) -> list[Any]:
    """Return a member that must be a list; empty if it is absent or null. Raises BodyMismatch."""
    value = holder.get(name)
    if value is not None and not isinstance(value, list):
        raise wrong_type(path, value, "a sequence")
    return value or []


def optional_numbers(body: Json, *names: str) -> None:
    """Raise BodyMismatch for the first of the members that is not a number."""
    for name in names:
        if body.get(name) is not None and not is_number(body[name]):
            raise wrong_type(name, body[name], "f64")


def optional_integers(body: Json, *names: str) -> None:
    """Raise BodyMismatch for the first of the members that is not a whole number."""
    for name in names:
        if body.get(name) is not None and not is_integer(body[name]):
            raise wrong_type(name, body[name], "i64")


def optional_booleans(body: Json, *names: str) -> None:
    """Raise BodyMismatch for the first of the members that is not a boolean."""
    for name in names:
        if body.get(name) is not None and not isinstance(body[name], bool):
            raise wrong_type(name, body[name], "a boolean")


def optional_texts(path: str, holder: Json, *names: str) -> None:
    """Raise BodyMismatch for the first of the members that is not a string."""
    for name in names:
        if holder.get(name) is not None and not isinstance(holder[name], str):
            raise wrong_type(path or name, holder[name], "a string")
