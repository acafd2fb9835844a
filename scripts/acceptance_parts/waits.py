"""How long clients wait, and the processor time of hostile input, each with its limit (tests/acceptance/waits.py)."""

from scripts.acceptance_parts import Result, judged_by_pytest


def run(smoke: bool) -> Result:
    """Run the file."""
    return judged_by_pytest("waits.py", smoke=smoke)
