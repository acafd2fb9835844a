"""Errors of OpenAI-shaped vendors: found in a body or an event, and put into the terms of the error table."""

import re
from collections.abc import Mapping
from reprlib import Repr
from typing import Any

from adapters.core.failures import Kind, RateLimit, classify, named_limit
from adapters.core.json_limits import MAX_LEVELS, TooManyValues, TooMuchSlowText
from adapters.core.vendor import Plan


class InvalidResponse(Exception):
    """What arrived is not an answer: the kind of failure, and a sentence without its subject."""

    def __init__(self, kind: Kind, what: str, limit: RateLimit | None = None) -> None:
        super().__init__(what)
        self.kind: Kind = kind
        self.what = what
        self.limit = limit


class OverLimits(InvalidResponse):
    """What arrived has more values or levels than are read."""


def over_limits(beyond: Exception) -> OverLimits:
    """The failure of a vendor whose JSON goes beyond the limits."""
    if isinstance(beyond, TooMuchSlowText):
        return OverLimits("invalid_response", "sent more than 32 MiB of escapes and of text outside ASCII")
    if isinstance(beyond, TooManyValues):
        return OverLimits("invalid_response", f"sent JSON of more than {beyond.most:,} values")
    return OverLimits("invalid_response", f"sent JSON that is nested deeper than {MAX_LEVELS} levels")


BRIEFLY = Repr()

BRIEFLY.maxlevel, BRIEFLY.maxdict, BRIEFLY.maxlist, BRIEFLY.maxstring = 3, 8, 8, 500
"""Writes the beginning of a value whatever its size."""

MAX_MESSAGE = 500
"""How much of an error's message is kept, in characters."""

PART_OF_A_WORD = re.compile(r"[\w./+=:~-]{1,200}\Z", re.ASCII)
"""What is left of the last word where a message is cut: it could be half a key, which nothing would find again."""

MAX_WORDS = 4096
"""How much of a vendor's message is looked at, in characters."""


def find_error(data: Any) -> Mapping[str, Any] | None:
    """The error object of a body or event, wherever this vendor puts it; None if it is no error."""
    if type(data) is not dict:
        return None
    error = data.get("error")
    answers = data.get("choices") is not None or data.get("data") is not None
    if type(error) is dict and (error or not answers):
        return error
    if type(error) is str and error:
        return {"code": data.get("code"), "type": data.get("type"), "message": error}
    if error or (not answers and ("code" in data or "message" in data or data.get("object") == "error")):
        return data
    return None


def vendor_error(plan: Plan, status: int, error: Mapping[str, Any]) -> InvalidResponse:
    """The vendor's error as ours: its kind by the vendor's table, its message kept to 500 printable characters."""
    error = {name: short(error.get(name)) for name in ("code", "type", "message")}
    said = " ".join(printable(error["message"] or error["type"] or "no reason given").split())
    hides = plan.target.vendor.hides
    if hides is not None:
        said = re.sub(hides, "[hidden]", said)
    if len(said) > MAX_MESSAGE:
        said = PART_OF_A_WORD.sub("", said[:MAX_MESSAGE]) + "…"
    kind = classify(plan.op.failures, status, error)
    limit = named_limit(plan.op.failures, status, error) if kind == "rate_limited" else None
    return InvalidResponse(kind, f"answered {status}: {said}".rstrip("."), limit)


def short(value: Any) -> str:
    """A member of a vendor's error as text, cut: it may be of any type and size."""
    if type(value) is str:
        return value[:MAX_WORDS]
    if type(value) in (list, dict):
        return BRIEFLY.repr(value) if value else ""
    return str(value)[:MAX_WORDS] if value else ""


def printable(text: str) -> str:
    """The text without control characters, so that it can stand in a message."""
    return "".join(c if c.isprintable() else " " for c in text)
