"""Recognizes plain chunks by their bytes: most chunks of a stream differ from the one before only in their text.

A pattern is learned from a chunk that was parsed and normalized. It holds the bytes around the text, as the vendor sent
them and as the client gets them. A later chunk with the same bytes around a JSON string needs no normalization: its text
is placed between the bytes for the client, in the vendor's own spelling.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

MOST_LEARNED = 4
"""How many patterns are learned in a response. Chunks that differ elsewhere, such as in their time, are parsed each."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_PROBE = "probe"


class ChunkPattern(NamedTuple):
    """The bytes before and after the text of a chunk of the choice with the index ``choice``, in the vendor's and the client's chunk."""

    choice: int
    before: bytes
    after: bytes
    client_before: bytes
    client_after: bytes


def learn(payload: bytes, data: Mapping[str, Any], raw: bytes) -> ChunkPattern | None:
    """Return the pattern of a plain chunk, or None if it has none.

    ``payload``: the vendor's chunk. ``data`` and ``raw``: the normalized chunk, with one choice, as an object and as JSON.
    """
    (choice,) = data["choices"]
    members = [name for name, value in choice["delta"].items() if type(value) is str]
    if len(members) != 1:
        return None
    sent, client = _around(payload, members[0]), _around(raw, members[0])
    return ChunkPattern(choice["index"], *sent, *client) if sent and client else None


def _around(chunk: bytes, member: str) -> tuple[bytes, bytes] | None:
    """Return the bytes before and after the string of a member of the delta; None if they are not certain."""
    key = chunk.find(b'"%b":' % member.encode())
    string = _STRING.search(chunk, key) if key >= 0 else None
    string = _STRING.search(chunk, string.end()) if string else None
    if string is None:
        return None
    before, after = chunk[: string.start()], chunk[string.end() :]
    # With another string in its place, only the text may change: the key may also stand elsewhere in the chunk.
    try:
        changed = orjson.loads(before + orjson.dumps(_PROBE) + after)
    except orjson.JSONDecodeError:
        return None
    expected = orjson.loads(chunk)
    expected["choices"][0]["delta"][member] = _PROBE
    return (before, after) if changed == expected else None
