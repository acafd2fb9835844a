"""OpenAI's parameters as data: their types and ranges, and the values that are equivalent to the default.

Source: OpenAI's published API description of 2026-08 (``CreateChatCompletionRequest``, ``CreateCompletionRequest``,
``CreateEmbeddingRequest``), whose parameters a test compares with this table. A wrong type is an error at every vendor,
so it is checked here once; how a vendor handles a valid value is in that vendor's table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.core.message import Message, as_message, one_of


class Invalid(Exception):
    """A value that OpenAI refuses as well: a 400 naming ``param``."""

    def __init__(self, param: str, message: Message, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.message = message
        self.code = code


JSON_NAMES: Mapping[type, Message] = {
    bool: Message("a boolean"),
    int: Message("an integer"),
    float: Message("a number"),
    str: Message("a string"),
    list: Message("an array"),
    dict: Message("an object"),
    type(None): as_message("null"),
}


def json_name(value: object) -> Message:
    """Return the JSON name of a value's type."""
    return JSON_NAMES.get(type(value)) or as_message(type(value).__name__)


def wrong_type(param: str, expected: Message, value: object) -> Invalid:
    """Return the error for a value of the wrong type, in OpenAI's words."""
    return Invalid(
        param,
        Message(
            "Invalid type for '{name}': expected {expected}, but got {got} instead.",
            name=param,
            expected=expected,
            got=json_name(value),
        ),
        "invalid_type",
    )


def missing(param: str) -> Invalid:
    """Return the error for a missing member, in OpenAI's words."""
    return Invalid(param, Message("Missing required parameter: '{name}'.", name=param), "missing_required_parameter")


def unknown_value(param: str, words: tuple[str, ...]) -> Invalid:
    """Return the error for a value that is none of these words, in OpenAI's words."""
    return Invalid(
        param,
        Message("Invalid value for '{name}': expected one of {words}.", name=param, words=", ".join(words)),
        "unsupported_value",
    )


@dataclass(frozen=True, slots=True)
class Param:
    """One OpenAI parameter: its JSON types, its range or its words, and its neutral values."""

    types: tuple[type, ...]
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()
    neutral: tuple[Any, ...] = ()
    check: Callable[[str, Any], None] | None = None

    def validate(self, name: str, value: Any) -> None:
        """Raise Invalid if OpenAI would answer 400. A boolean is not a number here."""
        kind = type(value)
        if kind not in self.types and not (kind is int and float in self.types):
            expected = one_of([JSON_NAMES[t] for t in self.types])
            raise wrong_type(name, expected, value)
        if self.low is not None and kind in (int, float) and value < self.low:
            raise Invalid(
                name,
                Message(
                    "Invalid '{name}': {value} is less than the minimum of {low}.",
                    name=name,
                    value=value,
                    low=f"{self.low:g}",
                ),
            )
        if self.high is not None and kind in (int, float) and value > self.high:
            raise Invalid(
                name,
                Message(
                    "Invalid '{name}': {value} is greater than the maximum of {high}.",
                    name=name,
                    value=value,
                    high=f"{self.high:g}",
                ),
            )
        if self.words and kind is str and value not in self.words:
            raise Invalid(
                name,
                Message("Invalid value for '{name}': expected one of {words}.", name=name, words=", ".join(self.words)),
                "unsupported_value",
            )
        if self.check is not None:
            self.check(name, value)


MAX_CALLS = 128
"""OpenAI's maximum number of tools, of functions, and of tool calls in one message."""
MAX_NAME = 256
"""The maximum length of a model or tool name, in bytes of UTF-8. banjia's limit: OpenAI allows 64 for a tool."""
MAX_TAG = 1024
"""The maximum length of a tag that a client gives its requests, in characters. banjia's limit: OpenAI allows 64."""


def check_length(name: str, items: list[Any], most: int) -> None:
    """Raise Invalid, in OpenAI's words, for a list of more than ``most`` items."""
    if len(items) > most:
        raise Invalid(
            name,
            Message(
                "Invalid '{name}': array too long. Expected an array with maximum length {most}, but got an array with length {got} instead.",
                name=name,
                most=most,
                got=len(items),
            ),
            "array_above_max_length",
        )


def check_text(name: str, text: str, most: int) -> None:
    """Raise Invalid, in OpenAI's words, for a text of more than ``most`` characters."""
    if len(text) > most:
        raise Invalid(
            name,
            Message(
                "Invalid '{name}': string too long. Expected a string with maximum length {most}, but got a string with length {got} instead.",
                name=name,
                most=most,
                got=len(text),
            ),
            "string_above_max_length",
        )


def check_tag(name: str, text: str) -> None:
    """Check the length of a tag that a client gives its requests. Raises Invalid."""
    check_text(name, text, MAX_TAG)
