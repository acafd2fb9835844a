"""A tap on the proxy's door: what it was asked and what it sent for each request, byte for byte."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.server.fast_path import EXTENSION, FAST_PATH, FastPath, fast_path_of


@dataclass
class Seen:
    """One answer: its request's path and body, status, headers and bytes. ``ended``: its last byte has been sent.

    ``most`` is how many bytes are kept of the request and of the answer; ``dropped``: there were more.
    """

    path: str
    most: int = 1 << 30
    asked: bytearray = field(default_factory=bytearray)
    dropped: bool = False
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    ended: bool = False

    @property
    def streamed(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    def keep(self, into: bytearray, more: bytes) -> None:
        """Add bytes to ``asked`` or ``body``, unless these are too many."""
        if len(into) + len(more) > self.most:
            self.dropped = True
        else:
            into += more

    def head(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.status = status
        self.headers = {name.decode(): value.decode() for name, value in headers}

    def events(self) -> Iterator[str]:
        """The data of each event, comments left out."""
        for block in self.body.decode().split("\n\n"):
            if block and not block.startswith(":"):
                assert block.startswith("data: "), block
                yield block.removeprefix("data: ")


class Noted:
    """The short way of a request, and what is sent by it."""

    def __init__(self, way: FastPath, one: Seen) -> None:
        self._way = way
        self._one = one
        self.headers = way.headers
        self.watch = way.watch
        self.end = way.end
        self.add_headers = way.add_headers

    def take(self) -> bytes | None:
        body = self._way.take()
        self._one.keep(self._one.asked, body or b"")
        return body

    def send(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        one = self._one
        one.head(status, headers)
        one.keep(one.body, body)
        one.ended = True  # before it is sent: the client may look at once
        sent = self._way.send(status, headers, body)
        if not sent:
            one.body.clear()
            one.ended = False
        return sent


def _ignore(one: Seen) -> None:
    """Do nothing with it."""


class Tap:
    """An ASGI app around the proxy's that notes what passes: ``begun`` gets each answer before, ``over`` after it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        begun: Callable[[Seen], None] = _ignore,
        over: Callable[[Seen], None] = _ignore,
        most: int = 1 << 30,
    ) -> None:
        self._app = app
        self._begun = begun
        self._over = over
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        one = Seen(scope["path"], self._most)
        self._begun(one)

        async def asked() -> Message:
            message = await receive()
            one.keep(one.asked, message.get("body", b""))
            return message

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                one.head(message["status"], message["headers"])
            elif message["type"] == "http.response.body":
                one.keep(one.body, message.get("body", b""))
                one.ended = not message.get("more_body", False)
            await send(message)

        way = fast_path_of(scope)
        if way is not None:  # whole answers pass by another way
            scope = {**scope, "extensions": {EXTENSION: {FAST_PATH: Noted(way, one)}}}
        try:
            await self._app(scope, asked, noted)
        finally:
            self._over(one)
