"""The cost of a request and of an event beyond a plain relay on the same transport, and 1,000 streams at once.

Measured by ``bench/run.py``; the table goes to docs/performance.md. It needs Linux, two cores and bench's fixed ports.
"""

import json
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from scripts.acceptance_parts import NotRun, Result, python

AIMS_US = {"requests": 120, "paced": 40}
"""The most processor time that a request and an event of a stream may cost beyond the plain relay."""


def run(smoke: bool) -> Result:
    """Run three rounds; ratios and differences are taken within a round. A smoke run has one round with one client."""
    if not shutil.which("taskset") or (os.cpu_count() or 1) < 2:
        raise NotRun("needs taskset and two cores")
    arguments = ["--only", "plain,banjia", "--modes", "single", "--rounds", "1"] if smoke else []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "results.json")
        ended = python("-m", "bench.run", *arguments, "--out", out)
        if ended.returncode:
            return Result(violations=[f"bench.run ended with {ended.returncode}"])
        rounds = json.loads(out.read_text(encoding="utf-8"))
    result = Result()
    for mode in [name for name, seen in rounds["banjia"][0].items() if type(seen) is dict and "cpu_us" in seen]:
        judge(mode, rounds["banjia"], rounds["plain"], result)
    return result


def judge(mode: str, ours: list[dict[str, Any]], plain: list[dict[str, Any]], result: Result) -> None:
    """Add the cost of one kind of load; failed responses and costs over the limit are violations."""
    cost = statistics.median(one[mode]["cpu_us"] for one in ours)
    above = statistics.median(one[mode]["cpu_us"] - two[mode]["cpu_us"] for one, two in zip(ours, plain, strict=True))
    result.figures[mode] = f"{cost:.4g} us, {above:.3g} above the plain relay"
    if bad := sum(one[mode]["bad"] for one in ours):
        result.violations.append(f"{mode}: {bad} answers failed")
    if mode in AIMS_US and above > AIMS_US[mode]:
        result.violations.append(f"{mode}: {above:.3g} us above the plain relay, of at most {AIMS_US[mode]}")
