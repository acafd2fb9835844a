"""Every command, right and wrong, in every width, language, terminal and pipe."""

import tempfile
from itertools import product
from pathlib import Path

from scripts.acceptance_parts import Result

SMOKE = 97
"""The smoke run tries one of so many combinations."""


def run(smoke: bool) -> Result:
    """Run the whole product of tests/proxy/cli/table.py, each as a process."""
    from tests.proxy.cli.table import CASES, lay, settings, violations
    from tests.proxy.cli.table import run as run_command

    combinations = list(product(CASES, settings()))
    tried = combinations[::SMOKE] if smoke else combinations
    failures = []
    for case, setting in tried:
        with tempfile.TemporaryDirectory() as folder:
            lay(Path(folder))
            failures += violations(case, setting, run_command(case, setting, Path(folder)))
    return Result({"commands": str(len(CASES)), "combinations": str(len(tried))}, failures)
