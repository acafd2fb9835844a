"""The admin port's app: metrics, status, reload. It asks for no key, so it stays on loopback and refuses web pages."""

import time
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from config.routing import OPERATIONS, UnknownModel
from proxy.endpoints.health import HEALTH, HEALTH_PATHS
from proxy.endpoints.reply import answering, error_response
from proxy.endpoints.spec import no_such_path, wrong_method
from proxy.errors import NotServed
from proxy.kit import Kit
from proxy.services.exposition import Exposition
from proxy.version import version


def create_admin(kit: Kit) -> ASGIApp:
    """The app beside the one that callers use."""
    app = Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/status", status),
            Route("/reload", reload, methods=["POST"]),
            *HEALTH,
        ],
        exception_handlers={404: no_such_path, 405: wrong_method},
    )
    app.state.kit = kit
    app.state.exposition = Exposition(kit.metrics)
    return GuardedAdmin(app, kit)


class GuardedAdmin:
    """Refuses what a web page could send from the operator's own browser, with the guard of the front port. Pure ASGI."""

    def __init__(self, app: ASGIApp, kit: Kit) -> None:
        self._app = app
        self._kit = kit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in HEALTH_PATHS:
            refusal = self._kit.live.admin_guard.refuse(dict(scope["headers"]), scope["headers"])
            if refusal is not None:
                await error_response(refusal, scope)(scope, receive, send)
                return
        await self._app(scope, receive, send)


@answering
async def metrics(request: Request) -> Response:
    """The figures of the moment, as Prometheus reads them."""
    text, content_type = request.app.state.exposition.text(request.headers.get("accept", ""))
    return Response(text, headers={"content-type": content_type})


@answering
async def status(request: Request) -> Response:
    """What runs here and how it goes, as JSON. No secret is in it."""
    return JSONResponse(status_of(request.app.state.kit))


def status_of(kit: Kit) -> dict[str, Any]:
    """The members of ``/status``: times in seconds, counts since the start."""
    live = kit.live
    return {
        "version": version(),
        "uptime_s": round(time.time() - kit.started, 1),
        "config": kit.source,
        "emulated": kit.emulated,
        "draining": kit.draining,
        "active": kit.active,
        "endings": kit.counts.endings(),
        "vendors": {name: "on" if name in live.routing.live else "off" for name in live.settings.vendors},
        "models": _models(kit),
    }


def _models(kit: Kit) -> Mapping[str, list[str]]:
    """The targets of every name that is listed, best first."""
    routing = kit.live.routing
    found: dict[str, list[str]] = {}
    for name in routing.names:
        for operation in OPERATIONS:
            try:
                found.setdefault(name, [target.label for target in routing.find(name, operation).targets])
            except UnknownModel:
                continue
    return found


@answering
async def reload(request: Request) -> Response:
    """Read the configuration anew: 200 if it is in use now, 409 with the reasons if the old one serves on."""
    kit: Kit = request.app.state.kit
    if kit.again is None:
        return error_response(
            NotServed("There is no configuration file to read again: restart the server to use another environment."),
            request.scope,
        )
    reloaded = await kit.reload()
    return JSONResponse({"ok": reloaded.ok, "told": reloaded.told}, 200 if reloaded.ok else 409)
