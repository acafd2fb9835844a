"""One environment for the whole run, one proxy for each vendor, and a check of all sent data after each test."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from tests.clients.sdk_sampling import left_out, takes_all
from tests.support.client_stage import VENDORS, Front, Site, Stage
from tests.support.openai_spec import obeys


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run each test at some vendors only, unless all were asked for."""
    out = set() if takes_all(config) else set(left_out(items))
    if out:
        config.hook.pytest_deselected(items=list(out))
        items[:] = [item for item in items if item not in out]


@pytest.fixture(scope="session")
def _stage() -> Iterator[Stage]:
    stage = Stage()
    try:
        yield stage
    finally:
        stage.close()


Started = Callable[[Mapping[str, Any]], Front]


@pytest.fixture(scope="session")
def _started(_stage: Stage) -> Iterator[Started]:
    """Proxies by their settings: starting one takes longer than most tests."""
    running: dict[str, Front] = {}
    with ExitStack() as stack:

        def started(settings: Mapping[str, Any]) -> Front:
            key = repr(settings)
            if key not in running:
                running[key] = stack.enter_context(_stage.front(settings))
            return running[key]

        yield started


@pytest.fixture
def stage(_stage: Stage) -> Iterator[Stage]:
    """The shared servers, reset after the previous test.

    The garbage collector is off meanwhile: an older client leaves a broken stream to it, and the stream's end takes the
    lock of the client's pool. A collection while the client holds that lock would deadlock.
    """
    _stage.reset()
    gc.disable()
    try:
        yield _stage
    finally:
        gc.enable()


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    """Each vendor in turn."""
    return str(request.param)


@pytest.fixture
def site(stage: Stage, vendor: str, start: Callable[..., Front]) -> Site:
    """A vendor behind a proxy, and a client: all that most tests need."""
    front = start(vendor)
    return Site(vendor, stage.emulators[vendor], front, front.sdk())


@pytest.fixture
def start(stage: Stage, _started: Started) -> Iterator[Callable[..., Front]]:
    """A proxy with these settings: ``start("kimi", "qwen", timeouts=…, policy=…)``. For tests with faults.

    Tests with the same settings share one, which is reset after each test: cooldowns and spent retries.
    """
    used: list[Front] = []

    def started(*vendors: str, **more: Any) -> Front:
        used.append(_started(stage.settings(*vendors, **more)))
        used[-1].forget()
        return used[-1]

    yield started
    for front in used:
        wrong = front.running.take_violations()
        for seen in front.seen:
            obeys(seen)
        assert not wrong, wrong
