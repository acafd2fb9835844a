"""Requests to the app without sockets: any path and method, with one vendor that always answers."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from config.schema import Settings
from proxy.app import create_app
from proxy.app_state import AppState
from proxy.upstream.client import Upstream
from tests.support.judging import violations_of_response
from tests.support.judging_switch import judging

SETTINGS: Mapping[str, Any] = {
    "vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001"}, "qwen": {"api_key": "sk-qwen-0000000000000001"}},
    "models": {"gpt-4o": "kimi/kimi-k2.6", "my/deployment": "qwen/qwen3.6-plus", "small": "qwen/text-embedding-v4"},
}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
CHAT = {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE, "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}  # fmt: skip
VECTORS = {"object": "list", "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}, "data": [
    {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]}  # fmt: skip


@dataclass(frozen=True)
class Knock:
    """One request: a body is sent as JSON unless it is bytes."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Opened:
    """The responses, the upstream calls, and the access lines."""

    answers: list[httpx2.Response] = field(default_factory=list)
    calls: list[httpx2.Request] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def sent(self, at: int = -1) -> Any:
        """The body of one call to a vendor."""
        return json.loads(self.calls[at].content)


def knock(*knocks: Knock, settings: Mapping[str, Any] = SETTINGS) -> Opened:
    """Each request in turn, at one app."""
    opened = Opened()

    async def vendor(request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        opened.calls.append(request)
        return httpx2.Response(200, json=VECTORS if request.url.path.endswith("/embeddings") else CHAT)

    async def run() -> None:
        state = AppState(
            Settings.model_validate(settings), Upstream(httpx2.MockTransport(vendor)),
            lambda ending: opened.lines.append(dict(ending.line())),
        )  # fmt: skip
        transport = httpx2.ASGITransport(create_app(state), raise_app_exceptions=True)
        async with httpx2.AsyncClient(transport=transport) as client:
            for one in knocks:
                content = (
                    one.body if type(one.body) is bytes else json.dumps(one.body) if one.body is not None else None
                )
                url = f"http://localhost{one.path}"
                opened.answers.append(await client.request(one.method, url, content=content, headers=dict(one.headers)))
        await state.aclose()

    asyncio.run(run())
    for one, given in zip(knocks, opened.answers, strict=True):
        sent = one.body if type(one.body) is bytes else json.dumps(one.body).encode()
        kind = given.headers.get("content-type", "")
        wrong = violations_of_response(one.path, sent, given.status_code, kind, given.content, ended=True)
        assert not (judging.on and wrong), wrong
    return opened


def answer(method: str, path: str, body: Any = None, *, settings: Mapping[str, Any] = SETTINGS, **headers: str) -> Any:
    """The answer to one request."""
    return knock(Knock(method, path, body, headers), settings=settings).answers[0]
