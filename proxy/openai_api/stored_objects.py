"""The ASGI endpoint of objects that banjia stores itself: it authenticates the client and calls no vendor."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope, Send

from adapters.core.adaptations import Adaptation
from adapters.core.message import Message
from proxy.access.admission import RequestSlot
from proxy.access.authentication import authenticate
from proxy.app_state import AppState
from proxy.errors import BadRequest
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.endpoint import ClientExchange
from proxy.openai_api.event_stream import send_events
from proxy.openai_api.json_body import read_members
from proxy.openai_api.response_writer import NOTHING, ResponseWriter
from proxy.openai_api.responses.errors import store_unavailable
from proxy.pipeline import proxy_error, stopped
from proxy.storage.interface import Store, StoreUnavailable

MOST_ITEMS = 100
USUAL_ITEMS = 20


class StoredObjectRequest:
    """A request for stored objects: the tenant of its client, the ids in its path, its query and its body."""

    def __init__(
        self, state: AppState, tenant: str, ids: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> None:
        self.state = state
        self.tenant = tenant
        self.ids = ids
        self.query = query
        self.adaptations: dict[str, Adaptation] = {}
        """What the response says that banjia emulated."""
        self.body = body

    @property
    def store(self) -> Store:
        """The store of the server."""
        return self.state.store

    def fields(self) -> dict[str, Any]:
        """Return the members of the body, without nulls; an empty body has none. Raises BadRequest."""
        return read_members(self.body, ()) if self.body.strip() else {}

    def page(self) -> tuple[str | None, int, bool]:
        """Return ``after``, ``limit`` and whether the order is descending, from the query. Raises BadRequest."""
        after, limit, order = self.query.get("after"), self.query.get("limit"), self.query.get("order", "desc")
        if order not in ("asc", "desc"):
            raise BadRequest(Message("Invalid 'order': expected asc or desc."), param="order")
        size = USUAL_ITEMS
        if limit is not None:
            size = int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 6 else 0
            if not 1 <= size <= MOST_ITEMS:
                raise BadRequest(
                    Message("Invalid 'limit': expected an integer from 1 to {most}.", most=MOST_ITEMS), param="limit"
                )
        return after, size, order == "desc"


Answer = Callable[[StoredObjectRequest], Awaitable[Any]]
"""Returns the JSON value of a response, or an iterator of encoded events. Raises ProxyError and StoreUnavailable."""


class StoredObjectEndpoint:
    """The endpoint of one method of one path. A class, because Starlette wraps functions but calls objects directly."""

    def __init__(self, state: AppState, operation: str, answer: Answer, *, reads_body: bool = False) -> None:
        self._state = state
        self._operation = operation
        self._answer = answer
        self._reads_body = reads_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        incoming = ClientExchange(scope, receive, send, self._state)
        record = RequestRecord(incoming.request_id, self._operation)
        writer = ResponseWriter(NOTHING, incoming, record)
        state = self._state
        with incoming:
            try:
                try:
                    caller = authenticate(incoming.headers, state.snapshot.client_keys)
                    record.caller = caller.key
                    body = await incoming.body() if self._reads_body else b""
                    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
                    tenant = state.tenant(caller)
                    with RequestSlot(state):
                        request = StoredObjectRequest(state, tenant, scope["path_params"], query, body)
                        answer = await self._answered(request)
                        if isinstance(answer, AsyncIterator):
                            await send_events(answer, incoming, record)
                        else:
                            await writer.write_own_answer(orjson.dumps(answer), request.adaptations)
                except Exception as error:  # noqa: BLE001 - as in the pipeline
                    await writer.fail(proxy_error(error, state, record.request_id))
            except asyncio.CancelledError:
                await stopped(incoming, writer, record)
                raise
            finally:
                state.record_outcome(record.outcome())

    async def _answered(self, request: StoredObjectRequest) -> Any:
        try:
            return await self._answer(request)
        except StoreUnavailable as error:
            raise store_unavailable(self._state, error) from None
