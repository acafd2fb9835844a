"""How much work something is, counted and not timed: the same on every machine, however busy it is."""

import os
import sys
from collections.abc import Callable
from typing import Any

ALL_EXAMPLES = os.environ.get("BANJIA_EXAMPLES") == "all"


def examples(count: int) -> int:
    """How many examples to try of so many: a third in the core tests, all in ``scripts/acceptance examples``."""
    return count if ALL_EXAMPLES else max(1, count // 3)


def calls_made_by(work: Callable[[], object]) -> int:
    """How many calls of functions, Python's and built-in ones, the work makes in this thread."""
    made = 0

    def count(frame: Any, event: str, arg: Any) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return made
