"""Reads usage objects of vendors into :class:`Usage`."""

from typing import Any, TypeGuard

from adapters.core.usage import Usage

MAX_COUNT = (1 << 31) - 1
"""The maximum plausible number of tokens of one call: a larger one is an error, and sums of it could overflow."""

COUNTS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})
"""A usage object with no other members needs no normalization."""

MAX_USAGE = 100
"""The maximum number of members of a usage object; a larger one is ignored."""
CACHED = ("cached_tokens", "prompt_cache_hit_tokens")
"""Members for cached prompt tokens at the top level: Kimi; DeepSeek and SiliconFlow."""


def usage_of(data: Any) -> Usage | None:
    """Read a vendor's usage object; ``input_tokens`` and ``output_tokens`` are read if OpenAI's names are absent.

    None if the token counts are invalid; the usage of the call is then estimated. Invalid details are omitted.

    Cached tokens are a part of the prompt: a larger or negative number would make a cost negative, so it is clamped.
    """
    if type(data) is not dict:
        return None
    prompt, completion = data.get("prompt_tokens"), data.get("completion_tokens")
    if prompt is None:
        prompt = data.get("input_tokens")
    if completion is None:
        completion = data.get("output_tokens") or 0
    if not _is_count(prompt) or not _is_count(completion):
        return None
    if data.keys() <= COUNTS:
        return Usage(prompt, completion, wire=data)
    if len(data) > MAX_USAGE:
        return None
    wire = {name: value for name, value in data.items() if type(value) is not int or _is_count(value)}
    wire.pop("cached_tokens", None)
    prompt_details = _details(wire, "prompt_tokens_details")
    flat = next((data[name] for name in CACHED if _is_count(data.get(name))), None)
    if flat is None:
        flat = _details(wire, "input_tokens_details").get("cached_tokens")
    if _is_count(flat) and not prompt_details.get("cached_tokens"):
        prompt_details = wire["prompt_tokens_details"] = {**prompt_details, "cached_tokens": flat}
    cached = prompt_details.get("cached_tokens")
    if type(cached) is int and not 0 <= cached <= prompt:
        cached = min(max(cached, 0), prompt)
        wire["prompt_tokens_details"] = {**prompt_details, "cached_tokens": cached}
    reasoning = _details(wire, "completion_tokens_details").get("reasoning_tokens")
    return Usage(
        prompt,
        completion,
        cached if _is_count(cached) else 0,
        reasoning if _is_count(reasoning) else 0,
        "vendor",
        wire,
    )


def later_usage(before: Usage | None, data: Any) -> Usage | None:
    """Return the usage of a response after one more usage object: the last one counts, unless it is zero.

    Some vendors send usage in each chunk, some send zeros at the end, some the prompt first and the completion last.
    """
    usage = usage_of(data)
    if usage is None or before is None:
        return usage or before
    if not usage.prompt and not usage.completion:
        return before
    return usage if usage.prompt else usage._replace(prompt=before.prompt, cached=before.cached)


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MAX_COUNT


def _details(wire: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the details of a usage object without invalid counts; remove details that are not an object."""
    details = wire.get(name)
    if type(details) is not dict or len(details) > MAX_USAGE:
        wire.pop(name, None)
        return {}
    if not all(map(_may_stay, details.values())):
        details = wire[name] = {key: value for key, value in details.items() if _may_stay(value)}
    return details


def _may_stay(value: Any) -> bool:
    return type(value) not in (int, float) or _is_count(value)
