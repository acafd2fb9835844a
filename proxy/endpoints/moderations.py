"""``POST /v1/moderations`` by ``policy.moderations``: refused, passed unseen, or asked of a target that has them."""

import asyncio

import orjson
from starlette.types import Receive, Scope, Send

from adapters.core.adaptations import Adaptation
from adapters.core.message import Message
from proxy.endpoints.relay import Connection
from proxy.errors import InternalError, NotServed, OutOfMemory, ProxyError
from proxy.fronts.moderations import ModerationsFront, read, unseen
from proxy.fronts.response import NOTHING, ResponseWriter
from proxy.fronts.writer import Out
from proxy.kit import Kit
from proxy.nouns import Incoming
from proxy.pipeline import serve, stopped
from proxy.stages.account import account
from proxy.stages.authenticate import authenticate
from proxy.tally import Tally

REFUSED = Message(
    "POST /v1/moderations is not served by this proxy: an app may rely on it as a gate, and no configured vendor has moderations. Set policy.moderations to a target that has them (of kind openai_compatible), or to pass and every input is answered as not flagged, unseen; or leave it to the vendors, whose inspection answers content_filter."
)
PASSED = {
    "moderations": Adaptation(
        "emulated", Message("nothing is flagged, for nothing is looked at (policy.moderations: pass)")
    )
}


class Moderations:
    """The ASGI endpoint. A class, so that a Starlette route calls it as it is."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = Connection(scope, receive, send, self._kit)
        if self._kit.live.routing.judge() is None:
            await connection.run(judge(connection, self._kit, connection))
        else:
            await connection.run(serve(connection, ModerationsFront(), self._kit, connection))


async def judge(incoming: Incoming, kit: Kit, out: Out) -> None:
    """One request: refused, or answered by ourselves. Accounted for like any other."""
    tally = Tally(incoming.request_id, "moderations")
    writer = ResponseWriter(NOTHING, out, tally)
    live = kit.live  # the configuration of this moment, to the end
    try:
        try:
            tally.caller = authenticate(incoming.headers, live.client_keys).key
            if live.settings.policy.moderations != "pass":
                raise NotServed(REFUSED)
            tally.model, results = read(await incoming.body())
            answer = unseen(kit.fresh_id(12), tally.model, results)
            await writer.ours(orjson.dumps(answer), PASSED)
        except ProxyError as error:
            await writer.fail(error)
        except MemoryError:
            await writer.fail(OutOfMemory())
        except Exception as bug:  # noqa: BLE001 - as in the pipeline
            kit.report(bug, tally.request_id)
            await writer.fail(
                InternalError(Message("Something went wrong on our side. Request id: {id}.", id=tally.request_id))
            )
    except asyncio.CancelledError:
        await stopped(incoming, writer, tally)
        raise
    finally:
        account(tally.ending(), kit)
