"""What the order of a route's targets rests on: chance, what was observed, today's prices."""

import random

from adapters.core.request import ApiRequest
from adapters.core.vendor import Target
from proxy._types import Route
from proxy.app_state import AppState
from proxy.routing.load_balancing import Measure, PriceEstimate, sort_targets


def order_targets(route: Route, request: ApiRequest, state: AppState) -> list[Target]:
    """The route's targets, best first by its strategy. Which of them rest is looked at when one is chosen."""
    measure: Measure = _unmeasured
    if route.strategy == "cheapest":
        measure = PriceEstimate(request, state.today()).of
    elif route.strategy == "fastest":
        latencies = state.latencies

        def measure(target: Target) -> float | None:
            return latencies.of(target.label, request.stream)

    return sort_targets(route, random.random(), measure)  # noqa: S311 - a lot, not a secret


def _unmeasured(target: Target) -> float | None:
    return None
