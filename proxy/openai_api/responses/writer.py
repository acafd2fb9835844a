"""Writes a response of the Responses API, whole or as a stream of its events, and stores it before the last bytes."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from adapters.core.adaptations import Adaptation
from adapters.core.event import Event
from adapters.core.message import Message
from adapters.core.request import ApiRequest
from adapters.core.usage import Usage
from adapters.responses.assembler import ResponseAssembler, failed_code
from adapters.responses.custom_tools import CustomInput, ToolNames
from adapters.responses.echo import response_object
from adapters.responses.response_events import ResponseEvent, encode_all
from proxy._types import Attempt
from proxy.errors import Overloaded, ProxyError
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.response_writer import JSON, MAX_HELD, ResponseWriter
from proxy.openai_api.responses.errors import store_unavailable
from proxy.openai_api.responses.turn import ResponseTurn
from proxy.openai_api.writer import ResponseChannel
from proxy.reason import Reason
from proxy.storage.interface import StoreUnavailable
from proxy.storage.records import WriteResult

if TYPE_CHECKING:
    from proxy.app_state import AppState

SEALED_REASONING = "reasoning.encrypted_content"
NO_USAGE = Usage(0, 0)
CHANGED = Message(
    "The conversation was changed by another request or deleted meanwhile, so this turn was not added. Send it again."
)
NOT_ADDED: Mapping[WriteResult, Message] = {
    WriteResult.TOO_MANY_ITEMS: Message(
        "The conversation is full, so this turn was not added. Begin a new conversation, for example with a summary."
    ),
    WriteResult.TOO_LARGE: Message(
        "The turn is larger than the store accepts (store.max_memory_mb), so it was not added to its conversation."
    ),
}
"""Why a turn was not added to its conversation, if not because of another change."""
NOT_STORED = Adaptation(
    "dropped", Message("the store is not available, so the response can't be retrieved or continued")
)


def assembler_of(turn: ResponseTurn, request: ApiRequest, model: str) -> ResponseAssembler:
    """Return the assembler of a response. ``request``: the client's, or its chat request."""
    fields = turn.fields
    reasoning = fields.get("reasoning") or {}
    return ResponseAssembler(
        response_object(request, response_id=turn.response_id, created=turn.created, model=model),
        turn.answer_id,
        tool_names=ToolNames(fields.get("tools", ())),
        summary=bool(reasoning.get("summary") or reasoning.get("generate_summary")),
        seal=turn.seal if SEALED_REASONING in fields.get("include", ()) else None,
        custom_input=CustomInput,
        events=request.stream or turn.is_background,
    )


class ResponsesWriter(ResponseWriter):
    """Writes one response. ``request``: the chat request that was made of the client's."""

    def __init__(
        self,
        request: ApiRequest,
        out: ResponseChannel,
        record: RequestRecord,
        turn: ResponseTurn,
        state: "AppState",
    ) -> None:
        super().__init__(request, out, record)
        self._turn = turn
        self._state = state
        self._assembler: ResponseAssembler | None = None
        self._unsent: list[ResponseEvent] = []  # the last events of a response that is being stored

    def _assembled(self, events: Sequence[Event] = ()) -> ResponseAssembler:
        """Return the assembler; it is made when the first content arrives, which names the model."""
        if self._assembler is None:
            model = events[0].data.get("model") if events else None
            self._assembler = assembler_of(self._turn, self._request, model or self._request.model)
        return self._assembler

    # --- content ------------------------------------------------------------------------------------------------

    async def events(self, events: list[Event], attempt: Attempt) -> None:
        self._attempt = attempt
        if attempt.secrets.may_be_in(b"\n".join([event.raw for event in events])):
            events = [Event(attempt.secrets.redacted(event.raw), kind=event.kind) for event in events]
        if not self.content_sent:
            self._held += events
            if not any(event.has_content() for event in events) and self._held_bytes() < MAX_HELD:
                return
            events, self._held = self._held, []
            self.content_sent = True  # before the first await: no other target may be tried from here on
            self._record.first_content_s = self._record.elapsed_s()
        assembler = self._assembler or self._assembled(events)  # only the first event is parsed for the model
        if not self._request.stream:
            assembler.feed(events)
            return
        begin = encode_all(assembler.begin())
        if self._comment_pending is not None:
            await self._comment_written()
        data = begin + assembler.feed_bytes(events)
        if data:
            await self._write(data)

    # --- the end ------------------------------------------------------------------------------------------------

    async def done(self) -> None:
        events, self._held = self._held, []
        assembler = self._assembled(events)
        last = assembler.begin() + assembler.feed(events)
        last += assembler.complete(self._record.usage or NO_USAGE, int(time.time()))
        await self._end(assembler, last)

    async def _end(self, assembler: ResponseAssembler, last: list[ResponseEvent]) -> None:
        """Store the complete response, and then send its last events, or the whole of it.

        Raises Overloaded if it could not be added to its conversation and nothing was sent yet.
        """
        self._unsent = last
        error = await self._store(assembler)
        if error is not None:
            if not self._request.stream or not self.head_sent:
                raise error
            self._record.code, self._record.param, self._record.reason = error.code, error.param, error.reason
            last = [*last[:-1], self._failed(last[-1], error)]
        if self._comment_pending is not None:
            await self._comment_written()
        if self._request.stream:
            await self._write(encode_all(last), more=False)
        else:
            body = orjson.dumps(assembler.response)
            head = [JSON, (b"content-length", b"%d" % len(body)), *self._about_attempt(), *self._common()]
            await self._send_whole(200, head, body)
        self._record.outcome_word = "complete" if error is None else "truncated"

    async def _store(self, assembler: ResponseAssembler) -> ProxyError | None:
        """Store the response that has ended. Return why its turn could not be added to its conversation, if so.

        A response that could not be stored says ``store: false``.
        """
        turn, response = self._turn, assembler.response
        self._record.notes["response_id"] = turn.response_id
        target = self._attempt.target.label if self._attempt is not None else ""
        try:
            if turn.lock is None:
                result = await turn.store(response, assembler.stored_items, target)
            else:  # together: both are one transaction of the store, or nearly so
                storing = turn.store(response, assembler.stored_items, target)
                result, _ = await asyncio.gather(storing, turn.release_lock())
        except StoreUnavailable as trouble:
            unavailable = store_unavailable(self._state, trouble)
            self._not_stored(response)
            return unavailable if turn.conversation is not None else None
        if result is WriteResult.DONE:
            return None
        self._not_stored(response)
        if turn.conversation is None:
            return None
        not_added = Overloaded(NOT_ADDED.get(result, CHANGED), reason=Reason.STORE_UNAVAILABLE)
        not_added.retry_after_s = 1.0
        return not_added

    def _not_stored(self, response: dict[str, Any]) -> None:
        response["store"] = False
        self._record.notes["not_stored"] = True
        if self._attempt is not None and not self.head_sent:
            self._attempt.adaptations = {**self._attempt.adaptations, "store": NOT_STORED}

    def _failed(self, last: ResponseEvent, error: ProxyError) -> ResponseEvent:
        """Return the last event of a response that is complete, but could not be added to its conversation."""
        message = error.error(self._channel.language())["message"]
        response = {
            **last.data["response"],
            "status": "failed",
            "completed_at": None,
            "incomplete_details": None,
            "error": {"code": "server_error", "message": message},
        }
        type_ = "response.failed"
        return ResponseEvent(type_, {**last.data, "type": type_, "response": response})

    async def fail(self, error: ProxyError) -> None:
        if self._comment_pending is not None:
            await self._comment_written()
        if self.ended or self._sized or not self.head_sent:
            await self._turn.release_lock()
            await super().fail(error)
            return
        self._held = []
        assembler = self._assembled()
        last = assembler.begin()
        if error.code == "content_filter" and self.content_sent:
            # The same end as after a vendor's finish reason, in the log too: the client gets no error.
            last += assembler.complete(self._record.usage or NO_USAGE, incomplete="content_filter")
            await self._end(assembler, last)
            return
        self._record.code, self._record.param, self._record.reason = error.code, error.param, error.reason
        self._record.outcome_word = "truncated"
        if self._unsent:  # the store was not asked again: it may have the response by now
            self._not_stored(assembler.response)
            last = [*self._unsent[:-1], self._failed(self._unsent[-1], error)]
        else:
            message = error.error(self._channel.language())["message"]  # it ends with the error's own code
            last += assembler.fail(failed_code(error.http_status), message)
            await self._store(assembler)
        await self._write(encode_all(last), more=False)
