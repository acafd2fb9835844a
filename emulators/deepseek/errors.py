"""DeepSeek's errors: `{"error": {"message", "type", "param", "code"}}` (sheet 6)."""

from typing import Any

from emulators.core.responses import RequestRefused, Response

INVALID = "invalid_request_error"
Headers = list[tuple[str, str]]


def error(status: int, message: str, kind: str = INVALID, headers: Headers | None = None) -> Response:
    """Return the error response. Sheet 6: the code is `invalid_request_error` in all of them."""
    body: dict[str, Any] = {"message": message, "type": kind, "param": None, "code": INVALID}
    return Response.json(status, {"error": body}, headers)


def invalid(message: str) -> RequestRefused:
    """Return the 400 for an invalid value."""
    return RequestRefused(error(400, message))


def out_of_range(name: str, low: float, high: float) -> RequestRefused:
    """Return the 400 for a value outside its range.

    Sheet 6 quotes the text for max_tokens; the same words are assumed for the other parameters.
    """
    return invalid(f"Invalid {name} value, the valid range of {name} is [{low:g}, {high:g}]")


def max_tokens_out_of_range(most: int) -> RequestRefused:
    """Return the 400 for `max_tokens` over the model's cap. Sheet 6: refused, not clamped."""
    return invalid(f"Invalid max_tokens value, the valid range of max_tokens is [1, {most}]")


def wrong_key(key: str) -> RequestRefused:
    """Return the 401 for an unknown key. Sheet 6: the newer text, which shows the key's end."""
    message = f"Authentication Fails, Your api key: ****{key[-4:]} is invalid"
    return RequestRefused(error(401, message, "authentication_error"))


def no_key() -> RequestRefused:
    """Return the 401 for an absent or odd header (sheet 6)."""
    message = "Authentication Fails (auth header format should be Bearer sk-...)"
    return RequestRefused(error(401, message, "authentication_error"))


def tool_choice_in_thinking() -> RequestRefused:
    """Return the 400 for a forced tool in thinking mode. Sheet 4a quotes a body of two members."""
    body = {"message": "Thinking mode does not support this tool_choice", "type": INVALID}
    return RequestRefused(Response.json(400, {"error": body}))


def too_long(window: int, prompt_tokens: int) -> Response:
    """Return the 400 for a prompt that exceeds the window.

    Sheet 6 has the words "maximum context length"; the rest of the text is invented.
    """
    message = f"This model's maximum context length is {window} tokens. However, you requested {prompt_tokens} tokens."
    return error(400, message)


def rate_limit(wait_s: float | None) -> Response:
    """Return the 429. Sheet 6: retry-after is not documented, so the header is sent only if the fault has a wait."""
    headers = [] if wait_s is None or wait_s < 0 else [("retry-after", f"{wait_s:g}")]
    # sheet 6: "account concurrency reached"; the text and the type are invented
    return error(429, "The concurrency limit of the account is reached", "unknown_error", headers)


# sheet 6, one row each; the texts of 500 and 503 are invented, and so is their type
FIXED: dict[str, tuple[int, str, str]] = {
    "model_missing": (400, "Model Not Exist", INVALID),
    "inspection": (400, "Content Exists Risk", INVALID),
    "quota": (402, "Insufficient Balance", "unknown_error"),
    "error_500": (500, "Internal Server Error", "unknown_error"),
    "overloaded": (503, "The server is overloaded", "unknown_error"),
}


def fixed(name: str) -> Response:
    """Return one of `FIXED`."""
    return error(*FIXED[name])
