"""Translatable messages: a Message is the English text, and keeps its template and its fields.

The template is the msgid of the catalogs in ``proxy/i18n/locale``. A template with fields is formatted, so a literal
brace is written ``{{`` or ``}}``; a template without fields is used verbatim. Text of vendors and users is always a
field, never a template.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Self

LookUp = Callable[[str], str]
"""Returns the translation of a template, or an empty string if there is none."""


class Message(str):
    """An English text with its template and fields: ``Message("{vendor} answered {status}", vendor=…, status=…)``.

    Fields that are Messages are translated as well; other values are formatted unchanged.
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
        """Return the text in the language of ``look_up``, or in English if the template has no usable translation."""
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
        """Return the message with other values for these fields."""
        return Message(self.template, **{**self.fields, **fields})

    def with_texts(self, change: Callable[[str], str]) -> "Message":
        """Return the message with ``change`` applied to every field as text; numbers and the template stay."""
        return Message(self.template, **{name: _changed(value, change) for name, value in self.fields.items()})


class Joined(Message):
    """Texts with a separator between them; texts and separator are translated."""

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
        """Return the translated texts, joined by the translated separator."""
        separator = look_up(self.template) or self.template
        return separator.join([str(_translated(item, look_up)) for item in self.items])

    def with_texts(self, change: Callable[[str], str]) -> Message:
        """Return the texts with ``change`` applied to each."""
        return Joined(self.template, *(_text(item, change) for item in self.items))


EMPTY = Message("")
"""The empty message."""
COMMA = Message(", ")
SEMICOLON = Message("; ")
BAR = Message(" | ")


def joined(separator: Message, items: Iterable[str]) -> Message:
    """Join texts with a separator."""
    return Joined(separator.template, *items)


def one_of(items: Iterable[str]) -> Message:
    """Return ``a, b or c``. Raises ValueError if there are no items."""
    *rest, last = items
    return Message("{items} or {last}", items=joined(COMMA, rest), last=last) if rest else as_message(last)


def all_of(items: Iterable[str]) -> Message:
    """Return ``a, b and c``. Raises ValueError if there are no items."""
    *rest, last = items
    return Message("{items} and {last}", items=joined(COMMA, rest), last=last) if rest else as_message(last)


def sentences(items: Iterable[Message]) -> Message:
    """Join sentences into one message. Raises ValueError if there are none."""
    text, *rest = items
    for sentence in rest:
        text = Message("{first} {second}", first=text, second=sentence)
    return text


def as_message(text: str) -> Message:
    """Return a Message unchanged; wrap any other text as the only field of one, so that it is never translated."""
    return text if isinstance(text, Message) else Message("{text}", text=text)


def _translated(value: object, look_up: LookUp) -> object:
    return value.translated(look_up) if isinstance(value, Message) else value


def _changed(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, int | float):
        return value
    return _text(value if isinstance(value, str) else str(value), change)


def _text(value: str, change: Callable[[str], str]) -> str:
    return value.with_texts(change) if isinstance(value, Message) else change(value)
