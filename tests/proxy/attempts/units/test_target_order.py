"""The order of a route's targets by what is known of them."""

from types import SimpleNamespace
from typing import cast

import pytest

from adapters.core.model import Model
from adapters.core.request import ApiRequest
from adapters.core.vendor import Target
from adapters.registry import BY_NAME
from proxy._types import Route
from proxy.app_state import AppState
from proxy.attempts.target_order import order_targets
from proxy.routing.latency import LatencyTracker

FAST, SLOW = (Target(name, BY_NAME["kimi"], Model("m"), "https://x.example/v1") for name in ("fast", "slow"))


def test_the_fastest_target_is_first_by_the_latencies_of_the_same_kind_of_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random.random", lambda: 0.5)
    latencies = {("slow/m", True): 2.0, ("fast/m", True): 0.5, ("slow/m", False): 0.1, ("fast/m", False): 3.0}
    tracker = SimpleNamespace(of=lambda label, stream: latencies.get((label, stream)))
    state = cast(AppState, SimpleNamespace(latencies=cast(LatencyTracker, tracker)))
    route = cast(Route, SimpleNamespace(strategy="fastest", targets=(SLOW, FAST), weights=None))
    for stream, first in ((True, FAST), (False, SLOW)):
        assert order_targets(route, ApiRequest("chat", "m", {}, stream), state)[0] is first
