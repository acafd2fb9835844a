"""What the stand-in model says. No randomness: the same request gives the same answer.

- It echoes the last user text: `You said: <text>`.
- Orders inside the last user message, joined by commas, change that:
  `emulator:words=50` the answer is `w1 w2 … w50`, one word an event;
  `emulator:gap=20` so many milliseconds between a stream's events;
  `emulator:reason=30` so many words of reasoning (a word instead of a number: that word), where the model thinks;
  `emulator:moderated=5` after so many words the vendor's content check ends the answer, where it ends answers.
- Lines between a line `emulator:answer` and a line `emulator:end`, in the last user message or else in the last system
  message that has some, are the answer as they stand, in JSON mode and with a schema too.
- A tool that is offered is called when its name stands in the last user message (case does not matter, and a space or
  a hyphen is as good as an underscore), each such tool once, in the order offered; or when the request forces it.
  The arguments are made from the tool's schema (`schemas.py`).
- After a tool's message it says `The tool said: <content>`.
- Where the model thinks, `Thinking about: <text>` comes first.
- JSON mode: an object, `{"answer": "<what it would have said>"}`; with a schema, a value made from the schema.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from emulators.core import tokens
from emulators.core.schemas import instance

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool on offer. `builtin`: the vendor's own, which gets a query instead of schema-made arguments."""

    name: str
    parameters: dict[str, Any] | None = None
    builtin: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model makes; `arguments` is JSON text."""

    name: str
    arguments: str
    builtin: bool = False


@dataclass(frozen=True, slots=True)
class Directives:
    """What the last user message orders. The answer may be ordered by a system message instead."""

    words: int | None = None
    gap_s: float = 0.0
    reason: str | None = None
    moderated: int | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request in words that no vendor owns. Limits are in tokens."""

    messages: list[Message]
    tools: list[Tool] = field(default_factory=list)
    choice: str = "auto"
    """`auto`, `none`, `required`, or `=NAME` for that very tool."""
    parallel: bool = True
    thinks: bool = False
    json_mode: bool = False
    schema: dict[str, Any] | None = None
    stops: list[str] = field(default_factory=list)
    keeps_stop: bool = False
    """The text that stopped the answer is part of it."""
    moderates: bool = False
    """A content check may end the answer: its finish is `content_filter` then."""
    most_answer: int | None = None
    most_reasoning: int | None = None
    most_in_all: int | None = None
    bare_calls: bool = False
    """A tool without parameters gets arguments `""` instead of `{}`."""


@dataclass(slots=True)
class ScriptedCompletion:
    """One choice of the answer, cut into the pieces that events carry."""

    reasoning: list[str]
    content: list[str]
    calls: list[ToolCall]
    finish: str

    @property
    def text(self) -> str:
        return "".join(self.content)

    @property
    def thought(self) -> str:
        return "".join(self.reasoning)

    @property
    def reasoning_tokens(self) -> int:
        return tokens.count(self.thought)

    @property
    def answer_tokens(self) -> int:
        """Tokens of text and calls, without reasoning."""
        return tokens.count(self.text) + sum(tokens.count(f"{call.name} {call.arguments}") for call in self.calls)


def text_of(content: Any) -> str:
    """Return the text of a message's content, whether it is a string or parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict) and "text" in part)
    return ""


def last_user_text(messages: list[Message]) -> str:
    """Return the text of the last user message, `""` if there is none."""
    return next((text_of(one.get("content")) for one in reversed(messages) if one.get("role") == "user"), "")


ANSWER = re.compile(r"^emulator:answer\n(.*?)\n?^emulator:end$", re.DOTALL | re.MULTILINE)


def directed_answer(messages: list[Message]) -> str | None:
    """Return the answer that the last user message orders, else a system message, the last one first."""
    systems = [text_of(one.get("content")) for one in reversed(messages) if one.get("role") == "system"]
    found = (ANSWER.search(text) for text in [last_user_text(messages), *systems] if "emulator:answer" in text)
    return next((match[1] for match in found if match), None)


def parse_directives(messages: list[Message]) -> Directives:
    """Return what the messages order; what cannot be read is ignored."""
    found: dict[str, str] = {}
    for group in re.findall(r"emulator:(\w+=[^\s,]+(?:,\w+=[^\s,]+)*)", last_user_text(messages)):
        found.update(pair.split("=", 1) for pair in group.split(","))
    words, gap, moderated = found.get("words", ""), found.get("gap", ""), found.get("moderated", "")
    return Directives(
        words=int(words) if words.isdecimal() else None,
        gap_s=int(gap) / 1000 if gap.isdecimal() else 0.0,
        reason=found.get("reason"),
        moderated=int(moderated) if moderated.isdecimal() else None,
        answer=directed_answer(messages),
    )


def complete(prompt: Prompt) -> ScriptedCompletion:
    """Return what the model says to a prompt."""
    given = parse_directives(prompt.messages)
    thought, left, ended = _reasoning(prompt, given)
    if ended:
        return ScriptedCompletion(thought, [], [], "length")
    calls = _calls(prompt)
    if calls:
        return ScriptedCompletion(thought, [], calls, "tool_calls")
    text, finish = _text(prompt, given, left)
    as_words = given.words is not None and not prompt.json_mode and prompt.schema is None
    return ScriptedCompletion(thought, tokens.words(text) if as_words else tokens.pieces(text), [], finish)


def _reasoning(prompt: Prompt, given: Directives) -> tuple[list[str], int | None, bool]:
    """Return the reasoning's pieces, how many tokens are left for the answer, and whether the budget is used up."""
    left = prompt.most_in_all
    if not prompt.thinks:
        return [], left, False
    text = "Thinking about: " + last_user_text(prompt.messages)
    if given.reason is not None:
        text = numbered("r", int(given.reason)) if given.reason.isdecimal() else given.reason
    if prompt.most_reasoning is not None:
        text, _ = tokens.cut(text, prompt.most_reasoning)
    cut_off = False
    if left is not None:
        text, cut_off = tokens.cut(text, left)
        left -= tokens.count(text)
    return tokens.pieces(text), left, cut_off or left == 0


def _calls(prompt: Prompt) -> list[ToolCall]:
    user_text = last_user_text(prompt.messages)
    wanted = [_call(prompt, tool, user_text) for tool in _wanted(prompt, user_text)]
    return wanted if prompt.parallel else wanted[:1]


def _wanted(prompt: Prompt, user_text: str) -> list[Tool]:
    if prompt.choice == "none" or not prompt.tools:
        return []
    if prompt.choice.startswith("="):
        return [tool for tool in prompt.tools if tool.name == prompt.choice[1:]][:1]
    if prompt.messages and prompt.messages[-1].get("role") == "tool" and prompt.choice == "auto":
        return []
    named = [tool for tool in prompt.tools if mentions(user_text, tool.name)]
    return named or (prompt.tools[:1] if prompt.choice == "required" else [])


def mentions(user_text: str, name: str) -> bool:
    """Return whether a tool's name stands in the prompt as a word of its own."""
    plain = _plain(name).strip()
    return bool(plain) and re.search(rf"(?<![a-z0-9]){re.escape(plain)}(?![a-z0-9])", _plain(user_text)) is not None


def _plain(text: str) -> str:
    return re.sub(r"[_\-\s$]+", " ", text.lower())


def _call(prompt: Prompt, tool: Tool, user_text: str) -> ToolCall:
    if tool.builtin:
        return ToolCall(tool.name, json.dumps({"query": user_text}, ensure_ascii=False), builtin=True)
    if not (tool.parameters or {}).get("properties"):
        return ToolCall(tool.name, "" if prompt.bare_calls else "{}")
    return ToolCall(tool.name, json.dumps(instance(tool.parameters, user_text), ensure_ascii=False))


def _text(prompt: Prompt, given: Directives, left: int | None) -> tuple[str, str]:
    """Return the answer's text within its limits, and the finish reason."""
    text, finish = _answer_text(prompt, given), "stop"
    places = [at + len(stop) * prompt.keeps_stop for stop in prompt.stops if stop and (at := text.find(stop)) >= 0]
    if places:
        text = text[: min(places)]
    if prompt.moderates and given.moderated is not None:
        text, finish = tokens.cut(text, given.moderated)[0], "content_filter"
    limits = [limit for limit in (prompt.most_answer, left) if limit is not None]
    if limits:
        text, cut_off = tokens.cut(text, min(limits))
        if cut_off:
            return text, "length"
    return text, finish


def _answer_text(prompt: Prompt, given: Directives) -> str:
    user_text = last_user_text(prompt.messages)
    if given.answer is not None and prompt.messages[-1].get("role") != "tool":
        return given.answer
    if prompt.schema is not None:
        return json.dumps(instance(prompt.schema, user_text), ensure_ascii=False)
    text = _plain_answer(prompt, given, user_text)
    if prompt.json_mode:
        return json.dumps({"answer": text}, ensure_ascii=False)
    return _continued(prompt.messages[-1], text) if prompt.messages else text


def _plain_answer(prompt: Prompt, given: Directives, user_text: str) -> str:
    results: list[str] = []
    for message in reversed(prompt.messages):
        if message.get("role") != "tool":
            break
        results.insert(0, text_of(message.get("content")))
    if results:
        return "The tool said: " + "; ".join(results)
    return numbered("w", given.words) if given.words is not None else f"You said: {user_text}"


def _continued(last: Message, text: str) -> str:
    """Leave out the prefix that the caller has begun the answer with."""
    prefix = text_of(last.get("content")) if last.get("role") == "assistant" and last.get("partial") else ""
    return text.removeprefix(prefix)


def numbered(letter: str, many: int) -> str:
    """Return `w1 w2 …`, `many` words."""
    return " ".join(f"{letter}{place}" for place in range(1, many + 1))
