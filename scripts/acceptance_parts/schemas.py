"""The longest check of a hostile schema (tests/acceptance/schemas.py)."""

from scripts.acceptance_parts import Result, judged_by_pytest


def run(smoke: bool) -> Result:
    """Run the file."""
    return judged_by_pytest("schemas.py", smoke=smoke)
