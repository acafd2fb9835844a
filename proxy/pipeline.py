"""Serve one API request, from authentication to its access log line."""

import asyncio
from time import perf_counter

from adapters.core.json_limits import SMALL
from adapters.core.message import Message
from proxy._types import IncomingRequest
from proxy.access.admission import RequestSlot, check_capacity
from proxy.access.authentication import authenticate
from proxy.app_state import AppState
from proxy.attempts.counts import AttemptCounts
from proxy.attempts.keepalive import NO_COMMENTS, KeepAlive
from proxy.attempts.retry_loop import begin_attempts
from proxy.errors import InternalError, OutOfMemory, ProxyError, ShuttingDown
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.handler import OperationHandler, StepContext
from proxy.openai_api.response_writer import NOTHING, ResponseWriter
from proxy.openai_api.writer import ResponseChannel, Writer
from proxy.routing.resolve import resolve

RETRY_COUNT = b"x-stainless-retry-count"
"""The header in which OpenAI's SDKs send how many requests they have already made for the same call."""


async def serve(incoming: IncomingRequest, handler: OperationHandler, state: AppState, out: ResponseChannel) -> None:
    """Serve one request, until the last byte is sent or the client disconnects.

    An error before the head is sent becomes an HTTP status, one after it an error event. Raises CancelledError only.
    """
    record = RequestRecord(incoming.request_id, handler.operation)
    writer: Writer | None = None  # made when the request is parsed, or for an error before that
    snapshot = state.snapshot  # a reload does not affect this request
    with incoming:
        try:
            try:
                caller = incoming.caller or authenticate(incoming.headers, snapshot.client_keys)  # 401
                record.caller = caller.key
                check_capacity(state)  # 503, before the body is read
                body = await incoming.body()  # 408, 413, 415
                record.read_at = perf_counter()  # the time until then is the client's
                request = handler.parse(body)  # 400
                record.model, record.stream = request.model, request.stream
                if len(body) > SMALL:
                    del body
                    await asyncio.sleep(0)  # let other tasks run: parsing a large body and the next steps take long
                state.request_metrics.streams_started += request.stream
                route = resolve(request, snapshot.routing)  # 404
                with RequestSlot(state) as slot:  # 503; held until the last byte is sent
                    steps = handler.steps
                    if steps is not None and not steps.needed(request, route):
                        steps = None
                    if steps is not None:  # kept reasoning, images, conversation state, budgets
                        context = StepContext(caller, route, state, slot, record, out)
                        prepared = await steps.before(request, context)
                        if prepared is None:
                            return
                        request = prepared
                    writer = handler.writer(request, out, record)
                    retry_count = incoming.headers.get(RETRY_COUNT)
                    counts = AttemptCounts(state.retries, record.started, retry_count, incoming.time_factor)
                    with KeepAlive(writer, snapshot.settings.server) if request.stream else NO_COMMENTS:
                        # 400 if no target can serve the request
                        attempts = begin_attempts(request, route, writer, state, snapshot, record, counts, caller)
                        failure = await attempts.attempt()
                        if failure is not None:
                            await attempts.run(failure)  # 4xx, 502-504
                    if steps is not None:
                        await steps.after(request, record)
            except Exception as error:  # noqa: BLE001 - for a bug the client gets a 500 and the log a traceback
                writer = writer or ResponseWriter(NOTHING, out, record)
                await writer.fail(proxy_error(error, state, record.request_id))
        except asyncio.CancelledError:  # at any await above, including while an error is written
            await stopped(incoming, writer or ResponseWriter(NOTHING, out, record), record)
            raise
        finally:
            state.record_outcome(record.outcome())  # exactly once, also when cancelled


def proxy_error(error: Exception, state: AppState, request_id: str) -> ProxyError:
    """Return the error that the client receives, for anything that a request raised. Reports a bug to the log."""
    if isinstance(error, ProxyError):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemory()
    state.report(error, request_id)
    return InternalError(Message("Internal error; the server log has the details. Request id: {id}.", id=request_id))


async def stopped(incoming: IncomingRequest, writer: Writer, record: RequestRecord) -> None:
    """Record why the request was cancelled: the client disconnected, or the server shuts down and sends an error.

    An outcome that is already recorded stays.
    """
    if incoming.disconnected:
        record.client_closed()
    else:
        await writer.fail(ShuttingDown(attempts=record.attempts))
