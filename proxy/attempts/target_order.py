"""Order a route's targets with the inputs of its strategy: a random draw, measured latencies, the prices of the moment."""

import random

from adapters.core.request import ApiRequest
from adapters.core.vendor import Target
from proxy._types import Route
from proxy.app_state import AppState
from proxy.routing.load_balancing import Measure, PriceEstimate, sort_targets


def order_targets(route: Route, request: ApiRequest, state: AppState) -> list[Target]:
    """Return the route's targets, best first by its strategy. Targets that are cooling down are included."""
    measure: Measure = _unmeasured
    if route.strategy == "cheapest":
        measure = PriceEstimate(request, state.beijing_time()).of
    elif route.strategy == "fastest":
        latencies = state.latencies

        def measure(target: Target) -> float | None:
            return latencies.of(target.label, request.stream)

    return sort_targets(route, random.random(), measure)  # noqa: S311 - a random choice, not a secret


def _unmeasured(target: Target) -> float | None:
    return None
