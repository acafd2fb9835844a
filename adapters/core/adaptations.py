"""Adaptations: how each field of a request was changed for the vendor."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from adapters.core.message import Message

VerdictWord = Literal["honoured", "mapped", "clamped", "emulated", "dropped", "refused"]


class Adaptation(NamedTuple):
    """The verdict on one field of one request. A quiet one (a plain rename) is not in the response header."""

    word: VerdictWord
    why: Message
    quiet: bool = False


def adaptations_header(adaptations: Mapping[str, Adaptation], limit: int = 1024) -> str | None:
    """Return ``x-banjia-adapted``: ``field[.sub]=word`` sorted and joined by ``;``, ASCII, at most ``limit`` bytes.

    Honoured fields and plain renames are omitted; fields that do not fit are counted as ``more=N``. None if the
    header would be empty.
    """
    parts = sorted(
        [f"{_ascii(name)}={t.word}" for name, t in adaptations.items() if t.word != "honoured" and not t.quiet]
    )
    if not parts:
        return None
    text = ";".join(parts)
    kept = len(parts)
    while len(text) > limit:
        kept -= 1
        text = ";".join([*parts[:kept], f"more={len(parts) - kept}"])
    return text


@lru_cache(maxsize=4096)
def _ascii(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "?" for c in name)
