"""Admission: refuse requests that exceed the concurrency limit or the available memory."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from adapters.core.message import Message
from proxy.app_state import AppState
from proxy.errors import Overloaded
from proxy.observability.memory_budget import Lease
from proxy.reason import Reason


class RequestSlot:
    """A slot of ``server.max_concurrency``: counts a request as in progress while the block runs. Raises Overloaded."""

    __slots__ = ("_at_end", "_lease", "_state")

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._lease: Lease | None = None
        self._at_end: Callable[[], None] | None = None

    def at_end(self, release: Callable[[], None] | None) -> None:
        """Call ``release`` when the block ends, however it ends; None: nothing. For one thing that the request holds."""
        self._at_end = release

    def lease(self) -> Lease:
        """Return the request's lease on the memory budget for what it holds besides its body, until the block ends."""
        if self._lease is None:
            self._lease = Lease(self._state.budget)
        return self._lease

    def __enter__(self) -> Self:
        check_capacity(self._state)
        self._state.active += 1
        self._state.retries.request()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._state.active -= 1
        if self._at_end is not None:
            self._at_end()
        if self._lease is not None:
            self._lease.end()


def check_capacity(state: AppState) -> None:
    """Check for a free slot and memory. Also called before the body is read, which may save reading it.

    Raises Overloaded.
    """
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
    """Return the error for a request that arrives, or whose body is being received, while memory is nearly full."""
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
