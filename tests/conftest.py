"""Settings and fixtures of all tests."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.judging_switch import judging

# CI uses the same examples each time; developers' machines try new ones. Examples have no deadline, because no core
# test judges time.
settings.register_profile("judge", derandomize=True, deadline=None)
settings.register_profile("develop", deadline=None)
if os.environ.get("CI") == "true":
    settings.load_profile("judge")
elif settings.get_current_profile_name() == "default":  # the mutants have their own profile
    settings.load_profile("develop")


def pytest_collection_finish() -> None:
    """Exclude the collected tests, about 15,000, from garbage collection: they live until the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _judged(request: pytest.FixtureRequest) -> Iterator[None]:
    """Judge responses, except in a test that is marked ``unjudged`` with a reason."""
    marker = request.node.get_closest_marker("unjudged")
    judging.on = marker is None
    assert marker is None or len(marker.args) == 1, "unjudged needs a reason"
    yield
    judging.on = True
