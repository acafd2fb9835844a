"""Errors about stored responses and conversations, in OpenAI's words.

Another client's object and one that does not exist have the same error.
"""

from typing import TYPE_CHECKING

from adapters.core.message import Message
from proxy.errors import BadRequest, NoSuchObject, Overloaded
from proxy.reason import Reason
from proxy.storage.interface import StoreUnavailable
from proxy.storage.records import MAX_CHAIN_LINKS, BrokenChain

if TYPE_CHECKING:
    from proxy.app_state import AppState

MAX_ID = 64
"""The most characters of an id that a message repeats."""


def shown(id_: str) -> str:
    """Return an id as a message repeats it."""
    return id_ if len(id_) <= MAX_ID else f"{id_[:MAX_ID]}…"


def response_not_found(response_id: str) -> NoSuchObject:
    """Return the error for an unknown response in a path."""
    return NoSuchObject(Message("Response with id '{id}' not found.", id=shown(response_id)))


def conversation_not_found(conversation: str, param: str | None = None) -> NoSuchObject:
    """Return the error for an unknown conversation, in a path or in the field ``param``."""
    return NoSuchObject(Message("Conversation with id '{id}' not found.", id=shown(conversation)), param=param)


def item_not_found(item: str, param: str | None = None) -> NoSuchObject:
    """Return the error for an unknown item, in a path or in the field ``param``."""
    return NoSuchObject(Message("Item with id '{id}' not found.", id=shown(item)), param=param)


def duplicate_item(item: str) -> BadRequest:
    """Return the error for two items of one id in the input of a turn. Source of the text: continuedev/continue#10723."""
    return BadRequest(
        Message(
            "Duplicate item found with id {id}. Remove duplicate items from your input and try again.", id=shown(item)
        ),
        param="input",
    )


def chain_error(chain: BrokenChain) -> BadRequest:
    """Return the error for a chain that can't be continued."""
    if chain.cause == "missing":
        return BadRequest(
            Message("Previous response with id '{id}' not found.", id=shown(chain.id)),
            param="previous_response_id",
            code="previous_response_not_found",
        )
    if chain.cause == "too_many_links":
        return BadRequest(
            Message(
                "The chain of previous responses has more than {most} links. Continue in a conversation instead (POST /v1/conversations).",
                most=MAX_CHAIN_LINKS,
            ),
            param="previous_response_id",
        )
    return history_too_long("previous_response_id")


def history_too_long(param: str) -> BadRequest:
    """Return the error for a history that is larger than a request may be."""
    return BadRequest(
        Message(
            "The earlier items are larger than a request may be (server.max_body_mb). Begin a new conversation, for example with a summary."
        ),
        param=param,
    )


def conversation_locked(conversation: str) -> BadRequest:
    """Return the error for a conversation with another request under way."""
    locked = BadRequest(
        Message(
            "Another request is adding to conversation '{id}'. Try again once its response is complete.",
            id=shown(conversation),
        ),
        param="conversation",
        code="conversation_locked",
    )
    locked.should_retry = True
    locked.retry_after_s = 1.0
    return locked


def store_unavailable(state: "AppState", error: StoreUnavailable) -> Overloaded:
    """Return the error for a request that the store would have to answer, and report the cause to the operator."""
    state.report_store(error)
    unavailable = Overloaded(
        Message("The store of responses and conversations is not available at the moment. Try again later."),
        reason=Reason.STORE_UNAVAILABLE,
    )
    unavailable.retry_after_s = 1.0
    return unavailable
