"""Branch coverage of adapters/core, proxy/attempts and proxy/limiter by the tests of their layers; each at least 95 %."""

import json
import os
import sys
import tempfile
from pathlib import Path

from scripts.acceptance_parts import Result, call

FOLDERS = ("adapters/core", "proxy/attempts", "proxy/limiter")
TESTS = ("tests/adapters", "tests/proxy/attempts", "tests/proxy/limiter")
SMOKE_TESTS = ("tests/adapters/core",)
LEAST = 95.0
"""Per cent of statements and branches together, as ``coverage report`` shows them."""


def run(smoke: bool) -> Result:
    """Run the tests in one process under coverage.py. The smoke run takes the tests of one folder and judges nothing."""
    result = Result()
    with tempfile.TemporaryDirectory() as folder:
        data, report = Path(folder, "data"), Path(folder, "report.json")
        measure = [sys.executable, "-m", "coverage", "run", "--branch", f"--source={','.join(FOLDERS)}"]
        pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        with_data = ["env", f"COVERAGE_FILE={data}", f"PYTHONPATH={os.environ.get('PYTHONPATH', '')}"]
        ended = call([*with_data, *measure, *pytest, *(SMOKE_TESTS if smoke else TESTS)])
        if ended.returncode:
            result.violations.append(f"pytest ended with {ended.returncode}")
        call([*with_data, sys.executable, "-m", "coverage", "json", "-q", "-o", str(report)])
        files = json.loads(report.read_text(encoding="utf-8"))["files"]
    for name in FOLDERS:
        summaries = [found["summary"] for path, found in files.items() if Path(path).is_relative_to(name)]
        count = sum(one["num_statements"] + one["num_branches"] for one in summaries)
        covered = sum(one["covered_lines"] + one["covered_branches"] for one in summaries)
        share = 100 * covered / count
        result.figures[name] = f"{share:.1f} %"
        if share < LEAST and not smoke:
            result.violations.append(f"{name}: {share:.1f} % of statements and branches, at least {LEAST:g} %")
    return result
