"""Deterministic vectors for embeddings."""

import hashlib
import math
from array import array


def vector(text: str, width: int) -> list[float]:
    """Return a vector of length 1 that depends only on the text."""
    raw = array("h", hashlib.shake_256(text.encode()).digest(2 * width))
    length = math.sqrt(sum(value * value for value in raw))
    return [value / length for value in raw]
