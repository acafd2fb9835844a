"""OpenAI's Conversations API: items that responses are added to, and that a request continues by their id."""

import time
from typing import Any

import orjson

from adapters.core.message import Message
from adapters.openai_params.items import check_input
from adapters.openai_params.param import Invalid
from adapters.openai_params.responses import check_metadata
from adapters.responses.new_items import canonical
from proxy.errors import BadRequest
from proxy.openai_api.responses.conversation_lock import ConversationLock
from proxy.openai_api.responses.errors import conversation_not_found, item_not_found
from proxy.openai_api.responses.stored import listed, shown_item, unknown_after
from proxy.openai_api.responses.turn import new_id
from proxy.openai_api.stored_objects import StoredObjectRequest
from proxy.storage.records import (
    MAX_CONVERSATION_ITEMS,
    ConversationAppend,
    StoredConversation,
    StoredItem,
    WriteResult,
)

MOST_NEW_ITEMS = 20
"""The most items of one request. Source: OpenAI's published API description of 2026-08."""


async def create(request: StoredObjectRequest) -> dict[str, Any]:
    """``POST /v1/conversations``: create a conversation, with up to 20 items."""
    fields = request.fields()
    metadata, items = metadata_of(fields), new_items(fields)
    conversation = StoredConversation(new_id("conv"), int(time.time()), orjson.dumps(metadata))
    written(await request.store.conversations.create(request.tenant, conversation, items), conversation.id)
    return conversation_object(conversation)


async def retrieve(request: StoredObjectRequest) -> dict[str, Any]:
    """``GET /v1/conversations/{id}``: return the conversation without its items."""
    return conversation_object(await find(request))


async def update(request: StoredObjectRequest) -> dict[str, Any]:
    """``POST /v1/conversations/{id}``: replace the metadata."""
    metadata = metadata_of(request.fields())
    conversation_id = request.ids["conversation_id"]
    changed = await request.store.conversations.update(request.tenant, conversation_id, orjson.dumps(metadata))
    if changed is None:
        raise conversation_not_found(conversation_id)
    return conversation_object(changed)


async def delete(request: StoredObjectRequest) -> dict[str, Any]:
    """``DELETE /v1/conversations/{id}``: delete the conversation with its items."""
    conversation_id = request.ids["conversation_id"]
    if not await request.store.conversations.delete(request.tenant, conversation_id):
        raise conversation_not_found(conversation_id)
    return {"id": conversation_id, "object": "conversation.deleted", "deleted": True}


async def list_items(request: StoredObjectRequest) -> dict[str, Any]:
    """``GET /v1/conversations/{id}/items``: list the items, the latest first by default."""
    conversation_id = request.ids["conversation_id"]
    after, limit, descending = request.page()
    page = await request.store.conversations.items(request.tenant, conversation_id, after, limit, descending=descending)
    if page == "not_found":
        raise conversation_not_found(conversation_id)
    if page == "item_not_found":
        raise unknown_after(after or "")
    return listed([shown_item(item) for item in page.items], has_more=page.has_more)


async def add_items(request: StoredObjectRequest) -> dict[str, Any]:
    """``POST /v1/conversations/{id}/items``: add up to 20 items at the end."""
    conversation_id = request.ids["conversation_id"]
    items = new_items(request.fields(), required=True)
    await find(request)
    lock = await ConversationLock.take(request.state, request.tenant, conversation_id, new_id("add"))
    try:
        append = ConversationAppend(conversation_id, items, None)
        written(await request.store.conversations.append(request.tenant, append), conversation_id)
    finally:
        await lock.released()
    return listed([shown_item(item) for item in items], has_more=False)


async def retrieve_item(request: StoredObjectRequest) -> dict[str, Any]:
    """``GET /v1/conversations/{id}/items/{item}``: return one item."""
    conversation_id, item_id = request.ids["conversation_id"], request.ids["item_id"]
    item = await request.store.conversations.item(request.tenant, conversation_id, item_id)
    if item == "not_found":
        raise conversation_not_found(conversation_id)
    if item == "item_not_found":
        raise item_not_found(item_id)
    return shown_item(item)


async def delete_item(request: StoredObjectRequest) -> dict[str, Any]:
    """``DELETE /v1/conversations/{id}/items/{item}``: delete one item, and return the conversation."""
    conversation_id, item_id = request.ids["conversation_id"], request.ids["item_id"]
    changed = await request.store.conversations.delete_item(request.tenant, conversation_id, item_id)
    if changed == "not_found":
        raise conversation_not_found(conversation_id)
    if changed == "item_not_found":
        raise item_not_found(item_id)
    return conversation_object(changed)


async def find(request: StoredObjectRequest) -> StoredConversation:
    """Return the conversation in the path. Raises NoSuchObject."""
    conversation_id = request.ids["conversation_id"]
    conversation = await request.store.conversations.get(request.tenant, conversation_id)
    if conversation is None:
        raise conversation_not_found(conversation_id)
    return conversation


def conversation_object(conversation: StoredConversation) -> dict[str, Any]:
    """Return the object that clients receive."""
    return {
        "id": conversation.id,
        "object": "conversation",
        "created_at": conversation.created_at,
        "metadata": orjson.loads(conversation.metadata),
    }


def metadata_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a body, empty if it has none. Raises BadRequest."""
    metadata = fields.get("metadata", {})
    try:
        if type(metadata) is not dict:
            raise Invalid("metadata", Message("Invalid type for 'metadata': expected an object."), "invalid_type")
        check_metadata("metadata", metadata)
    except Invalid as invalid:
        raise BadRequest(invalid.message, param=invalid.param, code=invalid.code) from None
    return metadata


def new_items(fields: dict[str, Any], *, required: bool = False) -> list[StoredItem]:
    """Return the items of a body as the store keeps them. Raises BadRequest."""
    items = fields.get("items", None if required else [])
    try:
        if type(items) is not list:
            raise Invalid("items", Message("Invalid type for 'items': expected an array."), "invalid_type")
        if len(items) > MOST_NEW_ITEMS:
            most = Message("Invalid 'items': a request adds at most {most} items.", most=MOST_NEW_ITEMS)
            raise Invalid("items", most, "array_above_max_length")
        check_input("items", items)
    except Invalid as invalid:
        raise BadRequest(invalid.message, param=invalid.param, code=invalid.code) from None
    stored = []
    for item in items:
        made = canonical({"type": "message", **item}, new_id)
        stored.append(StoredItem(made["id"], orjson.dumps(made)))
    return stored


def written(result: WriteResult, conversation_id: str) -> None:
    """Raise the error for a write that was not done."""
    if result is WriteResult.DONE:
        return
    if result in (WriteResult.NOT_FOUND, WriteResult.CONVERSATION_NOT_FOUND):
        raise conversation_not_found(conversation_id)
    if result is WriteResult.TOO_MANY_ITEMS:
        raise BadRequest(
            Message("A conversation has at most {most} items.", most=MAX_CONVERSATION_ITEMS), param="items"
        )
    if result is WriteResult.DUPLICATE_ITEM:
        raise BadRequest(Message("Invalid 'items': the conversation has an item with one of these ids."), param="items")
    raise BadRequest(Message("The items are larger than the store accepts (store.max_memory_mb)."), param="items")
