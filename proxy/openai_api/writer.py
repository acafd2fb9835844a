"""The interface of a response writer, the only code that sends a response's status, headers, events and end."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from adapters.core.event import Event
from proxy._types import Attempt
from proxy.errors import ProxyError
from proxy.i18n.negotiate import Language

Header = tuple[bytes, bytes]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
"""ASGI's ``send``, without an import of Starlette: the commands that list vendors and models load this module."""


class ResponseChannel(Protocol):
    """The output of a writer: the ASGI exchange of one request."""

    def language(self) -> Language:
        """Return the language of errors, from the client's headers."""
        ...

    @property
    def try_send(self) -> Callable[[int, list[Header], bytes], bool]:
        """Send a whole response (status, headers, body) if that needs no waiting; else send nothing and return False.

        The headers include ``content-length``.
        """
        ...

    @property
    def send(self) -> Send:
        """Send an ASGI message: the start of the response, or a piece of its body."""
        ...


class Writer(Protocol):
    """Writes one response. ``content_sent``: the client has received content, so no other target may be tried."""

    head_sent: bool
    content_sent: bool

    async def events(self, events: list[Event], attempt: Attempt) -> None:
        """Send events, or hold them until there is content."""
        ...

    def discard_held(self) -> None:
        """Discard held events, because another attempt begins."""
        ...

    async def write_comment(self) -> None:
        """Send the headers if they are not sent yet, then a keep-alive comment. Skipped while a write is under way."""
        ...

    async def done(self) -> None:
        """End the complete response."""
        ...

    async def fail(self, error: ProxyError) -> None:
        """End the response with an error: a status with a body, or an error event if the headers were sent.

        Does nothing if the response has ended; the recorded outcome then stays.
        """
        ...
