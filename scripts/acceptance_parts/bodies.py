"""What a callback takes for a large body, and how much memory a mix of them takes (tests/acceptance/bodies.py)."""

from scripts.acceptance_parts import Result, judged_by_pytest


def run(smoke: bool) -> Result:
    """Run the file."""
    return judged_by_pytest("bodies.py", smoke=smoke)
