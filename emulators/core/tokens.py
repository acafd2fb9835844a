"""Counts tokens: a token is a word or a CJK character. The count is deterministic and differs from any vendor's."""

import re

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\u3000-\u303f"
_TOKEN = re.compile(f"[{_CJK}]|[^\\s{_CJK}]+")

MOST_PIECES = 500
SMALLEST_PIECE = 4


def count(text: str) -> int:
    """Return the number of tokens in `text`."""
    return sum(1 for _ in _TOKEN.finditer(text))


def spans(text: str) -> list[tuple[int, int]]:
    """Return the start and the end of each token of `text`, in characters."""
    return [token.span() for token in _TOKEN.finditer(text)]


def cut(text: str, most: int) -> tuple[str, bool]:
    """Return `text` up to its token number `most`, and whether anything was cut off."""
    end = 0
    for index, token in enumerate(_TOKEN.finditer(text)):
        if index == most:
            return text[:end], True
        end = token.end()
    return text, False


def pieces(text: str) -> list[str]:
    """Split `text` into the pieces of a stream's events: a few characters each, at most `MOST_PIECES` pieces."""
    size = max(SMALLEST_PIECE, -(-len(text) // MOST_PIECES))
    return [text[at : at + size] for at in range(0, len(text), size)]


def words(text: str) -> list[str]:
    """Split `text` into words, each with the space before it."""
    return re.findall(r"\s*\S+|\s+$", text)
