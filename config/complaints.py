"""What is wrong with a configuration, told in one line: where, which key, what, what was expected, the nearest word."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

_PASTED = re.compile(r"\b(?:(?:sk|ak|tp|pk)-[\w-]{8}|bce-v3/|(?:AKID|LTAI)\w{8}|Bearer [^\s'\"])[^\s'\"]*")
_RANDOM = re.compile(r"[0-9a-f]{24,}|[0-9a-f]{8}-[0-9a-f]{4}-|^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w+=-]{20,}$")


DEFAULT_CODE = "config-invalid-value"
"""The code of a complaint that has none of its own, and keeps the configuration from being used."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands: a file with line and column (from 1), or a variable of the environment."""

    source: str
    line: int = 0
    column: int = 0
    variable: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong, and its cure. It never holds a secret, and renders on one line.

    ``unset``: the variables whose absence it is about; any of them is the cure. ``code``: what ``banjia help`` explains.
    """

    place: Place
    key: str
    wrong: str
    expected: str = ""
    meant: str = ""
    unset: tuple[str, ...] = ()
    code: str = ""

    def __post_init__(self) -> None:
        for field in ("key", "wrong", "meant"):
            object.__setattr__(self, field, hidden(getattr(self, field)))

    def __str__(self) -> str:
        parts = [str(self.place)]
        if self.place.variable:
            parts.append(f"{self.place.variable} ({self.key})" if self.key else self.place.variable)
        elif self.key:
            parts.append(self.key)
        text = ": ".join([*parts, self.wrong])
        if self.expected:
            text += f"; expected {self.expected}"
        if self.meant:
            text += f"; did you mean '{self.meant}'?"
        return "".join(char if char.isprintable() else " " for char in text)

    @property
    def with_help(self) -> str:
        """The line, with the command that explains its code."""
        return f"{self} (banjia help {self.code})" if self.code else str(self)


class ConfigError(Exception):
    """The configuration can't be used. ``complaints`` has at least one entry, in the order of the file.

    Each has a code: that of ``code`` if it has none of its own.
    """

    def __init__(self, complaints: Iterable[Complaint], code: str = DEFAULT_CODE) -> None:
        coded = (one if one.code else replace(one, code=code) for one in complaints)
        self.complaints = sorted(coded, key=lambda complaint: complaint.place)
        super().__init__("\n".join(map(str, self.complaints)))


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


def hidden(text: str) -> str:
    """The text without what looks like a credential by its prefix."""
    return _PASTED.sub("(hidden)", text)


def pasted_secret(text: str) -> bool:
    """Whether a text holds a credential by the look of its prefix."""
    return _PASTED.search(text) is not None


def looks_secret(text: str) -> bool:
    """Whether a text may be a credential; it is then left out of messages."""
    return pasted_secret(text) or _RANDOM.search(text) is not None


def one_of(words: Iterable[str]) -> str:
    """``a, b or c``."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
