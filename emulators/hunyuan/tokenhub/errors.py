"""TokenHub's errors (sheet 6.3): real statuses, and a code of six digits that begins with one, mostly its own."""

from dataclasses import replace
from typing import Any

from emulators.core.responses import Response
from emulators.hunyuan.refusal import Refusal


def reply(refusal: Refusal, number: int) -> Response:
    """Return the refusal in TokenHub's body; `number` makes its request id."""
    upstream = refusal.status >= 500
    error: dict[str, Any] = {
        "type": refusal.kind,
        # sheet 6.3: "string or int", without stating which; sample 8.4 has a string, so what comes from behind has
        # ints
        "code": int(refusal.code) if upstream else refusal.code,
        "message": refusal.message,
        # sheet 6.3: client, gateway or upstream; 8.4
        "source": "upstream" if upstream else "gateway",
    }
    if upstream:
        error |= {"upstream_code": "internal_error", "upstream_status": refusal.status}
    headers = []
    if refusal.wait_s is not None:
        # sheet 7: Retry-After on 429; 6.3: in seconds
        headers.append(("Retry-After", f"{refusal.wait_s:g}"))
    return Response.json(refusal.status, {"error": {**error, "request_id": f"r-{number}"}}, headers)


def invalid(message: str) -> Refusal:
    """Return the refusal of an invalid parameter. Sheet 6.3: 400001, 400002 bad parameter."""
    return Refusal(400, "400001", message)


def unsupported(message: str) -> Refusal:
    """Return the refusal of a feature that the model lacks. Sheet 6.3: 400005 capability."""
    return Refusal(400, "400005", message)


def unsupported_format(message: str) -> Refusal:
    """Return the refusal of a response format. Sheet 6.3: 400006."""
    return Refusal(400, "400006", message)


def missing_model(model: Any) -> Refusal:
    """Return the refusal of an unknown model. Sheet 6.3: 400004, with status 400."""
    return Refusal(400, "400004", f"model {model} not found")


def too_long(most: int) -> Refusal:
    """Return the refusal of a prompt that is too long, in tokens. Sheet 6.3: 400003."""
    return Refusal(400, "400003", f"the input is longer than the model's context: at most {most} tokens")


def missing_path(method: str, path: str) -> Refusal:
    """Return the refusal of an unknown path. Sheet 6.3 has no row; caught at the edge: `gateway_error` (L)."""
    return Refusal(404, "404", f"not found: {method} {path}", "gateway_error")


# sheet 6.3, one row each
FIXED: dict[str, Refusal] = {
    # 401001 to 401005 are "missing, invalid (401002), expired, disabled": in that order
    "no_key": Refusal(401, "401001", "the API key is missing", "authentication_error"),
    "bad_key": Refusal(401, "401002", "the API key is invalid", "authentication_error"),
    # arrears: status 402, a code that begins with 403, and the type of 403
    "quota": Refusal(402, "403004", "the account is in arrears", "permission_error"),
    "inspection": Refusal(451, "451001", "the content was refused by the content check", "content_filter_error"),
    "rate_limit": Refusal(429, "429002", "requests per minute exceeded", "rate_limit_error", 1),
    "overloaded": Refusal(429, "429006", "the model's capacity is busy", "rate_limit_error", 1),
    "error_500": Refusal(500, "500001", "internal error", "server_error"),
}


def fixed(name: str, wait_s: float | None = None) -> Refusal:
    """Return a copy of one of `FIXED`; `wait_s` replaces its wait."""
    refusal = FIXED[name]
    return replace(refusal, wait_s=refusal.wait_s if wait_s is None else wait_s)
