"""JSON text of a vendor, parsed within the limits; text with bad UTF-8 or halves of surrogate pairs is repaired."""

import json
from math import isfinite
from typing import Any

import orjson

from adapters.codecs.openai.errors import VENDOR, InvalidResponse, over_limits
from adapters.core import json_limits
from adapters.core.json_limits import BEYOND, MAX_EVENT_VALUES, MAX_VALUES, SMALL
from adapters.core.message import Message

LARGE_EVENT = 64 * 1024
"""An event of a stream is checked before it is parsed if it has more bytes."""

MAX_REPAIRABLE = 1024 * 1024
"""The largest JSON that is read in the slow way, in bytes: it takes ten times as long as the quick one."""

MAX_DIGITS = 20
"""What a whole number of 64 bits has at most, with its sign."""


def check(payload: bytes | bytearray, most: int = MAX_VALUES) -> None:
    """Refuse JSON beyond the limits, before it is parsed. Raises :class:`OverLimits`."""
    try:
        json_limits.check(payload, most)
    except BEYOND as beyond:
        raise over_limits(beyond) from None


def parse(payload: bytes) -> tuple[bytes, Any]:
    """The JSON of an event's payload, and its bytes as valid UTF-8. Raises :class:`InvalidResponse`."""
    large = len(payload) > LARGE_EVENT
    if large:
        check(payload, MAX_EVENT_VALUES)
    try:
        return payload, json_limits.parse(payload) if large else orjson.loads(payload)
    except orjson.JSONDecodeError:
        return parse_leniently(payload)


def parse_body(body: bytes | bytearray) -> Any:
    """The JSON of a whole body that was checked. Raises :class:`InvalidResponse`."""
    try:
        return orjson.loads(body) if len(body) <= SMALL else json_limits.parse(body)
    except orjson.JSONDecodeError:
        return parse_leniently(body)[1]


def parse_leniently(payload: bytes | bytearray) -> tuple[bytes, Any]:
    """JSON with bad UTF-8, and with halves of surrogate pairs, which some vendors cut between two events.

    Returns it as valid UTF-8 (what was bad becomes U+FFFD), and parsed. Raises :class:`InvalidResponse`.
    """
    try:
        if len(payload) > MAX_REPAIRABLE:
            raise ValueError
        # The slow way takes bad UTF-8, halves of surrogate pairs and numbers of any size.
        value = json.loads(payload.decode("utf-8", "replace"), parse_int=_int_of, parse_float=_float_of)
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        clean = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
        return clean, orjson.loads(clean)
    except (ValueError, RecursionError):
        raise InvalidResponse("invalid_response", Message("{vendor} sent invalid JSON.", vendor=VENDOR)) from None


def _int_of(digits: str) -> int | None:
    """The number, or None beyond 64 bits: it can't be written again, and is no count of anything."""
    value = int(digits) if len(digits) <= MAX_DIGITS else None
    return value if value is not None and -(1 << 63) <= value < 1 << 64 else None


def _float_of(text: str) -> float | None:
    """The number, or None for one that is too large."""
    value = float(text)
    return value if isfinite(value) else None
