"""The sites of these tests: each vendor, and a target of the kind openai_compatible; none for an SDK without Responses."""

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.sdk.responses.calls import COMPATIBLE, SERVER, SET, ResponsesSite
from tests.support.client_stage import GENERATION, VENDORS, Front, Stage, target_of

collect_ignore_glob = [] if importlib.util.find_spec("openai.types.responses") else ["test_*.py"]


SITES = [*VENDORS, COMPATIBLE] if GENERATION > 2 else ["kimi", COMPATIBLE]
"""An older client judges what it reads, which is the same at every vendor."""


@pytest.fixture(params=SITES)
def vendor(request: pytest.FixtureRequest) -> str:
    """Each vendor in turn, and a server that is known to have chat alone."""
    return str(request.param)


@pytest.fixture
def serve(stage: Stage, start: Callable[..., Front]) -> Callable[..., Front]:
    """A proxy before one of these: ``serve(vendor, timeouts=…, server=…)``."""

    def front_of(vendor: str, timeouts: dict[str, float] | None = None, **more: Any) -> Front:
        if vendor != COMPATIBLE:
            return start(vendor, timeouts=timeouts, **more)
        key, base_url = stage.key_and_base_url(SERVER)
        entry = {
            "kind": "openai_compatible",
            "api_key": key,
            "base_url": base_url,
            "timeouts": dict(timeouts or {}),
            "limits": {"wait_s": 1.5},
            "messages": {"developer_as": "system"},
        }
        model = target_of(SERVER).partition("/")[2]
        return start(
            SERVER,
            vendors={COMPATIBLE: entry},
            models={"gpt-4o": {"target": f"{COMPATIBLE}/{model}", "set": SET}},
            **more,
        )

    return front_of


@pytest.fixture
def site(stage: Stage, vendor: str, serve: Callable[..., Front]) -> ResponsesSite:
    """A vendor behind a proxy, and a client."""
    front = serve(vendor)
    return ResponsesSite(vendor, stage.emulators[SERVER if vendor == COMPATIBLE else vendor], front, front.sdk())
