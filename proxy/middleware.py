"""The ways in: the same paths with and without ``/v1``, doubled, and with stray slashes. Pure ASGI."""

import re
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

UNVERSIONED = ("/livez", "/readyz", "/healthz", "/health/")


class Doors:
    """Brings a path into the one form that is routed: users paste base URLs with and without ``/v1``.

    ``relays`` are called at once for a POST to their path; everything else goes to the app.
    """

    def __init__(self, app: ASGIApp, relays: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._relays = relays

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        relay = None
        if scope["type"] == "http":
            path = scope["path"]
            if not path.startswith("/v1/") or path.startswith("/v1/v1/") or "//" in path:
                scope["path"] = path = canonical(path)
            if scope["method"] == "POST":
                relay = self._relays.get(path)
        await (relay or self._app)(scope, receive, send)


def canonical(path: str) -> str:
    """``/v1/...`` for every spelling of an API path; health paths stay as they are."""
    path = re.sub("/{2,}", "/", path)
    while path.startswith("/v1/v1/"):
        path = path[3:]
    if path.startswith("/v1/") or path in ("/", "/v1") or path.startswith(UNVERSIONED):
        return path
    return f"/v1{path}"
