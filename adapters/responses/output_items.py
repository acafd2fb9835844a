"""The output items of a response while they are built: messages, reasoning and tool calls.

An item is *held* until it is opened: it collects its pieces and announces nothing. :meth:`OutputItem.open` announces it and
the pieces so far, one delta each. :meth:`OutputItem.close` announces its end; :meth:`OutputItem.abandon` ends it without an
event, for a response that failed.
"""

from collections.abc import Callable
from io import StringIO
from typing import Any, ClassVar, Literal, Protocol

import orjson

from adapters.responses.history import REASONING_TEXT
from adapters.responses.logprobs import event_logprobs, text_logprobs
from adapters.responses.response_events import TEXT_DELTA, DeltaTemplate, EventLog

ItemStatus = Literal["in_progress", "completed", "incomplete"]


class CalledTool(Protocol):
    """The tool that a chat function stands for. ``kind`` is ``custom`` for a custom tool, else ``function``."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def namespace(self) -> str | None: ...


class ToolLookup(Protocol):
    """Finds the tool that a chat function stands for; an unknown name is a function."""

    def of(self, name: str) -> CalledTool: ...


class InputReader(Protocol):
    """Reads a custom tool's input out of arguments such as ``{"input": "…"}`` while they arrive."""

    def feed(self, piece: str) -> str:
        """Return the input that a piece of the arguments adds."""
        ...

    def done(self) -> str:
        """Return the whole input after the last piece. What ``feed`` returned is its beginning."""
        ...


class OutputItem:
    """The parts that all items share. ``final`` is the finished item; None before."""

    __slots__ = ("final", "id", "index")

    prefix: ClassVar[str]
    """The first part of its id."""

    def __init__(self) -> None:
        self.index = -1
        self.id = ""
        self.final: dict[str, Any] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is announced and not finished."""
        return self.index >= 0 and self.final is None

    def can_open(self) -> bool:
        """Whether all that its first event needs is known."""
        return True

    def can_close(self) -> bool:
        """Whether it is complete, so that the next item may be opened."""
        return True

    def continued_by(self) -> str | None:
        """Return the member of a chat delta whose text continues the open part; None if none does."""
        return None

    def delta_template(self) -> DeltaTemplate | None:
        """Return the template of the deltas of the open part; None if the client receives none."""
        return None

    def text_writer(self) -> Callable[[str], int]:
        """Return what adds a text to the open part without an event: its delta was encoded by :meth:`delta_template`."""
        raise NotImplementedError

    def open(self, index: int, answer_id: str, log: EventLog) -> None:
        """Announce the item at a position of the output, and the pieces that it has collected."""
        self.index = index
        self.id = f"{self._id_prefix()}_{answer_id}{index:04x}"
        log.add("response.output_item.added", {"output_index": index, "item": self._item("in_progress")})
        self._opened(log)

    def close(self, status: ItemStatus, log: EventLog) -> None:
        """Announce the end of its parts and of the item."""
        self._closing(log)
        self.final = self._item(status)
        log.add("response.output_item.done", {"output_index": self.index, "item": self.final})

    def abandon(self) -> None:
        """Finish it as incomplete, without an event."""
        self.final = self._item("incomplete")

    def stored(self) -> dict[str, Any]:
        """Return the finished item as the store keeps it."""
        assert self.final is not None
        return self.final

    def _id_prefix(self) -> str:
        return self.prefix

    def _where(self) -> dict[str, Any]:
        return {"item_id": self.id, "output_index": self.index}

    def _opened(self, log: EventLog) -> None:
        raise NotImplementedError

    def _closing(self, log: EventLog) -> None:
        raise NotImplementedError

    def _item(self, status: ItemStatus) -> dict[str, Any]:
        raise NotImplementedError


class OutputMessage(OutputItem):
    """A message: parts of text and refusals, in the order in which they arrived."""

    __slots__ = ("_kind", "_logprobs", "_parts", "_pieces", "_template", "_text")

    prefix = "msg"

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[tuple[str, str, Any]] = []  # before it is open
        self._parts: list[dict[str, Any]] = []  # finished
        self._kind = ""  # of the open part: output_text or refusal
        self._text = StringIO()
        self._logprobs: list[dict[str, Any]] = []
        self._template: DeltaTemplate | None = None

    def add(self, kind: Literal["output_text", "refusal"], text: str, logprobs: Any, log: EventLog) -> None:
        """Add a piece. ``logprobs``: those of chat."""
        if not self.is_open:
            self._pieces.append((kind, text, logprobs))
            return
        if kind != self._kind:
            self._close_part(log)
            self._open_part(kind, log)
        assert self._template is not None
        self._text.write(text)
        entries = text_logprobs(logprobs) if kind == "output_text" and logprobs else []
        self._logprobs += entries
        log.add_delta(self._template, text, event_logprobs(entries))

    def continued_by(self) -> str | None:
        return "content" if self._kind == "output_text" else None

    def delta_template(self) -> DeltaTemplate | None:
        return self._template

    def text_writer(self) -> Callable[[str], int]:
        return self._text.write

    def _opened(self, log: EventLog) -> None:
        pieces, self._pieces = self._pieces, []
        for kind, text, logprobs in pieces:
            self.add("refusal" if kind == "refusal" else "output_text", text, logprobs, log)

    def _closing(self, log: EventLog) -> None:
        if not self._kind:  # an empty answer: clients read the text of its first part
            self._open_part("output_text", log)
        self._close_part(log)

    def _open_part(self, kind: str, log: EventLog) -> None:
        self._kind, self._text, self._logprobs = kind, StringIO(), []
        where = {**self._where(), "content_index": len(self._parts)}
        self._template = DeltaTemplate(TEXT_DELTA if kind == "output_text" else "response.refusal.delta", where)
        log.add("response.content_part.added", {**where, "part": self._part()})

    def _close_part(self, log: EventLog) -> None:
        if not self._kind:
            return
        part, where = self._part(), {**self._where(), "content_index": len(self._parts)}
        if self._kind == "output_text":
            logprobs = event_logprobs(self._logprobs)
            log.add("response.output_text.done", {**where, "text": part["text"], "logprobs": logprobs})
        else:
            log.add("response.refusal.done", {**where, "refusal": part["refusal"]})
        log.add("response.content_part.done", {**where, "part": part})
        self._parts.append(part)
        self._kind, self._template = "", None

    def _part(self) -> dict[str, Any]:
        text = self._text.getvalue()
        if self._kind == "refusal":
            return {"type": "refusal", "refusal": text}
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": list(self._logprobs)}

    def _item(self, status: ItemStatus) -> dict[str, Any]:
        content = [*self._parts, self._part()] if self._kind else list(self._parts)
        return {"id": self.id, "type": "message", "status": status, "role": "assistant", "content": content}


class OutputReasoning(OutputItem):
    """Reasoning: sealed if the client asked for that, and shown as one summary part if it asked for a summary."""

    __slots__ = ("_pieces", "_seal", "_sealed", "_summary", "_template", "_text")

    prefix = "rs"

    def __init__(self, *, summary: bool, seal: Callable[[str], str] | None) -> None:
        super().__init__()
        self._summary = summary
        self._seal = seal
        self._sealed: str | None = None
        self._pieces: list[str] = []  # before it is open
        self._text = StringIO()
        self._template: DeltaTemplate | None = None

    def add(self, text: str, log: EventLog) -> None:
        """Add a piece."""
        if not self.is_open:
            self._pieces.append(text)
            return
        self._text.write(text)
        if self._template is not None:
            log.add_delta(self._template, text)

    def continued_by(self) -> str | None:
        return "reasoning_content"

    def delta_template(self) -> DeltaTemplate | None:
        return self._template

    def text_writer(self) -> Callable[[str], int]:
        return self._text.write

    def stored(self) -> dict[str, Any]:
        return {**super().stored(), REASONING_TEXT: self._text.getvalue()}

    def _opened(self, log: EventLog) -> None:
        if self._summary:
            where = {**self._where(), "summary_index": 0}
            self._template = DeltaTemplate("response.reasoning_summary_text.delta", where)
            part = {"type": "summary_text", "text": ""}
            log.add("response.reasoning_summary_part.added", {**where, "part": part})
        pieces, self._pieces = self._pieces, []
        for piece in pieces:
            self.add(piece, log)

    def _closing(self, log: EventLog) -> None:
        text = self._text.getvalue()
        if self._seal is not None:
            self._sealed = self._seal(text)
        if self._summary:
            where = {**self._where(), "summary_index": 0}
            log.add("response.reasoning_summary_text.done", {**where, "text": text})
            log.add("response.reasoning_summary_part.done", {**where, "part": {"type": "summary_text", "text": text}})

    def _item(self, status: ItemStatus) -> dict[str, Any]:
        text = self._text.getvalue()
        summary = [{"type": "summary_text", "text": text}] if self._summary and text else []
        item: dict[str, Any] = {"id": self.id, "type": "reasoning", "status": status, "summary": summary}
        if self._sealed is not None:
            item["encrypted_content"] = self._sealed
        return item


class OutputCall(OutputItem):
    """A call of a function or of a custom tool. Its name may arrive after its arguments."""

    __slots__ = ("_arguments", "_call_id", "_input", "_make_reader", "_pieces", "_reader", "_template", "_tool")

    prefix = "fc"

    def __init__(self, make_reader: Callable[[], InputReader]) -> None:
        super().__init__()
        self._make_reader = make_reader
        self._call_id: str | None = None
        self._tool: CalledTool | None = None
        self._reader: InputReader | None = None
        self._pieces: list[str] = []  # before it is open
        self._arguments = StringIO()  # as the vendor sent them
        self._input = StringIO()  # of a custom tool
        self._template: DeltaTemplate | None = None

    def identify(self, call_id: str | None, tool: CalledTool | None) -> bool:
        """Set id and tool where they are still unknown. Return whether the tool has become known."""
        if self._call_id is None:
            self._call_id = call_id
        if self._tool is not None or tool is None:
            return False
        self._tool = tool
        if tool.kind == "custom":
            self._reader = self._make_reader()
        return True

    def add(self, arguments: str, log: EventLog) -> None:
        """Add a piece of the arguments. One that arrives after the end is left out: the arguments were complete."""
        if not self.is_open:
            self._pieces.append(arguments)
            return
        self._arguments.write(arguments)
        if self._reader is None:
            self._announce(arguments, log)
        else:
            self._add_input(self._reader.feed(arguments), log)

    def can_open(self) -> bool:
        return self._tool is not None

    def can_close(self) -> bool:
        """Whether the arguments are an object: no other piece can then follow, except white space."""
        text = self._arguments.getvalue()
        if not text.rstrip().endswith("}"):
            return False
        try:
            orjson.loads(text)
        except orjson.JSONDecodeError:
            return False
        return True

    def open(self, index: int, answer_id: str, log: EventLog) -> None:
        self._call_id = self._call_id or f"call_{answer_id}{index:04x}"
        super().open(index, answer_id, log)

    def _opened(self, log: EventLog) -> None:
        kind = "function_call_arguments" if self._reader is None else "custom_tool_call_input"
        self._template = DeltaTemplate(f"response.{kind}.delta", self._where())
        pieces, self._pieces = self._pieces, []
        for piece in pieces:
            self.add(piece, log)

    def _id_prefix(self) -> str:
        return self.prefix if self._reader is None else "ctc"

    def _announce(self, delta: str, log: EventLog) -> None:
        assert self._template is not None
        log.add_delta(self._template, delta)

    def _add_input(self, text: str, log: EventLog) -> None:
        if text:
            self._input.write(text)
            self._announce(text, log)

    def _closing(self, log: EventLog) -> None:
        if self._reader is None:
            assert self._tool is not None
            members = {"name": self._tool.name, "arguments": self._arguments.getvalue()}
            log.add("response.function_call_arguments.done", {**self._where(), **members})
        else:
            self._add_input(self._reader.done()[self._input.tell() :], log)
            members = {"input": self._input.getvalue()}
            log.add("response.custom_tool_call_input.done", {**self._where(), **members})

    def _item(self, status: ItemStatus) -> dict[str, Any]:
        assert self._tool is not None
        kind, member, text = "function_call", "arguments", self._arguments.getvalue()
        if self._reader is not None:
            kind, member, text = "custom_tool_call", "input", self._input.getvalue()
        item = {"id": self.id, "type": kind, "status": status, "call_id": self._call_id, "name": self._tool.name}
        if self._tool.namespace is not None:
            item["namespace"] = self._tool.namespace
        return {**item, member: text}
