"""A refusal in the words of neither edition: each puts it into its own error body."""

from dataclasses import dataclass


@dataclass(eq=False)
class Refusal(Exception):
    """What is told: status, code, message, the error's type, and seconds to wait if the vendor names them."""

    status: int
    code: str
    message: str
    kind: str = "invalid_request_error"
    wait_s: float | None = None
