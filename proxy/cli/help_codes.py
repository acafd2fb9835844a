"""``banjia help CODE``: the meaning, cause and cure of an error code. The texts ship with the package.

``scripts/docs`` copies them to docs/errors.md and docs/troubleshooting.md, in both languages.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

from proxy.i18n.negotiate import Language

FILES = ("errors", "start")
"""Codes of requests, and codes of the configuration and the start."""
_SECTION = re.compile(r"^### `([\w-]+)`\n(.*?)(?=^### |\Z)", re.MULTILINE | re.DOTALL)
_STATUS = re.compile(r"^\*\*(?=(\d{3}))\d{3}")
_MARK = re.compile(r"[，。：；、（）“”？！]")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


@cache
def texts(file: str, language: Language) -> Mapping[str, str]:
    """The text of each code of a file of ``FILES``, as Markdown, in the order of the file."""
    page = resources.files("proxy").joinpath("cli", "help_texts", f"{file}.{language}.md").read_text(encoding="utf-8")
    return {code: text.strip() for code, text in _SECTION.findall(page)}


def codes(file: str) -> list[str]:
    """The codes of a file of ``FILES``."""
    return list(texts(file, "en"))


def explanation(code: str, language: Language) -> str | None:
    """Return the explanation of a code as plain text, one line per paragraph; None for an unknown code."""
    for file in FILES:
        if code in texts(file, "en"):
            return _plain_text(texts(file, language)[code])
    return None


def _plain_text(markdown: str) -> str:
    """Markdown without its marks."""
    text = _STATUS.sub(r"HTTP \1", _LINK.sub(r"\1", markdown)).replace("**", "").replace("`", "")
    return "\n\n".join(map(_join_lines, text.split("\n\n")))


def _join_lines(paragraph: str) -> str:
    """The lines of a paragraph as one: between two Chinese characters, and beside a Chinese mark, goes no space."""
    text, *lines = paragraph.split("\n")
    for line in lines:
        no_space = _MARK.match(text[-1:]) or _MARK.match(line[:1]) or not (text[-1:].isascii() or line[:1].isascii())
        text += ("" if no_space else " ") + line
    return text
