"""What the order of a route's targets rests on: chance, what was observed, today's prices."""

import random

from adapters.core.request import ApiRequest
from adapters.core.vendor import Target
from proxy.kit import Kit
from proxy.nouns import Route
from proxy.strategy import Bill, Measure, order


def ordered(route: Route, ask: ApiRequest, kit: Kit) -> list[Target]:
    """The route's targets, best first by its strategy. Which of them rest is looked at when one is chosen."""
    measure: Measure = _unmeasured
    if route.strategy == "cheapest":
        measure = Bill(ask, kit.today()).of
    elif route.strategy == "fastest":
        latencies = kit.latencies

        def measure(target: Target) -> float | None:
            return latencies.of(target.label, ask.stream)

    return order(route, random.random(), measure)  # noqa: S311 - a lot, not a secret


def _unmeasured(target: Target) -> float | None:
    return None
