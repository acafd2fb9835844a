"""What a call used: tokens, and for operations without tokens images, seconds of audio or characters."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple


class Usage(NamedTuple):
    """What one call used. ``wire`` is the vendor's usage object in OpenAI's shape, if it sent one.

    ``images``, ``seconds`` (of audio) and ``characters`` are for operations that are billed by these; their prices have the
    same ``unit`` in the catalog.
    """

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0
    source: Literal["vendor", "estimated"] = "vendor"
    wire: Mapping[str, Any] | None = None
    images: int = 0
    seconds: float = 0.0
    characters: int = 0

    def __add__(self, other: object) -> "Usage":
        """Return the sum of two calls: estimated if either is; details beyond the counts are not summed."""
        if not isinstance(other, Usage):
            return NotImplemented
        both_reported = self.source == other.source == "vendor"
        return Usage(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.cached + other.cached,
            self.reasoning + other.reasoning,
            "vendor" if both_reported else "estimated",
            None,
            self.images + other.images,
            self.seconds + other.seconds,
            self.characters + other.characters,
        )

    def to_wire(self) -> dict[str, Any]:
        """Return OpenAI's ``usage`` object, including the vendor's extra counters."""
        usage = dict(self.wire or {})
        usage["prompt_tokens"] = self.prompt
        usage["completion_tokens"] = self.completion
        usage["total_tokens"] = self.prompt + self.completion
        if self.cached and not usage.get("prompt_tokens_details"):
            usage["prompt_tokens_details"] = {"cached_tokens": self.cached}
        if self.reasoning and not usage.get("completion_tokens_details"):
            usage["completion_tokens_details"] = {"reasoning_tokens": self.reasoning}
        return usage


def summed_members(total: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    """Add two usage objects: counts and details are summed; of other values the later one is kept."""
    out = dict(total)
    for name, value in one.items():
        before = out.get(name)
        if type(value) is dict:
            out[name] = summed_members(before if type(before) is dict else {}, value)
        elif type(value) is int and type(before) is int:
            out[name] = before + value
        elif value is not None or before is None:
            out[name] = value
    return out
