"""Measures work by counting, not timing: the result is the same on every machine."""

import gc
import os
import sys
from collections.abc import Callable
from typing import Any

ALL_EXAMPLES = os.environ.get("BANJIA_EXAMPLES") == "all"


def examples(count: int) -> int:
    """Return the number of examples to try: a third of ``count``, or all in ``scripts/acceptance examples``."""
    return count if ALL_EXAMPLES else max(1, count // 3)


def calls_made_by(work: Callable[[], object]) -> int:
    """Return the number of calls of Python and built-in functions that the work makes in this thread.

    Without the garbage collector, whose callbacks and finalizers would be counted, too.
    """
    calls = 0

    def count(frame: Any, event: str, arg: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before, collects = sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
    return calls
