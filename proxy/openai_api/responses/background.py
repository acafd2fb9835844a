"""Background responses (``background: true``): the work belongs to the server and not to the client's connection.

A response is stored as queued before its client receives it. ``proxy/jobs/background_responses.py`` runs it.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from adapters.core.request import ApiRequest
from adapters.responses.assembler import ResponseAssembler
from adapters.responses.response_events import encode_all
from proxy._types import Caller
from proxy.errors import ProxyError
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.event_stream import send_events
from proxy.openai_api.handler import StepContext
from proxy.openai_api.response_writer import ResponseWriter
from proxy.openai_api.responses.conversation_lock import ConversationLock
from proxy.openai_api.responses.errors import store_unavailable
from proxy.openai_api.responses.run_log import RunLog
from proxy.openai_api.responses.turn import ResponseTurn
from proxy.openai_api.responses.writer import ResponsesWriter, assembler_of
from proxy.openai_api.writer import ResponseChannel
from proxy.storage.interface import StoreUnavailable
from proxy.storage.records import UNFINISHED, Status, StoredResponse, WriteResult

if TYPE_CHECKING:  # commands such as ``explain`` import the handlers without a server
    from proxy.app_state import AppState


class BackgroundRun:
    """One background response on its way: its turn, its assembler and the log of its events.

    ``chat``: the chat request, if the history is read already. ``request``: the client's.
    """

    def __init__(self, turn: ResponseTurn, request: ApiRequest, chat: ApiRequest, caller: Caller, tenant: str) -> None:
        self.turn = turn
        self.request = request
        self.chat = chat._replace(stream=True).with_fields({**chat.fields, "stream": True})
        self.caller = Caller(caller.key, tenant=tenant)
        self.log = RunLog()
        self.assembler: ResponseAssembler = assembler_of(turn, self.chat, request.model)
        self.target = ""
        self.owner = ""
        self.cancelled = False
        self.left = False
        """Whether it stays queued, for another process."""

    @classmethod
    async def of_stored(cls, state: "AppState", tenant: str, stored: StoredResponse) -> "BackgroundRun":
        """Return the run of a queued response that another process has left. Raises ProxyError."""
        left = orjson.loads(stored.run)
        turn = ResponseTurn(state, left["fields"])
        turn.response_id, turn.created = stored.id, stored.created_at
        request = ApiRequest("responses", left["model"], left["fields"], include_usage=True)
        if turn.conversation is not None:
            turn.lock = await ConversationLock.take(state, tenant, turn.conversation, stored.id)
        try:
            chat = await turn.load_for(request, tenant, left.get("drop", ()))
        except ProxyError:
            await turn.release_lock()
            raise
        turn.new_items = [orjson.loads(item.body) for item in stored.input]
        return cls(turn, request, chat, Caller(left["caller"]), tenant)

    def queue(self) -> None:
        """Announce that the response waits."""
        self.log.add(encode_all(self.assembler.enqueue()))

    def begin(self) -> None:
        """Announce that the response is being made."""
        self.log.add(encode_all(self.assembler.begin()))

    async def store(self, replaces: frozenset[Status] | None = UNFINISHED) -> WriteResult:
        """Store the response in its present state. Raises StoreUnavailable."""
        run = b""
        if self.assembler.status == "queued":
            run = orjson.dumps(
                {
                    "model": self.request.model,
                    "fields": self.turn.fields,
                    "caller": self.caller.key,
                    "drop": list(self.turn.drop),
                }
            )
        return await self.turn.store(
            self.assembler.response, self.assembler.stored_items, self.target, replaces, self.owner, run
        )


class BackgroundRuns(Protocol):
    """The background responses of this server."""

    async def start(self, run: BackgroundRun) -> None:
        """Store a run as queued, and start it when there is room. Raises StoreUnavailable."""
        ...

    def log_of(self, tenant: str, response_id: str) -> RunLog | None:
        """Return the log of a response that runs here; None if it does not."""
        ...

    async def cancel(self, tenant: str, response_id: str) -> bool:
        """Cancel a response that runs here, and wait until it is stored as cancelled. Return whether it ran here."""
        ...


async def queue(
    turn: ResponseTurn, request: ApiRequest, chat: ApiRequest, context: StepContext, runs: BackgroundRuns
) -> None:
    """Queue a background response and send it to its client: the queued object, or the stream of its events.

    Raises Overloaded if the store is unavailable.
    """
    state, record = context.state, context.record
    run = BackgroundRun(turn, request, chat, context.caller, turn.tenant)
    run.queue()
    record.notes["response_id"] = turn.response_id
    body = orjson.dumps(run.assembler.response)
    context.slot.at_end(None)  # the run holds the lock of its conversation from here on
    try:
        await asyncio.shield(runs.start(run))  # the run starts also if the client leaves at this moment
    except StoreUnavailable as error:
        raise store_unavailable(state, error) from None
    if request.stream:
        heartbeat_s = state.snapshot.settings.server.heartbeat_s
        await send_events(run.log.follow(0, heartbeat_s), context.out, record)
    else:
        await ResponseWriter(request, context.out, record).write_own_answer(body, {})


class RunWriter(ResponsesWriter):
    """Writes the events of a background response into its log. Its channel has no client."""

    def __init__(
        self, request: ApiRequest, out: ResponseChannel, record: RequestRecord, run: BackgroundRun, state: "AppState"
    ) -> None:
        super().__init__(request, out, record, run.turn, state)
        self._run = run
        self._assembler = run.assembler
        self.head_sent = True  # every error becomes the end of the stream

    async def write_comment(self) -> None:
        """Do nothing: the followers of the log receive comments of their own."""

    async def fail(self, error: ProxyError) -> None:
        if self._run.cancelled:
            return
        await super().fail(error)

    async def _store(self, assembler: ResponseAssembler) -> ProxyError | None:
        """Remember the target; the run stores itself once its events are stored."""
        if self._attempt is not None:
            self._run.target = self._attempt.target.label
        self._record.notes["response_id"] = self._turn.response_id
        return None

    async def _write(self, data: bytes, *, more: bool = True) -> None:
        self._run.log.add(data)
        self.ended = not more


async def stored_events(
    state: "AppState", runs: BackgroundRuns, tenant: str, response_id: str, first: int
) -> AsyncIterator[bytes] | None:
    """Return the events of a background response from number ``first`` on; None if they are not kept any more."""
    log = runs.log_of(tenant, response_id)
    if log is not None:
        return log.follow(first, state.snapshot.settings.server.heartbeat_s)
    events = await state.store.runs.events(tenant, response_id, first)
    return None if events is None else _all(events)


async def _all(events: Any) -> AsyncIterator[bytes]:
    yield b"".join(events)
