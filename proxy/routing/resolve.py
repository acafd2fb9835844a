"""Find the route of a request's model."""

from collections.abc import Mapping

from adapters.core.message import Message
from adapters.core.request import ApiRequest, Operation
from config.routing import Routing, UnknownModel
from proxy._types import Route
from proxy.errors import ModelNotFound

OVER_CHAT: Mapping[Operation, Operation] = {"responses": "chat"}
"""Operations whose requests become those of another one before their first attempt."""


def resolve(request: ApiRequest, routing: Routing) -> Route:
    """Return the route of the requested model; for moderations, that of ``policy.moderations``.

    Raises ModelNotFound, whose message names the most similar model.
    """
    try:
        route = (
            routing.moderations_route()
            if request.operation == "moderations"
            else routing.find(request.model, OVER_CHAT.get(request.operation, request.operation))
        )
    except UnknownModel as unknown:
        raise ModelNotFound(unknown.message, param="model") from None
    if route is None:
        raise ModelNotFound(Message("policy.moderations has no available target."), param="model")
    return Route(request.model, route.targets, route.policy, route.strategy, route.weights, route.keeps_reasoning)
