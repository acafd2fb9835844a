"""An ASGI wrapper that records each request to the proxy and its response, byte for byte."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.server.fast_path import EXTENSION, FAST_PATH, FastPath, fast_path_of


@dataclass
class Seen:
    """One response: its request's path, method and body, status, headers, bytes. ``ended``: its last byte has been sent.

    ``most`` limits the recorded bytes of the request and of the response; ``dropped``: there were more.
    """

    path: str
    most: int = 1 << 30
    request_body: bytearray = field(default_factory=bytearray)
    dropped: bool = False
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    ended: bool = False
    method: str = "POST"

    @property
    def streamed(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    def keep(self, into: bytearray, more: bytes) -> None:
        """Add bytes to ``request_body`` or ``body``, up to ``most``."""
        if len(into) + len(more) > self.most:
            self.dropped = True
        else:
            into += more

    def head(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.status = status
        self.headers = {name.decode(): value.decode() for name, value in headers}

    def events(self) -> Iterator[str]:
        """Yield the data of each event, without comments."""
        for block in self.body.decode().split("\n\n"):
            if block and not block.startswith(":"):
                assert block.startswith("data: "), block
                yield block.removeprefix("data: ")


class RecordedFastPath:
    """Wraps the fast path of a request and records what it sends."""

    def __init__(self, fast_path: FastPath, seen: Seen) -> None:
        self._fast_path = fast_path
        self._seen = seen
        self.headers = fast_path.headers
        self.on_disconnect = fast_path.on_disconnect
        self.stop_watching = fast_path.stop_watching
        self.add_headers = fast_path.add_headers

    @property
    def is_watching(self) -> bool:
        return self._fast_path.is_watching

    def take_body(self) -> bytes | None:
        body = self._fast_path.take_body()
        self._seen.keep(self._seen.request_body, body or b"")
        return body

    def send(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        seen = self._seen
        seen.head(status, headers)
        seen.keep(seen.body, body)
        seen.ended = True  # before it is sent, because the client may check at once
        sent = self._fast_path.send(status, headers, body)
        if not sent:
            seen.body.clear()
            seen.ended = False
        return sent


def _ignore(seen: Seen) -> None:
    """Do nothing."""


class Tap:
    """An ASGI app around the proxy's that records responses; ``begun`` gets each at its start, ``over`` at its end."""

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
        seen = Seen(scope["path"], self._most, method=scope["method"])
        self._begun(seen)

        async def recorded_receive() -> Message:
            message = await receive()
            seen.keep(seen.request_body, message.get("body", b""))
            return message

        async def recorded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.head(message["status"], message["headers"])
            elif message["type"] == "http.response.body":
                seen.keep(seen.body, message.get("body", b""))
                seen.ended = not message.get("more_body", False)
            await send(message)

        fast_path = fast_path_of(scope)
        if fast_path is not None:  # whole responses do not pass ``send``
            scope = {**scope, "extensions": {EXTENSION: {FAST_PATH: RecordedFastPath(fast_path, seen)}}}
        try:
            await self._app(scope, recorded_receive, recorded_send)
        finally:
            self._over(seen)
