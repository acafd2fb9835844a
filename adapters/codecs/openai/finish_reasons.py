"""Finish reasons of vendors, in OpenAI's words."""

from collections.abc import Mapping
from typing import Any

from adapters.codecs.openai.errors import InvalidResponse, printable

FINISH_REASONS: Mapping[str, str] = {
    "eos": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "sensitive": "content_filter",
}
"""Words that OpenAI-shaped vendors use for OpenAI's finish reasons."""

BROKEN = frozenset({"error", "aborted", "network_error", "insufficient_system_resource"})
"""Finish reasons that say the answer was given up: a failure, never a finish."""


def finish_reason(reason: Any, called: bool) -> str | None:
    """OpenAI's word for a finish reason. ``called``: tool calls were made, so a plain stop means ``tool_calls``."""
    if type(reason) is not str or reason in ("", "null"):
        return None
    if reason in BROKEN:
        raise InvalidResponse("truncated", f"gave the answer up ({printable(reason[:40])})")
    word = FINISH_REASONS.get(reason, reason)
    return "tool_calls" if called and word == "stop" else word
