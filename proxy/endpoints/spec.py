"""Paths that are not served: OpenAI-shaped answers that name the path and the nearest one that is."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from proxy.endpoints.reply import error_response
from proxy.errors import MethodNotAllowed, NoSuchPath


async def no_such_path(request: Request, error: Exception) -> Response:
    """404, in OpenAI's words."""
    return error_response(NoSuchPath(f"Invalid URL ({request.method} {request.scope['path']})"))


async def wrong_method(request: Request, error: Exception) -> Response:
    """405, naming the methods that are."""
    allowed = (error.headers or {}).get("Allow", "") if isinstance(error, HTTPException) else ""
    response = error_response(
        MethodNotAllowed(f"Not allowed: {request.method} {request.scope['path']}. Use {allowed or 'POST'}.")
    )
    if allowed:
        response.headers["allow"] = allowed
    return response
