"""Qwen's errors in compatible mode (sheet 6): `{"error": {message, type, param, code}, "request_id"}`."""

from dataclasses import dataclass, replace
from typing import Any

INSIDE = "<400> InternalError.Algo.InvalidParameter: "
"""Prefix of messages from behind the gateway."""


@dataclass(eq=False)
class Refusal(Exception):
    """A refusal without a request id. `kind`: the error's type, the code itself if empty."""

    status: int
    code: str
    message: str
    kind: str = ""
    with_id: bool = False

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the JSON body."""
        error = {"message": self.message, "type": self.kind or self.code, "param": None, "code": self.code}
        # sheet 8.4: the content check's error has an id as well
        more = {"id": f"chatcmpl-{request_id}"} if self.with_id else {}
        return {"error": error, **more, "request_id": request_id}


def invalid(message: str) -> Refusal:
    """Return the refusal of an invalid parameter. Sheet 6: InvalidParameter."""
    return Refusal(400, "invalid_parameter_error", message, "invalid_request_error")


def out_of_range(name: str, low: str, high: str) -> Refusal:
    """Return the refusal of a value outside a range."""
    return invalid(f"{INSIDE}Range of {name} should be [{low}, {high}]")


def missing_model(model: Any) -> Refusal:
    """Return the refusal of an unknown model. Sheet 6: model_not_found."""
    message = f"The model {model} does not exist or you do not have access to it."
    return Refusal(404, "model_not_found", message, "invalid_request_error")


def unsupported_model(model: str) -> Refusal:
    """Return the refusal of a model that exists only in the native protocol. Sheet 6: model_not_supported."""
    message = f"Unsupported model {model} for OpenAI compatibility mode."
    return Refusal(404, "model_not_supported", message, "invalid_request_error")


# sheet 6, one row each
FIXED: dict[str, Refusal] = {
    "bad_key": Refusal(401, "invalid_api_key", "Incorrect API key provided.", "invalid_request_error"),
    "inspection": Refusal(400, "data_inspection_failed", "Input data may contain inappropriate content.", with_id=True),
    "quota": Refusal(400, "Arrearage", "Access denied, please make sure your account is in good standing."),
    "rate_limit": Refusal(429, "limit_requests", "You exceeded your current requests list."),
    # the sheet has the native code only
    "overloaded": Refusal(503, "ModelServingError", "Too many requests. The model is unavailable."),
    "error_500": Refusal(500, "internal_error", "An internal error has occurred."),
}


def fixed(name: str) -> Refusal:
    """Return a copy of one of `FIXED`."""
    return replace(FIXED[name])
