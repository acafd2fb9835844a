"""What the pipeline needs of a front's writer: the one owner of a response's status, headers, events and end."""

from collections.abc import Awaitable
from typing import Protocol

from adapters.core.event import Event
from proxy._types import Attempt
from proxy.errors import ProxyError
from proxy.i18n.negotiate import Language

Header = tuple[bytes, bytes]


class ResponseChannel(Protocol):
    """Where a writer writes: the ASGI connection of one request."""

    def language(self) -> Language:
        """The language of errors, by what the caller asked for."""
        ...

    def try_send(self, status: int, headers: list[Header], body: bytes) -> bool:
        """Send an answer that is whole, where that needs no waiting; False, and nothing sent, where it does.

        ``headers`` hold its ``content-length``.
        """
        ...

    def start(self, status: int, headers: list[Header]) -> Awaitable[None]:
        """Send the status and the headers."""
        ...

    def write(self, data: bytes, *, more: bool) -> Awaitable[None]:
        """Send a piece of the body."""
        ...


class Writer(Protocol):
    """One a request. ``content_sent``: the caller has seen content, so no other target may follow."""

    head_sent: bool
    content_sent: bool

    async def events(self, events: list[Event], attempt: Attempt) -> None:
        """Hand events on, or hold them until there is content."""
        ...

    def discard_held(self) -> None:
        """Another attempt begins: forget what is held."""
        ...

    async def write_comment(self) -> None:
        """Show that we are alive: force the head out, then send a comment. Skipped while a write is under way."""
        ...

    async def done(self) -> None:
        """The answer is whole: end the response."""
        ...

    async def fail(self, error: ProxyError) -> None:
        """End the response with an error: a status with a body, or an error event if the head was sent.

        Does nothing once the response has ended: the answer, or an earlier error, then stays what the request came to.
        """
        ...
