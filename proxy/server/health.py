"""Health: no key, no call to a vendor, and nothing told of what is configured."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def live(request: Request) -> JSONResponse:
    """The process runs."""
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> JSONResponse:
    """Requests are taken; 503 while the server drains."""
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
"""The paths by which orchestrators and users of other gateways ask."""
HEALTH_PATHS = frozenset(route.path for route in HEALTH)
"""They are answered under any Host and Origin: orchestrators call them by the address or the name of a pod."""
