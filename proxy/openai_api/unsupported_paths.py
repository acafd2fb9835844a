"""Errors for paths that are not served, in OpenAI's format, with the nearest path that is served."""

from collections.abc import Mapping
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from adapters.core.message import Message
from config.routing import nearest as nearest_word
from proxy.errors import MethodNotAllowed, NoSuchPath, NotServed, ProxyError
from proxy.openai_api.replies import error_response

CHAT = Message("use POST /v1/chat/completions")
HERE = Message("use POST /v1/chat/completions and keep the conversation in your app")
STREAMED = Message("use POST /v1/chat/completions with stream: true")
MODELS = Message("use GET /v1/models")
TRAIN = Message("train at the vendor")
NOT_SERVED: Mapping[str, Message] = {
    "audio": Message("speech is not supported for any vendor"),
    "batches": Message("use POST /v1/chat/completions for each request"),
    "chat/completions": Message("completions are not stored; send the request again with POST /v1/chat/completions"),
    "chatkit": HERE,
    "containers": CHAT,
    "evals": CHAT,
    "files": Message("send the text in a message"),
    "fine_tuning": TRAIN,
    "images": Message("images are not supported for any vendor"),
    "organization": Message("see the vendor's console"),
    "projects": Message("see the vendor's console"),
    "realtime": STREAMED,
    "realtimeapi": STREAMED,
    "skills": CHAT,
    "uploads": Message("send the text in a message"),
    "vector_stores": Message("use POST /v1/embeddings, and keep the vectors in your app"),
    "videos": CHAT,
}
"""Prefixes of OpenAI's paths that are not served, and what to use instead."""
RETIRED: Mapping[str, Message] = {
    "assistants": Message("OpenAI shut its Assistants API down on 2026-08-26; {instead}", instead=HERE),
    "threads": Message("OpenAI shut its Assistants API down on 2026-08-26; {instead}", instead=HERE),
    "edits": Message("OpenAI has retired this path; {instead}", instead=CHAT),
    "engines": Message("OpenAI has retired this path; {instead}", instead=MODELS),
    "fine-tunes": Message("OpenAI has retired this path; {instead}", instead=TRAIN),
}
"""Prefixes of paths that OpenAI itself answers with 404 now, with the reason and what to use instead."""
LONGEST = 200
"""The most characters of a path that a message repeats."""
SERVED = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/conversations",
    "/v1/embeddings",
    "/v1/models",
    "/v1/moderations",
    "/v1/responses",
)


def error_for(method: str, path: str, requested: str | None = None) -> ProxyError:
    """Return the 404: with code ``not_supported`` for a path of OpenAI's, else without code.

    ``requested``: the path as the client sent it.
    """
    called = f"{method} {requested or path}"
    rest = path.removeprefix("/v1").strip("/") + "/"
    for beginning, nearest in NOT_SERVED.items():
        if rest.startswith(f"{beginning}/"):
            return NotServed(
                Message("{called} is not served by this proxy; {nearest}.", called=called, nearest=nearest)
            )
    for beginning, why in RETIRED.items():
        if rest.startswith(f"{beginning}/"):
            return NoSuchPath(Message("Invalid URL ({called}): {why}.", called=called, why=why))
    near = nearest_word(path, SERVED)
    if near:
        return NoSuchPath(Message("Invalid URL ({called}). Did you mean {near}?", called=called, near=near))
    return NoSuchPath(Message("Invalid URL ({called})", called=called))


async def no_such_path(request: Request, error: Exception) -> Response:
    """Answer 404 with the path in the message."""
    return error_response(error_for(request.method, request.scope["path"], requested_path(request)), request.scope)


async def method_not_allowed(request: Request, error: Exception) -> Response:
    """Answer 405 with the allowed methods in the message."""
    allow = (error.headers or {}).get("Allow", "") if isinstance(error, HTTPException) else ""
    allowed = ", ".join(sorted(allow.split(", ")))  # Starlette lists them in any order
    called = f"{request.method} {requested_path(request)}"
    wrong = Message("Not allowed: {called}. Use {methods}.", called=called, methods=allowed or "POST")
    response = error_response(MethodNotAllowed(wrong), request.scope)
    if allowed:
        response.headers["allow"] = allowed
    return response


def requested_path(request: Request) -> str:
    """Return the path as the client sent it, before PathRouter normalizes it, truncated to ``LONGEST`` characters."""
    path = unquote(request.scope["raw_path"].partition(b"?")[0].decode("latin-1"))
    return path if len(path) <= LONGEST else f"{path[:LONGEST]}…"
