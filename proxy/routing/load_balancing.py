"""Which target of a route is asked first: one pure function. No clock, no randomness, no state.

``failover``: as they are listed. ``weighted``: drawn by weight. ``fastest``: by the time they took so far, those that
nobody has asked yet first, and now and then another than the fastest, so that one that has recovered is found.
``cheapest``: by what the catalog says that this request will cost.
"""

import datetime
from collections.abc import Callable
from typing import Any

from adapters.core.failures import Refused
from adapters.core.request import ApiRequest
from adapters.core.tokens import estimate_prompt
from adapters.core.vendor import Target
from adapters.planning import plan
from config.catalog.models import ModelRow, PricedModel
from proxy._types import Route

EXPLORED = 0.03
"""The share of requests under ``fastest`` that go to another target than the fastest first."""
USUAL_ANSWER = 1000
"""How many tokens an answer is taken to have where the request sets no limit."""

Measure = Callable[[Target], float | None]


def sort_targets(route: Route, draw: float, measure: Measure) -> list[Target]:
    """The route's targets, best first; equals stay as they are listed.

    Args:
        route: the targets with their strategy and weights.
        draw: a random number, 0 <= draw < 1.
        measure: seconds for ``fastest``, a price for ``cheapest``; None where it is not known. Else not asked.
    """
    targets = list(route.targets)
    if route.strategy == "weighted":
        return _drawn(targets, route.weights, draw)
    if route.strategy == "failover":
        return targets
    measured = [(measure(target), target) for target in targets]
    known = sorted(((m, t) for m, t in measured if m is not None), key=lambda pair: pair[0])
    unknown = [target for m, target in measured if m is None]
    if route.strategy == "cheapest":
        return [target for _, target in known] + unknown
    targets = unknown + [target for _, target in known]
    if draw < EXPLORED:
        other = 1 + int(draw / EXPLORED * (len(targets) - 1))
        targets.insert(0, targets.pop(other))
    return targets


def _drawn(targets: list[Target], weights: tuple[float, ...], draw: float) -> list[Target]:
    """One by lot, each with its share of the weights; the heavier of the others first."""
    at = draw * sum(weights)
    first = 0
    while first < len(weights) - 1 and at >= weights[first]:
        at -= weights[first]
        first += 1
    others = sorted((i for i in range(len(targets)) if i != first), key=lambda i: -weights[i])
    return [targets[i] for i in (first, *others)]


class PriceEstimate:
    """What a request will cost, at the catalogs' prices of one day: prompt estimated, answer as long as it may be."""

    def __init__(self, request: ApiRequest, day: datetime.date) -> None:
        self._request = request
        self._day = day
        self._prompt = estimate_prompt(request.fields)

    def of(self, target: Target) -> float | None:
        """CNY, in millionths; None where the catalog has no price in CNY for the model and the day."""
        row = priced(target)
        price = row.price_at(self._day, self._prompt) if row is not None else None
        if price is None:
            return None
        fields = {**target.defaults, **self._request.fields, **target.overrides}
        output = price.output
        if price.thinking_output is not None and self._thinks(target):
            output = price.thinking_output
        return self._prompt * price.input + self._answer(fields) * output

    def _answer(self, fields: dict[str, Any]) -> int:
        """The longest answer that is asked for, of all choices together; embeddings are none."""
        if self._request.operation == "embeddings":
            return 0
        limit, choices = fields.get("max_completion_tokens") or fields.get("max_tokens"), fields.get("n")
        return (limit if type(limit) is int else USUAL_ANSWER) * (choices if type(choices) is int else 1)

    def _thinks(self, target: Target) -> bool:
        try:
            return plan(self._request, target).thinks
        except Refused:
            return False  # it will be passed over


def priced(target: Target) -> ModelRow | None:
    """The catalog's row of a target, if its prices can be compared: no rate between currencies is known here."""
    model = target.model
    return model.row if isinstance(model, PricedModel) and model.currency == "CNY" else None
