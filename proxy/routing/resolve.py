"""Which targets may answer."""

from adapters.core.message import Message
from adapters.core.request import ApiRequest
from config.routing import Routing, UnknownModel
from proxy._types import Route
from proxy.errors import ModelNotFound


def resolve(request: ApiRequest, routing: Routing) -> Route:
    """The route of the model that was asked for; of moderations, the policy's. Raises ModelNotFound, naming the nearest."""
    try:
        found = (
            routing.moderations_route()
            if request.operation == "moderations"
            else routing.find(request.model, request.operation)
        )
    except UnknownModel as unknown:
        raise ModelNotFound(unknown.message, param="model") from None
    if found is None:
        raise ModelNotFound(Message("No target of policy.moderations answers."), param="model")
    return Route(request.model, found.targets, found.policy, found.strategy, found.weights)
