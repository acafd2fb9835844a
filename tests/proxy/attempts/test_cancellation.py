"""A request is cancelled at each of its awaits in turn: by the client, by the server's shutdown, by both."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from adapters.core.request import ApiRequest
from config.schema import Settings
from proxy._types import Route
from proxy.app_state import AppState
from proxy.errors import ShuttingDown
from proxy.limiter.scheduler import Ticket
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.chat.handler import ChatHandler
from proxy.openai_api.completions import CompletionsHandler
from proxy.openai_api.embeddings import EmbeddingsHandler
from proxy.openai_api.endpoint import ClientExchange
from proxy.openai_api.handler import StepContext
from proxy.openai_api.moderations.endpoint import answer_locally
from proxy.openai_api.response_writer import ResponseWriter
from proxy.storage.memory import MemoryStore
from proxy.upstream.client import Upstream, UpstreamCall
from proxy.upstream.http_client.pool import HttpTransport
from tests.proxy.attempts import cancelled_request
from tests.proxy.attempts.cancelled_request import PLACES, Event, Scene, check, front, listening
from tests.proxy.attempts.test_disconnects import SSE_HEAD, piece
from tests.proxy.attempts.test_hedge import answer
from tests.proxy.play import DONE, chunk
from tests.proxy.upstream.peers import Peer, Script, Talk, run, slow

WAYS: list[tuple[list[Event], bool]] = [
    (["stops"], False), (["stops"], True), (["leaves"], True), (["stops", "leaves"], False), (["leaves", "stops", "stops"], False),
]  # fmt: skip
"""What happens at an await, and whether late; see :class:`tests.proxy.attempts.cancelled_request.Steps`."""
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'


def whole(status: int = 200, body: bytes = b"") -> Script:
    """Answers with this status."""
    body = body or (answer("ok") if status == 200 else b'{"error":{"message":"no","type":"x"}}')

    async def script(talk: Talk) -> None:
        while await talk.request():
            head = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            await talk.say(head % (status, len(body)))
            await asyncio.sleep(0.001)
            await talk.say(body)

    return script


def streamed(*, end: bytes = b"0\r\n\r\n", close: bool = False) -> Script:
    """Streams in four writes; ``end``: the bytes after the end marker. ``close``: every call needs a new connection."""

    async def script(talk: Talk) -> None:
        while await talk.request():
            head = SSE_HEAD if not close else SSE_HEAD.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
            for part in (head, piece(chunk({"content": "a"})), piece(chunk({"content": "b"}, "stop") + USAGE + DONE)):
                await talk.say(part)
                await asyncio.sleep(0.001)
            await talk.say(end)
            if close:
                return

    return script


CALL = {"id": "get_time:0", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
TOOL_TURN: dict[str, Any] = {
    "tools": [{"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}],
    "thinking": {"type": "enabled"},
    "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": CALL["id"], "content": "noon"},
    ],
}
"""A request whose reasoning is looked up, and whose answer's reasoning is kept."""


async def reasoned_call(talk: Talk) -> None:
    """Streams reasoning and a call."""
    while await talk.request():
        call = {"index": 0, **CALL}
        parts = (chunk({"reasoning_content": "a"}), chunk({"tool_calls": [call]}), chunk({}, "tool_calls"))
        await talk.say(SSE_HEAD)
        for part in (*parts[:2], parts[2] + USAGE + DONE):
            await talk.say(piece(part))
            await asyncio.sleep(0.001)
        await talk.say(b"0\r\n\r\n")


class SlowStore(MemoryStore):
    """Suspends the request whenever it is used."""

    async def get(self, *of: Any) -> Mapping[str, bytes]:
        await asyncio.sleep(0)
        return await super().get(*of)

    async def put(self, *of: Any) -> None:
        await asyncio.sleep(0)
        await super().put(*of)


def slow_store(state: AppState) -> None:
    """The store is slow."""
    state.store = SlowStore(1 << 20)


async def breaking(talk: Talk) -> None:
    """A stream that breaks after its first content."""
    await talk.request()
    await talk.say(SSE_HEAD + piece(chunk({"content": "a"})))
    await asyncio.sleep(0.001)


async def falling_silent(talk: Talk) -> None:
    """A stream without an end."""
    await talk.request()
    await talk.say(SSE_HEAD + piece(chunk({"content": "a"})))
    await talk.request()


async def resets(talk: Talk) -> None:
    """Takes a request and closes."""
    await talk.request()


async def silent(talk: Talk) -> None:
    """Waits until the client disconnects."""
    while await talk.request():
        pass


def by_key(good: str) -> Script:
    """Refuses every key but one."""

    async def script(talk: Talk) -> None:
        while request := await talk.request():
            body, status = (answer("ok"), 200) if good.encode() in request else (b'{"error":{"message":"no"}}', 401)
            await talk.say(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))

    return script


def by_turns(*scripts: Script) -> Script:
    """The connections of a vendor follow these scripts in turn."""

    async def script(talk: Talk) -> None:
        await scripts[talk.number % len(scripts)](talk)

    return script


Before = Callable[[AppState], Callable[[], None] | None]


@asynccontextmanager
async def scene(
    *vendors: Script, entry: Mapping[str, Any] | None = None, host: str = "127.0.0.1",
    upstream: Upstream | None = None, model: str = "kimi-k2.6", of: Mapping[str, Any] | None = None, **more: Any,
) -> AsyncIterator[Scene]:  # fmt: skip
    """A scene with these vendors, in the order in which they are tried. ``more``: fields of the request."""
    async with AsyncExitStack() as stack:
        urls = [(await stack.enter_async_context(Peer(script))).url.replace("127.0.0.1", host) for script in vendors]
        entries = {
            f"v{number}": {"kind": "kimi", "api_key": f"sk-{number}-000000000001", "base_url": url, **(entry or {})}
            for number, url in enumerate(urls)
        }
        about = dict(of or {})
        settings = Settings.model_validate({
            "vendors": entries, "models": {"gpt-4o": [f"{name}/{model}" for name in entries]},
            **about.pop("settings", {}),
        })  # fmt: skip
        way = upstream or Upstream(HttpTransport(PLACES))
        try:
            yield Scene(settings, way, more, **about)
        finally:
            await way.aclose()


def occupied(state: AppState) -> None:
    """The only slot of the key is taken for a moment."""
    limiter = state.snapshot.accounts["v0"].keys[0].limiter
    assert limiter is not None
    ticket = Ticket("kimi-k2.6", 0.0, 0)
    assert limiter.enter(ticket)
    asyncio.get_running_loop().call_later(0.002, limiter.ended, ticket)


def crowded(state: AppState) -> Callable[[], None]:
    """No connection is free as long as the request lasts."""
    transport = state.upstream._direct
    assert isinstance(transport, HttpTransport)
    held = 0
    while transport._take_slot():
        held += 1

    def release() -> None:
        for _ in range(held):
            transport._release_slot()

    return release


def crowded_at_first(state: AppState) -> None:
    """No connection is free for a moment."""
    asyncio.get_running_loop().call_later(0.002, crowded(state))


class WaitingSteps:
    """Awaits something before and after the attempts."""

    def needed(self, request: ApiRequest, route: Route) -> bool:
        return True

    async def before(self, request: ApiRequest, context: StepContext) -> ApiRequest:
        await asyncio.sleep(0)
        return request

    async def after(self, request: ApiRequest, record: RequestRecord) -> None:
        await asyncio.sleep(0)


def with_steps() -> ChatHandler:
    handler = ChatHandler()
    handler.steps = WaitingSteps()
    return handler


class Pictures:
    """Fetches images: each arrives in two pieces."""

    def __init__(self, state: AppState) -> None:
        self.under_way = 0
        self._state = state

    async def fetch(self, url: str, admit: Callable[[int], None]) -> tuple[str, bytearray]:
        self.under_way += 1
        try:
            for _ in range(2):
                await asyncio.sleep(0)
                admit(4)
            return "image/png", bytearray(8)
        finally:
            self.under_way -= 1

    def all_released(self) -> None:
        """No fetch is under way, and no memory is held."""
        assert (self.under_way, self._state.budget.held) == (0, 0)


def with_images(state: AppState) -> Callable[[], None]:
    state.image_fetcher = pictures = Pictures(state)  # type: ignore[assignment]
    return pictures.all_released


IMAGES = [
    {
        "role": "user",
        "content": [{"type": "image_url", "image_url": {"url": f"https://pictures.example/{at}"}} for at in range(3)],
    }
]


def retried(**policy: Any) -> dict[str, Any]:
    return {"settings": {"policy": {"attempts": 3, **policy}}}


LIMITS = {"limits": {"concurrency": 1}}
BEATS = {"settings": {"server": {"hold_status_s": 0.001, "heartbeat_s": 0.001}}}
HEDGED = {"policy": {"hedge_s": 0.002}}
VECTOR = b'{"data":[{"index":0,"embedding":[1.0]}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}'

SCENES: dict[str, Callable[[], Any]] = {
    "whole": lambda: scene(whole()),
    "streamed": lambda: scene(streamed(), stream=True),
    "streamed, the line stays open": lambda: scene(streamed(end=b""), stream=True),
    "streamed, with usage": lambda: scene(streamed(), stream=True, stream_options={"include_usage": True}),
    "whole, by name": lambda: scene(by_turns(whole()), host="localhost"),
    "streamed, each on a new connection": lambda: scene(streamed(close=True), host="localhost", stream=True),
    "streamed, over the other transport": lambda: scene(streamed(), upstream=Upstream(slow(PLACES)), stream=True),
    "streamed, over the other transport, the line stays open": lambda: scene(
        streamed(end=b""), upstream=Upstream(slow(PLACES)), stream=True
    ),
    "a retry": lambda: scene(by_turns(resets, whole()), of=retried()),
    "a retry, streamed": lambda: scene(by_turns(resets, streamed()), of=retried(), stream=True),
    "no attempt succeeds": lambda: scene(whole(500), of={
        **retried(attempts=2), "word": "rejected", "code": "upstream_error", "billed": [None],
    }),
    "a stream breaks": lambda: scene(breaking, stream=True, of={
        **retried(), "word": "truncated", "code": "upstream_stream_reset", "billed": [None],
    }),
    "silence": lambda: scene(
        silent, entry={"timeouts": {"total_s": 0.01}},
        of={**retried(attempts=1), "word": "rejected", "code": "upstream_total_timeout", "billed": [None]},
    ),
    "silence within a stream": lambda: scene(
        falling_silent, entry={"timeouts": {"idle_s": 0.01}}, stream=True,
        of={**retried(), "word": "truncated", "code": "upstream_idle_timeout", "billed": [None]},
    ),
    "no connection becomes free": lambda: scene(
        whole(), entry={"timeouts": {"connect_s": 0.005}},
        of={**retried(attempts=1), "before": crowded, "word": "rejected", "code": "upstream_connect_timeout", "billed": [None]},
    ),
    "the next target": lambda: scene(whole(500), streamed(), of=retried(), stream=True),
    "the next key": lambda: scene(by_key("sk-b"), entry={"api_key": None, "api_keys": ["sk-a0000000000000000", "sk-b0000000000000000"]}),
    "hedged, the second answers": lambda: scene(silent, whole(), of={"settings": HEDGED, "billed": [(6, 4)]}),
    "hedged, both answer": lambda: scene(
        whole(), whole(), of={"settings": {"policy": {"hedge_s": 0.001}}, "billed": [(3, 2), (6, 4)]}
    ),
    "fan-out": lambda: scene(whole(), n=3, of={"billed": [(9, 6)]}),
    "fan-out, streamed": lambda: scene(streamed(), n=3, stream=True, of={"billed": [(9, 6)]}),
    "fan-out, streamed, the lines stay open": lambda: scene(
        streamed(end=b""), n=3, stream=True, of={"billed": [(9, 6)]}
    ),
    "rate limited": lambda: scene(streamed(), entry=LIMITS, stream=True),
    "rate limited, the slot is taken": lambda: scene(whole(), entry=LIMITS, of={"before": occupied}),
    "rate-limited fan-out": lambda: scene(whole(), n=3, entry=LIMITS, of={"billed": [(9, 6)]}),
    "no connection is free": lambda: scene(whole(), of={"before": crowded_at_first}),
    "comments meanwhile": lambda: scene(streamed(), of=BEATS, stream=True),
    "a bad request": lambda: scene(whole(), temperature="x", of={
        "word": "rejected", "code": "invalid_type", "billed": [None],
    }),
    "embeddings": lambda: scene(
        whole(body=VECTOR), entry={"kind": "qwen"}, model="text-embedding-v4", input="x",
        of={"serve": front(EmbeddingsHandler()), "billed": [(3, 0)]},
    ),
    "completions": lambda: scene(
        streamed(), prompt=["x", "y"], stream=True, of={"serve": front(CompletionsHandler()), "billed": [(6, 4)]}
    ),
    "steps around the attempts": lambda: scene(whole(), of={"serve": front(with_steps())}),
    "steps around the attempts, streamed": lambda: scene(streamed(), of={"serve": front(with_steps())}, stream=True),
    "images": lambda: scene(whole(), of={"settings": {"policy": {"fetch_images": True}}, "before": with_images}, messages=IMAGES),
    "a slow store": lambda: scene(reasoned_call, **TOOL_TURN, of={"before": slow_store}),
    "a slow store, streamed": lambda: scene(reasoned_call, **TOOL_TURN, of={"before": slow_store}, stream=True),
    "moderations": lambda: scene(whole(), input="x", of={
        "serve": lambda connection, state: answer_locally(connection, state, connection), "billed": [None],
        "settings": {"policy": {"moderations": "pass"}},
    }),
}  # fmt: skip


def test_each_scene_has_its_expected_end_without_events(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled_request.watch_costs(monkeypatch)

    async def main() -> None:
        async with listening() as (tasks, diagnostics):
            for name, made in SCENES.items():
                async with made() as one:
                    ran = await cancelled_request.run(one, tasks, 1_000_000, ["leaves"], late=False)
                    check(one, ran, ["leaves"])
                    assert (name, ran.endings[0].outcome, ran.endings[0].code) == (name, one.word, one.code)
            assert diagnostics.texts == []

    asyncio.run(main())


@pytest.mark.parametrize("name", SCENES)
def test_a_request_that_is_cancelled_at_any_await_has_one_ending_and_leaves_nothing_open(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.upstream.client.READ_ON_S", 0.01)
    cancelled_request.watch_costs(monkeypatch)

    async def main() -> None:
        async with listening() as (tasks, diagnostics), SCENES[name]() as one:
            words = set()
            for events, late in WAYS:
                at = 1
                while (ran := await cancelled_request.run(one, tasks, at, events, late=late)).reached:
                    check(one, ran, events)
                    words.add(ran.endings[0].outcome)
                    at += 1
                assert at > 4, "there are awaits"
            assert "client_closed" in words
            del ran
            gc.collect()  # what nobody has waited for tells of itself now
            await asyncio.sleep(0)
            assert diagnostics.texts == []

    run(main(), uv=True)  # the loop that ``banjia serve`` runs on


class Broken(Exception):
    """A bug in banjia."""


def test_a_bug_after_the_end_is_logged_and_changes_no_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(line: UpstreamCall) -> None:
        raise Broken

    monkeypatch.setattr(UpstreamCall, "read_on", breaks)

    async def main() -> None:
        async with listening() as (tasks, diagnostics), scene(streamed(), stream=True) as one:
            cancelled_request.watch_costs(monkeypatch)
            ran = await cancelled_request.run(one, tasks, 1_000_000, ["leaves"], late=False)
            check(one, ran, ["leaves"])
            assert ran.caller.body.endswith(DONE)
            [text] = diagnostics.texts
            assert "Broken" in text

    asyncio.run(main())


def test_a_comment_that_waits_for_its_client_is_written_before_the_next_event() -> None:
    """ASGI takes one message at a time: neither content, nor the end, nor an error may overtake a comment."""

    class Gated(cancelled_request.Caller):
        """Takes nothing until it is released."""

        def __init__(self) -> None:
            super().__init__(b"")
            self.gate = asyncio.Event()
            self.seen: list[str] = []

        async def send(self, message: Any) -> None:
            self.seen.append(message["type"])
            if self.busy:
                self.wrong.append(f"{message['type']} while another message waits")
            self.busy = True
            await self.gate.wait()
            self.busy = False
            self.messages.append(message)

    async def main(step: str) -> None:
        caller = Gated()
        state = AppState(
            Settings.model_validate({"vendors": {"kimi": {"api_key": "sk-0000000000000001"}}}),
            Upstream(HttpTransport(1)),
        )
        connection = ClientExchange({"headers": []}, caller.receive, caller.send, state)
        record = RequestRecord("req_1", "chat")
        writer = ResponseWriter(ApiRequest("chat", "m", {}, stream=True), connection, record)
        beat = asyncio.create_task(writer.write_comment())
        await asyncio.sleep(0)
        assert caller.seen == ["http.response.start"]
        then: Any = {"done": writer.done, "fail": lambda: writer.fail(ShuttingDown())}[step]
        end = asyncio.create_task(then())
        late = asyncio.create_task(writer.write_comment())
        await asyncio.sleep(0.01)
        assert not end.done()
        caller.gate.set()
        await asyncio.gather(beat, end, late)
        await writer.write_comment()
        await writer.fail(ShuttingDown())
        assert caller.wrong == []
        assert caller.ended
        assert caller.body.count(b"keep-alive") == 1
        assert record.outcome_word == ("complete" if step == "done" else "truncated")
        await state.aclose()

    for step in ("done", "fail"):
        asyncio.run(main(step))
