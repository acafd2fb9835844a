"""ASGI endpoints of ``POST /v1/responses`` and of compaction, which call a vendor."""

from collections.abc import Awaitable

from starlette.types import Receive, Scope, Send

from proxy.app_state import AppState
from proxy.openai_api.azure_paths import ModelFromPath
from proxy.openai_api.endpoint import ClientExchange
from proxy.openai_api.responses.background import BackgroundRuns
from proxy.openai_api.responses.compaction import CompactHandler
from proxy.openai_api.responses.handler import ResponsesHandler
from proxy.pipeline import serve


class ResponsesEndpoint:
    """Serves each request with a handler of its own, which holds the state of the request."""

    def __init__(self, state: AppState, runs: BackgroundRuns, model: str | None = None) -> None:
        """``model``: the name in the path, if it has one."""
        self._state = state
        self._runs = runs
        self._model = model

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        exchange = ClientExchange(scope, receive, send, self._state)
        handler = ResponsesHandler(self._state, self._runs)
        if self._model is not None:
            return serve(exchange, ModelFromPath(handler, self._model), self._state, exchange)
        return serve(exchange, handler, self._state, exchange)

    def for_model(self, name: str) -> "ResponsesEndpoint":
        """Return the same endpoint for the model that the path names."""
        return ResponsesEndpoint(self._state, self._runs, name)


class CompactEndpoint:
    """Serves ``POST /v1/responses/compact`` with a handler for each request."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        exchange = ClientExchange(scope, receive, send, self._state)
        return serve(exchange, CompactHandler(self._state), self._state, exchange)
