"""Texts of ours that can be translated: each is a finished English text that keeps its template and its fields.

The template is the msgid of the catalogs in ``proxy/i18n/locale``. A template with fields is formatted, so it writes a
literal brace as ``{{`` or ``}}``; one without fields is taken as it is. Text of vendors and users is a field, never a
template.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Self

LookUp = Callable[[str], str]
"""Returns the translation of a template, or an empty text if there is none."""


class Message(str):
    """An English text with its template and fields: ``Message("{vendor} answered {status}", vendor=…, status=…)``.

    Fields may be Messages, which are translated too; other values are formatted as they are.
    """

    __slots__ = ("fields", "template")

    template: str
    fields: Mapping[str, object]

    def __new__(cls, template: str, /, **fields: object) -> Self:
        self = super().__new__(cls, template.format_map(fields) if fields else template)
        self.template = template
        self.fields = fields
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        return (self.template,), dict(self.fields)

    def translated(self, look_up: LookUp) -> str:
        """Return the text in the language of ``look_up``, or in English where the template has no usable translation."""
        template = look_up(self.template) if self.template else ""
        if not template:
            return str(self)
        if not self.fields:
            return template
        try:
            return template.format_map({name: _translated(value, look_up) for name, value in self.fields.items()})
        except (LookupError, ValueError, AttributeError):  # the fields of the translation differ
            return str(self)

    def with_fields(self, **fields: object) -> "Message":
        """Return the same message, with other values for these fields."""
        return Message(self.template, **{**self.fields, **fields})

    def with_texts(self, change: Callable[[str], str]) -> "Message":
        """Return the same message, with every field changed as text; numbers stay, and the template."""
        return Message(self.template, **{name: _changed(value, change) for name, value in self.fields.items()})


class Joined(Message):
    """Texts with a separator between them, which is translated as they are."""

    __slots__ = ("items",)

    items: tuple[str, ...]

    def __new__(cls, separator: str, /, *items: str) -> Self:
        self = str.__new__(cls, separator.join(items))
        self.template = separator
        self.fields = {}
        self.items = items
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str, ...], dict[str, object]]:  # type: ignore[override]
        return (self.template, *self.items), {}

    def translated(self, look_up: LookUp) -> str:
        """Return the translated texts, with the translated separator between them."""
        separator = look_up(self.template) or self.template
        return separator.join([str(_translated(item, look_up)) for item in self.items])

    def with_texts(self, change: Callable[[str], str]) -> Message:
        """Return the same texts, changed."""
        return Joined(self.template, *(_text(item, change) for item in self.items))


EMPTY = Message("")
"""No text."""
COMMA = Message(", ")
SEMICOLON = Message("; ")
BAR = Message(" | ")


def joined(separator: Message, items: Iterable[str]) -> Message:
    """Return the texts with a separator between them."""
    return Joined(separator.template, *items)


def one_of(items: Iterable[str]) -> Message:
    """``a, b or c``. Raises ValueError for no items."""
    *most, last = items
    return Message("{items} or {last}", items=joined(COMMA, most), last=last) if most else as_message(last)


def all_of(items: Iterable[str]) -> Message:
    """``a, b and c``. Raises ValueError for no items."""
    *most, last = items
    return Message("{items} and {last}", items=joined(COMMA, most), last=last) if most else as_message(last)


def sentences(items: Iterable[Message]) -> Message:
    """Whole sentences, one after the other. Raises ValueError for none."""
    whole, *rest = items
    for sentence in rest:
        whole = Message("{first} {second}", first=whole, second=sentence)
    return whole


def as_message(text: str) -> Message:
    """Return a message as it is, and any other text as the only field of one: it stays as it is in every language."""
    return text if isinstance(text, Message) else Message("{text}", text=text)


def _translated(value: object, look_up: LookUp) -> object:
    return value.translated(look_up) if isinstance(value, Message) else value


def _changed(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, int | float):
        return value
    return _text(value if isinstance(value, str) else str(value), change)


def _text(value: str, change: Callable[[str], str]) -> str:
    return value.with_texts(change) if isinstance(value, Message) else change(value)
