"""Runs one request through the pipeline against scripted vendors, without sockets or waiting."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2
import respx
from starlette.types import Message

from config.schema import Settings
from proxy.app_state import AppState
from proxy.i18n.negotiate import Language
from proxy.openai_api.chat.handler import ChatHandler
from proxy.openai_api.handler import OperationHandler
from proxy.pipeline import serve
from proxy.upstream.client import Upstream
from tests.support.judging import path_of, violations_of_response
from tests.support.judging_switch import judging

KIMI = "https://api.moonshot.cn/v1/chat/completions"
QWEN = "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions"
HOSTS = {"api.moonshot.cn": "kimi", "dashscope.aliyuncs.com": "qwen"}

BOTH: Mapping[str, Any] = {
    "vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001"}, "qwen": {"api_key": "sk-qwen-0000000000000001"}},
    "models": {"gpt-4o": ["kimi/kimi-k2.6", "qwen/qwen3.6-plus"]},
}


def chunk(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
    """One event of a vendor's stream."""
    data = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}  # fmt: skip
    return b"data: " + json.dumps(data).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
SSE = {"content-type": "text/event-stream"}


def whole(text: str) -> httpx2.Response:
    """A whole answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    body = {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return httpx2.Response(200, json=body)


def stream(*pieces: bytes, error: Exception | None = None) -> httpx2.Response:
    """A stream of these bytes that then ends, or fails with the error."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        if error is not None:
            raise error

    return httpx2.Response(200, headers=SSE, content=body())


def hello() -> httpx2.Response:
    """A streamed ``hello`` that ends well."""
    return stream(chunk({"role": "assistant", "content": ""}), chunk({"content": "hello"}), chunk({}, "stop"), DONE)


def error(status: int, type_: str, message: str = "no", **headers: str) -> httpx2.Response:
    """An error in Kimi's shape."""
    return httpx2.Response(status, json={"error": {"message": message, "type": type_}}, headers=headers)


@dataclass
class Played:
    """The results: the called vendors, the waits, and the response of the client."""

    calls: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False
    lines: list[dict[str, Any]] = field(default_factory=list)
    state: AppState | None = None

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The events of a stream, parsed; the end marker as it is."""
        payloads = [p.removeprefix("data: ") for p in self.body.decode().split("\n\n") if p.startswith("data: ")]
        return [p if p == "[DONE]" else json.loads(p) for p in payloads]

    @property
    def text(self) -> str:
        """Return the text that the client received."""
        if not self.headers["content-type"].startswith("text/event-stream"):
            return str(self.json["choices"][0]["message"]["content"])
        deltas = [c["delta"] for e in self.events if e != "[DONE]" for c in e.get("choices", [])]
        return "".join(d.get("content") or "" for d in deltas)

    def judge(self, requested: Mapping[str, Any]) -> None:
        """Fail if the response is not in OpenAI's format, unless the test is marked ``unjudged``."""
        wrong = violations_of_response(
            path_of(requested),
            json.dumps(requested).encode(),
            self.status,
            self.headers.get("content-type", ""),
            self.body,
            ended=self.ended,
        )
        assert not (judging.on and wrong), wrong

    def language(self) -> Language:
        """Records what the client receives."""
        return "en"

    def try_send(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """There is no fast path here: ``send`` is used."""
        return False

    async def send(self, message: Message) -> None:
        """Record the head, or a piece of the body."""
        if message["type"] == "http.response.start":
            assert not self.status, "two heads"
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        assert self.status, "a body before its head"
        self.body += message["body"]
        self.ended = not message.get("more_body")


class Request:
    """A request for the pipeline."""

    request_id = "req_1"
    disconnected = False

    caller = None
    time_factor = 1

    def __init__(self, body: Mapping[str, Any], headers: Mapping[bytes, bytes] | None = None) -> None:
        self.headers = headers or {}
        self._body = body

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> Literal[False]:
        return False

    async def body(self) -> bytes:
        """The whole body."""
        return json.dumps(self._body).encode()


Reply = httpx2.Response | Exception


def play(
    replies: Mapping[str, Sequence[Reply]],
    settings: Mapping[str, Any] = BOTH,
    *,
    state: AppState | None = None,
    sent_with: Mapping[bytes, bytes] | None = None,
    handler: OperationHandler | None = None,
    **requested: Any,
) -> Played:
    """Run one request; each vendor sends its replies in order. A call beyond them fails the test."""
    played = Played()
    left = {name: list(them) for name, them in replies.items()}

    async def answer(request: httpx2.Request) -> httpx2.Response:
        vendor = HOSTS[request.url.host]
        played.calls.append(vendor)
        played.keys.append(request.headers["authorization"].removeprefix("Bearer "))
        played.bodies.append(json.loads(await request.aread()))
        assert left.get(vendor), f"an unexpected call to {vendor}"
        reply = left[vendor].pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    router: Any = respx.Router(assert_all_called=False)  # its types name httpx; what it handles is httpx2 (see plugins)
    router.route().mock(side_effect=answer)

    async def run() -> None:
        kit_ = state or AppState(
            Settings.model_validate(settings), Upstream(httpx2.MockTransport(router.async_handler))
        )
        for account in kit_.snapshot.accounts.values():
            account.upstream = Upstream(httpx2.MockTransport(router.async_handler))
        kit_.access_log = lambda ending: played.lines.append(ending.line())

        async def no_wait(seconds: float) -> None:
            played.waits.append(seconds)

        kit_.sleep = no_wait
        played.state = kit_
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], **requested}
        await serve(Request(body, sent_with), handler or ChatHandler(), kit_, played)

    asyncio.run(run())
    played.judge(requested)
    return played
