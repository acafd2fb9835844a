"""Assembles chat events into the items and the events of a response.

One item is open at a time. A message and reasoning end when something else arrives. A call ends at the next item if its
arguments are a complete object; if they are not, its vendor interleaves calls, and all that is not a piece of this call is
held until the answer finishes. The response object of the last event is built from the same items, so a stream and a whole
response cannot differ.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, get_args

import orjson

from adapters.codecs.openai.plain_chunks import MOST_LEARNED, learn
from adapters.core.event import WHOLE, Event
from adapters.core.usage import Usage
from adapters.responses.output_items import (
    InputReader,
    OutputCall,
    OutputItem,
    OutputMessage,
    OutputReasoning,
    ToolLookup,
)
from adapters.responses.response_events import NUMBERS, DeltaTemplate, EventLog, NoEvents, ResponseEvent, encode_all

ResponseStatus = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
IncompleteReason = Literal["max_output_tokens", "content_filter"]
ErrorCode = Literal[
    "server_error",
    "rate_limit_exceeded",
    "invalid_prompt",
    "data_residency_mismatch",
    "bio_policy",
    "vector_store_timeout",
    "invalid_image",
    "invalid_image_format",
    "invalid_base64_image",
    "invalid_image_url",
    "image_too_large",
    "image_too_small",
    "image_parse_error",
    "image_content_policy_violation",
    "invalid_image_mode",
    "image_file_too_large",
    "unsupported_image_media_type",
    "empty_image_file",
    "failed_to_download_image",
    "image_file_not_found",
]
"""The codes of a failed response: all that OpenAI's description has."""
ERROR_CODES: frozenset[str] = frozenset(get_args(ErrorCode))

INCOMPLETE_REASONS: Mapping[str, IncompleteReason] = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Chat's finish reasons of an incomplete answer -> those of Responses."""
NO_PATTERN = b"\0"
"""The beginning of no chunk."""


def failed_code(http_status: int) -> ErrorCode:
    """Return the code of a failed response for an error that would have had this status before the response began."""
    if http_status == 429:
        return "rate_limit_exceeded"
    return "invalid_prompt" if 400 <= http_status < 500 else "server_error"


def response_usage(usage: Usage) -> dict[str, Any]:
    """Return the usage object of a response, with all members. ``output_tokens`` includes those of reasoning."""
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    }


class ResponseAssembler:
    """Turns the chat events of one answer into the events of a response, and into the response itself.

    The events of :meth:`enqueue`, :meth:`begin`, :meth:`feed` and one of :meth:`complete`, :meth:`fail` and :meth:`cancel`,
    in this order, are a whole stream. After the end all methods return no events.
    """

    def __init__(
        self,
        skeleton: Mapping[str, Any],
        answer_id: str,
        *,
        tool_names: ToolLookup,
        summary: bool,
        seal: Callable[[str], str] | None,
        custom_input: Callable[[], InputReader],
        events: bool = True,
    ) -> None:
        """Prepare a response.

        Args:
            skeleton: The response object with all members, ``id`` and ``created_at`` among them. It is not changed.
            answer_id: The second part of the ids of all items: letters and digits.
            tool_names: Finds the tool that a chat function stands for.
            summary: Whether the client sees the reasoning, as a summary.
            seal: Encrypts reasoning for the client; None if the client did not ask for that.
            custom_input: Makes a reader of a custom tool's input.
            events: Whether the methods return events; False for a response that is sent whole.
        """
        self._skeleton = skeleton
        self._answer_id = answer_id
        self._tool_names = tool_names
        self._summary = summary
        self._seal = seal
        self._custom_input = custom_input
        self._log = EventLog() if events else NoEvents()
        self._status: ResponseStatus = "in_progress"
        self._begun = self._ended = False
        self._finish: str | None = None
        self._choice: int | None = None  # the index of the only choice
        self._items: list[OutputItem] = []  # finished ones, the open one, held ones
        self._at = -1  # the position of the last item that was opened
        self._calls: dict[int, OutputCall] = {}
        self._response = self._snapshot()
        # For chunks of which only the text is new: the open item, the member with its text,
        # how it is added and encoded, and the bytes around it.
        self._continued: OutputItem | None = None
        self._member = ""
        self._write: Callable[[str], object]  # set together with these
        self._template: DeltaTemplate | None = None
        self._delta_parts: tuple[bytes, bytes, bytes] | None = None
        self._before_text = self._after_text = NO_PATTERN
        self._patterns: dict[str, tuple[bytes, bytes]] = {}
        self._patterns_left = MOST_LEARNED

    # --- results ------------------------------------------------------------------------------------------------

    @property
    def status(self) -> ResponseStatus:
        """The status of the response."""
        return self._status

    @property
    def response(self) -> dict[str, Any]:
        """The response object. After the end it is the object of the last event, and not a copy."""
        return self._response

    @property
    def items(self) -> list[dict[str, Any]]:
        """The finished output items, in order."""
        return [item.final for item in self._items if item.final is not None]

    @property
    def stored_items(self) -> list[dict[str, Any]]:
        """The finished output items for the store: reasoning has its text, under ``REASONING_TEXT``."""
        return [item.stored() for item in self._items if item.final is not None]

    # --- the stream ---------------------------------------------------------------------------------------------

    def enqueue(self) -> list[ResponseEvent]:
        """Return the events of a background response that waits: created and queued."""
        if self._log.next_number:
            return []
        self._status = "queued"
        self._add_response("response.created", self._snapshot())
        self._add_response("response.queued", self._snapshot())
        return self._log.take()

    def begin(self, *, queued: bool = False) -> list[ResponseEvent]:
        """Return the first events: created (unless :meth:`enqueue` was called) and in_progress.

        ``queued``: call :meth:`enqueue` first, for a background response that does not wait.
        """
        waiting = self.enqueue() if queued else []
        if not self._ended:
            self._begin()
        return waiting + self._log.take()

    def feed(self, events: Iterable[Event]) -> list[ResponseEvent]:
        """Return the events that these chat events become."""
        for event in events:
            self._take(event)
        return self._log.take()

    def feed_bytes(self, events: Iterable[Event]) -> bytes:
        """Return :meth:`feed`, encoded. Of chunks that continue the open text only the text is encoded."""
        out: list[bytes] = []
        log = self._log
        for event in events:
            text = event.text
            if text is None or not (event.raw.startswith(self._before_text) and event.raw.endswith(self._after_text)):
                text = self._continuing_text(event)
                if text is None:
                    self._take(event)
                    out.append(encode_all(log.take()))
                    continue
            if text:
                self._write(text)
                if self._delta_parts is not None:
                    before, between, after = self._delta_parts
                    # Joined at the end, because formatting bytes costs four times as much.
                    number = log.next_number
                    encoded = NUMBERS[number] if number < len(NUMBERS) else orjson.dumps(number)
                    out += (before, encoded, between, orjson.dumps(text), after)
                    log.next_number = number + 1
        return b"".join(out)

    def complete(
        self, usage: Usage, completed_at: float | None = None, *, incomplete: IncompleteReason | None = None
    ) -> list[ResponseEvent]:
        """Finish all items, and return the last events: completed, or incomplete.

        Args:
            usage: What the response used.
            completed_at: The time, in seconds since 1970. An incomplete response has none.
            incomplete: Why the answer was cut off, if it has no finish reason: a vendor's content filter that ended the
                stream, for example. An answer that has finished is as complete as its finish reason says.
        """
        if self._ended:
            return []
        self._begin()
        if self._finish is None:
            self._finish_items(next((word for word, why in INCOMPLETE_REASONS.items() if why == incomplete), "stop"))
        reason = INCOMPLETE_REASONS.get(self._finish or "")
        used = response_usage(usage)
        if reason is None:
            self._end("completed", "response.completed", usage=used, completed_at=completed_at)
        else:
            self._end("incomplete", "response.incomplete", usage=used, incomplete_details={"reason": reason})
        return self._log.take()

    def fail(self, code: ErrorCode, message: str) -> list[ResponseEvent]:
        """End the response with an error, and return the last events.

        The open item is incomplete in the output, without a last event of its own. ``message``: for the client, in its
        language. A ``code`` that OpenAI does not have becomes ``server_error``.
        """
        known = code if code in ERROR_CODES else "server_error"
        return self._abandon("failed", error={"code": known, "message": str(message)})

    def cancel(self) -> list[ResponseEvent]:
        """End the response as cancelled, and return the last events. OpenAI has no event for that: it is response.failed."""
        return self._abandon("cancelled")

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        self._status = "in_progress"
        response = self._snapshot()
        if not self._log.next_number:
            self._add_response("response.created", response)
        self._add_response("response.in_progress", response)

    def _abandon(self, status: ResponseStatus, **members: Any) -> list[ResponseEvent]:
        if self._ended:
            return []
        if not self._log.next_number:
            self._begin()
        for item in self._items:
            if item.is_open:
                item.abandon()
        self._end(status, "response.failed", **members)
        return self._log.take()

    def _end(self, status: ResponseStatus, type_: str, **members: Any) -> None:
        self._ended = True
        self._status = status
        self._continued, self._before_text = None, NO_PATTERN
        self._response = {**self._snapshot(), **members, "output": self.items}
        self._add_response(type_, self._response)

    def _snapshot(self) -> dict[str, Any]:
        """Return the response object without an output."""
        return {**self._skeleton, "status": self._status, "output": [], "usage": None}

    def _add_response(self, type_: str, response: dict[str, Any]) -> None:
        self._response = response
        self._log.add(type_, {"response": response})

    # --- chat events --------------------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        """Add the pieces of an event. Nothing is added after the answer's finish."""
        if self._ended:
            return
        self._begin()
        for choice in event.data.get("choices") or ():
            index = choice.get("index")
            if self._choice is None:
                self._choice = index
            if index != self._choice or self._finish is not None:
                continue  # a response has one answer
            if event.kind is WHOLE:
                self._add(choice["message"], choice.get("logprobs"))
            else:
                self._add(choice.get("delta") or {}, choice.get("logprobs"))
            if choice.get("finish_reason") is not None:
                self._finish_items(choice["finish_reason"])
        self._expect_more()

    def _add(self, part: Mapping[str, Any], logprobs: Any) -> None:
        """Add a delta, or a whole message."""
        reasoning, text, refusal = part.get("reasoning_content"), part.get("content"), part.get("refusal")
        if reasoning:
            last = self._items[-1] if self._items else None
            if type(last) is not OutputReasoning:
                last = OutputReasoning(summary=self._summary, seal=self._seal)
                self._append(last)
            last.add(reasoning, self._log)
        if text:
            of_text = logprobs.get("content") if type(logprobs) is dict else None
            self._message().add("output_text", text, of_text, self._log)
        if refusal:
            self._message().add("refusal", refusal, None, self._log)
        for at, piece in enumerate(part.get("tool_calls") or ()):
            self._add_call(piece.get("index", at), piece)

    def _message(self) -> OutputMessage:
        """Return the message that a text belongs to: the last item, or a new one after it."""
        last = self._items[-1] if self._items else None
        if type(last) is OutputMessage:
            return last
        message = OutputMessage()
        self._append(message)
        return message

    def _add_call(self, index: int, piece: Mapping[str, Any]) -> None:
        function = piece.get("function") or {}
        name, arguments = function.get("name"), function.get("arguments")
        call = self._calls.get(index)
        is_new = call is None
        if call is None:
            call = self._calls[index] = OutputCall(self._custom_input)
        named = call.identify(piece.get("id"), self._tool_names.of(name) if name else None)
        if is_new:
            self._append(call)
        elif named:
            self._advance()
        if arguments:
            call.add(arguments, self._log)

    # --- one item at a time -------------------------------------------------------------------------------------

    def _append(self, item: OutputItem) -> None:
        """Add an item. It is opened if it is the next one: behind a held item, it is held as well."""
        self._items.append(item)
        if self._at == len(self._items) - 2:
            self._advance()

    def _advance(self) -> None:
        """Open held items as long as the one before is complete."""
        while self._at + 1 < len(self._items):
            if not self._items[self._at + 1].can_open():
                return
            if self._at >= 0 and not self._items[self._at].can_close():
                return
            self._open_next()

    def _open_next(self) -> None:
        """Close the open item as completed, and open the one after it."""
        if self._at >= 0:
            self._items[self._at].close("completed", self._log)
        self._at += 1
        self._items[self._at].open(self._at, self._answer_id, self._log)

    def _finish_items(self, finish: str) -> None:
        """Open and close all items that are left. The last one is incomplete if the answer was cut off."""
        self._finish = finish
        cut = finish in INCOMPLETE_REASONS
        # A call that was cut off before its name says nothing; codecs fail for one that was not.
        self._items[self._at + 1 :] = [item for item in self._items[self._at + 1 :] if item.can_open()]
        if all(type(item) is OutputReasoning for item in self._items) and not (cut and self._items):
            self._items.append(OutputMessage())  # an empty answer
        while self._at + 1 < len(self._items):
            self._open_next()
        self._items[-1].close("incomplete" if cut else "completed", self._log)

    # --- chunks of which only the text is new -------------------------------------------------------------------

    def _expect_more(self) -> None:
        """Find which texts continue the open item: none if other items are held."""
        self._continued, self._before_text = None, NO_PATTERN
        if self._at < 0 or self._at + 1 < len(self._items) or not self._items[self._at].is_open:
            return
        item = self._items[self._at]
        member = item.continued_by()
        if member is not None:
            self._continued, self._member, self._write = item, member, item.text_writer()
            template = item.delta_template()
            if template is not self._template:
                self._template, self._delta_parts = template, template.parts() if template is not None else None
            self._before_text, self._after_text = self._patterns.get(member, (NO_PATTERN, NO_PATTERN))

    def _continuing_text(self, event: Event) -> str | None:
        """Return the text of a chunk that continues the open item; None if the chunk is or has anything else."""
        if self._continued is None:
            return None
        choices = event.data.get("choices")
        if not choices or len(choices) > 1:
            return None
        choice = choices[0]
        if choice.get("finish_reason") is not None or choice.get("logprobs") or choice.get("index") != self._choice:
            return None
        delta = choice.get("delta") or {}
        text: str | None = delta.get(self._member)
        if text is None or (len(delta) > 1 and any(value for name, value in delta.items() if name != self._member)):
            return None
        if event.text is not None and self._patterns_left:
            self._learn(event)
        return text

    def _learn(self, event: Event) -> None:
        """Learn the bytes around the text of such a chunk, so that the next one need not be parsed."""
        self._patterns_left -= 1
        pattern = learn(event.raw, event.data, event.raw)
        if pattern is not None:
            # With the quote: where the text is in another member, null may follow the name of this one.
            self._before_text, self._after_text = pattern.before + b'"', b'"' + pattern.after
            self._patterns[self._member] = self._before_text, self._after_text
