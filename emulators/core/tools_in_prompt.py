"""How the scripted model understands tools that a prompt describes in words, and instructions to call one.

A model without tools gets the functions as text. The model reads them as it would read real tools, and writes its calls as
text too. The conversation is converted to the form that the scripted model knows: the offer and the demands of a repair are
removed, and results become tool messages.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]

OFFER = "You can call functions."
CALL_ONE = re.compile(r"(?:You must call|Call) the function (\S+) now")
CALL_ANY = re.compile(r"(?:You must call|Call) at least one (?:function|of the functions) now")
REPAIR = ("That answer is invalid:", "Call the function ", "Call at least one of the functions ")
RESULT = re.compile(r"Result of (.+?):\n(.*?)(?=\n\nResult of |\n\n|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Instructions:
    """What the words of a prompt ask for. `offered`: functions, None if the prompt has none. `choice`: None if not forced."""

    messages: list[Message]
    offered: list[dict[str, Any]] | None = None
    choice: str | None = None
    single: bool = False


def read_instructions(messages: list[Message]) -> Instructions:
    """Read the offer and the instructions in system and user messages."""
    texts = [str(message.get("content")) for message in messages if message.get("role") in ("system", "user")]
    offers = [text for text in texts if OFFER in text]
    if not offers:
        return Instructions(without_repairs(messages), choice=forced(texts))
    offered = functions_in(offers[-1])
    plain = [turn for message in without_repairs(messages) for turn in as_turns(message)]
    return Instructions(plain, offered, forced(offers), "Call at most one function" in offers[-1])


def forced(texts: list[str]) -> str | None:
    """Return the choice that the texts ask for: `=NAME`, `required` or None."""
    for text in reversed(texts):
        named = CALL_ONE.search(text)
        if named:
            return f"={named[1].rstrip(':')}"
        if CALL_ANY.search(text):
            return "required"
    return None


def functions_in(text: str) -> list[dict[str, Any]]:
    """Return the functions in the line that is a JSON list."""
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]"):
            try:
                listed = json.loads(line)
            except ValueError:
                continue
            return [one for one in listed if isinstance(one, dict) and "name" in one]
    return []


def without_repairs(messages: list[Message]) -> list[Message]:
    """Return the messages without a last answer and the demand for a better one."""
    last = messages[-1] if len(messages) > 1 else {}
    if last.get("role") == "user" and str(last.get("content")).startswith(REPAIR):
        return messages[:-2] if messages[-2].get("role") == "assistant" else messages[:-1]
    return messages


def as_turns(message: Message) -> list[Message]:
    """Return a message without the offer, and its results as tool messages."""
    content = message.get("content")
    if not isinstance(content, str) or message.get("role") != "user":
        return [message]
    text = content.split(f"\n\n{OFFER}")[0]
    results = [{"role": "tool", "content": found[2]} for found in RESULT.finditer(text)]
    rest = RESULT.sub("", text).strip()
    return [*results, *([{**message, "content": rest}] if rest or not results else [])]
