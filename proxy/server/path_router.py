"""Normalize request paths, which SDKs and pasted base URLs spell differently, and call the endpoints. Pure ASGI."""

import re
from collections.abc import Awaitable, Mapping
from typing import Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.app_state import AppState
from proxy.errors import AccessDenied
from proxy.openai_api.replies import error_response
from proxy.server.cors import Cors, adding, is_preflight, preflight_headers, response_headers
from proxy.server.fast_path import fast_path_of
from proxy.server.health import HEALTH_PATHS
from proxy.server.origin_guard import OriginGuard, preflight_refused

UNVERSIONED = ("/livez", "/readyz", "/healthz", "/health/")
PREFIXES = re.compile(r"\A(?:/(?:v1|openai)(?![^/]))+")
"""Prefixes of an API path, repeated any number of times. A single match: removing one at a time would be quadratic."""
NAMED = re.compile(
    r"/(?:deployments|engines)/(?!.*/extensions/)(?P<model>.+?)"
    r"(?P<operation>/(?:chat/completions|completions|embeddings|(?:audio|images)/\w+))"
)
"""A path that includes the model: Azure's deployments, and the engines of OpenAI SDKs up to 0.28 (``engine=``).

Azure's ``extensions`` are another operation, a chat over the client's own documents, which is not served.
"""


class ModelEndpoint(Protocol):
    """The endpoint of an operation, which also serves it for a model given in the path."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]: ...

    def for_model(self, name: str) -> ASGIApp:
        """Return the endpoint for this model, whatever ``model`` in the body is."""
        ...


class PathRouter:
    """Routes requests: normalizes their path, applies the origin guard and CORS, and calls the endpoints.

    A POST to the exact path of one of ``endpoints`` goes directly there. Any other path is normalized first, because
    users paste base URLs with and without ``/v1``, and then goes to an endpoint or to ``app``. Requests of web pages
    whose origin is not allowed are refused. For an allowed origin, preflights are answered here, without a client key,
    and every response is readable.
    """

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, ModelEndpoint], state: AppState) -> None:
        self._app = app
        self._endpoints = endpoints
        self._state = state

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        app: ASGIApp | None = None
        if scope["type"] == "http":
            guard = self._state.snapshot.origin_guard
            if guard is not None:
                fast_path = fast_path_of(scope)
                headers = fast_path.headers if fast_path is not None else dict(scope["headers"])
                if b"origin" in headers or headers.get(b"host") not in guard.accepted:
                    refusal = self._refusal(scope, guard, headers)
                    answer = None if refusal is None else error_response(refusal, scope)
                    if guard.cors is not None and b"origin" in headers:
                        if not is_preflight(scope["method"], headers):
                            send = _with_cors_headers(guard.cors, scope, send)
                        elif answer is None:
                            answer = _preflight_response(guard.cors, scope, headers)
                    if answer is not None:
                        return answer(scope, receive, send)
            if scope["method"] == "POST":
                app = self._endpoints.get(scope["path"])
            if app is None:
                app = self._normalized(scope)
        return (app or self._app)(scope, receive, send)

    @staticmethod
    def _refusal(scope: Scope, guard: OriginGuard, headers: Mapping[bytes, bytes]) -> AccessDenied | None:
        """Return the guard's refusal of a request, or None; health paths are served under any Host and Origin."""
        refusal = guard.refuse(headers, scope["headers"])
        return refusal if refusal is not None and normalize_path(scope["path"])[0] not in HEALTH_PATHS else None

    def _normalized(self, scope: Scope) -> ASGIApp | None:
        path, model = normalize_path(scope["path"])
        scope["path"] = path
        endpoint = self._endpoints.get(path) if scope["method"] == "POST" else None
        return endpoint.for_model(model) if endpoint and model else endpoint


def _preflight_response(cors: Cors, scope: Scope, headers: Mapping[bytes, bytes]) -> Response:
    """Return the response to a CORS preflight request."""
    origin = cors.listed(scope["headers"])
    if origin is None:
        return error_response(preflight_refused(headers[b"origin"]), scope)
    response = Response(status_code=204)
    response.raw_headers = preflight_headers(origin, headers)
    return response


def _with_cors_headers(cors: Cors, scope: Scope, send: Send) -> Send:
    """Return a ``send`` whose response has the CORS headers for the request's origin."""
    headers = response_headers(cors.listed(scope["headers"]))
    fast_path = fast_path_of(scope)
    if fast_path is None:
        return adding(headers, send)
    fast_path.add_headers(headers)
    return send


def normalize_path(path: str) -> tuple[str, str | None]:
    """Return ``/v1/...`` for every spelling of an API path, and the model if the path has one. Keeps health paths.

    ``/v1`` may be missing or repeated, preceded by Azure's ``/openai``, and slashes may be repeated.
    """
    path = re.sub("/{2,}", "/", path).rstrip("/")
    if path.startswith(UNVERSIONED):
        return path, None
    path = PREFIXES.sub("", path, count=1)
    named = NAMED.fullmatch(path)
    if named is not None:
        return f"/v1{named['operation']}", named["model"]
    return f"/v1{path}" if path else "/", None
