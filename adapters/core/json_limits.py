"""How many values and levels a JSON text has, counted before it is parsed, at the speed of bytes methods.

A parsed value costs 20 to 250 bytes and up to 400 ns, whatever its text is: ``[]`` takes two bytes. So texts are bounded
by values as well as by size. A value is a member of an array or object, or the text itself; the name of a member counts
as one more, because names that differ are what parsing takes the longest for.
"""

import gc
from typing import Any

import orjson

MAX_VALUES = 1_000_000
"""The most values of one text, names of members included."""
MAX_EVENT_VALUES = 500_000
"""The same of one event of a stream, which is read, changed and written at once."""
MAX_SLOW = 32 * 1024 * 1024
"""The most bytes of text that is slow to read and to write: escapes, and strings that are not ASCII throughout."""
MAX_LEVELS = 64
"""The most arrays and objects inside each other."""
SMALL = 200_000
"""A text of no more bytes has fewer values than are worth counting; of a request, its levels are still looked at."""
SLICE = 256 * 1024
"""How many bytes are counted at once: what is made of them on the way stays in the processor's cache."""

_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class TooManyValues(Exception):
    """A text has more values than it may; ``most`` is how many it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class TooManyLevels(Exception):
    """A text has more than ``MAX_LEVELS`` arrays and objects inside each other."""


class TooMuchSlowText(Exception):
    """A text has more than ``MAX_SLOW`` bytes of escapes and of strings outside ASCII."""


BEYOND = (TooManyValues, TooManyLevels, TooMuchSlowText)
"""What is wrong with a text that goes beyond the limits."""


class ValueCounter:
    """Counts the values of one text that comes in pieces, cut anywhere. What is in strings is left out.

    Of what is no JSON it may count anything: the parser refuses it later. ``slow`` is what it has of text that is slow to
    read, in bytes; short strings are counted with what stands around them.
    """

    __slots__ = (
        "_in_string", "_just_opened", "_levels", "_most", "_run", "_run_is_slow", "_split_escape", "slow", "values",
    )  # fmt: skip

    def __init__(self, most: int = MAX_VALUES) -> None:
        self._most = most
        self._in_string = False
        self._split_escape = False  # the last piece ended between a backslash and what it escapes
        self._just_opened = False  # the last piece ended with an opening bracket
        self._levels = 0  # arrays and objects that are open
        self._run = 0  # bytes of the string that the last piece ended in
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
        text = b'"'.join(outside)  # a quote stays for each string: ["a"] is not empty
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
        """Count the strings of a piece that was split at its quotes: the one that ends in it, short ones, one that begins."""
        if self._in_string and (self._run_is_slow or not _is_quick(parts[0])):
            self.slow += self._run + len(parts[0])
        if slow:
            self.slow += sum(map(len, parts[1:-1]))
        begins = len(parts) % 2 == self._in_string
        self._run = len(parts[-1]) if begins else 0
        self._run_is_slow = begins and not _is_quick(parts[-1])

    def _check_levels(self, text: bytes, left_open: int) -> None:
        """Raise TooManyLevels if it goes deeper than it may, counted from the levels that are open already."""
        brackets = text.translate(_BRACKETS, _NO_BRACKETS) + b"]" * (self._levels + left_open)
        most = MAX_LEVELS - self._levels
        if most > 1:  # without the innermost pairs, which are most of them, there is one level less
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
    """How often a byte is in a text. Where it is rare, several times as fast as ``count``, which looks at each byte."""
    return len(text) - len(text.replace(byte, b""))


def check(text: bytes | bytearray, most: int = MAX_VALUES) -> None:
    """Refuse a text beyond the limits. Raises TooManyValues, TooManyLevels or TooMuchSlowText."""
    if len(text) > SMALL or count_byte(text, b"[") + count_byte(text, b"{") > MAX_LEVELS:
        ValueCounter(most).add(text)


def parse(text: bytes | bytearray) -> Any:
    """The value of a text whose values were counted, or that is small. Raises JSONDecodeError.

    The garbage collector rests while a large one is parsed: it would go over the new values again and again.
    """
    if len(text) <= SMALL or not gc.isenabled():
        return orjson.loads(text)
    gc.disable()
    try:
        return orjson.loads(text)
    finally:
        gc.enable()
