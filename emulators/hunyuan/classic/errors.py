"""The classic edition's errors (sheet 6.2): `{"error": {id, message, type, param, code}}`, the code a string of digits.

The sheet has one body, that of invalid messages; other codes are unverified and must be distinguished by HTTP status.
Here the code of all others is the status itself, and their texts are invented.
"""

from dataclasses import replace
from typing import Any

from emulators.core.responses import Response
from emulators.hunyuan.refusal import Refusal


def reply(refusal: Refusal, number: int) -> Response:
    """Return the refusal in the classic body; `number` makes its id."""
    error = {
        "id": f"{number:032x}",
        "message": refusal.message,
        "type": refusal.kind,
        "param": None,
        "code": refusal.code,
    }
    # sheet 7: no Retry-After for this edition: it is sent only if a fault has a wait
    headers = [] if refusal.wait_s is None else [("retry-after", f"{refusal.wait_s:g}")]
    return Response.json(refusal.status, {"error": error}, headers)


def bad_messages(message: str) -> Refusal:
    """Return the refusal of messages. Sheet 6.2: 400, code 1001."""
    return Refusal(400, "1001", message)


def invalid(message: str) -> Refusal:
    """Return the refusal of an invalid parameter."""
    return Refusal(400, "400", message)


def missing_model(model: Any) -> Refusal:
    """Return the refusal of an unknown model."""
    return Refusal(404, "404", f"model {model} does not exist")


def missing_path(method: str, path: str) -> Refusal:
    """Return the refusal of an unknown path."""
    return Refusal(404, "404", f"not found: {method} {path}")


FIXED: dict[str, Refusal] = {
    # sheet 6.2: 401 for a bad key (L)
    "bad_key": Refusal(401, "401", "the API key is invalid"),
    "quota": Refusal(402, "402", "the resource package is used up"),
    "inspection": Refusal(400, "400", "the text was refused by the content check"),
    # the native API cuts a long prompt silently (sheet 4.1), as does this edition; the fault needs an error
    # nevertheless
    "context": Refusal(400, "400", "the input is too long"),
    "rate_limit": Refusal(429, "429", "the request rate is over the limit"),
    "overloaded": Refusal(503, "503", "the service is busy", "server_error"),
    "error_500": Refusal(500, "500", "internal error", "server_error"),
}


def fixed(name: str, wait_s: float | None = None) -> Refusal:
    """Return a copy of one of `FIXED`; `wait_s`: the requested wait, if any."""
    return replace(FIXED[name], wait_s=wait_s)
