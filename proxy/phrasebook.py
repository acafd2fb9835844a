"""What we say, in Chinese: found by its English, so that whoever writes a message writes it once, as a plain string.

A phrase is a line of English and a line of Chinese in ``proxy/chinese/*.txt``. What stands in ``<angles>`` is filled in:
the English line is matched against the message, and what is found goes into the Chinese one. In the English line a mark
says what may be found, ``<host:word>`` for one word; in the Chinese one it says what becomes of it: ``<why>`` is taken as it is, ``<why:zh>`` is a phrase, or a list of phrases and words, and ``<rest:line>``
is a line for the operator, in which words of the place may stand before the phrase (``banjia.yaml:3:5: models: …``);
``<all:lines>`` and ``<all:each>`` are several of them, between bars and semicolons.

What the book does not know stays as it is: so does whatever a vendor said. A test holds that every message that the
source has is in the book, and that nothing is in it that the source no longer says.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

SLOT = re.compile(r"<(\w+)(?::(\w+))?>")
JOINT = re.compile(r"(, | or | and )")
WORD = re.compile(r"\S+( \([A-Z0-9_]+\))?")
"""What may stand in a list as it is: a word, or a vendor with the variable of its key."""
JOINTS = {", ": "、", " or ": " 或 ", " and ": " 和 "}
HELP = re.compile(r" \(banjia help ([\w-]+)\)$")
"""The end of a line whose code ``banjia help`` explains."""
SEVERAL = {"lines": (" | ", " | "), "each": ("; ", "；")}
MOST = 6000
"""Longer texts are left as they are (characters): no message of ours is."""
DEEPEST = 6


class Phrase(NamedTuple):
    """A phrase with something to fill in: what stands around it in English, its names with marks, and the Chinese."""

    around: Sequence[str]
    names: Sequence[tuple[str, str]]
    chinese: str

    @property
    def frames(self) -> bool:
        """Whether it is about a line: then it is looked for before what the line itself says."""
        return ":line>" in self.chinese

    def match(self, text: str) -> dict[str, str] | None:
        """What is filled in, if the text is this phrase: each as short as it can be, and never nothing."""
        first, *middle, last = self.around
        if not (text.startswith(first) and text.endswith(last)) or len(text) < len(first) + len(last) + len(self.names):
            return None
        at, end = len(first), len(text) - len(last)
        found = []
        for words in middle:
            there = text.find(words, at + 1, end)
            if there < 0:
                return None
            found.append(text[at:there])
            at = there + len(words)
        if at >= end:
            return None
        found.append(text[at:end])
        if any(mark == "word" and " " in text for (_, mark), text in zip(self.names, found, strict=True)):
            return None
        if not first and ": " in found[0] and not self.frames:
            return None  # what stands before a colon is no part of the phrase
        return {name: text for (name, _), text in zip(self.names, found, strict=True)}


class Book:
    """Some of the files of phrases."""

    def __init__(self, phrases: Iterator[tuple[str, str]]) -> None:
        self._plain: dict[str, str] = {}
        filled = []
        for english, chinese in phrases:
            names = SLOT.findall(english)
            if names:
                filled.append(Phrase(SLOT.sub("\0", english).split("\0"), names, chinese))
            else:
                self._plain[english] = chinese
        self._frames = [phrase for phrase in filled if phrase.frames]
        # Those that are known by their first words go first, and of all the most telling.
        self._filled = sorted(filled, key=lambda phrase: (not phrase.around[0], -sum(map(len, phrase.around))))

    def said(self, text: str) -> str:
        """The text in Chinese; as it is, if it is not known."""
        return self._find(text, 0) or text

    def line(self, text: str) -> str:
        """A line for the operator in Chinese."""
        return self._line(text, 0)

    def _find(self, text: str, depth: int) -> str | None:
        known = self._plain.get(text)
        if known is not None or depth > DEEPEST or len(text) > MOST:
            return known
        for phrase in self._filled:
            found = phrase.match(text)
            if found is not None:
                return self._fill(phrase.chinese, found, depth + 1)
        return None

    def _fill(self, chinese: str, found: dict[str, str], depth: int) -> str:
        def one(slot: re.Match[str]) -> str:
            text, mark = found[slot[1]], slot[2]
            if mark == "line":
                return self._line(text, depth)
            if mark in SEVERAL:
                joint, ours = SEVERAL[mark]
                return ours.join(self._line(one, depth) for one in text.split(joint))
            return (self._find(text, depth) or self._listed(text, depth) or text) if mark else text

        return SLOT.sub(one, chinese)

    def _listed(self, text: str, depth: int) -> str | None:
        """``a, b or c``, where each is a phrase or one word."""
        parts = JOINT.split(text)
        out, at = "", 0
        while at < len(parts):
            for end in range(min(at + 5, len(parts)), at, -2):  # a phrase may have an "or" of its own
                part = "".join(parts[at:end])
                chinese = self._find(part, depth) or (part if WORD.fullmatch(part) else None)
                if chinese is not None:
                    break
            else:
                return None
            out += chinese + (JOINTS[parts[end]] if end < len(parts) else "")
            at = end + 1
        return out

    def _line(self, text: str, depth: int) -> str:
        helped = HELP.search(text)
        if helped is not None:
            return f"{self._line(text[: helped.start()], depth)}（详见 banjia help {helped[1]}）"
        for frame in self._frames:
            inner = frame.match(text)
            if inner is not None and depth <= DEEPEST:
                return self._fill(frame.chinese, inner, depth + 1)
        found = self._find(text, depth)
        at = text.find(": ")
        while found is None and at >= 0:
            rest = self._find(text[at + 2 :], depth)
            found = text[: at + 2] + rest if rest is not None else None
            at = text.find(": ", at + 2)
        return found or self._listed(text, depth) or text


def phrases(*names: str) -> Iterator[tuple[str, str]]:
    """The phrases of these files, each as English and Chinese. ``#`` begins a comment, an empty line ends a phrase."""
    for name in names:
        text = resources.files("proxy").joinpath("chinese", f"{name}.txt").read_text(encoding="utf-8")
        for block in text.split("\n\n"):
            lines = [line for line in block.split("\n") if line and not line.startswith("#")]
            if lines:
                english, chinese = lines
                yield english, chinese


CALLERS = ("errors", "verdicts")
OPERATORS = (*CALLERS, "config", "commands")


@cache
def ERRORS() -> Book:  # noqa: N802 - a constant, made when it is first needed
    """What callers are told."""
    return Book(phrases(*CALLERS))


@cache
def LINES() -> Book:  # noqa: N802
    """What operators are told, which holds the other."""
    return Book(phrases(*OPERATORS))
