"""Paths that are not served: OpenAI-shaped answers that name the path and the nearest one that is."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from config.routing import nearest as nearest_word
from proxy.endpoints.reply import error_response
from proxy.errors import MethodNotAllowed, NoSuchPath, NotServed, ProxyError

CHAT = "use POST /v1/chat/completions"
NOT_SERVED: Mapping[str, str] = {
    "assistants": f"{CHAT} and keep the conversation in your app",
    "audio": "no configured vendor's speech is served",
    "batches": f"{CHAT} for each request",
    "chat/completions": CHAT,
    "containers": CHAT,
    "conversations": f"{CHAT} and keep the conversation in your app",
    "evals": CHAT,
    "files": "send the text in a message",
    "fine_tuning": "train at the vendor",
    "images": "no configured vendor's images are served",
    "moderations": "ask the vendor's own moderation",
    "organization": "see the vendor's console",
    "realtime": f"{CHAT} with stream: true",
    "responses": f"{CHAT} (in the SDK: client.chat.completions)",
    "threads": f"{CHAT} and keep the conversation in your app",
    "uploads": "send the text in a message",
    "vector_stores": "POST /v1/embeddings, and keep the vectors in your app",
    "videos": CHAT,
}
"""How OpenAI's paths begin that are not served, and the nearest thing that is."""
SERVED = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/models")


def answer_for(method: str, path: str) -> ProxyError:
    """501 for a path of OpenAI's, 404 for any other."""
    rest = path.removeprefix("/v1").strip("/") + "/"
    for beginning, nearest in NOT_SERVED.items():
        if rest.startswith(f"{beginning}/"):
            return NotServed(f"{method} {path} is not served by this proxy; {nearest}.")
    near = nearest_word(path, SERVED)
    return NoSuchPath(f"Invalid URL ({method} {path})" + (f". Did you mean {near}?" if near else ""))


async def no_such_path(request: Request, error: Exception) -> Response:
    """404 or 501, naming the path."""
    return error_response(answer_for(request.method, request.scope["path"]))


async def wrong_method(request: Request, error: Exception) -> Response:
    """405, naming the methods that are."""
    allowed = (error.headers or {}).get("Allow", "") if isinstance(error, HTTPException) else ""
    response = error_response(
        MethodNotAllowed(f"Not allowed: {request.method} {request.scope['path']}. Use {allowed or 'POST'}.")
    )
    if allowed:
        response.headers["allow"] = allowed
    return response
