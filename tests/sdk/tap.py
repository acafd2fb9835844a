"""A tap on the proxy's door: what it sent for each request, byte for byte."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.way import DOOR, WAY, Way, way_of


@dataclass
class Seen:
    """One answer: its request's path, status, headers and bytes. ``ended``: its last byte has been sent."""

    path: str
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

    def __init__(self, way: Way, one: Seen) -> None:
        self._way = way
        self._one = one
        self.headers = way.headers
        self.take = way.take
        self.watch = way.watch
        self.end = way.end

    def send(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        one = self._one
        one.head(status, headers)
        one.body += body
        one.ended = True  # before it is sent: the client may look at once
        sent = self._way.send(status, headers, body)
        if not sent:
            one.body.clear()
            one.ended = False
        return sent


class Tap:
    """An ASGI app around the proxy's that notes what passes."""

    def __init__(self, app: ASGIApp, seen: list[Seen]) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        one = Seen(scope["path"])
        self._seen.append(one)

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                one.head(message["status"], message["headers"])
            elif message["type"] == "http.response.body":
                one.body += message.get("body", b"")
                one.ended = not message.get("more_body", False)
            await send(message)

        way = way_of(scope)
        if way is not None:  # whole answers pass by another way
            scope = {**scope, "extensions": {DOOR: {WAY: Noted(way, one)}}}

        await self._app(scope, receive, noted)
