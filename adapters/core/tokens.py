"""Token estimates by kind of character, for calls whose vendor reports no usage. Always marked as estimated."""

from collections.abc import Mapping
from typing import Any


def estimate(value: Any) -> int:
    """Estimate the tokens of the text in a value: a token per four ASCII characters, two tokens per three others.

    The ratios are the rules of thumb on the vendors' price pages for Chinese and English text; the vendors do not
    publish a tokenizer for every model.
    """
    parts = texts(value)
    count = sum(map(len, parts))
    if all(map(str.isascii, parts)):
        return estimate_counts(count, 0)
    ascii_count = sum(map(_count_ascii, parts))
    return estimate_counts(ascii_count, count - ascii_count)


def _count_ascii(text: str) -> int:
    """Count the ASCII characters of a text; for a very long one, extrapolate from its beginning."""
    if text.isascii():
        return len(text)
    if len(text) > SAMPLE:
        return _count_ascii(text[:SAMPLE]) * len(text) // SAMPLE
    return len(text.encode("ascii", "ignore"))


def estimate_counts(ascii_count: int, other_count: int) -> int:
    """Estimate the tokens of this many ASCII and other characters."""
    return (ascii_count + 3) // 4 + (other_count * 2 + 2) // 3


SAMPLE = 1_000_000
"""How many characters of one text are examined."""
MOST_VALUES = 200_000
"""How many values are searched for text: more would delay other requests, and the result is an estimate anyway."""


def texts(value: Any) -> list[str]:
    """Return the texts of a prompt: all strings in messages, parts, tools or inputs, except data URIs."""
    parts: list[str] = []
    todo = [value]
    for _ in range(MOST_VALUES):  # no recursion: a client may nest a schema deeper than the interpreter's stack
        if not todo:
            break
        one = todo.pop()
        if type(one) is str:
            if not one.startswith("data:"):
                parts.append(one)
        elif isinstance(one, Mapping):
            todo += reversed(list(one.values()))
        elif type(one) is list:
            todo += reversed(one)
    return parts


def estimate_prompt(fields: Mapping[str, Any]) -> int:
    """Estimate the prompt of a request, in tokens."""
    return sum(estimate(fields[name]) for name in ("messages", "tools", "input", "prompt") if name in fields)


UNLIMITED = 1024
"""The tokens assumed for an answer whose request sets no limit."""


def estimate_call(fields: Mapping[str, Any]) -> int:
    """Estimate the tokens of a call before it is sent: its prompt, plus the token limit for each choice.

    Kimi's rate limit counts the requested token limit, not the tokens that are generated.
    """
    prompt = estimate_prompt(fields)
    if "messages" not in fields and "prompt" not in fields:
        return prompt
    limit = fields.get("max_completion_tokens") or fields.get("max_tokens")
    choices = fields.get("n")
    completion = limit if type(limit) is int else UNLIMITED
    return prompt + completion * (choices if type(choices) is int else 1)
