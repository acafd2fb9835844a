"""Configuration diagnostics: one line each, with place, key, problem, expected value and the nearest known word."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from adapters.core.message import EMPTY, Message, as_message

_PASTED = re.compile(r"\b(?:(?:sk|ak|tp|pk)-[\w-]{8}|bce-v3/|(?:AKID|LTAI)\w{8}|Bearer [^\s'\"])[^\s'\"]*")
_RANDOM = re.compile(r"[0-9a-f]{24,}|[0-9a-f]{8}-[0-9a-f]{4}-|^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w+=-]{20,}$")


DEFAULT_CODE = "config-invalid-value"
"""The code of an error that has no code of its own."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A position: a file with line and column (from 1), or an environment variable."""

    source: str
    line: int = 0
    column: int = 0
    variable: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem of a configuration and its cure. It contains no secret and renders on one line.

    ``unset``: unset variables that cause it; setting any of them is a cure. ``code``: the code that ``banjia help`` explains.
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
        """The diagnostic as one line."""
        key = self.key
        if self.location.variable:
            key = f"{self.location.variable} ({key})" if key else self.location.variable
        text = expecting(self.problem, self.expected)
        if self.suggestion:
            text = Message("{problem}; did you mean '{suggestion}'?", problem=text, suggestion=self.suggestion)
        line = Message("{place}: {text}", place=f"{self.location}: {key}" if key else str(self.location), text=text)
        return line if line.isprintable() else line.with_texts(_printable)

    @property
    def with_help(self) -> Message:
        """The line, followed by the command that explains its code."""
        return Message("{line} (banjia help {code})", line=self.message, code=self.code) if self.code else self.message


class InvalidValue(ValueError):
    """An invalid value: what is wrong with it, which may be empty, and what is expected."""

    def __init__(self, problem: Message = EMPTY, expected: Message = EMPTY) -> None:
        self.message = expecting(problem, expected)
        super().__init__(self.message)
        self.problem = problem
        self.expected = expected


class ConfigError(Exception):
    """The configuration is invalid. ``diagnostics`` has at least one entry, in the order of the file.

    ``code`` becomes the code of every diagnostic that has none.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], code: str = DEFAULT_CODE) -> None:
        coded = (diagnostic if diagnostic.code else replace(diagnostic, code=code) for diagnostic in diagnostics)
        self.diagnostics = sorted(coded, key=lambda diagnostic: diagnostic.location)
        super().__init__("\n".join(map(str, self.diagnostics)))


def got(value: Message) -> Message:
    """Return the problem text for a value of the wrong type."""
    return Message("got {value}", value=value)


_GOT = got(EMPTY).template


def expecting(problem: Message, expected: Message) -> Message:
    """Join the problem and the expected value into one text. Either may be empty."""
    if not expected:
        return problem
    if not problem:
        return Message("expected {expected}", expected=expected)
    if problem.template == _GOT:  # one template, because Chinese puts the expected value first
        return Message("got {value}; expected {expected}", value=problem.fields["value"], expected=expected)
    return Message("{problem}; expected {expected}", problem=problem, expected=expected)


def key_path(path: Sequence[str | int]) -> str:
    """Return a path in the notation ``models.gpt-4o[0].target``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the most similar word, or an empty string."""
    by_folded = {known.casefold(): known for known in words}
    found = difflib.get_close_matches(word.casefold(), by_folded, 1, 0.6)
    return by_folded[found[0]] if found else ""


def redact(text: str) -> str:
    """Replace everything that has the prefix of a credential by ``(hidden)``."""
    return _PASTED.sub("(hidden)", text)


def pasted_secret(text: str) -> bool:
    """Whether a text contains something with the prefix of a credential."""
    return _PASTED.search(text) is not None


def looks_secret(text: str) -> bool:
    """Whether a text may be a credential. Messages leave it out then."""
    return pasted_secret(text) or _RANDOM.search(text) is not None


def _without_secrets(message: Message) -> Message:
    if not pasted_secret(message):
        return message
    cleaned = message.with_texts(redact)
    return as_message(redact(cleaned)) if pasted_secret(cleaned) else cleaned


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
