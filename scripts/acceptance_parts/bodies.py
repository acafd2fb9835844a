"""The longest callback for a large body, and the memory for a mix of them (tests/acceptance/bodies.py)."""

from scripts.acceptance_parts import Result, judged_by_pytest


def run(smoke: bool) -> Result:
    """Run the file."""
    return judged_by_pytest("bodies.py", smoke=smoke)
