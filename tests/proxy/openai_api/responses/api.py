"""The app without sockets, before scripted vendors and a store that can fail."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from starlette.types import ASGIApp, Message

from config.schema import Settings
from proxy.app import create_app
from proxy.app_state import AppState
from proxy.storage.interface import StoreUnavailable
from proxy.upstream.client import Upstream
from tests.proxy.play import BOTH, DONE, HOSTS, chunk, stream, whole
from tests.support.judging import violations_of_response
from tests.support.judging_switch import judging
from tests.support.responses_grammar import read_events

PATH = "/v1/responses"
CLIENT_KEYS = ["sk-of-anna-0000000001", "sk-of-ben-00000000001"]
KEYS: Mapping[str, Any] = {**BOTH, "server": {"client_keys": CLIENT_KEYS}}
"""Settings with two clients."""
ANNA, BEN = ({"authorization": f"Bearer {key}"} for key in CLIENT_KEYS)


class FailingStore:
    """A store of which some operations fail. ``fails``: names such as ``responses.put``. ``calls`` counts all of them.

    ``before``: awaited before each operation, with its name.
    """

    def __init__(self, store: Any) -> None:
        self._store = store
        self.fails: set[str] = set()
        self.calls: Counter[str] = Counter()
        self.before: Callable[[str], Awaitable[None]] | None = None

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._store, name)
        return _Part(name, member, self) if name in ("responses", "conversations", "leases") else member


class _Part:
    def __init__(self, name: str, part: Any, store: FailingStore) -> None:
        self._name = name
        self._part = part
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        operation = getattr(self._part, name)
        called = f"{self._name}.{name}"

        async def call(*args: Any, **named: Any) -> Any:
            self._store.calls[called] += 1
            if self._store.before is not None:
                await self._store.before(called)
            if called in self._store.fails or "all" in self._store.fails:
                raise StoreUnavailable("io", "the test")
            return await operation(*args, **named)

        return call


Vendor = Callable[[dict[str, Any]], httpx2.Response | Awaitable[httpx2.Response]]


def said(text: str, *, streamed: bool) -> httpx2.Response:
    """A vendor's answer with this text, two pieces if it is streamed."""
    if not streamed:
        return whole(text)
    half = len(text) // 2
    return stream(
        chunk({"role": "assistant", "content": text[:half]}), chunk({"content": text[half:]}), chunk({}, "stop"), DONE
    )


def echo(body: dict[str, Any]) -> httpx2.Response:
    """Answer with the number of messages and the last user's text."""
    return said(f"{len(body['messages'])}: {last_text(body)}", streamed=body.get("stream", False))


def last_text(body: dict[str, Any]) -> str:
    """Return the text of the last user message of a chat request."""
    content = next(message["content"] for message in reversed(body["messages"]) if message["role"] == "user")
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


@dataclass
class Api:
    """A running app: its clients' requests, the calls to its vendors, its store and the lines of its log."""

    state: AppState
    app: ASGIApp
    store: FailingStore
    client: httpx2.AsyncClient
    vendor: Vendor = echo
    bodies: list[dict[str, Any]] = field(default_factory=list)
    vendors: list[str] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)

    async def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """One request; its answer is judged."""
        content = b"" if body is None else json.dumps(body).encode()
        answer = await self.client.request(
            method, f"http://localhost{path}", content=content, headers=dict(headers or {})
        )
        for _ in range(3):  # without sockets nothing else runs between two requests, such as the release of a lock
            await asyncio.sleep(0)
        kind = answer.headers.get("content-type", "")
        wrong = violations_of_response(path, content, answer.status_code, kind, answer.content, ended=True)
        assert not (judging.on and wrong), wrong
        return answer

    async def post(self, headers: Mapping[str, str] | None = None, **fields: Any) -> httpx2.Response:
        """One request for a response."""
        return await self.request("POST", PATH, {"model": "gpt-4o", "input": "hi", **fields}, headers)

    async def respond(self, headers: Mapping[str, str] | None = None, **fields: Any) -> dict[str, Any]:
        """Return the response object, from the last event if it is streamed. Fails for an error."""
        answer = await self.post(headers, **fields)
        assert answer.status_code == 200, answer.text
        return final(answer)

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """One GET request."""
        return await self.request("GET", path, None, headers)

    async def conversation(self, headers: Mapping[str, str] | None = None, **fields: Any) -> str:
        """Create a conversation and return its id."""
        answer = await self.request("POST", "/v1/conversations", fields, headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def items(self, conversation: str, headers: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Return all items of a conversation, oldest first."""
        answer = await self.get(f"/v1/conversations/{conversation}/items?order=asc&limit=100", headers)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    async def begin(self, headers: Mapping[str, str] | None = None, **fields: Any) -> "OpenRequest":
        """Send a request whose client reads along and may leave."""
        begun = OpenRequest(json.dumps({"model": "gpt-4o", "input": "hi", **fields}).encode(), headers or {})
        begun.task = asyncio.create_task(begun.run(self.app))
        return begun


class OpenRequest:
    """A request under way, as ASGI sees it. ``leave`` disconnects its client."""

    task: asyncio.Task[None]

    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:
        self._body: bytes | None = body
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._gone = asyncio.Event()
        self.sent = b""
        self.status = 0
        self.ended = False

    async def run(self, app: ASGIApp) -> None:
        """Call the app."""
        scope = {
            "type": "http", "method": "POST", "path": PATH, "raw_path": PATH.encode(), "query_string": b"",
            "headers": [(b"host", b"localhost"), *self._headers], "http_version": "1.1", "scheme": "http",
            "asgi": {"version": "3.0"}, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "root_path": "",
        }  # fmt: skip
        await app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        self.sent += message["body"]
        self.ended = not message.get("more_body", False)

    async def until(self, text: bytes) -> None:
        """Wait until the client has received this."""
        async with asyncio.timeout(10):
            while text not in self.sent:
                await asyncio.sleep(0)

    async def leave(self) -> None:
        """Disconnect the client, and wait until the app has noticed it."""
        self._gone.set()
        await asyncio.wait([self.task])

    async def over(self) -> None:
        """Wait until the response is complete."""
        async with asyncio.timeout(10):
            await self.task


def final(answer: httpx2.Response) -> dict[str, Any]:
    """Return the response object of an answer: its body, or what its last event has."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        response: dict[str, Any] = read_events(answer.content)[-1]["response"]
        return response
    body: dict[str, Any] = answer.json()
    return body


def text_of(response: Mapping[str, Any]) -> str:
    """Return the text of a response object."""
    return "".join(part["text"] for item in response["output"] for part in item.get("content", ()))


@asynccontextmanager
async def running(settings: Mapping[str, Any] = BOTH, **more: Any) -> AsyncIterator[Api]:
    """Run the app with these settings."""
    api: Api

    async def vendor(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(await request.aread())
        api.bodies.append(body)
        api.vendors.append(HOSTS[request.url.host])
        answer = api.vendor(body)
        return answer if isinstance(answer, httpx2.Response) else await answer

    lines: list[dict[str, Any]] = []
    state = AppState(
        Settings.model_validate({**settings, **more}),
        Upstream(httpx2.MockTransport(vendor)),
        lambda outcome: lines.append(dict(outcome.line())),
    )

    async def no_wait(seconds: float) -> None:
        await asyncio.sleep(0)

    state.sleep = no_wait
    store = FailingStore(state.store)
    state.store = store
    app = create_app(state)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as client:
        api = Api(state, app, store, client, lines=lines)
        try:
            yield api
        finally:
            await state.aclose()
