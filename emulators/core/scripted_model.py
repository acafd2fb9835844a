"""The scripted model behind every emulator. It is deterministic: the same request gets the same answer.

- It echoes the last user text: `You said: <text>`.
- Directives in the last user message, separated by commas, change the answer:
  `emulator:words=50` answers `w1 w2 … w50`, one word per event;
  `emulator:gap=20` waits 20 milliseconds between the events of a stream;
  `emulator:reason=30` reasons for 30 words (a word instead of a number: that word), if the model reasons;
  `emulator:moderated=5` ends the answer by the vendor's content check after 5 words, if the vendor does so;
  `emulator:finish=aborted` ends the answer with that finish reason, if the vendor has it.
- The lines between a line `emulator:answer` and a line `emulator:end`, in the last user message, else in the last system
  message that has such lines, are the literal answer, also in JSON mode and with a schema.
- It calls an offered tool if the last user message contains its name (ignoring case; a space or a hyphen matches an
  underscore), each tool once, in the order offered; or if the request forces the call. The arguments are generated from
  the tool's schema (`schemas.py`).
- After a tool message it answers `The tool said: <content>`.
- If the model reasons, the reasoning is `Thinking about: <text>`.
- In JSON mode it answers an object, `{"answer": "<the text answer>"}`; with a schema, a value generated from it.
- It does the same if a message asks for it: with the words `JSON Schema` and a line that is a JSON object, the schema; or
  with the words `a JSON object`, in a system message or the last user message.
- It reads functions that a prompt describes in words as tools, and answers with calls as text (`tools_in_prompt.py`); with
  real tools, it follows an instruction to call one.
- `emulator:calls=unknown` in the last user message makes the first such answer wrong: `unknown` (function), `invalid`
  (arguments), `broken` (JSON), `words` (no call); `emulator:calls=fenced` puts it into a code fence.
- `emulator:wrong=30` in any user message makes it ignore these requests in 30 of 100 conversations, chosen by their text.
"""

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

from emulators.core import tokens
from emulators.core.schemas import instance
from emulators.core.tools_in_prompt import Instructions, read_instructions

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """An offered tool. `builtin`: a tool of the vendor, which gets a query instead of arguments from a schema."""

    name: str
    parameters: dict[str, Any] | None = None
    builtin: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call of the model; `arguments` is JSON text."""

    name: str
    arguments: str
    builtin: bool = False


@dataclass(frozen=True, slots=True)
class Directives:
    """Directives of the last user message; a system message may set `answer` instead."""

    words: int | None = None
    gap_s: float = 0.0
    reason: str | None = None
    moderated: int | None = None
    finish: str | None = None
    answer: str | None = None
    calls: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """A vendor-neutral request. Limits are in tokens."""

    messages: list[Message]
    tools: list[Tool] = field(default_factory=list)
    choice: str = "auto"
    """`auto`, `none`, `required`, or `=NAME` to force that tool."""
    parallel: bool = True
    thinks: bool = False
    json_mode: bool = False
    schema: dict[str, Any] | None = None
    stops: list[str] = field(default_factory=list)
    keeps_stop: bool = False
    """Whether the answer includes the stop sequence that ended it."""
    moderates: bool = False
    """Whether a content check may end the answer, with the finish reason `content_filter`."""
    failures: tuple[str, ...] = ()
    """The vendor's finish reasons for an answer that its servers could not complete."""
    most_answer: int | None = None
    most_reasoning: int | None = None
    most_in_all: int | None = None
    bare_calls: bool = False
    """Whether a tool without parameters gets the arguments `""` instead of `{}`."""


@dataclass(slots=True)
class ScriptedCompletion:
    """One choice of the answer, split into the pieces that events carry."""

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
        """Return the tokens of text and tool calls, without reasoning."""
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
    users = (message for message in reversed(messages) if message.get("role") == "user")
    return next((text_of(message.get("content")) for message in users), "")


ANSWER = re.compile(r"^emulator:answer\n(.*?)\n?^emulator:end$", re.DOTALL | re.MULTILINE)


def directed_answer(messages: list[Message]) -> str | None:
    """Return the literal answer in the last user message, else in the last system message that has one."""
    systems = [text_of(message.get("content")) for message in reversed(messages) if message.get("role") == "system"]
    matches = (ANSWER.search(text) for text in [last_user_text(messages), *systems] if "emulator:answer" in text)
    return next((match[1] for match in matches if match), None)


def parse_directives(messages: list[Message]) -> Directives:
    """Return the directives of the messages, without invalid ones."""
    found: dict[str, str] = {}
    for group in re.findall(r"emulator:(\w+=[^\s,]+(?:,\w+=[^\s,]+)*)", last_user_text(messages)):
        found.update(pair.split("=", 1) for pair in group.split(","))
    words, gap, moderated = found.get("words", ""), found.get("gap", ""), found.get("moderated", "")
    return Directives(
        words=int(words) if words.isdecimal() else None,
        gap_s=int(gap) / 1000 if gap.isdecimal() else 0.0,
        reason=found.get("reason"),
        moderated=int(moderated) if moderated.isdecimal() else None,
        finish=found.get("finish"),
        answer=directed_answer(messages),
        calls=found.get("calls"),
    )


def complete(prompt: Prompt) -> ScriptedCompletion:
    """Return the model's completion of a prompt."""
    asked = read_instructions(prompt.messages)
    if asked.offered is not None:
        return _in_words(prompt, asked)
    obeys = not answers_wrongly(prompt.messages) and parse_directives(prompt.messages).calls != "words"
    if asked.choice is not None and prompt.tools and prompt.choice == "auto" and obeys:
        prompt = replace(prompt, messages=asked.messages, choice=asked.choice)
    return _complete(prompt)


def _in_words(prompt: Prompt, asked: Instructions) -> ScriptedCompletion:
    """Return the completion of a prompt that describes functions in words: calls become text."""
    tools = [Tool(str(one["name"]), one.get("parameters")) for one in asked.offered or []]
    choice = asked.choice or "auto"
    plain = replace(prompt, messages=asked.messages, tools=tools, choice=choice, parallel=not asked.single)
    completion = _complete(plain)
    if not completion.calls:
        return completion
    repairs = str(prompt.messages[-1].get("content")).startswith("That answer is invalid:")
    wrong = None if repairs else parse_directives(asked.messages).calls
    if answers_wrongly(prompt.messages):
        wrong = ("unknown", "invalid", "broken")[crc32(str(prompt.messages).encode()) // 100 % 3]
    text, finish = _written(completion.calls, wrong), "stop"
    if prompt.most_answer is not None:
        text, cut_off = tokens.cut(text, prompt.most_answer)
        finish = "length" if cut_off else finish
    return ScriptedCompletion(completion.reasoning, tokens.pieces(text), [], finish)


def _written(calls: list[ToolCall], wrong: str | None) -> str:
    """Return calls as text, wrong in this way."""
    made = [{"name": call.name, "arguments": json.loads(call.arguments or "{}")} for call in calls]
    if wrong == "words":
        return "I would rather say it in words."
    if wrong == "unknown":
        made[0]["name"] = "no_such_function"
    if wrong == "invalid":
        made[0]["arguments"] = ["not", "an", "object"]
    text = json.dumps({"tool_calls": made}, ensure_ascii=False)
    if wrong == "broken":
        return text[:-1]
    return f"```json\n{text}\n```" if wrong == "fenced" else text


def _complete(prompt: Prompt) -> ScriptedCompletion:
    directives = parse_directives(prompt.messages)
    thought, left, ended = _reasoning(prompt, directives)
    if ended:
        return ScriptedCompletion(thought, [], [], "length")
    calls = _calls(prompt)
    if calls:
        return ScriptedCompletion(thought, [], calls, "tool_calls")
    text, finish = _text(prompt, directives, left)
    as_words = directives.words is not None and not prompt.json_mode and prompt.schema is None
    return ScriptedCompletion(thought, tokens.words(text) if as_words else tokens.pieces(text), [], finish)


def _reasoning(prompt: Prompt, directives: Directives) -> tuple[list[str], int | None, bool]:
    """Return the reasoning's pieces, how many tokens are left for the answer, and whether the budget is used up."""
    left = prompt.most_in_all
    if not prompt.thinks:
        return [], left, False
    text = "Thinking about: " + last_user_text(prompt.messages)
    if directives.reason is not None:
        text = numbered("r", int(directives.reason)) if directives.reason.isdecimal() else directives.reason
    if prompt.most_reasoning is not None:
        text, _ = tokens.cut(text, prompt.most_reasoning)
    cut_off = False
    if left is not None:
        text, cut_off = tokens.cut(text, left)
        left -= tokens.count(text)
    return tokens.pieces(text), left, cut_off or left == 0


def _calls(prompt: Prompt) -> list[ToolCall]:
    user_text = last_user_text(prompt.messages)
    calls = [_call(prompt, tool, user_text) for tool in _tools_to_call(prompt, user_text)]
    return calls if prompt.parallel else calls[:1]


def _tools_to_call(prompt: Prompt, user_text: str) -> list[Tool]:
    if prompt.choice == "none" or not prompt.tools:
        return []
    if prompt.choice.startswith("="):
        return [tool for tool in prompt.tools if tool.name == prompt.choice[1:]][:1]
    if prompt.messages and prompt.messages[-1].get("role") == "tool" and prompt.choice == "auto":
        return []
    named = [tool for tool in prompt.tools if mentions(user_text, tool.name)]
    return named or (prompt.tools[:1] if prompt.choice == "required" else [])


def mentions(user_text: str, name: str) -> bool:
    """Return whether the prompt contains a tool's name as a separate word."""
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


def _text(prompt: Prompt, directives: Directives, left: int | None) -> tuple[str, str]:
    """Return the answer's text within its limits, and the finish reason."""
    text, finish = _answer_text(prompt, directives), "stop"
    ends = [at + len(stop) * prompt.keeps_stop for stop in prompt.stops if stop and (at := text.find(stop)) >= 0]
    if ends:
        text = text[: min(ends)]
    if prompt.moderates and directives.moderated is not None:
        text, finish = tokens.cut(text, directives.moderated)[0], "content_filter"
    limits = [limit for limit in (prompt.most_answer, left) if limit is not None]
    if limits:
        text, cut_off = tokens.cut(text, min(limits))
        if cut_off:
            return text, "length"
    return text, directives.finish if directives.finish in prompt.failures else finish


def _answer_text(prompt: Prompt, directives: Directives) -> str:
    user_text = last_user_text(prompt.messages)
    if directives.answer is not None and prompt.messages[-1].get("role") != "tool":
        return directives.answer
    schema = prompt.schema if prompt.schema is not None else schema_in_prompt(prompt.messages)
    if schema is not None and prompt.schema is None and answers_wrongly(prompt.messages):
        return "[]" if prompt.json_mode else "I would rather say it in words."
    if schema is not None:
        return json.dumps(instance(schema, user_text), ensure_ascii=False)
    text = _plain_answer(prompt, directives, user_text)
    if prompt.json_mode or requests_object(prompt.messages):
        return json.dumps({"answer": text}, ensure_ascii=False)
    return _continued(prompt.messages[-1], text) if prompt.messages else text


def schema_in_prompt(messages: list[Message]) -> dict[str, Any] | None:
    """Return the schema in the last message that has the words `JSON Schema` and a line that is a JSON object."""
    for message in reversed(messages):
        text = text_of(message.get("content"))
        if "JSON Schema" not in text:
            continue
        for line in reversed(text.splitlines()):
            if line.startswith("{") and line.endswith("}"):
                try:
                    found = json.loads(line)
                except ValueError:
                    continue
                return found if isinstance(found, dict) else None
    return None


def requests_object(messages: list[Message]) -> bool:
    """Return whether a system message or the last user message asks for `a JSON object`."""
    systems = [text_of(message.get("content")) for message in messages if message.get("role") == "system"]
    return any("a JSON object" in text for text in [*systems, last_user_text(messages)])


WRONG = re.compile(r"emulator:wrong=(\d{1,3})")


def answers_wrongly(messages: list[Message]) -> bool:
    """Return whether the conversation is one of those that `emulator:wrong` chooses."""
    texts = [text_of(message.get("content")) for message in messages]
    found = WRONG.search("\n".join(texts))
    return found is not None and crc32("\n".join(texts).encode()) % 100 < int(found[1])


def _plain_answer(prompt: Prompt, directives: Directives, user_text: str) -> str:
    results: list[str] = []
    for message in reversed(prompt.messages):
        if message.get("role") != "tool":
            break
        results.insert(0, text_of(message.get("content")))
    if results:
        return "The tool said: " + "; ".join(results)
    return numbered("w", directives.words) if directives.words is not None else f"You said: {user_text}"


def _continued(last: Message, text: str) -> str:
    """Remove the prefix that the client supplied as a partial assistant message."""
    prefix = text_of(last.get("content")) if last.get("role") == "assistant" and last.get("partial") else ""
    return text.removeprefix(prefix)


def numbered(letter: str, many: int) -> str:
    """Return `many` words: `w1 w2 …`."""
    return " ".join(f"{letter}{number}" for number in range(1, many + 1))
