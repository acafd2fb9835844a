"""How long callers wait and how much processor time hostile input costs, each against its bound (tests/acceptance/waits.py)."""

from scripts.acceptance_parts import Result, judged_by_pytest


def run(smoke: bool) -> Result:
    """Run the file."""
    return judged_by_pytest("waits.py", smoke=smoke)
