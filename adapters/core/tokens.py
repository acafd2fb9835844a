"""An estimate of tokens by kind of character, for calls whose vendor did not tell. Always marked as estimated."""

from collections.abc import Mapping
from typing import Any


def estimate(value: Any) -> int:
    """About how many tokens the text in a value is: four ASCII characters to a token, three of any other two.

    The ratios are the rules of thumb that the vendors' price pages give for Chinese and English text; no tokenizer
    of theirs is public for every model.
    """
    parts = texts(value)
    count = sum(map(len, parts))
    if all(map(str.isascii, parts)):
        return estimate_counts(count, 0)
    ascii_count = sum(map(_count_ascii, parts))
    return estimate_counts(ascii_count, count - ascii_count)


def _count_ascii(text: str) -> int:
    """How many ASCII characters a text has; of a very long one, as many as its beginning lets expect."""
    if text.isascii():
        return len(text)
    if len(text) > SAMPLE:
        return _count_ascii(text[:SAMPLE]) * len(text) // SAMPLE
    return len(text.encode("ascii", "ignore"))


def estimate_counts(ascii_count: int, other_count: int) -> int:
    """The same from counts of characters."""
    return (ascii_count + 3) // 4 + (other_count * 2 + 2) // 3


SAMPLE = 1_000_000
"""How many characters of one text are looked at."""
MOST_VALUES = 200_000
"""How many values are looked at for text: more would hold up other requests, and what is found is an estimate anyway."""


def texts(value: Any) -> list[str]:
    """The texts in a prompt: the strings of messages, parts, tools or inputs, one after another."""
    parts: list[str] = []
    todo = [value]
    for _ in range(MOST_VALUES):  # no recursion: a caller may nest a schema deeper than the interpreter's stack
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
    """The prompt of a request, in tokens."""
    return sum(estimate(fields[name]) for name in ("messages", "tools", "input", "prompt") if name in fields)


UNLIMITED = 1024
"""What an answer without a limit of its own is taken to need, in tokens, before anything of it is known."""


def estimate_call(fields: Mapping[str, Any]) -> int:
    """What a call may cost, in tokens, before it is made: its prompt, and the answer's limit for each choice.

    Kimi's gate counts the limit that is asked for, not what comes of it.
    """
    prompt = estimate_prompt(fields)
    if "messages" not in fields and "prompt" not in fields:
        return prompt
    limit = fields.get("max_completion_tokens") or fields.get("max_tokens")
    choices = fields.get("n")
    completion = limit if type(limit) is int else UNLIMITED
    return prompt + completion * (choices if type(choices) is int else 1)
