"""A tap on the proxy's door: what it sent for each request, byte for byte."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.door import SEND, WHOLE, whole_of


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

    def events(self) -> Iterator[str]:
        """The data of each event, comments left out."""
        for block in self.body.decode().split("\n\n"):
            if block and not block.startswith(":"):
                assert block.startswith("data: "), block
                yield block.removeprefix("data: ")


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

        def head(status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
            one.status = status
            one.headers = {name.decode(): value.decode() for name, value in headers}

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                head(message["status"], message["headers"])
            elif message["type"] == "http.response.body":
                one.body += message.get("body", b"")
                one.ended = not message.get("more_body", False)
            await send(message)

        short = whole_of(scope)
        if short is not None:  # whole answers pass by another way

            def noted_whole(status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
                head(status, headers)
                one.body += body
                one.ended = True  # before it is sent: the client may look at once
                sent: bool = short(status, headers, body)
                if not sent:
                    one.body.clear()
                    one.ended = False
                return sent

            scope = {**scope, "extensions": {WHOLE: {SEND: noted_whole}}}

        await self._app(scope, receive, noted)
