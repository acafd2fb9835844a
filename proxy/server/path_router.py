"""The ways in: one path for every spelling of it that SDKs and pasted base URLs come with. Pure ASGI."""

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
"""What may stand before an API path, any number of times. One match: to cut off one at a time is quadratic."""
NAMED = re.compile(
    r"/(?:deployments|engines)/(?!.*/extensions/)(?P<model>.+?)"
    r"(?P<operation>/(?:chat/completions|completions|embeddings|(?:audio|images)/\w+))"
)
"""A path that names the model: Azure's deployments, and the engines of OpenAI's first SDKs (0.28 has ``engine=`` still).

Azure's ``extensions`` are another operation: a chat over the caller's own documents, which is not served.
"""


class ModelEndpoint(Protocol):
    """What serves an operation, and can serve it for a model that the path names."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]: ...

    def for_model(self, name: str) -> ASGIApp:
        """The same for one model, whatever the body says of it."""
        ...


class PathRouter:
    """Brings a path into the one form that is routed: users paste base URLs with and without ``/v1``.

    ``relays`` are called at once for a POST to their path, spelt as OpenAI does; what that does not find has its path
    looked at closer, and goes to a relay or to the app. What a web page of another site sends goes no further; a listed
    page has its preflights answered here, before any key is asked for, and may read every response.
    """

    def __init__(self, app: ASGIApp, relays: Mapping[str, ModelEndpoint], state: AppState) -> None:
        self._app = app
        self._relays = relays
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp | None = None
        if scope["type"] == "http":
            guard = self._state.snapshot.origin_guard
            if guard is not None:
                way = fast_path_of(scope)
                headers = way.headers if way is not None else dict(scope["headers"])
                if b"origin" in headers or headers.get(b"host") not in guard.accepted:
                    refusal = self._refusal(scope, guard, headers)
                    answer = None if refusal is None else error_response(refusal, scope)
                    if guard.cors is not None and b"origin" in headers:
                        if not is_preflight(scope["method"], headers):
                            send = _readable(guard.cors, scope, send)
                        elif answer is None:
                            answer = _preflight_response(guard.cors, scope, headers)
                    if answer is not None:
                        await answer(scope, receive, send)
                        return
            if scope["method"] == "POST":
                app = self._relays.get(scope["path"])
            if app is None:
                app = self._closer(scope)
        await (app or self._app)(scope, receive, send)

    @staticmethod
    def _refusal(scope: Scope, guard: OriginGuard, headers: Mapping[bytes, bytes]) -> AccessDenied | None:
        """Why the guard refuses a request, if it does; health paths are answered under any name."""
        refusal = guard.refuse(headers, scope["headers"])
        return refusal if refusal is not None and normalize_path(scope["path"])[0] not in HEALTH_PATHS else None

    def _closer(self, scope: Scope) -> ASGIApp | None:
        path, model = normalize_path(scope["path"])
        scope["path"] = path
        relay = self._relays.get(path) if scope["method"] == "POST" else None
        return relay.for_model(model) if relay and model else relay


def _preflight_response(cors: Cors, scope: Scope, headers: Mapping[bytes, bytes]) -> Response:
    """What a browser learns about a page that wants to send a request."""
    origin = cors.listed(scope["headers"])
    if origin is None:
        return error_response(preflight_refused(headers[b"origin"]), scope)
    response = Response(status_code=204)
    response.raw_headers = preflight_headers(origin, headers)
    return response


def _readable(cors: Cors, scope: Scope, send: Send) -> Send:
    """The ``send`` for a page's request: the response says whether the page may read it."""
    headers = response_headers(cors.listed(scope["headers"]))
    way = fast_path_of(scope)
    if way is None:
        return adding(headers, send)
    way.add_headers(headers)
    return send


def normalize_path(path: str) -> tuple[str, str | None]:
    """``/v1/...`` for every spelling of an API path, and the model if the path names one; health paths stay as they are.

    ``/v1`` may be missing or doubled, Azure's ``/openai`` may stand before it, and slashes may be too many.
    """
    path = re.sub("/{2,}", "/", path).rstrip("/")
    if path.startswith(UNVERSIONED):
        return path, None
    path = PREFIXES.sub("", path, count=1)
    named = NAMED.fullmatch(path)
    if named is not None:
        return f"/v1{named['operation']}", named["model"]
    return f"/v1{path}" if path else "/", None
