"""Items of the Responses API as chat messages.

A run of reasoning, assistant messages and calls is one assistant message; the outputs of its calls follow it in the
order of the calls. Source: OpenAI's published API description of 2026-08 (``InputItem``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.request import Custody
from adapters.responses.builder import ResponsesBuilder
from adapters.responses.custom_tools import ToolName, as_arguments
from adapters.responses.history import REASONING_TEXT, History, Item
from adapters.responses.pairs import CALLS, LONGEST_ID, OUTPUTS, PlacedItem, pair_calls
from adapters.responses.parts import TEXT_PARTS, PlacedPart, placed_parts, text_of

ChatMessage = dict[str, Any]
CHAT_CALL = {"function_call": "function", "custom_tool_call": "custom"}

OF_ANOTHER_SERVER = Message("items of this type come from tools that OpenAI runs itself: left out")
NOT_SEALED_HERE = Message(
    "banjia cannot read this reasoning: another server or another key sealed it, or it is too old"
)
NO_UPDATES = Message("banjia keeps no configuration of a conversation: send reasoning and text with each request")
IMAGES_AFTER_OUTPUT = Message("images in outputs are sent in a user message after them")
SUMMARY = "Summary of the earlier conversation:\n"
IMAGE_BELOW = "(see the image in the next message)"
IMAGES_OF = "Images in the output of {call_id}:"


def item_type(item: Mapping[str, Any]) -> str:
    """Return the type of an item; ``message`` and ``item_reference`` may be omitted."""
    type_ = item.get("type")
    if type(type_) is str:
        return type_
    return "message" if "role" in item else "item_reference"


def placed_items(fields: Mapping[str, Any], history: History) -> list[PlacedItem]:
    """Return the items of the history, then those of ``input``, with references resolved. Raises Refused."""
    placed = [PlacedItem("input", item, stored=True) for item in history.items]
    value = fields.get("input")
    if type(value) is str:
        placed.append(PlacedItem("input", {"type": "message", "role": "user", "content": value}))
    elif value is not None:
        placed += [placed_item(f"input[{at}]", item, history.referenced) for at, item in enumerate(value)]
    return placed


def placed_item(where: str, item: Item, referenced: Mapping[str, Item]) -> PlacedItem:
    """Return an item of the client, or the stored item that it refers to. Raises Refused."""
    sent = item.get("type")
    type_ = sent or item_type(item)
    if type_ != "item_reference":
        return PlacedItem(where, item if sent else {**item, "type": type_})
    stored = referenced.get(item["id"])
    if stored is None:
        raise Refused("input", Message("Item with id '{id}' not found.", id=item["id"][:LONGEST_ID]), code=None)
    return PlacedItem(where, stored, stored=True)


@dataclass(slots=True)
class AssistantTurn:
    """The items of one assistant message. ``calls``: each call with its output. ``custody``: of its reasoning."""

    where: str
    reasoning: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    calls: list[tuple[ChatMessage, PlacedItem]] = field(default_factory=list)
    custody: Custody = ""


class ChatMessages:
    """Writes the messages of a chat request from items, and the client's names of their paths."""

    def __init__(self, builder: ResponsesBuilder) -> None:
        self.messages: list[ChatMessage] = []
        self._builder = builder
        self._turn: AssistantTurn | None = None

    def add(self, items: list[PlacedItem]) -> None:
        """Write the messages of these items. Raises Refused for an item that chat has no equivalent of."""
        pairs = pair_calls(items)
        for index, placed in enumerate(items):
            type_ = placed.item["type"]
            if type_ == "message":
                self._message(placed)
            elif type_ in CALLS:
                if index in pairs:
                    self._open(placed).calls.append((self._call(placed.item), pairs[index]))
            elif type_ in OUTPUTS:
                self._close()
            elif type_ == "reasoning":
                self._reasoning(placed)
            elif type_ == "compaction":
                self._compaction(placed)
            elif type_ == "configuration_update":
                self._builder.refuse(f"{placed.where}.type", NO_UPDATES)
            else:
                self._builder.record(f"input.{type_}", "dropped", OF_ANOTHER_SERVER)
        self._close()

    def add_text(self, role: str, text: str, where: str) -> None:
        """Write a message with a text."""
        self._write({"role": role, "content": text}, where)

    def _write(self, message: ChatMessage, where: str) -> None:
        self._builder.names[f"messages[{len(self.messages)}]"] = where
        self.messages.append(message)

    def _open(self, placed: PlacedItem) -> AssistantTurn:
        if self._turn is None:
            self._turn = AssistantTurn(placed.where)
        return self._turn

    def _message(self, placed: PlacedItem) -> None:
        item = placed.item
        role, content = item["role"], item["content"]
        if role == "assistant":
            self._open(placed).texts.append(self._assistant_text(placed.where, content))
            return
        self._close()
        if role == "user":
            self._builder.turns.append(len(self.messages))
        if type(content) is not str:
            content = self._content(placed_parts(f"{placed.where}.content", content, self._builder))
        self._write({"role": role, "content": content}, placed.where)

    def _assistant_text(self, where: str, content: str | list[dict[str, Any]]) -> str:
        if type(content) is list:
            for at, part in enumerate(content):
                if part["type"] not in TEXT_PARTS:
                    path = f"{where}.content[{at}].type"
                    why = Message("a message of the assistant can only contain text")
                    raise Refused(path, Message("Invalid '{where}': {why}.", where=path, why=why), "unsupported_value")
        return text_of(content)

    def _content(self, parts: list[PlacedPart]) -> str | list[dict[str, Any]]:
        """Return the content of the next message: a string for one text or none. Name the paths of its parts."""
        if not parts:
            return ""
        if len(parts) == 1 and parts[0].part["type"] == "text":
            text: str = parts[0].part["text"]
            return text
        for index, (part, where) in enumerate(parts):
            if part["type"] == "text":
                continue
            name = f"messages[{len(self.messages)}].content[{index}]"
            self._builder.names[name] = where
            if part["type"] == "image_url":
                self._builder.names[f"{name}.image_url.url"] = f"{where}.image_url"
        return [part for part, _ in parts]

    def _reasoning(self, placed: PlacedItem) -> None:
        text, custody = self._reasoning_text(placed)
        if text is None:
            self._builder.record("input.reasoning", "dropped", NOT_SEALED_HERE)
        elif text:
            turn = self._open(placed)
            turn.reasoning.append(text)
            turn.custody = turn.custody or custody

    def _reasoning_text(self, placed: PlacedItem) -> tuple[str | None, Custody]:
        """Return the text of a reasoning item, None if banjia cannot read it, and where it came from."""
        item = placed.item
        sealed = item.get("encrypted_content")
        text = self._builder.unseal(sealed) if sealed else None
        if text is not None:
            return text, "seal"
        if placed.stored and (text := item.get(REASONING_TEXT)) is not None:
            return text, "stored"
        if item.get("content"):
            return "".join(part["text"] for part in item["content"]), "sent"
        return None, ""

    def _compaction(self, placed: PlacedItem) -> None:
        text = self._builder.unseal(placed.item["encrypted_content"])
        if text is None:
            where = f"{placed.where}.encrypted_content"
            why = Message("banjia cannot read this compaction: another server or another key made it")
            raise Refused(where, Message("Invalid '{where}': {why}.", where=where, why=why), code=None)
        self._close()
        self.add_text("system", SUMMARY + text, placed.where)

    def _call(self, item: Item) -> ChatMessage:
        kind = CHAT_CALL[item["type"]]
        tool = ToolName("custom" if kind == "custom" else "function", item["name"], item.get("namespace"))
        arguments = as_arguments(item["input"]) if kind == "custom" else item["arguments"]
        function = {"name": self._builder.tools.in_chat(tool), "arguments": arguments}
        return {"id": item["call_id"], "type": "function", "function": function}

    def _close(self) -> None:
        """Write the assistant message of the open turn, and the outputs of its calls."""
        turn, self._turn = self._turn, None
        if turn is None or not (turn.texts or turn.calls):
            return
        content = "\n\n".join(filter(None, turn.texts))
        message: ChatMessage = {"role": "assistant", "content": content or None if turn.calls else content}
        if turn.reasoning:
            message["reasoning_content"] = "\n\n".join(turn.reasoning)
        if turn.calls:
            message["tool_calls"] = [call for call, _ in turn.calls]
            self._builder.custody.append(turn.custody)
        self._write(message, turn.where)
        images: list[PlacedPart] = []
        for call, output in turn.calls:
            images += self._output(call["id"], output)
        if images:
            self._write({"role": "user", "content": self._content(images)}, images[0].where)

    def _output(self, call_id: str, placed: PlacedItem) -> list[PlacedPart]:
        """Write the output of a call. Return its images with a text that names the call."""
        output = placed.item["output"]
        images: list[PlacedPart] = []
        if type(output) is not str:
            parts = placed_parts(f"{placed.where}.output", output, self._builder)
            images = [part for part in parts if part.part["type"] != "text"]
            texts = [part.part["text"] for part in parts if part.part["type"] == "text"]
            output = "\n".join(texts) or (IMAGE_BELOW if images else "")
        self._write({"role": "tool", "tool_call_id": call_id, "content": output}, placed.where)
        if not images:
            return []
        self._builder.record(f"input.{placed.item['type']}", "emulated", IMAGES_AFTER_OUTPUT)
        text = IMAGES_OF.format(call_id=call_id)
        return [PlacedPart({"type": "text", "text": text}, placed.where), *images]


def write_messages(builder: ResponsesBuilder) -> None:
    """Write the messages of the request into the body: instructions, history, input. Raises Refused."""
    fields = builder.request.fields
    writer = ChatMessages(builder)
    instructions = fields.get("instructions")
    if type(instructions) is str:
        if instructions:
            writer.add_text("system", instructions, "instructions")
    elif instructions:
        writer.add(
            [
                placed_item(f"instructions[{at}]", item, builder.history.referenced)
                for at, item in enumerate(instructions)
            ]
        )
        builder.turns.clear()
    writer.add(placed_items(fields, builder.history))
    builder.body["messages"] = writer.messages


def references(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the ids that the references in these items name."""
    return [item["id"] for item in items if item_type(item) == "item_reference"]
