"""Events held for an attempt that fails never reach the client, for any operation."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from starlette.types import Message

from adapters.core.event import Event
from adapters.core.request import ApiRequest
from proxy._types import Attempt
from proxy.i18n.negotiate import Language
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.chat.handler import ChatWriter
from proxy.openai_api.response_writer import MAX_HELD
from proxy.openai_api.writer import Header
from tests.adapters.play import target
from tests.proxy.play import DONE, Played, chunk, play, stream

ROLE = {"role": "assistant", "content": ""}


def first_try(id_: str, delta: Mapping[str, Any] = ROLE) -> httpx2.Response:
    """A stream without visible content that then breaks."""
    return stream(chunk(delta).replace(b"c-1", id_.encode()), error=httpx2.ReadError("reset"))


def answer(id_: str, text: str = "hello") -> httpx2.Response:
    pieces = [chunk(ROLE), chunk({"content": text}), chunk({}, "stop")]
    return stream(*(piece.replace(b"c-1", id_.encode()) for piece in pieces), DONE)


def chunks(played: Played) -> list[dict[str, Any]]:
    assert played.events[-1] == "[DONE]"
    return [event for event in played.events if event != "[DONE]"]


@pytest.mark.parametrize(
    "replies",
    [
        {"kimi": [first_try, answer]},
        {"kimi": [first_try, first_try], "qwen": [answer]},
    ],
    ids=["the same target", "the next target"],
)
def test_attempts_that_fail_before_content_send_the_client_no_event(replies: Mapping[str, list[Any]]) -> None:
    names = iter(["c-first", "c-second", "c-third"])
    played = play({vendor: [make(next(names)) for make in them] for vendor, them in replies.items()}, stream=True)

    seen = chunks(played)
    ids = {event["id"] for event in seen}
    assert len(ids) == 1, "one answer has one id"
    assert "c-first" not in str(ids)
    roles = [choice["delta"].get("role") for event in seen for choice in event["choices"]]
    assert roles.count("assistant") == 1, "a second role would begin a second message"
    assert played.text == "hello"


def test_held_events_of_the_last_attempt_are_not_shown_before_its_error() -> None:
    played = play({"kimi": [first_try("a"), first_try("b")], "qwen": [first_try("c")]}, stream=True)

    assert played.status == 502
    assert played.headers["content-type"] == "application/json"
    assert list(played.json) == ["error"]


def test_held_events_of_the_attempt_that_answers_come_first_and_once() -> None:
    played = play({"kimi": [answer("c-only")]}, stream=True)
    deltas = [choice["delta"] for event in chunks(played) for choice in event["choices"]]
    assert [delta.get("role") for delta in deltas] == ["assistant", None, None]
    assert [delta.get("content") for delta in deltas] == ["", "hello", None]


def test_the_usage_chunk_repeats_the_id_of_the_attempt_that_answered() -> None:
    played = play(
        {"kimi": [first_try("c-first"), answer("c-second")]}, stream=True, stream_options={"include_usage": True}
    )
    ids = {event["id"] for event in chunks(played)}
    assert len(ids) == 1
    assert chunks(played)[-1]["choices"] == []


# --- the writer by itself


class Out:
    """Records what a writer writes."""

    def __init__(self) -> None:
        self.data = b""
        self.statuses: list[int] = []

    def language(self) -> Language:
        return "en"

    def try_send(self, status: int, headers: list[Header], body: bytes) -> bool:
        return False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])
        else:
            self.data += message["body"]


def piece(delta: dict[str, Any], finish: str | None = None) -> Event:
    return Event.of({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def written(script: Any) -> Out:
    """What a chat's writer writes for a script of its calls."""
    out = Out()
    writer = ChatWriter(ApiRequest("chat", "gpt-4o", {}, stream=True), out, RequestRecord("req_1", "chat"))
    asyncio.run(script(writer))
    return out


def attempt() -> Attempt:
    return Attempt(target("kimi", "kimi-k2.6"), 1, {}, {})


def test_an_answer_without_content_shows_its_held_events_when_it_is_done() -> None:
    async def script(writer: ChatWriter) -> None:
        await writer.events([piece({"role": "assistant"})], attempt())
        await writer.done()

    assert written(script).data.count(b'"role":"assistant"') == 1


def test_content_is_written_at_once_behind_what_was_held() -> None:
    async def script(writer: ChatWriter) -> None:
        await writer.events([piece({"role": "assistant", "content": ""})], attempt())
        assert not writer.content_sent
        await writer.events([piece({"content": "hello"})], attempt())
        assert writer.content_sent

    data = written(script).data
    assert data.index(b"assistant") < data.index(b"hello")
    assert data.count(b"data: ") == 2


def test_discarded_chunks_are_not_sent_when_the_answer_is_done() -> None:
    async def script(writer: ChatWriter) -> None:
        await writer.events([piece({"role": "assistant", "content": ""})], attempt())
        writer.discard_held()
        await writer.done()

    assert written(script).data == b"data: [DONE]\n\n"


def test_more_than_is_held_at_most_is_shown_though_it_has_no_content() -> None:
    async def script(writer: ChatWriter) -> None:
        await writer.events([piece({"role": "assistant", "filler": ""}) for _ in range(3)], attempt())
        assert not writer.content_sent
        big = Event.of({"id": "c" * MAX_HELD, "choices": []})
        await writer.events([big], attempt())
        assert writer.content_sent

    assert written(script).data.count(b"data: ") == 4
