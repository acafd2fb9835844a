"""Which targets may answer."""

from adapters.core.shapes import Ask
from config.routing import Routing, UnknownModel
from proxy.errors import ModelNotFound
from proxy.nouns import Route


def resolve(ask: Ask, routing: Routing) -> Route:
    """The route of the model that was asked for. Raises ModelNotFound, naming the nearest."""
    try:
        found = routing.find(ask.model, ask.operation)
    except UnknownModel as unknown:
        raise ModelNotFound(str(unknown), param="model") from None
    return Route(ask.model, found.targets, found.policy)
