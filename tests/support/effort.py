"""Measures work by counting, not timing: the result is the same on every machine."""

import os
import sys
from collections.abc import Callable
from typing import Any

ALL_EXAMPLES = os.environ.get("BANJIA_EXAMPLES") == "all"


def examples(count: int) -> int:
    """Return the number of examples to try: a third of ``count``, or all in ``scripts/acceptance examples``."""
    return count if ALL_EXAMPLES else max(1, count // 3)


def calls_made_by(work: Callable[[], object]) -> int:
    """Return the number of calls of Python and built-in functions that the work makes in this thread."""
    calls = 0

    def count(frame: Any, event: str, arg: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls
