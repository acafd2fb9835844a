"""200 times kill -9 under load with a SQLite store: nothing confirmed is lost (tests/acceptance/kills.py)."""

from scripts.acceptance_parts import Result, judged_by_pytest


def run(smoke: bool) -> Result:
    """Run the file."""
    return judged_by_pytest("kills.py", smoke=smoke)
