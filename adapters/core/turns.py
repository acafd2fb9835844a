"""Conversations for vendors that want turns: one system text in front, then the caller's side and the assistant's.

What can be said in that order without saying something else is brought into it; the rest is refused, with the cure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, takewhile
from typing import Any

from adapters.core.conversation import WORDS, Conversation, Message
from adapters.core.params import Draft, Word

Turn = tuple[int, Message]
"""A message, and where it stood among the caller's."""

EMPTY_RESULT = '""'
"""An empty tool result as a vendor takes it that wants some text: the JSON of an empty text."""


@dataclass(frozen=True, slots=True)
class Turns:
    """One vendor's rules for the order of messages, on top of its rules for each; used as the verdict on ``messages``.

    ``most`` is the longest list that it takes. Reasoning of earlier answers is left out.
    """

    conversation: Conversation
    most: int
    why: str = "one system text in front, then turns"
    words: tuple[Word, ...] = WORDS

    def apply(self, name: str, value: Any, draft: Draft) -> None:
        """Write the conversation into the draft. Raises Refused for what can't be said in turns."""
        self.conversation.apply(name, value, draft)
        messages: list[Message] = draft.body[name]
        spoken = list(enumerate(as_said_before(messages, draft)))
        turns = merged([turn for turn in map(said, spoken) if turn is not None])
        system = "\n\n".join(filter(None, (system_text(name, turn, draft) for turn in spoken)))
        if system and not turns:
            turns = [(0, {"role": "user", "content": system})]  # an instruction alone is what the user wants
            system = ""
        check_order(name, turns, draft)
        sent = [message for _, message in turns]
        if system:
            sent = [{"role": "system", "content": system}, *sent]
        if len(sent) > self.most:
            draft.refuse(
                name, f"the vendor takes at most {self.most} messages, and {len(sent)} were sent: leave some out"
            )
        if sent != messages:
            draft.tell(name, "mapped", "brought into the vendor's order: one system text in front, then turns")
        draft.body[name] = sent


def as_said_before(messages: list[Message], draft: Draft) -> list[Message]:
    """The messages, with earlier answers as the vendor takes them back: without reasoning, and with a text, if empty."""
    for message in messages:
        if message.pop("reasoning_content", None) is not None:
            draft.tell("messages.reasoning_content", "dropped", "the vendor takes no reasoning back")
        if message["role"] == "assistant" and message.get("content") is None:
            message["content"] = ""
    return messages


def system_text(name: str, turn: Turn, draft: Draft) -> str:
    """The text of a system message, which may be in parts; none of another role's."""
    at, message = turn
    if message["role"] != "system":
        return ""
    for part in parts(message["content"]):
        if part["type"] != "text":
            draft.refuse(f"{name}[{at}].content", "a system message is text only: send the rest in a user message")
    return "".join(part["text"] for part in parts(message["content"]))


def said(turn: Turn) -> Turn | None:
    """The turn; None for a system text, and for a message that says nothing."""
    at, message = turn
    if message["role"] == "system":
        return None
    if message.get("content") or message.get("tool_calls"):
        return turn
    return (at, {**message, "content": EMPTY_RESULT}) if message["role"] == "tool" else None


def merged(turns: list[Turn]) -> list[Turn]:
    """Equal neighbours as one message; a turn that called tools is not gone on with, since results must follow it."""
    out: list[Turn] = []
    contents: list[Any] = []  # of the last turn: joined when it is whole, for each join copies what was joined before
    for at, message in turns:
        before = out[-1][1] if out else {}
        if message["role"] == before.get("role") and message["role"] != "tool" and not before.get("tool_calls"):
            if not contents:
                before = dict(before)
                out[-1] = (out[-1][0], before)
                contents = [before.get("content")]
            contents.append(message.get("content"))
            before.update(message)
        else:
            _join(out, contents)
            contents = []
            out.append((at, message))
    _join(out, contents)
    return out


def _join(out: list[Turn], contents: list[Any]) -> None:
    if contents:
        out[-1][1]["content"] = joined(contents)


def joined(contents: list[Any]) -> Any:
    """Several contents as one: a text of several paragraphs, or a list of parts. Those that are empty are left out."""
    contents = [content for content in contents if content]
    texts = list(takewhile(lambda content: type(content) is str, contents))
    rest = contents[len(texts) :]
    text = "\n\n".join(texts)
    if not rest:
        return text
    return [*(parts(text) if texts else ()), *chain.from_iterable(map(parts, rest))]


def parts(content: Any) -> list[Any]:
    """A content as a list of parts."""
    return [{"type": "text", "text": content}] if type(content) is str else list(content)


def check_order(name: str, turns: list[Turn], draft: Draft) -> None:
    """The caller's side begins and ends, and the two alternate; results of tools may follow each other."""
    if not turns:
        draft.refuse(name, "nothing is said in it: send a user message")
    before = ""
    for at, message in turns:
        role = message["role"]
        wrong = NOT_AFTER[role].get(before)
        if wrong:
            draft.refuse(f"{name}[{at}].role", wrong)
        before = role
    if before == "assistant":
        draft.refuse(
            f"{name}[{turns[-1][0]}].role", "the vendor goes on with no assistant message: end with the user's"
        )


NOT_AFTER: Mapping[str, Mapping[str, str]] = {
    "user": {"tool": "the vendor takes no user message after the result of a tool: let the model answer first"},
    "tool": {
        "": "the vendor takes no result of a tool before the call: begin with a user message",
        "user": "the vendor takes no result of a tool after a user message: send the assistant message that called it",
    },
    "assistant": {
        "": "the vendor takes no assistant message first: begin with a user message",
        "assistant": "the vendor takes no assistant message after one that called tools: send their results first",
    },
}
"""What is wrong with a role after another one; after nothing, at the beginning."""
