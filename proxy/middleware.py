"""The ways in: the same paths with and without ``/v1``, doubled, and with stray slashes. Pure ASGI."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

UNVERSIONED = ("/livez", "/readyz", "/healthz", "/health/")


class Doors:
    """Brings a path into the one form that is routed: users paste base URLs with and without ``/v1``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if not path.startswith("/v1/") or path.startswith("/v1/v1/") or "//" in path:
                scope["path"] = canonical(path)
        await self._app(scope, receive, send)


def canonical(path: str) -> str:
    """``/v1/...`` for every spelling of an API path; health paths stay as they are."""
    path = re.sub("/{2,}", "/", path)
    while path.startswith("/v1/v1/"):
        path = path[3:]
    if path.startswith("/v1/") or path in ("/", "/v1") or path.startswith(UNVERSIONED):
        return path
    return f"/v1{path}"
