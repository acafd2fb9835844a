"""Kept reasoning in the pipeline: when the store is asked, and what happens without it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
import pytest

from config.schema import Settings
from proxy.app_state import AppState, ConfigSnapshot
from proxy.observability.metrics.exposition import Exposition
from proxy.storage.interface import KeyValueStore, StoreUnavailable
from proxy.storage.memory.store import MemoryStore
from proxy.storage.memory.values import MemoryValues
from proxy.upstream.client import Upstream
from tests.proxy.play import DONE, Played, chunk, hello, play, stream, whole
from tests.proxy.storage.contract import Time

KIMI: Mapping[str, Any] = {
    "vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001"}},
    "models": {"o3": "kimi/kimi-k2.6"},
}
TOOLS = [{"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}]
FUNCTION = {"name": "get_time", "arguments": "{}"}
Message = dict[str, Any]


def state_of(settings: Mapping[str, Any] = KIMI, values: KeyValueStore | None = None) -> AppState:
    state = AppState(Settings.model_validate(settings), Upstream(httpx2.MockTransport(lambda _: httpx2.Response(500))))
    if values is not None:
        state.store.values = values  # type: ignore[misc]
    return state


def calling(thought: str = "I think.") -> httpx2.Response:
    """A whole answer with a call."""
    call = {"id": "get_time:0", "type": "function", "function": FUNCTION}
    message = {"role": "assistant", "content": None, "reasoning_content": thought, "tool_calls": [call]}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return httpx2.Response(
        200, json={"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": usage}
    )


def streamed_call() -> httpx2.Response:
    call = {"index": 0, "id": "get_time:0", "type": "function", "function": FUNCTION}
    return stream(
        chunk({"role": "assistant", "reasoning_content": "I think."}),
        chunk({"tool_calls": [call]}),
        chunk({}, "tool_calls"),
        DONE,
    )


def ask(state: AppState, reply: httpx2.Response, messages: Sequence[Message] = (), **fields: Any) -> Played:
    asked = [{"role": "user", "content": "What time?"}, *messages]
    return play({"kimi": [reply]}, state=state, model="o3", messages=asked, **{"tools": TOOLS, **fields})


def sent_back(played: Played) -> list[Message]:
    """The answer and the result of its call, as a client sends them back that drops the reasoning."""
    if "text/event-stream" in played.headers["content-type"]:
        calls = [
            call
            for event in played.events
            if event != "[DONE]"
            for call in event["choices"][0]["delta"].get("tool_calls", [])
        ]
    else:
        calls = played.json["choices"][0]["message"]["tool_calls"]
    (call,) = (call for call in calls if "id" in call)  # other pieces are arguments
    return [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": call["id"], "type": "function", "function": FUNCTION}],
        },
        {"role": "tool", "tool_call_id": call["id"], "content": "noon"},
    ]


def reasoning(played: Played) -> list[str]:
    return [message["reasoning_content"] for message in played.bodies[0]["messages"] if message.get("tool_calls")]


class Unused:
    """A store that no request may use."""

    async def get(self, *of: Any) -> Any:
        raise AssertionError("the store was read")

    async def put(self, *of: Any) -> None:
        raise AssertionError("the store was written")

    async def aclose(self) -> None:
        pass


class Down:
    """A store that does not respond, after a while."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def get(self, *of: Any) -> Any:
        self.calls.append("get")
        await asyncio.sleep(0)
        raise StoreUnavailable

    async def put(self, *of: Any) -> None:
        self.calls.append("put")
        await asyncio.sleep(0)
        raise StoreUnavailable

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize(
    ("reply", "fields"),
    [
        (lambda: whole("hi"), {"tools": []}),
        (hello, {"tools": [], "stream": True}),
        (lambda: whole("hi"), {}),
        (hello, {"stream": True}),
        (lambda: whole("hi"), {"messages": [{"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]}),
    ],
    ids=["no tools", "no tools, streamed", "no calls", "no calls, streamed", "a long conversation"],
)
def test_requests_without_calls_use_no_store(reply: Any, fields: dict[str, Any]) -> None:
    assert ask(state_of(values=Unused()), reply(), **fields).text in ("hi", "hello")


def test_a_route_whose_vendors_read_no_earlier_reasoning_uses_no_store() -> None:
    settings = {"vendors": {"qwen": {"api_key": "sk-qwen-0000000000000001"}}, "models": {"o3": "qwen/qwen3.6-flash"}}
    call = {"id": "call_1", "type": "function", "function": FUNCTION}
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
    ]
    played = play(
        {"qwen": [whole("hi")]}, state=state_of(settings, Unused()), model="o3", messages=messages, tools=TOOLS
    )
    assert played.text == "hi"


def test_with_the_emulation_off_the_store_is_not_used() -> None:
    state = state_of({**KIMI, "policy": {"emulate": {"reasoning": "off"}}}, Unused())
    first = ask(state, calling())
    assert reasoning(ask(state, whole("hi"), sent_back(first))) == [" "]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_without_the_store_the_request_is_served_with_a_space(streamed: bool) -> None:
    store = Down()
    state = state_of(values=store)
    first = ask(state, streamed_call() if streamed else calling(), stream=streamed)
    second = ask(state, whole("hi"), sent_back(first))
    assert (second.status, second.text, reasoning(second)) == (200, "hi", [" "])
    assert store.calls == ["put", "get"]
    assert [line["ending"] for line in [*first.lines, *second.lines]] == ["complete", "complete"]


def test_what_expired_or_was_evicted_is_replaced_by_a_space() -> None:
    time = Time()
    memory = MemoryStore(1 << 20, time)
    state = state_of(values=memory.values)
    first = ask(state, calling())
    assert reasoning(ask(state, whole("hi"), sent_back(first))) == ["I think."]
    time.now += 86_399
    assert reasoning(ask(state, whole("hi"), sent_back(first))) == ["I think."]
    time.now += 1
    expired = ask(state, whole("hi"), sent_back(first))
    assert (expired.status, reasoning(expired)) == (200, [" "])

    again = ask(state, calling())
    memory.metrics.limit = 0
    memory.space.make_room()
    evicted = ask(state, whole("hi"), sent_back(again))
    assert (evicted.status, reasoning(evicted)) == (200, [" "])


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_the_reasoning_is_stored_before_the_client_has_the_end_of_the_answer(
    streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's next request may arrive while this one still awaits the store."""
    order: list[str] = []

    class Slow(MemoryValues):
        async def put(self, *of: Any) -> None:
            for _ in range(5):
                await asyncio.sleep(0)
            await super().put(*of)
            order.append("stored")

    send = Played.send

    async def noted(self: Played, message: Any) -> None:
        if b'"finish_reason":"tool_calls"' in message.get("body", b""):
            order.append("finish")
        await send(self, message)

    monkeypatch.setattr(Played, "send", noted)
    state = state_of()
    assert isinstance(state.store, MemoryStore)
    state.store.values = Slow(state.store.space, Time())
    first = ask(state, streamed_call() if streamed else calling(), stream=streamed)
    assert order == ["stored", "finish"]
    assert reasoning(ask(state, whole("hi"), sent_back(first))) == ["I think."]


def test_no_key_and_no_hash_of_a_key_is_in_the_store() -> None:
    key = "sk-of-a-client-00000001"
    state = state_of({**KIMI, "server": {"client_keys": [key]}})
    headers = {b"authorization": f"Bearer {key}".encode()}
    asked = [{"role": "user", "content": "What time?"}]
    first = play({"kimi": [calling()]}, state=state, sent_with=headers, model="o3", messages=asked, tools=TOOLS)
    assert first.status == 200
    assert isinstance(state.store, MemoryStore)
    [(kind, tenant, _)] = state.store.values.by_address
    assert kind == "reasoning"
    assert len(tenant) == 32
    assert first.lines[0]["caller"] not in tenant
    assert key not in tenant


def test_the_metrics_count_what_is_held_and_how_often_it_was_missing() -> None:
    state = state_of({**KIMI, "store": {"max_memory_mb": 64}})
    first = ask(state, calling())
    ask(state, whole("hi"), sent_back(first))
    unknown = sent_back(first)
    for message in unknown:
        message.update(
            {"tool_calls": [{**message["tool_calls"][0], "id": "x"}]}
            if "tool_calls" in message
            else {"tool_call_id": "x"}
        )
    ask(state, whole("hi"), [*sent_back(first), *unknown])

    text = Exposition(state.metrics).text("")[0].decode()
    assert 'banjia_earlier_reasoning_total{result="found"} 2' in text
    assert 'banjia_earlier_reasoning_total{result="missing"} 1' in text
    assert "banjia_store_entries 1" in text
    assert 'banjia_store_bytes{kind="limit"} 6.7108864e+07' in text
    assert 'banjia_store_removed_total{cause="evicted"} 0' in text


def test_a_reload_changes_neither_the_store_nor_its_limit() -> None:
    state = state_of({**KIMI, "store": {"max_memory_mb": 2}})
    assert state.store.metrics.limit == 2 << 20
    first = ask(state, calling())
    state.use(ConfigSnapshot(Settings.model_validate({**KIMI, "store": {"max_memory_mb": 1}}), state.upstream))
    assert state.store.metrics.limit == 2 << 20
    assert reasoning(ask(state, whole("hi"), sent_back(first))) == ["I think."]
