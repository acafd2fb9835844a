"""The ASGI application: routes, error handlers and lifespan."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from adapters.openai_params.operations import OPERATIONS
from proxy.app_state import AppState
from proxy.jobs.background_responses import BackgroundResponses
from proxy.observability.memory_budget import free_large_blocks
from proxy.openai_api.chat.handler import ChatHandler
from proxy.openai_api.completions import CompletionsHandler
from proxy.openai_api.embeddings import EmbeddingsHandler
from proxy.openai_api.endpoint import OperationEndpoint
from proxy.openai_api.models import list_models, retrieve_model
from proxy.openai_api.moderations.endpoint import ModerationsEndpoint
from proxy.openai_api.responses.endpoint import ResponsesEndpoint
from proxy.openai_api.responses.routes import responses_routes
from proxy.openai_api.unsupported_paths import method_not_allowed, no_such_path
from proxy.server.health import HEALTH
from proxy.server.path_router import ModelEndpoint, PathRouter


def create_app(state: AppState) -> ASGIApp:
    """Return the ASGI application for ``state``, which its lifespan closes at shutdown.

    PathRouter calls the endpoints of ``operations`` directly, because Starlette's layers would take a fifth of a
    request's time.
    """
    operations: dict[str, ModelEndpoint] = {
        f"/v1{OPERATIONS[handler.operation].path}": OperationEndpoint(handler, state)
        for handler in (ChatHandler(), CompletionsHandler(), EmbeddingsHandler())
    }

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        free_large_blocks()
        state.memory.start()
        runs.start_watching()
        yield {"memory": state.memory, "budget": state.budget}  # for GuardedHttpProtocol, which has no AppState
        await runs.aclose()
        await state.aclose()

    runs = BackgroundResponses(state)
    operations["/v1/responses"] = ResponsesEndpoint(state, runs)
    app = Starlette(
        routes=[
            *(Route(path, endpoint, methods=["POST"]) for path, endpoint in operations.items()),
            Route("/v1/moderations", ModerationsEndpoint(state), methods=["POST"]),
            *responses_routes(state, runs),
            Route("/v1/models", list_models),
            Route("/v1/models/{model:path}", retrieve_model),
            *HEALTH,
        ],
        exception_handlers={404: no_such_path, 405: method_not_allowed},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # PathRouter removes trailing slashes
    app.state.banjia = state
    return PathRouter(app, operations, state)
