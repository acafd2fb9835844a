"""Errors of Volcengine Ark: `{"error": {"code", "message", "param", "type"}}` (sheet 6).

Texts are those of the vendor's page of error codes, volcengine.com/docs/82379/1299023, or of live answers; others are invented.
"""

from dataclasses import dataclass
from typing import Any

from emulators.core.responses import Response

# sheet 6: the type belongs to the status
KINDS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    429: "TooManyRequests",
    500: "InternalServerError",
}
ACCOUNT = "2100000001"


@dataclass(eq=False)
class Refusal(Exception):
    """A refusal without a request id. `wait_s`: the wait that the response asks for."""

    status: int
    code: str
    message: str
    param: str = ""
    wait_s: float | None = None

    def reply(self, request_id: str) -> Response:
        """Return the error response. Sheet 6: the message ends with the request id."""
        message = f"{self.message} Request id: {request_id}"
        body = {"code": self.code, "message": message, "param": self.param, "type": KINDS[self.status]}
        reply = Response.json(self.status, {"error": body})
        if self.wait_s is not None:
            reply.headers.append(("retry-after", f"{self.wait_s:g}"))
        return reply


def invalid(param: str, detail: str) -> Refusal:
    """Return the 400 for the value of a parameter. Sheet 4a, max_tokens: the text of live answers."""
    message = f"The parameter `{param}` specified in the request are not valid: {detail}."
    return Refusal(400, "InvalidParameter", message, param)


def wrong_type(param: str, expected: str, value: Any) -> Refusal:
    """Return the 400 for a value of another type, in the words of a live answer of /embeddings."""
    return invalid(param, f"expected {expected}, but got `{value}` instead")


def out_of_range(param: str, kind: str, value: float, low: float, high: float) -> Refusal:
    """Return the 400 for a number outside its range. `kind`: `integer` or `decimal`.

    Sheet 4a, max_tokens, quotes the text for an integer above the range; the others have the same form.
    """
    side, sign, bound = ("above maximum", "<=", high) if value > high else ("below minimum", ">=", low)
    return invalid(param, f"{kind} {side} value, expected a value {sign} {bound:g}, but got {value:g} instead")


def most_tokens(param: str, value: int, most: int) -> Refusal:
    """Return the 400 for a number of tokens outside 0 to `most`."""
    if value > most:
        return invalid(param, f"integer above maximum value, expected a value <= {most}, but got {value} instead")
    return invalid(param, f"integer below minimum value, expected a value >= 0, but got {value} instead")


def unsupported_value(param: str, value: str) -> Refusal:
    """Return the 400 for a value that the model does not support, in the words of live answers for response_format."""
    return invalid(param, f"`{value}` is not supported by this model")


def unknown_value(param: str, value: Any, known: tuple[str, ...]) -> Refusal:
    """Return the 400 for a value that is none of the known ones, in the words of a live answer for a role."""
    listed = ", ".join(f"`{one}`" for one in known)
    return invalid(param, f"invalid value: `{value}`, supported values are: {listed}")


def unsupported_parameter(name: str) -> Refusal:
    """Return the 400 for a parameter that the model does not have."""
    message = f"The parameters {name} specified in the request are not supported by this endpoint."
    return Refusal(400, "InvalidParameter.UnsupportedParameter", message, name)


def invalid_request(message: str) -> Refusal:
    """Return a 400 InvalidParameter that names no parameter."""
    return Refusal(400, "InvalidParameter", message)


def missing(param: str) -> Refusal:
    """Return the 400 for an absent parameter, in the words of live answers for messages.content."""
    return Refusal(400, "MissingParameter", f"The request failed because it is missing `{param}` parameter.", param)


def unknown_model(model: Any) -> Refusal:
    """Return the 404 for an unknown model or endpoint."""
    message = f"The model or endpoint {model} does not exist or you do not have access to it."
    return Refusal(404, "InvalidEndpointOrModel.NotFound", message)


def not_open(model: str) -> Refusal:
    """Return the 404 for a model that the account has not activated."""
    message = f"Your account {ACCOUNT} has not activated the model {model}. "
    return Refusal(404, "ModelNotOpen", f"{message}Please activate the model service in the Ark Console.")


def wrong_api(model: str) -> Refusal:
    """Return the 400 for a model of another API. The live text has two full stops."""
    return invalid("model", f"the requested model {model} does not support this api.")


def too_long(length: int, most: int) -> Refusal:
    """Return the 400 for a prompt longer than the context window, in the words of a live answer."""
    return invalid_request(f"Input length {length} exceeds the maximum length {most}.")


def rate_limit(model: Any, wait_s: float | None) -> Refusal:
    """Return the 429 of an endpoint, or of a model.

    Sheet 6: the vendor names no header with a wait, so it is sent only if the fault has a wait.
    """
    wait = None if wait_s is None or wait_s < 0 else wait_s
    if isinstance(model, str) and model.startswith("ep-"):
        words = "The Requests Per Minute (RPM) limit of the associated endpoint for your account has been exceeded."
        return Refusal(429, "RateLimitExceeded.EndpointRPMExceeded", words, wait_s=wait)
    words = "RPM (Requests Per Minute) limit of the model is exceeded."
    return Refusal(429, "ModelAccountRpmRateLimitExceeded", words, wait_s=wait)


# sheet 6, one row each
FIXED: dict[str, tuple[int, str, str]] = {
    "bad_key": (401, "AuthenticationError", "The API key or AK/SK in the request is missing or invalid."),
    "no_access": (
        403,
        "AccessDenied",
        "The request failed because you do not have access to the requested resource.",
    ),
    "closed": (
        400,
        "InvalidEndpoint.ClosedEndpoint",
        "The request targeted an endpoint that is currently closed or temporarily unavailable.",
    ),
    "quota": (403, "AccountOverdueError", "The request failed because your account has an overdue balance."),
    "inspection": (
        400,
        "InputTextSensitiveContentDetected",
        "The request failed because the input text may contain sensitive information.",
    ),
    "overloaded": (
        429,
        "ServerOverloaded",
        "The service is currently unable to handle additional requests due to server overload. Please retry later.",
    ),
    "error_500": (
        500,
        "InternalServiceError",
        "The service encountered an unexpected internal error. Please retry later.",
    ),
}


def fixed(name: str) -> Refusal:
    """Return one of `FIXED`."""
    return Refusal(*FIXED[name])
