"""A refusal that is independent of the edition; each edition puts it into its own error body."""

from dataclasses import dataclass


@dataclass(eq=False)
class Refusal(Exception):
    """Status, code, message and type of the error, and the seconds to wait if the vendor names them."""

    status: int
    code: str
    message: str
    kind: str = "invalid_request_error"
    wait_s: float | None = None
