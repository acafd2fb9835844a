"""MiniMax's errors, by number: HTTP statuses on the OpenAI path, `base_resp` inside 200 on the native ones (sheet 6).

The sheet has the statuses for 2026: models of 2024 get 200 on the OpenAI path, too.

The texts are those of the sheet, of the vendor's table of errors and of its users' reports. The sheet names statuses for 2013
only; those of the other numbers are in the vendor's OpenAPI description of its speech recognition, which has the same form
of errors (400, 401, 402, 422, 429, 500), except 504 for a timeout, which is invented.
"""

import time
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
INVALID = 2013
SENSITIVE = {1026: "input", 1027: "output"}
LOGIN_FAIL = "login fail: Please carry the API secret key in the 'Authorization' field of the request header"
HIGH_LOAD = (
    "The server cluster is currently under high load. Please retry after a short wait and thank you for your patience."
)

# number -> the status on the OpenAI path, the error's type there, the text
TABLE: dict[int, tuple[int, str, str]] = {
    1000: (500, "server_error", "unknown error, 999"),
    1001: (504, "server_error", "request timeout"),
    1002: (429, "rate_limit_error", "rate limit, please retry later"),
    1004: (401, "authorized_error", LOGIN_FAIL),
    # reported in 2026 with 402 and with 429
    1008: (402, "insufficient_balance_error", "insufficient balance"),
    1013: (500, "server_error", "internal service error"),
    1024: (500, "server_error", "internal error"),
    1026: (422, "unprocessable_entity_error", "input new_sensitive"),
    1027: (422, "unprocessable_entity_error", "output new_sensitive"),
    1033: (500, "server_error", "system error"),
    1039: (429, "rate_limit_error", "token limit"),
    1041: (429, "rate_limit_error", "conn limit"),
    1042: (400, "bad_request_error", "invisible character ratio limit"),
    INVALID: (400, "bad_request_error", "invalid params"),
    2045: (429, "rate_limit_error", "rate growth limit"),
    2049: (401, "authorized_error", "invalid api key"),
    2056: (429, "rate_limit_error", "usage limit exceeded"),
    # not in the sheet: reported in 2026 for an overloaded cluster
    2064: (529, "overloaded_error", HIGH_LOAD),
}


@dataclass(eq=False)
class Refusal(Exception):
    """An error. `detail`: the text instead of the one in `TABLE`; `bare`: whether it comes in OpenAI's form."""

    code: int
    detail: str = ""
    bare: bool = False

    @property
    def status(self) -> int:
        """Return the status on the OpenAI path."""
        return TABLE[self.code][0]

    @property
    def text(self) -> str:
        return self.detail or TABLE[self.code][2]

    def body(self, request_id: str) -> Json:
        """Return the error of the OpenAI path: its number stands at the end of the text (sheet 6)."""
        status, kind, _ = TABLE[self.code]
        message = f"{self.text} ({self.code})"
        if self.bare:
            return {"error": {"message": message, "type": kind, "param": "", "code": None}}
        return {
            "type": "error",
            "error": {"type": kind, "message": message, "http_code": str(status)},
            "request_id": request_id,
        }

    def base_resp(self) -> Json:
        return {"status_code": self.code, "status_msg": self.text}

    def native_body(self, request_id: str, model: str) -> Json:
        """Return the error of the native chat (sheet 6, sample 7): no choices, and status 200."""
        body: Json = {
            "id": request_id,
            "choices": None,
            "created": int(time.time()),
            "model": model,
            "usage": {"total_tokens": 0},
        }
        # sheet 5: input_sensitive, output_sensitive and their types; 1 is a severe violation
        if self.code in SENSITIVE:
            side = SENSITIVE[self.code]
            body |= {f"{side}_sensitive": True, f"{side}_sensitive_type": 1}
        return {**body, "base_resp": self.base_resp()}


def invalid(what: str = "") -> Refusal:
    """Return the 2013 for an invalid request."""
    return Refusal(INVALID, f"invalid params, {what}" if what else "")


def unknown_model(name: str) -> Refusal:
    """Return the 2013 for an unknown model (sheet 6)."""
    return invalid(f"unknown model '{name}'")


def context() -> Refusal:
    """Return the 2013 for a prompt that exceeds the window; the number is no count of tokens."""
    return invalid("context window exceeds limit")


def late_system() -> Refusal:
    """Return the 2013 for a system message after the first place. Sheet 6: its body was seen in the second form."""
    return Refusal(INVALID, "invalid params, chat content has invalid message role: system", bare=True)
