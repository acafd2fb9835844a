"""Runs background responses through the pipeline, and those that another process has left."""

import asyncio
import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any

import orjson

from adapters.core.message import Message
from adapters.core.request import ApiRequest, Operation
from adapters.responses.response_events import EventLog, encode, encode_all
from proxy._types import Caller, Route
from proxy.app_state import AppState
from proxy.errors import ProxyError
from proxy.i18n.negotiate import Language
from proxy.observability.metrics.registry import Labels
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.chat.steps import with_chat_steps
from proxy.openai_api.handler import RequestSteps, StepContext
from proxy.openai_api.responses.background import BackgroundRun, RunWriter
from proxy.openai_api.responses.run_log import RunLog
from proxy.openai_api.writer import Header, ResponseChannel
from proxy.pipeline import serve
from proxy.reason import Reason
from proxy.storage.interface import StoreUnavailable
from proxy.storage.records import UNFINISHED, TakenRun, WriteResult

FLUSH_S = 0.25
"""How often the events of a run are stored (seconds)."""
LEASE_S = 30.0
"""How long after its last sign of life a process counts as ended (seconds)."""
TAKEN_AT_ONCE = 16
"""How many responses of ended processes are taken over in one step."""
STORE_TRIES = 5
"""How often a response that has ended is stored again if that fails."""
TIME_FACTOR = 6
"""How many times ``timeouts.total_s`` an attempt may take: no client connection waits for it."""
INTERRUPTED = Message("The response was interrupted by a restart of the server. Send the request again.")


class BackgroundResponses:
    """All background responses of this server: those that wait, in order of arrival, and those that run."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._owner = secrets.token_hex(8)
        self._runs: dict[tuple[str, str], tuple[BackgroundRun, asyncio.Task[None]]] = {}
        self._places = asyncio.Semaphore(state.snapshot.settings.background.concurrency)
        self._watching: asyncio.Task[None] | None = None
        self._taken: list[TakenRun] = []  # taken over from other processes, and not settled yet
        state.background_counts = self._counts

    def _counts(self) -> Mapping[Labels, float]:
        counts: dict[Labels, float] = {("queued",): 0, ("in_progress",): 0}
        for run, _ in self._runs.values():
            if run.assembler.status in UNFINISHED:
                counts[run.assembler.status,] += 1
        return counts

    def start_watching(self) -> None:
        """Take over what other processes have left, from now on, if the store outlives processes."""
        if self._state.store.is_durable:
            self._watching = asyncio.create_task(self.watch())

    async def start(self, run: BackgroundRun) -> None:
        """Store a run as queued, and start it when there is room. Raises StoreUnavailable; the run is then over."""
        run.owner = self._owner
        try:
            if await run.store(replaces=None) is not WriteResult.DONE:
                raise StoreUnavailable("full")
        except StoreUnavailable:
            if run.turn.lock is not None:
                run.turn.lock.release()
            raise
        self._begin(run)

    def _begin(self, run: BackgroundRun) -> None:
        key = (run.turn.tenant, run.turn.response_id)
        task = asyncio.create_task(self._run(run))
        self._runs[key] = run, task
        task.add_done_callback(lambda _: self._runs.pop(key, None))

    def log_of(self, tenant: str, response_id: str) -> RunLog | None:
        """Return the log of a response that runs here; None if it does not."""
        found = self._runs.get((tenant, response_id))
        return None if found is None else found[0].log

    async def cancel(self, tenant: str, response_id: str) -> bool:
        """Cancel a response that runs here, and wait until it is stored as cancelled. Return whether it ran here."""
        found = self._runs.get((tenant, response_id))
        if found is None:
            return False
        run, task = found
        run.cancelled = True
        task.cancel()
        await asyncio.wait([task])
        return True

    async def aclose(self) -> None:
        """Interrupt what still runs: it is stored as failed. What waits is left to another process, if the store can."""
        if self._watching is not None:
            self._watching.cancel()
        tasks = [task for _, task in self._runs.values()]
        for run, task in self._runs.values():
            run.left = run.assembler.status == "queued" and self._state.store.is_durable
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # --- one run ------------------------------------------------------------------------------------------------

    async def _run(self, run: BackgroundRun) -> None:
        flushing = asyncio.create_task(self._flush_regularly(run))
        try:
            async with self._places:
                run.begin()
                if await run.store() is WriteResult.DONE:  # else it was cancelled or deleted meanwhile
                    await serve(BackgroundRequest(run), RunHandler(run, self._state), self._state, NO_CLIENT)
        except asyncio.CancelledError:
            if run.left:
                return
            last = run.assembler.cancel() if run.cancelled else run.assembler.fail("server_error", str(INTERRUPTED))
            run.log.add(encode_all(last))
        except StoreUnavailable as error:
            last = run.assembler.fail("server_error", str(INTERRUPTED))
            run.log.add(encode_all(last))
            self._state.report_store(error)
        finally:
            flushing.cancel()
            if not run.left:
                await asyncio.shield(self._finish(run))
            elif run.turn.lock is not None:
                run.turn.lock.release()

    async def _finish(self, run: BackgroundRun) -> None:
        """Store the last events and the response; try again if the store is unavailable for a moment."""
        for tried in range(STORE_TRIES):
            try:
                await self._flush(run)
                await asyncio.gather(run.store(), run.turn.release_lock())
                break
            except StoreUnavailable as error:
                self._state.report_store(error)
                await self._state.sleep(2.0**tried)
        run.log.end()
        if run.turn.lock is not None:
            run.turn.lock.release()

    async def _flush_regularly(self, run: BackgroundRun) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            with contextlib.suppress(StoreUnavailable):  # the next time, or at the end
                await self._flush(run)

    async def _flush(self, run: BackgroundRun) -> None:
        events = run.log.unstored()
        first = run.log.stored
        if events and await self._state.store.runs.append_events(run.turn.tenant, run.turn.response_id, first, events):
            run.log.stored = first + len(events)

    # --- runs of other processes --------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Tell that this process is alive, and take over what others have left, for as long as it runs."""
        while True:
            try:
                await self._state.store.runs.keep_alive(self._owner, LEASE_S)
                while await self._has_taken():
                    await self._continue(self._taken[0])
                    del self._taken[0]
            except StoreUnavailable as error:
                self._state.report_store(error)
            await asyncio.sleep(LEASE_S / 3)

    async def _has_taken(self) -> bool:
        """Take over further responses if all earlier ones are settled. Return whether there are any to settle."""
        if not self._taken:
            self._taken += await self._state.store.runs.take_over(self._owner, TAKEN_AT_ONCE)
        return bool(self._taken)

    async def _continue(self, left: TakenRun) -> None:
        """Start a queued response of a process that has ended; one that was being made has failed.

        Raises StoreUnavailable; it is then tried again.
        """
        stored = left.response
        if stored.status != "queued":
            await self._fail(left, INTERRUPTED)
            return
        try:
            run = await BackgroundRun.of_stored(self._state, left.tenant, stored)
        except ProxyError as error:  # what it continues was deleted, or its model is no longer configured
            if error.reason is Reason.STORE_UNAVAILABLE:
                raise StoreUnavailable from error
            await self._fail(left, error.message)
            return
        run.owner = self._owner
        try:
            await self._state.store.runs.drop_events(left.tenant, stored.id)
        except StoreUnavailable:
            await run.turn.release_lock()
            raise
        run.queue()
        self._begin(run)

    async def _fail(self, left: TakenRun, why: Message) -> None:
        """Store a response of a process that has ended as failed, with the last event of its stream."""
        store, stored = self._state.store, left.response
        error = {"code": "server_error", "message": str(why)}
        body = {**orjson.loads(stored.body), "status": "failed", "error": error}
        failed = replace(stored, status="failed", body=orjson.dumps(body), run=b"")
        if await store.responses.put(left.tenant, failed, replaces={stored.status}) is not WriteResult.DONE:
            return
        number = len(await store.runs.events(left.tenant, stored.id, 0) or ())
        log = EventLog(number)
        if number == 0:  # the process ended before it stored any
            log.add("response.created", {"response": {**orjson.loads(stored.body), "output": []}})
        log.add("response.failed", {"response": {**body, "output": []}})
        await store.runs.append_events(left.tenant, stored.id, number, list(map(encode, log.take())))


class BackgroundRequest:
    """The request of a run: its client was authenticated when it was queued, and has no connection."""

    time_factor = TIME_FACTOR

    def __init__(self, run: BackgroundRun) -> None:
        self._run = run
        self.caller: Caller | None = run.caller
        self.request_id = f"req_{secrets.token_hex(16)}"
        self.headers: Mapping[bytes, bytes] = {}

    @property
    def disconnected(self) -> bool:
        """Whether the client has cancelled the response."""
        return self._run.cancelled

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        pass

    async def body(self) -> bytes:
        """Return nothing: the run has the request."""
        return b""


class NoClient:
    """The channel of a response without a client."""

    def language(self) -> Language:
        return "en"

    def try_send(self, status: int, headers: list[Header], body: bytes) -> bool:
        """Discard the response: RunWriter writes to the log."""
        return True

    async def send(self, message: Any) -> None:
        """Discard the message."""


NO_CLIENT = NoClient()


class RunHandler:
    """Serves the request of a run."""

    operation: Operation = "responses"

    def __init__(self, run: BackgroundRun, state: AppState) -> None:
        self._run = run
        self._state = state
        self.steps: RequestSteps | None = self

    def parse(self, body: bytes) -> ApiRequest:
        """Return the client's request."""
        return self._run.request._replace(stream=True)

    def needed(self, request: ApiRequest, route: Route) -> bool:
        """Return True: the request becomes its chat request."""
        return True

    async def before(self, request: ApiRequest, context: StepContext) -> ApiRequest | None:
        """Return the chat request. Raises ProxyError."""
        return await with_chat_steps(self._run.chat, context)

    async def after(self, request: ApiRequest, record: RequestRecord) -> None:
        """Do nothing: the run stores itself."""

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> RunWriter:
        """Return the writer into the log of the run."""
        return RunWriter(request, out, record, self._run, self._state)
