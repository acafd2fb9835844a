"""The app of the admin port: metrics, status, reload. It refuses web pages, and requires ``server.admin_token`` if set.

Without a token the server does not start on an address other than loopback (``config/lint/settings.py``).
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.core.message import Message
from adapters.openai_params.operations import OPERATIONS
from config.routing import UnknownModel
from proxy.app_state import AppState
from proxy.credentials.pool import ClientKeys
from proxy.errors import BadKey, NotServed, ProxyError
from proxy.observability.metrics.exposition import Exposition
from proxy.openai_api.replies import endpoint, error_response
from proxy.openai_api.unsupported_paths import method_not_allowed, no_such_path
from proxy.server.health import HEALTH, HEALTH_PATHS
from proxy.version import version

WITHOUT_TOKEN = frozenset({"/metrics", *HEALTH_PATHS})
"""Paths that need no token: metrics, which hold no secret, and health, which orchestrators request."""


def create_admin(state: AppState) -> ASGIApp:
    """Return the app of the admin port."""
    app = Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/status", status),
            Route("/reload", reload, methods=["POST"]),
            *HEALTH,
        ],
        exception_handlers={404: no_such_path, 405: method_not_allowed},
    )
    app.state.banjia = state
    app.state.exposition = Exposition(state.metrics)
    return GuardedAdmin(app, state)


class GuardedAdmin:
    """Pure ASGI middleware: refuses web pages, like the client port, and requests without the token, if one is set."""

    def __init__(self, app: ASGIApp, state: AppState) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in HEALTH_PATHS:
            refusal = self._refusal(scope["path"], dict(scope["headers"]), scope["headers"])
            if refusal is not None:
                await error_response(refusal, scope)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(
        self, path: str, headers: Mapping[bytes, bytes], raw_headers: Sequence[tuple[bytes, bytes]]
    ) -> ProxyError | None:
        snapshot = self._state.snapshot
        refusal = snapshot.admin_guard.refuse(headers, raw_headers)
        if refusal is not None or path in WITHOUT_TOKEN:
            return refusal
        return token_refusal(headers, snapshot.admin_tokens)


def token_refusal(headers: Mapping[bytes, bytes], tokens: ClientKeys) -> BadKey | None:
    """Return the 401 for a request without the admin token; None if it has the token, or if none is set.

    The message never repeats the token that was sent.
    """
    if not tokens.needed:
        return None
    scheme, _, token = headers.get(b"authorization", b"").decode("utf-8", "surrogateescape").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        return BadKey(
            Message("This port needs the admin token (server.admin_token). Send it as: Authorization: Bearer TOKEN.")
        )
    if not tokens.knows(token):
        return BadKey(
            Message("Incorrect admin token provided. Send the value of server.admin_token."), code="invalid_api_key"
        )
    return None


@endpoint
async def metrics(request: Request) -> Response:
    """Return the current metrics in the format of Prometheus."""
    text, content_type = request.app.state.exposition.text(request.headers.get("accept", ""))
    return Response(text, headers={"content-type": content_type})


@endpoint
async def status(request: Request) -> Response:
    """Return the status of the server as JSON, without secrets."""
    return JSONResponse(status_of(request.app.state.banjia))


def status_of(state: AppState) -> dict[str, Any]:
    """Return the members of ``/status``: times in seconds, counts since the start."""
    snapshot = state.snapshot
    return {
        "version": version(),
        "uptime_s": round(time.time() - state.started, 1),
        "config": state.source,
        "emulated": state.emulated,
        "draining": state.draining,
        "active": state.active,
        "store": {"kind": state.store.kind, **state.store.metrics.sizes()},
        "endings": state.request_metrics.outcomes(),
        "vendors": {name: "on" if name in snapshot.routing.enabled else "off" for name in snapshot.settings.vendors},
        "models": _models(state),
    }


def _models(state: AppState) -> Mapping[str, list[str]]:
    """Return the targets of every listed model name, in order of preference."""
    routing = state.snapshot.routing
    models: dict[str, list[str]] = {}
    for name in routing.names:
        for operation in OPERATIONS:
            try:
                models.setdefault(name, [target.label for target in routing.find(name, operation).targets])
            except UnknownModel:
                continue
    return models


@endpoint
async def reload(request: Request) -> Response:
    """Reload the configuration: 200 if the new one is in use, 409 with the reasons if the old one stays in use."""
    state: AppState = request.app.state.banjia
    if state.load_config is None:
        return error_response(
            NotServed(
                Message("There is no configuration file to read again: restart the server to use another environment.")
            ),
            request.scope,
        )
    reloaded = await state.reload()
    return JSONResponse({"ok": reloaded.ok, "changes": reloaded.changes}, 200 if reloaded.ok else 409)
