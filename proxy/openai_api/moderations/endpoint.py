"""``POST /v1/moderations`` by ``policy.moderations``: refused, passed unchecked, or sent to a supporting target."""

import asyncio

import orjson
from starlette.types import Receive, Scope, Send

from adapters.core.adaptations import Adaptation
from adapters.core.message import Message
from proxy._types import IncomingRequest
from proxy.access.authentication import authenticate
from proxy.app_state import AppState, random_bits
from proxy.errors import NotServed
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.endpoint import ClientExchange
from proxy.openai_api.moderations.handler import ModerationsHandler, read, unflagged
from proxy.openai_api.response_writer import NOTHING, ResponseWriter
from proxy.openai_api.writer import ResponseChannel
from proxy.pipeline import proxy_error, serve, stopped

REFUSED = Message(
    "POST /v1/moderations is not served by this proxy: no configured vendor has moderations, and an app may rely on the result. Set policy.moderations to a target that has them (kind openai_compatible), or to pass, which reports every input as not flagged without a check; or rely on the vendors' own content checks, which answer content_filter."
)
PASSED = {
    "moderations": Adaptation(
        "emulated", Message("every input is reported as not flagged, without a check (policy.moderations: pass)")
    )
}


class ModerationsEndpoint:
    """The ASGI endpoint. A class, because Starlette wraps functions but calls objects directly."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = ClientExchange(scope, receive, send, self._state)
        if self._state.snapshot.routing.moderations_route() is None:
            await answer_locally(exchange, self._state, exchange)
        else:
            await serve(exchange, ModerationsHandler(), self._state, exchange)


async def answer_locally(incoming: IncomingRequest, state: AppState, out: ResponseChannel) -> None:
    """Refuse a request, or answer it without a vendor. Its outcome is recorded like any other."""
    record = RequestRecord(incoming.request_id, "moderations")
    writer = ResponseWriter(NOTHING, out, record)
    snapshot = state.snapshot  # the request uses one configuration to its end
    with incoming:
        try:
            try:
                record.caller = authenticate(incoming.headers, snapshot.client_keys).key
                if snapshot.settings.policy.moderations != "pass":
                    raise NotServed(REFUSED)
                record.model, results = read(await incoming.body())
                answer = unflagged(f"{random_bits(96):024x}", record.model, results)
                await writer.write_own_answer(orjson.dumps(answer), PASSED)
            except Exception as error:  # noqa: BLE001 - as in the pipeline
                await writer.fail(proxy_error(error, state, record.request_id))
        except asyncio.CancelledError:
            await stopped(incoming, writer, record)
            raise
        finally:
            state.record_outcome(record.outcome())
