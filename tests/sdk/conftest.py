"""One stage for the whole run, one proxy for each vendor, and a check of all that was sent after each test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

import emulators
from tests.sdk.spec import obeys
from tests.sdk.stage import Front, Site, Stage


@pytest.fixture(scope="session")
def _stage() -> Iterator[Stage]:
    stage = Stage()
    try:
        yield stage
    finally:
        stage.close()


@pytest.fixture(scope="session")
def _fronts(_stage: Stage) -> Iterator[dict[str, Front]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(_stage.front(_stage.settings(name))) for name in emulators.NAMES}


@pytest.fixture
def stage(_stage: Stage) -> Stage:
    """The stage, with nothing left of the test before."""
    _stage.reset()
    return _stage


@pytest.fixture(params=emulators.NAMES)
def vendor(request: pytest.FixtureRequest) -> str:
    """Each vendor in turn."""
    return str(request.param)


@pytest.fixture
def site(stage: Stage, vendor: str, _fronts: dict[str, Front]) -> Iterator[Site]:
    """A vendor behind the proxy that all tests share: for tests in which nothing goes wrong."""
    front = _fronts[vendor]
    front.seen.clear()
    with front.sdk() as sdk:
        yield Site(vendor, stage.emulators[vendor], front, sdk)
    for seen in front.seen:
        obeys(seen)


@pytest.fixture
def start(stage: Stage) -> Iterator[Callable[..., Front]]:
    """Start a proxy of one's own: ``start("kimi", "qwen", timeouts=…, policy=…)``. For faults, which leave traces."""
    fronts: list[Front] = []
    with ExitStack() as stack:

        def started(*vendors: str, **more: Any) -> Front:
            fronts.append(stack.enter_context(stage.front(stage.settings(*vendors, **more))))
            return fronts[-1]

        yield started
    for front in fronts:
        for seen in front.seen:
            obeys(seen)
