"""The tokens of a call."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple


class Usage(NamedTuple):
    """Tokens of one call. ``wire`` is the vendor's own usage object in OpenAI's shape, when it sent one."""

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0
    source: Literal["vendor", "estimated"] = "vendor"
    wire: Mapping[str, Any] | None = None

    def __add__(self, other: object) -> "Usage":
        """The sum of two calls: estimated if either is; details beyond the counts are not summed."""
        if not isinstance(other, Usage):
            return NotImplemented
        both_told = self.source == other.source == "vendor"
        return Usage(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.cached + other.cached,
            self.reasoning + other.reasoning,
            "vendor" if both_told else "estimated",
        )

    def to_wire(self) -> dict[str, Any]:
        """OpenAI's ``usage`` object, with the vendor's extra counters kept."""
        told = dict(self.wire or {})
        told["prompt_tokens"] = self.prompt
        told["completion_tokens"] = self.completion
        told["total_tokens"] = self.prompt + self.completion
        if self.cached and not told.get("prompt_tokens_details"):
            told["prompt_tokens_details"] = {"cached_tokens": self.cached}
        if self.reasoning and not told.get("completion_tokens_details"):
            told["completion_tokens_details"] = {"reasoning_tokens": self.reasoning}
        return told
