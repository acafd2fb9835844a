"""A request's path, top to bottom. It lives until the last byte has left or the caller has."""

import asyncio

from adapters.core.json_limits import SMALL
from adapters.core.message import Message
from proxy._types import IncomingRequest
from proxy.access.admission import acquire_slot, check_capacity
from proxy.access.authentication import authenticate
from proxy.app_state import AppState
from proxy.attempts.keepalive import keep_alive
from proxy.attempts.retry_loop import send_with_retries
from proxy.errors import InternalError, OutOfMemory, ProxyError, ShuttingDown
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.handler import OperationHandler
from proxy.openai_api.response_writer import NOTHING, ResponseWriter
from proxy.openai_api.writer import ResponseChannel, Writer
from proxy.routing.resolve import resolve

RETRIED = b"x-stainless-retry-count"
"""OpenAI's SDKs say in it how many requests they have made before, for the same call."""
FIRST = b"0"


async def serve(incoming: IncomingRequest, front: OperationHandler, state: AppState, out: ResponseChannel) -> None:
    """One request. An error before the head becomes a status, after it an error event; only cancellation is raised."""
    record = RequestRecord(incoming.request_id, front.operation)
    writer: Writer = ResponseWriter(NOTHING, out, record)
    snapshot = state.snapshot  # the configuration of this moment, to the end
    try:
        try:
            caller = authenticate(incoming.headers, snapshot.client_keys)  # who                      401
            record.caller = caller.key
            check_capacity(state)  # is there room, before anything is read                              503
            body = await incoming.body()  #                                                      408, 413, 415
            record.body_read()
            request = front.parse(body)  # what                                                        400
            if len(body) > SMALL:
                del body
                await asyncio.sleep(
                    0
                )  # run other tasks first: reading a large body takes long, and so does what follows
            state.request_metrics.streams_started += request.stream
            record.request_read(request, incoming.headers.get(RETRIED, FIRST))
            route = resolve(request, snapshot.routing)  # which targets, best first                        404
            with acquire_slot(state):  # is there room; held to the last byte                              503
                writer = front.writer(request, out, record)
                with keep_alive(writer, request, snapshot.settings.server):  # comments to a caller who waits
                    await send_with_retries(
                        request, route, writer, state, snapshot, record
                    )  # attempts, retry, next target    4xx, 502-504
        except ProxyError as error:
            await writer.fail(error)
        except MemoryError:
            await writer.fail(OutOfMemory())
        except Exception as bug:  # noqa: BLE001 - whatever it was, the caller gets an answer and the log a traceback
            state.report(bug, record.request_id)
            await writer.fail(
                InternalError(Message("Something went wrong on our side. Request id: {id}.", id=record.request_id))
            )
    except asyncio.CancelledError:  # at any await above, also while an error was written
        await stopped(incoming, writer, record)
        raise
    finally:
        state.record_outcome(
            record.outcome()
        )  # complete, truncated, client_closed or rejected: once, also when cancelled


async def stopped(incoming: IncomingRequest, writer: Writer, record: RequestRecord) -> None:
    """The request is cancelled: its caller has left, or the server stops and says so while the line is open.

    What has ended before stays as it ended.
    """
    if incoming.disconnected:
        record.client_closed()
    else:
        await writer.fail(ShuttingDown(attempts=record.attempts))
