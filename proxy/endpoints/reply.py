"""Replies outside the pipeline: JSON bodies and errors with the headers that OpenAI's clients read."""

import secrets
from typing import Any

import orjson
from starlette.responses import Response

from proxy.errors import ProxyError


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON body, with a request id."""
    about = {"x-request-id": f"req_{secrets.token_hex(16)}", "openai-version": "2020-10-01", **(headers or {})}
    return Response(orjson.dumps(body), status, about, "application/json")


def error_response(error: ProxyError) -> Response:
    """An error of the table."""
    headers = {name.decode(): value.decode() for name, value in error.headers()}
    return json_response({"error": error.error()}, error.http_status, headers)
