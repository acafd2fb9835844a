"""2,000 reloads under load, each to another vendor: no request fails (tests/acceptance/reload.py)."""

from scripts.acceptance_parts import Result, judged_by_pytest


def run(smoke: bool) -> Result:
    """Run the file."""
    return judged_by_pytest("reload.py", smoke=smoke)
