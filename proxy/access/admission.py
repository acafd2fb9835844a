"""Whether there is room for one more."""

from adapters.core.message import Message
from proxy.app_state import AppState, RequestSlot
from proxy.errors import Overloaded
from proxy.reason import Reason


def acquire_slot(state: AppState) -> RequestSlot:
    """A slot, to be held in a with block. Raises Overloaded."""
    check_capacity(state)
    return state.request_slot


def check_capacity(state: AppState) -> None:
    """Asked before the body is read as well: what would be turned away then need not be taken in. Raises Overloaded."""
    limit = state.snapshot.max_requests
    if state.active >= limit < state.snapshot.settings.server.max_concurrency:
        raise _full(
            Message(
                "The server has no file descriptors for more than {limit} requests at once. Try again in a moment.",
                limit=limit,
            ),
            Reason.FILE_DESCRIPTORS,
        )
    if state.active >= limit:
        raise _full(
            Message(
                "The server is at its limit of {limit} requests at once (server.max_concurrency). Try again in a moment.",
                limit=limit,
            )
        )
    if state.memory.full:
        raise out_of_memory(state)


def out_of_memory(state: AppState) -> Overloaded:
    """The error for a request that comes, or whose body is still coming, while nearly all of the memory is in use."""
    return _full(
        Message(
            "The server has no memory left for another request ({share} of its limit is in use). Try again in a moment.",
            share=f"{state.memory.share:.0%}",
        ),
        Reason.OUT_OF_MEMORY,
    )


def _full(message: Message, reason: Reason = Reason.CONCURRENCY_LIMIT) -> Overloaded:
    full = Overloaded(message, reason=reason)
    full.retry_after_s = 1.0
    return full
