"""The Starlette app on one screen: routes, doors, handlers, lifespan. The hot routes stand first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from proxy.endpoints.health import live, ready
from proxy.endpoints.models import list_models, retrieve_model
from proxy.endpoints.relay import Relay
from proxy.endpoints.spec import no_such_path, wrong_method
from proxy.fronts.chat import ChatFront
from proxy.fronts.embeddings import EmbeddingsFront
from proxy.kit import Kit
from proxy.middleware import Doors


def create_app(kit: Kit) -> Starlette:
    """The app over an open kit, which it closes at its end."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await kit.aclose()

    app = Starlette(
        routes=[
            Route("/v1/chat/completions", Relay(ChatFront(), kit), methods=["POST"]),
            Route("/v1/embeddings", Relay(EmbeddingsFront(), kit), methods=["POST"]),
            Route("/v1/models", list_models),
            Route("/v1/models/{model:path}", retrieve_model),
            Route("/livez", live),
            Route("/health/liveliness", live),
            Route("/health/liveness", live),
            Route("/readyz", ready),
            Route("/healthz", ready),
            Route("/health/readiness", ready),
        ],
        middleware=[Middleware(Doors)],
        exception_handlers={404: no_such_path, 405: wrong_method},
        lifespan=lifespan,
    )
    app.state.kit = kit
    return app
