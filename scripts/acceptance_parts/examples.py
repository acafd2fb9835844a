"""Properties of any input with all examples; the core tests try a third of them (tests/support/effort.py)."""

import re
import sys

from scripts.acceptance_parts import ROOT, Result, call

TRIED = re.compile(r"\bexamples\(|\bALL_EXAMPLES\b")
SMOKE = "tests/adapters/emulations/test_fan_out.py"
PASSED = re.compile(r"(\d+) passed")


def run(smoke: bool) -> Result:
    """Run every file whose tests set a number of examples; the smoke run takes one quick file."""
    files = [
        path for path in sorted((ROOT / "tests").rglob("test_*.py")) if TRIED.search(path.read_text(encoding="utf-8"))
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *([SMOKE] if smoke else files)]
    ended = call(["env", "BANJIA_EXAMPLES=all", *command], capture=True)
    passed = PASSED.search(ended.stdout)
    result = Result({"tests of any input": f"{passed[1] if passed else 'none'} passed"})
    if ended.returncode:
        result.violations.append(f"pytest ended with {ended.returncode}: {ended.stdout.strip().rpartition(chr(10))[2]}")
    return result
