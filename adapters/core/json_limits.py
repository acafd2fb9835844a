"""Limits on the values and nesting levels of a JSON text, checked before it is parsed, at the speed of bytes methods.

A parsed value costs 20 to 250 bytes of memory and up to 400 ns, however short its text is: ``[]`` takes two bytes.
Texts are therefore limited by number of values as well as by size. A value is a member of an array or object, or the
text itself; the name of a member counts as one more, because distinct names are the slowest part of parsing.
"""

import gc
from typing import Any

import orjson

MAX_VALUES = 1_000_000
"""The maximum number of values in one text, names of members included."""
MAX_EVENT_VALUES = 500_000
"""The same for one event of a stream, which is parsed, changed and serialized in one step."""
MAX_SLOW = 32 * 1024 * 1024
"""The maximum size, in bytes, of text that is slow to parse and serialize: escapes, and strings with non-ASCII text."""
MAX_LEVELS = 64
"""The maximum nesting depth of arrays and objects."""
SMALL = 200_000
"""Up to this size in bytes, the values of a text are not counted; the levels of a request still are."""
SLICE = 256 * 1024
"""How many bytes are counted at once: the intermediate copies then fit into the processor's cache."""

_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class TooManyValues(Exception):
    """A text has more values than allowed; ``most`` is the maximum."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class TooManyLevels(Exception):
    """Arrays and objects of a text are nested deeper than ``MAX_LEVELS``."""


class TooMuchSlowText(Exception):
    """A text has more than ``MAX_SLOW`` bytes of escapes and non-ASCII strings."""


BEYOND = (TooManyValues, TooManyLevels, TooMuchSlowText)
"""The exceptions of a text that exceeds the limits."""


class ValueCounter:
    """Counts the values of one text that arrives in pieces, split anywhere. Contents of strings are not counted.

    For invalid JSON the count is meaningless: the parser rejects it later. ``slow`` is the size of slow text, in
    bytes; short strings are counted together with the text around them.
    """

    __slots__ = (
        "_in_string", "_just_opened", "_levels", "_most", "_run", "_run_is_slow", "_split_escape", "slow", "values",
    )  # fmt: skip

    def __init__(self, most: int = MAX_VALUES) -> None:
        self._most = most
        self._in_string = False
        self._split_escape = False  # the last piece ended between a backslash and the escaped character
        self._just_opened = False  # the last piece ended with an opening bracket
        self._levels = 0  # arrays and objects that are open
        self._run = 0  # bytes of the unfinished string at the end of the last piece
        self._run_is_slow = False
        self.values = 1
        self.slow = 0

    def add(self, piece: bytes | bytearray) -> None:
        """Count the next piece. Raises TooManyValues, TooManyLevels or TooMuchSlowText."""
        for at in range(0, len(piece), SLICE):
            self._add(bytes(piece[at : at + SLICE]))

    def _add(self, piece: bytes) -> None:
        if self._split_escape:
            piece = b"\\" + piece
            self._split_escape = False
        if b"\\" in piece:
            if (len(piece) - len(piece.rstrip(b"\\"))) % 2:
                piece = piece[:-1]
                self._split_escape = True
            length = len(piece)
            piece = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
            self.slow += length - len(piece)
            slow = not _is_quick(piece)
        else:
            slow = not piece.isascii()
        quotes = piece.count(b'"')
        if self.values + quotes // 2 - 1 > self._most:  # each string is a value or a name: no need to split
            raise TooManyValues(self._most)
        if quotes:
            parts = piece.split(b'"')
            outside = parts[self._in_string :: 2]
            self._count_slow(parts, slow=slow)
        elif self._in_string:
            outside = []
            self._run += len(piece)
            self._run_is_slow |= slow
        else:
            outside = [piece]
        if self.slow + self._run * self._run_is_slow > MAX_SLOW:
            raise TooMuchSlowText
        text = b'"'.join(outside)  # keep a quote for each string: ["a"] is not empty
        if self._in_string or (quotes and not text):
            self._just_opened = False
        self._in_string ^= quotes % 2 == 1
        if not text:
            return
        opened, closed = text.count(b"[") + text.count(b"{"), text.count(b"]") + text.count(b"}")
        self.values += text.count(b",") + text.count(b":") + opened
        if closed:
            self.values -= text.count(b"[]") + text.count(b"{}") + (self._just_opened and text[0] in b"]}")
        self._just_opened = text[-1] in b"[{"
        if self.values > self._most:
            raise TooManyValues(self._most)
        if self._levels + opened > MAX_LEVELS:
            self._check_levels(text, opened - closed)
        self._levels += opened - closed

    def _count_slow(self, parts: list[bytes], *, slow: bool) -> None:
        """Count the strings of a piece split at its quotes: the one that ends in it, short ones, the one that begins."""
        if self._in_string and (self._run_is_slow or not _is_quick(parts[0])):
            self.slow += self._run + len(parts[0])
        if slow:
            self.slow += sum(map(len, parts[1:-1]))
        begins = len(parts) % 2 == self._in_string
        self._run = len(parts[-1]) if begins else 0
        self._run_is_slow = begins and not _is_quick(parts[-1])

    def _check_levels(self, text: bytes, left_open: int) -> None:
        """Raise TooManyLevels if the piece is nested too deeply, counted from the levels that are open already."""
        brackets = text.translate(_BRACKETS, _NO_BRACKETS) + b"]" * (self._levels + left_open)
        most = MAX_LEVELS - self._levels
        if most > 1:  # most brackets are innermost pairs: without them there is one level less
            brackets, most = brackets.replace(b"[]", b""), most - 1
        level = 0
        for run in brackets.split(b"]"):
            level += len(run)
            if level > most:
                raise TooManyLevels
            level -= 1


def _is_quick(text: bytes) -> bool:
    return text.isascii() and not (b"\\" in text and b"\\u" in text)


def count_byte(text: bytes | bytearray, byte: bytes) -> int:
    """Count a byte in a text. If it is rare, this is several times as fast as ``count``, which examines each byte."""
    return len(text) - len(text.replace(byte, b""))


def check(text: bytes | bytearray, most: int = MAX_VALUES) -> None:
    """Check a text against the limits. Raises TooManyValues, TooManyLevels or TooMuchSlowText."""
    if len(text) > SMALL or count_byte(text, b"[") + count_byte(text, b"{") > MAX_LEVELS:
        ValueCounter(most).add(text)


def parse(text: bytes | bytearray) -> Any:
    """Parse a text that was checked, or that is small. Raises JSONDecodeError.

    The garbage collector is disabled while a large text is parsed: it would traverse the new values repeatedly.
    """
    if len(text) <= SMALL or not gc.isenabled():
        return orjson.loads(text)
    gc.disable()
    try:
        return orjson.loads(text)
    finally:
        gc.enable()
