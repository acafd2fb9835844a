"""Health endpoints. They need no key, call no vendor and reveal nothing of the configuration."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def live(request: Request) -> JSONResponse:
    """Liveness: the process runs."""
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> JSONResponse:
    """Readiness: 200, or 503 while the server is draining."""
    draining = request.app.state.banjia.draining
    return JSONResponse({"status": "draining" if draining else "ok"}, 503 if draining else 200)


HEALTH = (
    Route("/livez", live),
    Route("/health/liveliness", live),
    Route("/health/liveness", live),
    Route("/readyz", ready),
    Route("/healthz", ready),
    Route("/health/readiness", ready),
)
"""The paths that orchestrators and users of other gateways use."""
HEALTH_PATHS = frozenset(route.path for route in HEALTH)
"""Served under any Host and Origin, because orchestrators call them by the address or the name of a pod."""
