"""The app on one screen: routes, doors, handlers, lifespan."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from proxy.endpoints.health import HEALTH
from proxy.endpoints.models import list_models, retrieve_model
from proxy.endpoints.moderations import Moderations
from proxy.endpoints.relay import Relay
from proxy.endpoints.spec import no_such_path, wrong_method
from proxy.fronts.chat import ChatFront
from proxy.fronts.completions import CompletionsFront
from proxy.fronts.embeddings import EmbeddingsFront
from proxy.kit import Kit
from proxy.middleware import Doors
from proxy.observability.memory_budget import free_large_blocks


def create_app(kit: Kit) -> ASGIApp:
    """The app over an open kit, which it closes at its end.

    The relays are called by the doors themselves: Starlette's layers would cost a request a fifth of its time.
    """
    relays = {
        "/v1/chat/completions": Relay(ChatFront(), kit),
        "/v1/completions": Relay(CompletionsFront(), kit),
        "/v1/embeddings": Relay(EmbeddingsFront(), kit),
    }

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        free_large_blocks()
        kit.memory.watch()
        yield {"memory": kit.memory, "budget": kit.budget}  # for the door, which knows no kit
        await kit.aclose()

    app = Starlette(
        routes=[
            *(Route(path, relay, methods=["POST"]) for path, relay in relays.items()),
            Route("/v1/moderations", Moderations(kit), methods=["POST"]),
            Route("/v1/models", list_models),
            Route("/v1/models/{model:path}", retrieve_model),
            *HEALTH,
        ],
        exception_handlers={404: no_such_path, 405: wrong_method},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # the doors take stray slashes away
    app.state.kit = kit
    return Doors(app, relays, kit)
