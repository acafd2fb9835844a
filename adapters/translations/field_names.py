"""Fields of the Responses API and the fields of chat that they become: the operator may write either."""

from collections.abc import Collection, Mapping

CHAT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "include": ("logprobs", "top_logprobs"),
    "max_output_tokens": ("max_completion_tokens", "max_tokens"),
    "reasoning": ("reasoning_effort",),
    "reasoning.effort": ("reasoning_effort",),
    "text": ("response_format", "verbosity"),
    "text.format": ("response_format",),
    "text.verbosity": ("verbosity",),
}
"""The fields of chat for each field of the Responses API that has another name there. All others have one name."""


NO_FIELDS: frozenset[str] = frozenset()


def with_chat_names(names: Collection[str]) -> frozenset[str]:
    """Return these fields, and those of chat that stand for a field of the Responses API among them."""
    if not names:  # each request has targets of its own, and most drop nothing
        return NO_FIELDS
    given = frozenset(names)
    return given.union(*(CHAT_FIELDS[name] for name in given if name in CHAT_FIELDS))
