"""What holds for all tests."""

import gc
import os
import ssl
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx2
import pytest
from hypothesis import settings

from tests.support.judging_switch import judging

# Where a change is judged, the examples are the same each time: new ones are looked for on developers' machines.
# No example has a deadline: no core test judges time.
settings.register_profile("judge", derandomize=True, deadline=None)
settings.register_profile("develop", deadline=None)
if os.environ.get("CI") == "true":
    settings.load_profile("judge")
elif settings.get_current_profile_name() == "default":  # the mutants have one of their own
    settings.load_profile("develop")


def pytest_collection_finish() -> None:
    """What fifteen thousand tests are made of stays to the end: the garbage collector need not look at it each time."""
    gc.collect()
    gc.freeze()


@cache
def _of_this_machine() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def _shared(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
    if verify is True and cert is None and not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & os.environ.keys():
        return _of_this_machine()
    return httpx2.create_ssl_context(verify, cert, trust_env)


@pytest.fixture(scope="session", autouse=True)
def _certificates_read_once() -> Iterator[None]:
    """Clients share this machine's certificates: reading them takes longer than most tests that make a client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx2._transports.default.create_ssl_context", _shared)
        yield


@pytest.fixture(autouse=True)
def _judged(request: pytest.FixtureRequest) -> Iterator[None]:
    """Responses are judged, but in a test that is marked ``unjudged``, with its reason."""
    marker = request.node.get_closest_marker("unjudged")
    judging.on = marker is None
    assert marker is None or len(marker.args) == 1, "unjudged needs a reason"
    yield
    judging.on = True
