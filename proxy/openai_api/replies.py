"""Responses outside the pipeline: JSON bodies and errors with the headers that OpenAI's clients read."""

import secrets
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from adapters.core.message import Message
from proxy.app_state import AppState
from proxy.errors import InternalError, ProxyError
from proxy.i18n.negotiate import wanted

Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(endpoint: Endpoint) -> Endpoint:
    """Decorate an endpoint so that it answers errors, and bugs, with OpenAI's error objects.

    Starlette would answer a bug with plain text, and the server would log it with any secret it holds.
    """

    @wraps(endpoint)
    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ProxyError as error:
            return error_response(error, request.scope)
        except Exception as bug:  # noqa: BLE001 - as in the pipeline
            state: AppState = request.app.state.banjia
            request_id = _fresh_id()
            state.report(bug, request_id)
            broken = InternalError(
                Message("Internal error; the server log has the details. Request id: {id}.", id=request_id)
            )
            return error_response(broken, request.scope, {"x-request-id": request_id})

    return answered


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a response with a JSON body and a request id."""
    all_headers = {"x-request-id": _fresh_id(), "openai-version": "2020-10-01", **(headers or {})}
    return Response(orjson.dumps(body), status, all_headers, "application/json")


def error_response(error: ProxyError, scope: Scope, headers: dict[str, str] | None = None) -> Response:
    """Return the response for an error, in the language that the request's headers ask for."""
    own = {name.decode(): value.decode() for name, value in error.headers()}
    body = {"error": error.error(wanted(dict(scope["headers"])))}
    return json_response(body, error.http_status, {**own, **(headers or {})})


def _fresh_id() -> str:
    return f"req_{secrets.token_hex(16)}"
