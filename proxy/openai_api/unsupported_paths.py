"""Paths that are not served: OpenAI-shaped answers that name the path and the nearest one that is."""

from collections.abc import Mapping
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from config.routing import nearest as nearest_word
from proxy.errors import MethodNotAllowed, NoSuchPath, NotServed, ProxyError
from proxy.openai_api.replies import error_response

CHAT = "use POST /v1/chat/completions"
HERE = f"{CHAT} and keep the conversation in your app"
NOT_SERVED: Mapping[str, str] = {
    "audio": "no configured vendor's speech is served",
    "batches": f"{CHAT} for each request",
    "chat/completions": "completions are not stored; ask anew with POST /v1/chat/completions",
    "chatkit": HERE,
    "containers": CHAT,
    "conversations": HERE,
    "evals": CHAT,
    "files": "send the text in a message",
    "fine_tuning": "train at the vendor",
    "images": "no configured vendor's images are served",
    "organization": "see the vendor's console",
    "projects": "see the vendor's console",
    "realtime": f"{CHAT} with stream: true",
    "realtimeapi": f"{CHAT} with stream: true",
    "responses": f"{CHAT} (in the SDK: client.chat.completions)",
    "skills": CHAT,
    "uploads": "send the text in a message",
    "vector_stores": "use POST /v1/embeddings, and keep the vectors in your app",
    "videos": CHAT,
}
"""How OpenAI's paths begin that are not served, and the nearest thing that is."""
RETIRED: Mapping[str, str] = {
    "assistants": f"OpenAI shut its Assistants API down on 2026-08-26; {HERE}",
    "threads": f"OpenAI shut its Assistants API down on 2026-08-26; {HERE}",
    "edits": f"OpenAI has retired this path; {CHAT}",
    "engines": "OpenAI has retired this path; use GET /v1/models",
    "fine-tunes": "OpenAI has retired this path; train at the vendor",
}
"""How paths begin that OpenAI itself answers with 404 now, why, and the nearest thing that is served."""
LONGEST = 200
"""How much of a path is repeated in a message, in characters."""
SERVED = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/models", "/v1/moderations")


def answer_for(method: str, path: str, asked: str | None = None) -> ProxyError:
    """404: ``not_supported`` for a path of OpenAI's, no code for any other. ``asked`` is the path as the caller spelt it."""
    called = f"{method} {asked or path}"
    rest = path.removeprefix("/v1").strip("/") + "/"
    for beginning, nearest in NOT_SERVED.items():
        if rest.startswith(f"{beginning}/"):
            return NotServed(f"{called} is not served by this proxy; {nearest}.")
    for beginning, why in RETIRED.items():
        if rest.startswith(f"{beginning}/"):
            return NoSuchPath(f"Invalid URL ({called}): {why}.")
    near = nearest_word(path, SERVED)
    return NoSuchPath(f"Invalid URL ({called})" + (f". Did you mean {near}?" if near else ""))


async def no_such_path(request: Request, error: Exception) -> Response:
    """404, naming the path."""
    return error_response(answer_for(request.method, request.scope["path"], requested_path(request)), request.scope)


async def wrong_method(request: Request, error: Exception) -> Response:
    """405, naming the methods that are."""
    allow = (error.headers or {}).get("Allow", "") if isinstance(error, HTTPException) else ""
    allowed = ", ".join(sorted(allow.split(", ")))  # Starlette names them in no order
    response = error_response(
        MethodNotAllowed(f"Not allowed: {request.method} {requested_path(request)}. Use {allowed or 'POST'}."),
        request.scope,
    )
    if allowed:
        response.headers["allow"] = allowed
    return response


def requested_path(request: Request) -> str:
    """The path as the caller spelt it, cut, before the doors: a pasted base URL is found by its own words."""
    path = unquote(request.scope["raw_path"].partition(b"?")[0].decode("latin-1"))
    return path if len(path) <= LONGEST else f"{path[:LONGEST]}…"
