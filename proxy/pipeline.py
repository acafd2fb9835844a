"""A request's path, top to bottom. It lives until the last byte has left or the caller has."""

import asyncio
from typing import Protocol

from adapters.core.json_limits import SMALL
from adapters.core.message import Message
from adapters.core.request import ApiRequest
from proxy.errors import InternalError, OutOfMemory, ProxyError, ShuttingDown
from proxy.fronts.response import NOTHING, ResponseWriter
from proxy.fronts.writer import Out, Writer
from proxy.kit import Kit
from proxy.nouns import Incoming
from proxy.stages.account import account
from proxy.stages.admit import admit, turn_away
from proxy.stages.authenticate import authenticate
from proxy.stages.heart import heart
from proxy.stages.resolve import resolve
from proxy.stages.send import send
from proxy.tally import Tally

RETRIED = b"x-stainless-retry-count"
"""OpenAI's SDKs say in it how many requests they have made before, for the same call."""
FIRST = b"0"


class Front(Protocol):
    """OpenAI's side of one operation: a body becomes an Ask, Events become OpenAI's bytes."""

    operation: str

    def read(self, body: bytes) -> ApiRequest:
        """The ask of a body. Raises BadRequest."""
        ...

    def writer(self, ask: ApiRequest, out: Out, tally: Tally) -> Writer:
        """The writer for one answer."""
        ...


async def serve(incoming: Incoming, front: Front, kit: Kit, out: Out) -> None:
    """One request. An error before the head becomes a status, after it an error event; only cancellation is raised."""
    tally = Tally(incoming.request_id, front.operation)
    writer: Writer = ResponseWriter(NOTHING, out, tally)
    live = kit.live  # the configuration of this moment, to the end
    try:
        try:
            caller = authenticate(incoming.headers, live.client_keys)  # who                      401
            tally.caller = caller.key
            turn_away(kit)  # is there room, before anything is read                              503
            body = await incoming.body()  #                                                      408, 413, 415
            tally.read()
            ask = front.read(body)  # what                                                        400
            if len(body) > SMALL:
                del body
                await asyncio.sleep(
                    0
                )  # run other tasks first: reading a large body takes long, and so does what follows
            kit.counts.streams_started += ask.stream
            tally.asked(ask, incoming.headers.get(RETRIED, FIRST))
            route = resolve(ask, live.routing)  # which targets, best first                        404
            with admit(kit):  # is there room; held to the last byte                              503
                writer = front.writer(ask, out, tally)
                with heart(writer, ask, live.settings.server):  # comments to a caller who waits
                    await send(ask, route, writer, kit, live, tally)  # attempts, retry, next target    4xx, 502-504
        except ProxyError as error:
            await writer.fail(error)
        except MemoryError:
            await writer.fail(OutOfMemory())
        except Exception as bug:  # noqa: BLE001 - whatever it was, the caller gets an answer and the log a traceback
            kit.report(bug, tally.request_id)
            await writer.fail(
                InternalError(Message("Something went wrong on our side. Request id: {id}.", id=tally.request_id))
            )
    except asyncio.CancelledError:  # at any await above, also while an error was written
        await stopped(incoming, writer, tally)
        raise
    finally:
        account(tally.ending(), kit)  # complete, truncated, client_closed or rejected: once, also when cancelled


async def stopped(incoming: Incoming, writer: Writer, tally: Tally) -> None:
    """The request is cancelled: its caller has left, or the server stops and says so while the line is open.

    What has ended before stays as it ended.
    """
    if incoming.gone:
        tally.left()
    else:
        await writer.fail(ShuttingDown(attempts=tally.attempts))
