"""An estimate of tokens by kind of character, for calls whose vendor did not tell. Always marked as estimated."""

from collections.abc import Mapping
from typing import Any


def estimate(text: str) -> int:
    """About how many tokens a text is: four ASCII characters to a token, three of any other two.

    The ratios are the rules of thumb that the vendors' price pages give for Chinese and English text; no tokenizer
    of theirs is public for every model.
    """
    ascii_count = len(text.encode("ascii", "ignore"))
    return estimate_counts(ascii_count, len(text) - ascii_count)


def estimate_counts(ascii_count: int, other_count: int) -> int:
    """The same from counts of characters."""
    return (ascii_count + 3) // 4 + (other_count * 2 + 2) // 3


def texts(value: Any) -> str:
    """All the text in a prompt: the strings of messages, parts, tools or inputs, one after another."""
    found: list[str] = []
    todo = [value]
    while todo:  # no recursion: a caller may nest a schema deeper than the interpreter's stack
        one = todo.pop()
        if type(one) is str:
            if not one.startswith("data:"):
                found.append(one)
        elif isinstance(one, Mapping):
            todo += reversed(list(one.values()))
        elif type(one) is list:
            todo += reversed(one)
    return "".join(found)


def estimate_prompt(fields: Mapping[str, Any]) -> int:
    """The prompt of a request, in tokens."""
    return sum(estimate(texts(fields[name])) for name in ("messages", "tools", "input", "prompt") if name in fields)


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
    most = limit if type(limit) is int else UNLIMITED
    return prompt + most * (choices if type(choices) is int else 1)
