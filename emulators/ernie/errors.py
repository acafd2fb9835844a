"""ERNIE's errors on v2 (sheet 6.2): `{"error": {code, message, type}, "id": "as-…"}`."""

from dataclasses import dataclass, replace
from typing import Any


@dataclass(eq=False)
class Refusal(Exception):
    """A refusal without an id."""

    status: int
    kind: str
    code: str
    message: str

    def body(self, answer_id: str) -> dict[str, Any]:
        """Return the JSON body."""
        return {"error": {"code": self.code, "message": self.message, "type": self.kind}, "id": answer_id}


def invalid(message: str, code: str = "invalid_argument") -> Refusal:
    """Return the 400 for an invalid request."""
    return Refusal(400, "invalid_request_error", code, message)


# Sheet 6.2. It has the words of invalid_iam_token, invalid_model and tokens_too_long; the others are ours.
FIXED: dict[str, Refusal] = {
    "bad_key": Refusal(401, "access_denied", "invalid_iam_token", "IAM Certification failed"),
    # Sheet 2: GET /v2/models without a key; its code is not known.
    "no_key_for_models": Refusal(403, "access_denied", "invalid_iam_token", "IAM Certification failed"),
    "bad_app": Refusal(401, "access_denied", "invalid_appid", "The appid is invalid"),
    "model_missing": Refusal(
        401, "access_denied", "invalid_model", "The model does not exist or you do not have access to it."
    ),
    "model_offline": Refusal(403, "access_denied", "model_offline", "The model is offline"),
    "no_model": Refusal(400, "invalid_request_error", "invalid_model", "model is empty"),
    "context": Refusal(400, "invalid_request_error", "tokens_too_long", "Prompt tokens too long"),
    "characters": Refusal(400, "invalid_request_error", "characters_too_long", "Too many characters in the prompt"),
    # The table has no code for an unsafe user message in the input, which `flag` reports: use the code for system
    # messages.
    "inspection": Refusal(403, "unsafe_request", "system_unsafe", "The system message is unsafe"),
    "quota": Refusal(403, "access_denied", "account_overdue", "The account is overdue"),
    "rate_limit": Refusal(429, "rate_limit_exceeded", "rpm_rate_limit_exceeded", "Requests per minute exceeded"),
    "overloaded": Refusal(
        429, "rate_limit_exceeded", "cluster_rate_limit_exceeded", "The cluster's request limit is reached"
    ),
    "error_500": Refusal(500, "Internal_error", "internal_error", "Internal error"),
    # The table has no type here, and no row for an unknown path.
    "bad_method": Refusal(405, "invalid_request_error", "method_not_supported", "The method is not supported"),
    "no_path": Refusal(404, "invalid_request_error", "path_not_found", "There is no such path"),
}


def fixed(name: str) -> Refusal:
    """Return a copy of one of `FIXED`."""
    return replace(FIXED[name])
