"""Kimi's errors: `{"error": {"message", "type"}}`, without other members (sheet 6)."""

from typing import Any

from emulators.core.responses import RequestRefused, Response

Headers = list[tuple[str, str]]
ACCOUNT = "Your account org-emulated<ak-emulated>"


def error(status: int, kind: str, message: str, headers: Headers | None = None) -> Response:
    """Return the error response."""
    body: dict[str, Any] = {"error": {"message": message, "type": kind}}
    return Response.json(status, body, [("content-type", "application/json; charset=utf-8"), *(headers or [])])


def invalid(message: str) -> RequestRefused:
    """Return the 400 for an invalid parameter."""
    return RequestRefused(error(400, "invalid_request_error", message))


def missing_model(model: Any) -> Response:
    """Return the 404 for an unknown model."""
    # sheet 6: 404 resource_not_found_error; sheet 3: so answers a retired id
    return error(404, "resource_not_found_error", f"Not found the model {model} or Permission denied")


def too_long(window: int, requested: int) -> Response:
    """Return the 400 for a prompt that is too long, in tokens."""
    # sheet 6: 400 "exceeded model token limit"
    message = f"Invalid request: Your request exceeded model token limit: {window} (requested: {requested})"
    return error(400, "invalid_request_error", message)


def rate_limit(seconds: float) -> Response:
    """Return the 429 for concurrency, or for requests per minute if the wait is longer than a second."""
    wait = max(1, round(seconds))
    limit = "concurrency: 1" if wait == 1 else "RPM: 3"
    # sheet 6 and 8.4: the message, and both headers
    message = f"{ACCOUNT} request reached max organization {limit}, please try again after {wait} seconds"
    headers = [("retry-after", str(wait)), ("x-retry-after", str(wait))]
    if seconds == 0:
        headers = [(name, "0") for name, _ in headers]
    return error(429, "rate_limit_reached_error", message, headers)


_RECHARGE = "please recharge your account or check your plan and billing details"

# sheet 6, one row each
FIXED: dict[str, tuple[int, str, str]] = {
    "bad_key": (401, "invalid_authentication_error", "Invalid Authentication"),
    "no_key": (401, "incorrect_api_key_error", "Incorrect API key provided"),
    "inspection": (400, "content_filter", "The request was rejected because it was considered high risk"),
    "overloaded": (429, "engine_overloaded_error", "The engine is currently overloaded, please try again later"),
    "quota": (
        429,
        "exceeded_current_quota_error",
        f"{ACCOUNT} is suspended due to insufficient balance, {_RECHARGE}",
    ),
    "error_500": (500, "server_error", "invalid state transition"),
    "too_long": (400, "invalid_request_error", "Input token length too long"),
}


def fixed(name: str) -> Response:
    """Return one of `FIXED`."""
    return error(*FIXED[name])
