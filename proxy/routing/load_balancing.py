"""Load balancing: sort the targets of a route by its strategy. Pure: no clock, no randomness, no state.

``failover``: in configured order. ``weighted``: random by weight. ``fastest``: by measured latency; targets that were
not called yet come first, and now and then another one than the fastest, to notice targets that have recovered.
``cheapest``: by the estimated cost of the request at the catalog's prices.
"""

import datetime
from collections.abc import Callable
from typing import Any

from adapters.core.failures import Refused
from adapters.core.request import ApiRequest
from adapters.core.tokens import estimate_prompt
from adapters.core.vendor import Target
from adapters.planning import plan
from config.catalog.models import ModelRow, PeakPrice, Price, PricedModel
from proxy._types import Route

EXPLORED = 0.03
"""The share of requests under ``fastest`` that try another target than the fastest first."""
DEFAULT_ANSWER_TOKENS = 1000
"""The assumed length of an answer if the request sets no limit (tokens)."""

Measure = Callable[[Target], float | None]


def sort_targets(route: Route, draw: float, measure: Measure) -> list[Target]:
    """Return the route's targets, best first; equal ones stay in configured order.

    Args:
        route: the targets with their strategy and weights.
        draw: a random number, 0 <= draw < 1.
        measure: returns seconds for ``fastest``, a price for ``cheapest``, None if unknown. Unused otherwise.
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
    """Draw the first target by weight; the others follow by descending weight."""
    position = draw * sum(weights)
    first = 0
    while first < len(weights) - 1 and position >= weights[first]:
        position -= weights[first]
        first += 1
    others = sorted((i for i in range(len(targets)) if i != first), key=lambda i: -weights[i])
    return [targets[i] for i in (first, *others)]


class PriceEstimate:
    """Estimates the cost of a request by the prices of a moment, from the estimated prompt and the longest allowed answer.

    ``now`` is in Beijing time, by which vendors bill.
    """

    def __init__(self, request: ApiRequest, now: datetime.datetime) -> None:
        self._request = request
        self._now = now
        self._prompt = estimate_prompt(request.fields)

    def of(self, target: Target) -> float | None:
        """Return the cost in millionths of a CNY; None if the catalog has no CNY price for the model on that day."""
        row = priced(target)
        price = row.price_at(self._now.date(), self._prompt) if row is not None else None
        if price is None or price.unit != "tokens":
            return None
        fields = {**target.defaults, **self._request.fields, **target.overrides}
        amounts: Price | PeakPrice = price
        if price.peak is not None and in_peak_hours(target, self._now):
            amounts = price.peak
        output = amounts.output
        if price.thinking_output is not None and self._thinks(target):
            output = price.thinking_output
        return self._prompt * amounts.input + self._answer_tokens(fields) * output

    def _answer_tokens(self, fields: dict[str, Any]) -> int:
        """Return the longest allowed answer of all choices together (tokens); 0 for embeddings."""
        if self._request.operation == "embeddings":
            return 0
        limit, choices = fields.get("max_completion_tokens") or fields.get("max_tokens"), fields.get("n")
        return (limit if type(limit) is int else DEFAULT_ANSWER_TOKENS) * (choices if type(choices) is int else 1)

    def _thinks(self, target: Target) -> bool:
        try:
            return plan(self._request, target).thinks
        except Refused:
            return False  # the target will be skipped


def in_peak_hours(target: Target, now: datetime.datetime) -> bool:
    """Whether the vendor bills peak prices at that moment, in Beijing time."""
    model = target.model
    return isinstance(model, PricedModel) and model.peak_hours is not None and model.peak_hours.include(now)


def priced(target: Target) -> ModelRow | None:
    """Return the catalog's row of a target, if it is priced in CNY: there are no exchange rates to compare others."""
    model = target.model
    return model.row if isinstance(model, PricedModel) and model.currency == "CNY" else None
