"""Message order for vendors that require one system message first, then alternating client and assistant turns.

Conversations that keep their meaning are reordered; others are refused with a message that says what to send.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, takewhile
from typing import Any, Literal

from adapters.core.adaptations import VerdictWord
from adapters.core.builder import RequestBuilder
from adapters.core.message import Message
from adapters.rules.messages import WORDS, MessageDict, MessageRules

REORDERED = Message("reordered for the vendor: one system message first, then alternating turns")

Turn = tuple[int, MessageDict]
"""The index of a message in the client's request, and the message."""

FOLLOWERS: Mapping[str, frozenset[str]] = {
    "": frozenset({"user"}),
    "system": frozenset({"user"}),
    "user": frozenset({"assistant"}),
    "assistant": frozenset({"user", "tool"}),
    "tool": frozenset({"tool", "assistant"}),
}
"""The roles that may follow a role; the empty role is the beginning."""


@dataclass(frozen=True, slots=True)
class Fillers:
    """Texts of turns that are inserted where a turn is missing.

    ``first``: a user message before an assistant message at the beginning. ``between``: an assistant message between a
    tool result and a user message. ``last``: a user message after an assistant message at the end.
    """

    first: str
    between: str
    last: str


@dataclass(frozen=True, slots=True)
class AlternatingMessages:
    """One vendor's rules for the order of messages, besides its rules for each; used as the verdict on ``messages``.

    ``most``: the maximum number of messages. ``later_system``: a system message after the first turn joins the first one
    (``front``), or becomes a ``user`` message in its place.
    ``empty_result`` and ``empty_turn``: what is sent for an empty tool result and an empty user turn (None: the turn is
    omitted). ``fillers``: turns to insert; without them a conversation with a missing turn is refused.
    """

    rules: MessageRules
    most: int | None = None
    later_system: Literal["front", "user"] = "front"
    empty_result: str = '""'
    empty_turn: str | None = None
    fillers: Fillers | None = None
    why: Message = Message("one system message first, then alternating turns")
    words: tuple[VerdictWord, ...] = WORDS

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        """Write the messages into the builder's body. Raises Refused if they can't be reordered."""
        self.rules.apply(name, value, builder)
        messages: list[MessageDict] = builder.body[name]
        if not self._in_order(messages):
            messages = builder.body[name] = self._ordered(name, messages, builder)
        if self.most is not None and len(messages) > self.most:
            builder.refuse(
                name,
                Message(
                    "the vendor accepts at most {most} messages, and the request has {sent}: remove some",
                    most=self.most,
                    sent=len(messages),
                ),
            )

    def _in_order(self, messages: list[MessageDict]) -> bool:
        """Whether the messages need no change: a cheap test before anything is copied."""
        before = ""
        for message in messages:
            role = message["role"]
            if role == "system":
                if before or type(message["content"]) is not str:
                    return False
            elif role not in FOLLOWERS[before]:
                return False
            if not message.get("content") and not message.get("tool_calls"):
                return False
            before = role
        return before in ("user", "tool")

    def _ordered(self, name: str, messages: list[MessageDict], builder: RequestBuilder) -> list[MessageDict]:
        """Return the messages in the vendor's order, and record a change."""
        placed = list(enumerate(self._placed(messages)))
        turns = merged([turn for turn in map(self._filled, placed) if turn is not None])
        system = "\n\n".join(filter(None, (system_text(name, turn, builder) for turn in placed)))
        if system and not turns:
            turns = [(0, {"role": "user", "content": system})]  # an instruction alone becomes the user message
            system = ""
        if not turns:
            builder.refuse(name, Message("no message has content: send a user message"))
        sent = [self._spelled(message) for _, message in self._completed(name, turns, builder)]
        if system:
            sent = [{"role": "system", "content": system}, *sent]
        if sent != messages:
            builder.record(name, "mapped", REORDERED)
        return sent

    def _placed(self, messages: list[MessageDict]) -> list[MessageDict]:
        """Return the messages, with later system messages as user messages if ``later_system`` says so."""
        if self.later_system == "front":
            return messages
        leading = sum(1 for _ in takewhile(lambda message: message["role"] == "system", messages))
        return [
            {"role": "user", "content": message["content"]}
            if message["role"] == "system" and at >= leading
            else message
            for at, message in enumerate(messages)
        ]

    def _filled(self, turn: Turn) -> Turn | None:
        """Return the turn; None for a system message, and for a message without content that is omitted."""
        at, message = turn
        role = message["role"]
        if role == "system":
            return None
        if message.get("content") or message.get("tool_calls"):
            return turn
        if role == "tool":
            return at, {**message, "content": self.empty_result}
        return turn if role == "user" and self.empty_turn is not None else None

    def _spelled(self, message: MessageDict) -> MessageDict:
        """Return the message, with ``empty_turn`` as the content of an empty user turn."""
        if message["role"] == "user" and not message["content"]:
            return {**message, "content": self.empty_turn}
        return message

    def _completed(self, name: str, turns: list[Turn], builder: RequestBuilder) -> list[Turn]:
        """Return the turns, with fillers where one is missing. Raises Refused if there is no filler.

        The client's side begins and ends, and the two sides alternate; tool results may follow each other.
        """
        out: list[Turn] = []
        before = ""
        for at, message in turns:
            role = message["role"]
            wrong = NOT_AFTER[role].get(before)
            filler = self._filler(before, role)
            if filler is not None:
                out.append((at, filler))
            elif wrong:
                builder.refuse(f"{name}[{at}].role", wrong)
            out.append((at, message))
            before = role
        if before != "assistant":
            return out
        at, message = out[-1]
        if self.fillers is None or message.get("tool_calls"):
            builder.refuse(
                f"{name}[{at}].role",
                Message("the vendor does not continue an assistant message: end with a user message"),
            )
        return [*out, (at, {"role": "user", "content": self.fillers.last})]  # type: ignore[union-attr]

    def _filler(self, before: str, role: str) -> MessageDict | None:
        if self.fillers is None:
            return None
        if not before and role == "assistant":
            return {"role": "user", "content": self.fillers.first}
        if before == "tool" and role == "user":
            return {"role": "assistant", "content": self.fillers.between}
        return None


def system_text(name: str, turn: Turn, builder: RequestBuilder) -> str:
    """Return the text of a system message, which may be in parts; empty for other roles. Raises Refused."""
    at, message = turn
    if message["role"] != "system":
        return ""
    for part in parts(message["content"]):
        if part["type"] != "text":
            builder.refuse(
                f"{name}[{at}].content",
                Message("system messages can only contain text: send other content in a user message"),
            )
    return "".join(part["text"] for part in parts(message["content"]))


def merged(turns: list[Turn]) -> list[Turn]:
    """Merge adjacent messages of one role; a message with tool calls is not merged, since results must follow it."""
    groups: list[list[Turn]] = []
    for turn in turns:
        role = turn[1]["role"]
        last = groups[-1][-1][1] if groups else {}
        if role == last.get("role") and role != "tool" and not last.get("tool_calls"):
            groups[-1].append(turn)
        else:
            groups.append([turn])
    return [_joined_turn(group) for group in groups]  # one join per group: repeated joins would copy the text each time


def _joined_turn(group: list[Turn]) -> Turn:
    """Merge several messages of one role. If they have different names, each text begins with its name."""
    if len(group) == 1:
        return group[0]
    messages = [message for _, message in group]
    out = {key: member for message in messages for key, member in message.items()}
    contents = [message.get("content") for message in messages]
    if len({message.get("name") for message in messages if message.get("content")}) > 1:
        out.pop("name", None)
        contents = [_introduced(message) for message in messages]
    return group[0][0], {**out, "content": joined(contents)}


def _introduced(message: MessageDict) -> Any:
    """Return the content with the speaker's name in front."""
    name, content = message.get("name"), message.get("content")
    if not name or not content:
        return content
    return f"{name}: {content}" if type(content) is str else [{"type": "text", "text": f"{name}: "}, *content]


def joined(contents: list[Any]) -> Any:
    """Join contents: into a text of several paragraphs, or a list of parts. Empty ones are omitted."""
    contents = [content for content in contents if content]
    texts = list(takewhile(lambda content: type(content) is str, contents))
    rest = contents[len(texts) :]
    text = "\n\n".join(texts)
    if not rest:
        return text
    return [*(parts(text) if texts else ()), *chain.from_iterable(map(parts, rest))]


def parts(content: Any) -> list[Any]:
    """Return content as a list of parts."""
    return [{"type": "text", "text": content}] if type(content) is str else list(content)


NOT_AFTER: Mapping[str, Mapping[str, Message]] = {
    "user": {
        "tool": Message(
            "the vendor does not accept a user message directly after a tool result: let the model answer first"
        )
    },
    "tool": {
        "": Message("the vendor does not accept a tool result before the tool call: start with a user message"),
        "user": Message(
            "the vendor does not accept a tool result directly after a user message: include the assistant message with the tool call"
        ),
    },
    "assistant": {
        "": Message("the vendor does not accept an assistant message first: start with a user message"),
        "assistant": Message(
            "the vendor does not accept an assistant message directly after tool calls: send the tool results first"
        ),
    },
}
"""By role and the role before it: why that order is refused. The empty role is the beginning."""
