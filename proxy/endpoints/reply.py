"""Replies outside the pipeline: JSON bodies and errors with the headers that OpenAI's clients read."""

import secrets
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Scope

from proxy.errors import ProxyError
from proxy.language import wanted


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON body, with a request id."""
    about = {"x-request-id": f"req_{secrets.token_hex(16)}", "openai-version": "2020-10-01", **(headers or {})}
    return Response(orjson.dumps(body), status, about, "application/json")


def error_response(error: ProxyError, scope: Scope) -> Response:
    """An error of the table, as the answer to this request."""
    headers = {name.decode(): value.decode() for name, value in error.headers()}
    return json_response({"error": error.error(wanted(dict(scope["headers"])))}, error.http_status, headers)
