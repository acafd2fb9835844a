"""What is wrong with a configuration, told in one line: where, which key, what, what was expected, the nearest word."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from adapters.core.message import EMPTY, Message, as_message

_PASTED = re.compile(r"\b(?:(?:sk|ak|tp|pk)-[\w-]{8}|bce-v3/|(?:AKID|LTAI)\w{8}|Bearer [^\s'\"])[^\s'\"]*")
_RANDOM = re.compile(r"[0-9a-f]{24,}|[0-9a-f]{8}-[0-9a-f]{4}-|^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w+=-]{20,}$")


DEFAULT_CODE = "config-invalid-value"
"""The code of a diagnostic that has none of its own, and keeps the configuration from being used."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where something stands: a file with line and column (from 1), or a variable of the environment."""

    source: str
    line: int = 0
    column: int = 0
    variable: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong, and its cure. It never holds a secret, and renders on one line.

    ``unset``: the variables whose absence it is about; any of them is the cure. ``code``: what ``banjia help`` explains.
    """

    location: Location
    key: str
    problem: Message
    expected: Message = EMPTY
    suggestion: str = ""
    unset: tuple[str, ...] = ()
    code: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", redact(self.key))
        object.__setattr__(self, "problem", _without_secrets(self.problem))
        object.__setattr__(self, "suggestion", redact(self.suggestion))

    def __str__(self) -> str:
        return str(self.message)

    @property
    def message(self) -> Message:
        """The line."""
        key = self.key
        if self.location.variable:
            key = f"{self.location.variable} ({key})" if key else self.location.variable
        text = expecting(self.problem, self.expected)
        if self.suggestion:
            text = Message("{wrong}; did you mean '{meant}'?", wrong=text, meant=self.suggestion)
        line = Message("{place}: {text}", place=f"{self.location}: {key}" if key else str(self.location), text=text)
        return line if line.isprintable() else line.with_texts(_printable)

    @property
    def with_help(self) -> Message:
        """The line, with the command that explains its code."""
        return Message("{line} (banjia help {code})", line=self.message, code=self.code) if self.code else self.message


class InvalidValue(ValueError):
    """A value that can't be used: what is wrong with it, which may be empty, and what is expected."""

    def __init__(self, wrong: Message = EMPTY, expected: Message = EMPTY) -> None:
        self.message = expecting(wrong, expected)
        super().__init__(self.message)
        self.problem = wrong
        self.expected = expected


class ConfigError(Exception):
    """The configuration can't be used. ``diagnostics`` has at least one entry, in the order of the file.

    Each has a code: that of ``code`` if it has none of its own.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], code: str = DEFAULT_CODE) -> None:
        coded = (one if one.code else replace(one, code=code) for one in diagnostics)
        self.diagnostics = sorted(coded, key=lambda diagnostic: diagnostic.location)
        super().__init__("\n".join(map(str, self.diagnostics)))


def got(value: Message) -> Message:
    """What is wrong with a value of another kind than is expected."""
    return Message("got {value}", value=value)


_GOT = got(EMPTY).template


def expecting(wrong: Message, expected: Message) -> Message:
    """What is wrong and what is expected, in one text; either may be empty."""
    if not expected:
        return wrong
    if not wrong:
        return Message("expected {expected}", expected=expected)
    if wrong.template == _GOT:  # other languages put the two the other way round
        return Message("got {value}; expected {expected}", value=wrong.fields["value"], expected=expected)
    return Message("{wrong}; expected {expected}", wrong=wrong, expected=expected)


def key_path(path: Sequence[str | int]) -> str:
    """``models.gpt-4o[0].target``: a path as people write it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(word: str, words: Iterable[str]) -> str:
    """The word that is most like this one, or an empty string."""
    by_folded = {known.casefold(): known for known in words}
    found = difflib.get_close_matches(word.casefold(), by_folded, 1, 0.6)
    return by_folded[found[0]] if found else ""


def redact(text: str) -> str:
    """The text without what looks like a credential by its prefix."""
    return _PASTED.sub("(hidden)", text)


def pasted_secret(text: str) -> bool:
    """Whether a text holds a credential by the look of its prefix."""
    return _PASTED.search(text) is not None


def looks_secret(text: str) -> bool:
    """Whether a text may be a credential; it is then left out of messages."""
    return pasted_secret(text) or _RANDOM.search(text) is not None


def _without_secrets(message: Message) -> Message:
    if not pasted_secret(message):
        return message
    cleaned = message.with_texts(redact)
    return as_message(redact(cleaned)) if pasted_secret(cleaned) else cleaned


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
