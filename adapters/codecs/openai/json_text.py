"""Parses JSON of a vendor within the limits, and repairs invalid UTF-8 and split surrogate pairs."""

import json
from math import isfinite
from typing import Any

import orjson

from adapters.codecs.openai.errors import VENDOR, InvalidResponse, over_limits
from adapters.core import json_limits
from adapters.core.json_limits import BEYOND, MAX_EVENT_VALUES, MAX_VALUES
from adapters.core.message import Message

LARGE_EVENT = 64 * 1024
"""An event of a stream with more bytes is checked against the limits before it is parsed."""

MAX_REPAIRABLE = 1024 * 1024
"""The maximum size of JSON that is repaired, in bytes: this takes ten times as long as normal parsing."""

MAX_DIGITS = 20
"""The maximum number of characters of a 64-bit integer, with its sign."""


def check(payload: bytes | bytearray, most: int = MAX_VALUES) -> None:
    """Check JSON against the limits before it is parsed. Raises :class:`OverLimits`."""
    try:
        json_limits.check(payload, most)
    except BEYOND as beyond:
        raise over_limits(beyond) from None


def parse_large(payload: bytes) -> Any:
    """Parse the payload of a large event. Raises :class:`OverLimits`, and orjson's JSONDecodeError."""
    check(payload, MAX_EVENT_VALUES)
    return json_limits.parse(payload)


def parse_leniently(payload: bytes | bytearray) -> tuple[bytes, Any]:
    """Parse JSON with invalid UTF-8, or with halves of surrogate pairs, which some vendors split between two events.

    Return it as valid UTF-8 (invalid bytes become U+FFFD), and parsed. Raises :class:`InvalidResponse`.
    """
    try:
        if len(payload) > MAX_REPAIRABLE:
            raise ValueError
        # The standard library accepts halves of surrogate pairs and numbers of any size.
        value = json.loads(payload.decode("utf-8", "replace"), parse_int=_int_of, parse_float=_float_of)
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        clean = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
        return clean, orjson.loads(clean)
    except (ValueError, RecursionError):
        raise InvalidResponse("invalid_response", Message("{vendor} sent invalid JSON.", vendor=VENDOR)) from None


def _int_of(digits: str) -> int | None:
    """Return the number, or None beyond 64 bits: orjson can't serialize it, and no count is that large."""
    value = int(digits) if len(digits) <= MAX_DIGITS else None
    return value if value is not None and -(1 << 63) <= value < 1 << 64 else None


def _float_of(text: str) -> float | None:
    """Return the number, or None if it is too large."""
    value = float(text)
    return value if isfinite(value) else None
