"""A pytest plugin for runs against mutants: the same examples each time, few of them, and no shrinking."""

import pytest
from hypothesis import HealthCheck, Phase, settings

MOST_EXAMPLES = 50
"""A property is tried with so many examples at most: a mutant that needs more of them is better found by a plain test."""

settings.register_profile(
    "mutants",
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("mutants")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lower the number of examples where a test sets its own; hypothesis has no public way to do so afterwards."""
    for item in items:
        test = getattr(item, "obj", None)
        own = getattr(test, "_hypothesis_internal_use_settings", None)
        if own is not None and own.max_examples > MOST_EXAMPLES:
            test._hypothesis_internal_use_settings = settings(own, max_examples=MOST_EXAMPLES)  # type: ignore[union-attr]
