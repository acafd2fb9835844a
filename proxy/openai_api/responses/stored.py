"""Stored responses: retrieve, delete, cancel, list the input items."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import orjson

from adapters.core.message import Message
from adapters.responses.history import Item, without_text
from proxy.errors import BadRequest
from proxy.openai_api.responses.background import BackgroundRuns, stored_events
from proxy.openai_api.responses.errors import response_not_found, shown
from proxy.openai_api.stored_objects import StoredObjectRequest
from proxy.storage.records import UNFINISHED, BrokenChain, StoredItem, StoredResponse


class StoredResponses:
    """Answers requests for stored responses. ``runs``: those that are being made in the background."""

    def __init__(self, runs: BackgroundRuns) -> None:
        self._runs = runs

    async def retrieve(self, request: StoredObjectRequest) -> dict[str, Any] | AsyncIterator[bytes]:
        """``GET /v1/responses/{id}``: return the response object, or with ``stream=true`` the events of a background response.

        ``starting_after``: the number of the last event that the client has.
        """
        stored = await find(request)
        if request.query.get("stream") != "true":
            return response_of(stored)
        if not stored.background:
            raise BadRequest(
                Message("Only a response with background: true can be streamed again; this one can be retrieved."),
                param="stream",
            )
        events = await stored_events(request.state, self._runs, request.tenant, stored.id, starting_after(request) + 1)
        if events is None:
            raise BadRequest(
                Message("The events of this response are no longer kept. Retrieve it without stream=true."),
                param="stream",
            )
        return events

    async def delete(self, request: StoredObjectRequest) -> dict[str, Any]:
        """``DELETE /v1/responses/{id}``: delete the response with its items. One that runs is cancelled first."""
        stored = await find(request)
        if stored.is_unfinished:
            await self.cancel(request)
        if not await request.store.responses.delete(request.tenant, stored.id):
            raise response_not_found(stored.id)
        return {"id": stored.id, "object": "response", "deleted": True}

    async def cancel(self, request: StoredObjectRequest) -> dict[str, Any]:
        """``POST /v1/responses/{id}/cancel``: cancel a background response, and return it. One that has ended stays."""
        stored = await find(request)
        if not stored.background:
            raise BadRequest(Message("Only a response with background: true can be cancelled."))
        if not stored.is_unfinished:
            return response_of(stored)
        if not await self._runs.cancel(
            request.tenant, stored.id
        ):  # another process runs it, which finds out at its end
            body = {**orjson.loads(stored.body), "status": "cancelled"}
            cancelled = replace(stored, status="cancelled", body=orjson.dumps(body))
            await request.store.responses.put(request.tenant, cancelled, replaces=UNFINISHED)
        return response_of(await find(request))


def starting_after(request: StoredObjectRequest) -> int:
    """Return the number of the last event that the client has; -1 if it has none. Raises BadRequest."""
    text = request.query.get("starting_after")
    if text is None:
        return -1
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadRequest(
            Message("Invalid 'starting_after': expected the sequence_number of an event."), param="starting_after"
        )
    return int(text)


async def input_items(request: StoredObjectRequest) -> dict[str, Any]:
    """``GET /v1/responses/{id}/input_items``: list the items of the earlier responses and of this one's input."""
    after, limit, descending = request.page()
    stored = await find(request)
    earlier: list[StoredItem] = []
    if stored.previous is not None:
        chain = await request.store.responses.chain(request.tenant, stored.previous)
        if not isinstance(chain, BrokenChain):  # else an earlier response was deleted: its items are gone
            earlier = list(chain.items())
    items = [*earlier, *stored.input]
    if descending:
        items.reverse()
    at = 0
    if after is not None:
        at = next((at for at, item in enumerate(items, 1) if item.id == after), 0)
        if not at:
            raise unknown_after(after)
    return listed([shown_item(item) for item in items[at : at + limit]], has_more=len(items) > at + limit)


async def find(request: StoredObjectRequest) -> StoredResponse:
    """Return the response in the path. Raises NoSuchObject."""
    response_id = request.ids["response_id"]
    stored = await request.store.responses.get(request.tenant, response_id)
    if stored is None:
        raise response_not_found(response_id)
    return stored


def response_of(stored: StoredResponse) -> dict[str, Any]:
    """Return the response object as its client received it."""
    response: dict[str, Any] = orjson.loads(stored.body)
    response["output"] = [shown_item(item) for item in stored.output]
    return response


def shown_item(item: StoredItem) -> Item:
    """Return an item without what only the store has."""
    return without_text(orjson.loads(item.body))


def listed(items: Sequence[Item], *, has_more: bool) -> dict[str, Any]:
    """Return a list object."""
    return {
        "object": "list",
        "data": items,
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
        "has_more": has_more,
    }


def unknown_after(after: str) -> BadRequest:
    """Return the error for a page that begins after an unknown item: an empty page would hide the mistake."""
    return BadRequest(Message("Invalid 'after': no item has the id '{id}'.", id=shown(after)), param="after")
