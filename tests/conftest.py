"""What holds for all tests."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.judging_switch import judging

# Where a change is judged, the examples are the same each time: new ones are looked for on developers' machines.
settings.register_profile("judge", derandomize=True)
if os.environ.get("CI") == "true":
    settings.load_profile("judge")


@pytest.fixture(autouse=True)
def _judged(request: pytest.FixtureRequest) -> Iterator[None]:
    """Responses are judged, but in a test that is marked ``unjudged``, with its reason."""
    marker = request.node.get_closest_marker("unjudged")
    judging.on = marker is None
    assert marker is None or len(marker.args) == 1, "unjudged needs a reason"
    yield
    judging.on = True
