"""A vendor refuses a field that banjia added: the call is repeated without it, over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from proxy.routing.refused_fields import MOST_TARGETS, REMEMBERED_S, RefusedFields
from tests.support.harness import Running, proxy, vendor

DETAIL = {
    "detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]
}
PARAM = {"error": {"message": "Unknown parameter", "type": "invalid_request_error", "param": "stream_options"}}
TEXT = {"error": {"message": "Unrecognized request argument supplied: stream_options", "type": "invalid_request_error"}}
FLAT = {"object": "error", "message": "stream_options is not supported", "type": "BadRequestError", "code": 400}
OTHER = {"error": {"message": "top_p is not supported", "type": "invalid_request_error", "param": "top_p"}}
EVENTS = [
    {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
     "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    for delta, finish in (({"role": "assistant", "content": "hel"}, None), ({"content": "lo"}, None), ({}, "stop"))
]  # fmt: skip
USAGE = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
         "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}}  # fmt: skip
WHOLE = {"id": "c", "object": "chat.completion", "created": 1, "model": "m",
         "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
         "usage": USAGE["usage"]}  # fmt: skip


def http(status: int, body: Any) -> bytes:
    """An answer that is a body."""
    raw = json.dumps(body).encode()
    return b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (status, len(raw), raw)


def answer(requested: Mapping[str, Any]) -> bytes:
    """The response to an accepted request: usage in a stream only if requested."""
    if not requested.get("stream"):
        return http(200, WHOLE)
    events = [*EVENTS, *([USAGE] if "stream_options" in requested else [])]
    data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(data)
    return head + data


Says = Callable[[Mapping[str, Any]], bytes | None]
"""What a vendor answers to a request; None for a good answer."""


def refuses(member: str, body: Any, status: int = 400) -> Says:
    """A vendor that does not know a member."""
    return lambda requested: http(status, body) if member in requested else None


@dataclass
class Scene:
    """A proxy before one scripted vendor, and the requests that the vendor got."""

    running: Running
    client: httpx2.AsyncClient
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, **fields: Any) -> httpx2.Response:
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True, **fields}
        got = await self.client.post(f"{self.running.url}/v1/chat/completions", json=body)
        await self.running.settled(1)
        return got

    @property
    def line(self) -> dict[str, Any]:
        """The line of the only request."""
        [line] = self.running.lines
        return line


@asynccontextmanager
async def scene(
    says: Says, kind: str = "openai_compatible", entry: Mapping[str, Any] | None = None, **more: Any
) -> AsyncIterator[Scene]:
    """Run the scene with a vendor of this kind."""
    seen: list[dict[str, Any]] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        fields = json.loads(body)
        seen.append(fields)
        writer.write(says(fields) or answer(fields))

    async with vendor(handler) as url:
        made = {"kind": kind, "base_url": url, "api_key": "sk-0000000000000001", **(entry or {})}
        settings = {"vendors": {"any": made}, "models": {"m": "any/some-model"}, **more}
        async with proxy(settings) as running, httpx2.AsyncClient(trust_env=False) as client:
            yield Scene(running, client, seen)


def text_of(got: httpx2.Response) -> str:
    """Return the text of a complete stream."""
    payloads = [part.removeprefix("data: ") for part in got.text.split("\n\n") if part]
    assert payloads.pop() == "[DONE]"
    return "".join(c["delta"].get("content") or "" for p in payloads for c in json.loads(p)["choices"])


@pytest.mark.parametrize("kind", ["openai_compatible", "kimi", "qwen", "ernie", "hunyuan"])
@pytest.mark.parametrize(
    ("status", "body"), [(422, DETAIL), (400, PARAM), (400, TEXT), (400, FLAT), (400, {"detail": "stream_options: no"})]
)
def test_a_refused_addition_is_dropped_and_the_client_does_not_see_it(status: int, body: Any, kind: str) -> None:
    async def main() -> None:
        async with scene(refuses("stream_options", body, status), kind) as there:
            got = await there.send()
            assert (got.status_code, text_of(got)) == (200, "hello")
            assert ["stream_options" in requests for requests in there.seen] == [True, False]
            assert {**there.seen[0], "stream_options": 0} == {**there.seen[1], "stream_options": 0}
            assert got.headers["x-banjia-attempts"] == "2"

    asyncio.run(main())


def test_the_repeat_is_in_the_log_and_its_usage_is_estimated() -> None:
    async def main() -> None:
        async with scene(refuses("stream_options", DETAIL, 422)) as there:
            lines: list[str] = []
            there.running.state.notify = lines.append
            await there.send()
            line = there.line
            assert (line["ending"], line["attempts"]) == ("complete", 2)
            assert line["failed"] == [{"target": "any/some-model", "kind": "bad_request"}]
            assert line["omitted"] == ["stream_options"]
            assert line["billed"]["source"] == "estimated"
            assert line["billed"]["completion"] > 0
            assert lines == [
                "any/some-model refuses stream_options, which banjia adds to requests; omitted for one hour"
            ]
            assert there.running.state.breaker.failing == {}

    asyncio.run(main())


def test_a_target_that_refuses_it_is_remembered_for_an_hour() -> None:
    async def main() -> None:
        async with scene(refuses("stream_options", DETAIL, 422)) as there:
            now = 0.0
            there.running.state.refused_fields.clock = lambda: now
            for _ in range(3):
                assert text_of(await there.send()) == "hello"
            assert ["stream_options" in requests for requests in there.seen] == [True, False, False, False]
            assert [line["attempts"] for line in there.running.lines] == [2, 1, 1]
            now = REMEMBERED_S - 0.1
            await there.send()
            assert "stream_options" not in there.seen[-1]
            now = REMEMBERED_S
            assert text_of(await there.send()) == "hello"
            assert ["stream_options" in asked for asked in there.seen[-2:]] == [True, False]

    asyncio.run(main())


def test_a_reload_forgets_it() -> None:
    async def main() -> None:
        async with scene(refuses("stream_options", DETAIL, 422)) as there:
            state = there.running.state
            await there.send()
            assert state.refused_fields.at("any/some-model") == ("stream_options",)
            state.use(state.snapshot)
            await there.send()
            assert ["stream_options" in requests for requests in there.seen] == [True, False, True, False]

    asyncio.run(main())


def test_other_targets_still_get_it() -> None:
    async def main() -> None:
        models = {"m": "any/some-model", "n": "any/another-model"}
        async with scene(refuses("stream_options", DETAIL, 422), models=models) as there:
            await there.send()
            await there.send(model="n")
            assert ["stream_options" in requests for requests in there.seen] == [True, False, True, False]

    asyncio.run(main())


@pytest.mark.parametrize("body", [PARAM, DETAIL, TEXT])
def test_fields_that_the_client_sent_are_never_left_out(body: Any) -> None:
    async def main() -> None:
        async with scene(refuses("stream_options", body)) as there:
            got = await there.send(stream_options={"include_usage": True})
            assert (got.status_code, len(there.seen)) == (400, 1)
            assert "stream_options" in got.text
            await there.send()
            await there.send(stream_options={"include_usage": True})
            assert "stream_options" in there.seen[-1]

    asyncio.run(main())


def test_a_refusal_of_another_field_is_the_clients_error() -> None:
    async def main() -> None:
        async with scene(refuses("top_p", OTHER)) as there:
            got = await there.send(top_p=0.5)
            assert (got.status_code, len(there.seen)) == (400, 1)
            assert got.json()["error"]["param"] == "top_p"

    asyncio.run(main())


def test_a_call_that_is_refused_again_is_repeated_once_and_nothing_is_remembered() -> None:
    def says(requested: Mapping[str, Any]) -> bytes:
        return http(400, PARAM if "stream_options" in requested else OTHER)

    async def main() -> None:
        async with scene(says) as there:
            got = await there.send()
            assert (got.status_code, got.json()["error"]["param"]) == (400, "top_p")
            assert "top_p is not supported" in got.json()["error"]["message"]
            assert len(there.seen) == 2
            assert there.running.state.refused_fields.known == {}
            assert got.headers["x-banjia-attempts"] == "2"

    asyncio.run(main())


def test_a_vendor_that_refuses_a_field_that_was_not_sent_is_called_twice_at_most() -> None:
    async def main() -> None:
        async with scene(lambda requested: http(400, PARAM)) as there:
            assert (await there.send()).status_code == 400
            assert len(there.seen) == 2
            assert (await there.send(stream=False)).status_code == 400
            assert len(there.seen) == 3

    asyncio.run(main())


def test_one_attempt_a_request_still_allows_the_repeat() -> None:
    """Otherwise no stream of such a vendor would ever succeed."""

    async def main() -> None:
        policy = {"attempts": 1, "attempts_per_target": 1}
        async with scene(refuses("stream_options", DETAIL, 422), policy=policy) as there:
            assert text_of(await there.send()) == "hello"

    asyncio.run(main())


def test_a_repeat_that_fails_by_the_vendors_fault_is_tried_again_without_the_field() -> None:
    replies = iter([http(422, DETAIL), http(500, {"error": {"message": "x"}})])

    async def main() -> None:
        async with scene(lambda asked: next(replies, None), policy={"attempts_per_target": 3}) as there:
            assert text_of(await there.send()) == "hello"
            assert ["stream_options" in requests for requests in there.seen] == [True, False, False]
            assert there.running.state.refused_fields.at("any/some-model") == ("stream_options",)

    asyncio.run(main())


def test_two_additions_that_are_refused_together_are_left_out_together() -> None:
    both = {
        "detail": [{"loc": ["body", name], "msg": "Extra inputs"} for name in ("stream_options", "parallel_tool_calls")]
    }
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]

    async def main() -> None:
        async with scene(refuses("stream_options", both, 422), "qwen") as there:
            assert text_of(await there.send(tools=tools)) == "hello"
            assert not {"stream_options", "parallel_tool_calls"} & there.seen[1].keys()
            assert set(there.line["omitted"]) == {"stream_options", "parallel_tool_calls"}

    asyncio.run(main())


def test_additions_that_are_refused_one_after_another_are_learned_in_two_requests() -> None:
    def says(requested: Mapping[str, Any]) -> bytes | None:
        for name in ("stream_options", "thinking"):
            if name in requested:
                return http(400, {"error": {"message": "no", "param": name}})
        return None

    async def main() -> None:
        models = {"gpt-4o": "any/kimi-k2.6"}
        async with scene(says, "kimi", models=models) as there:
            assert (await there.send(model="gpt-4o")).status_code == 400
            assert len(there.seen) == 2
            there.running.state.refused_fields.remember("any/kimi-k2.6", ["stream_options"])
            got = await there.send(model="gpt-4o")
            assert text_of(got) == "hello"
            assert "thinking=dropped" in got.headers["x-banjia-adapted"]
            assert set(there.running.state.refused_fields.at("any/kimi-k2.6")) == {"stream_options", "thinking"}

    asyncio.run(main())


def test_a_refusal_as_the_first_event_of_a_stream_is_taken_like_one_with_a_status() -> None:
    data = b'data: {"error":{"message":"no","code":400,"param":"stream_options"}}\n\n'
    refusal = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(data) + data

    async def main() -> None:
        async with scene(lambda requested: refusal if "stream_options" in requested else None) as there:
            assert text_of(await there.send()) == "hello"

    asyncio.run(main())


def test_after_content_nothing_is_repeated() -> None:
    events = [json.dumps(EVENTS[0]), '{"error":{"message":"no","code":400,"param":"stream_options"}}']
    data = b"".join(b"data: " + event.encode() + b"\n\n" for event in events)
    cut = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(data) + data

    async def main() -> None:
        async with scene(lambda requested: cut) as there:
            got = await there.send()
            assert "[DONE]" not in got.text
            assert len(there.seen) == 1

    asyncio.run(main())


def test_a_key_with_limits_gives_the_repeat_a_slot_of_its_own() -> None:
    async def main() -> None:
        limits = {"concurrency": 1, "wait_s": 20}
        async with scene(refuses("stream_options", DETAIL, 422), entry={"limits": limits}) as there:
            assert [text_of(await there.send()) for _ in range(2)] == ["hello"] * 2
            assert len(there.seen) == 3

    asyncio.run(main())


def test_a_refused_addition_is_dropped_beside_a_hedge_too() -> None:
    """Whole responses are hedged: the added field is a switch."""

    async def main() -> None:
        models = {"gpt-4o": ["any/kimi-k2.6", "any/kimi-k2.5"]}
        says = refuses("thinking", {"error": {"message": "no", "param": "thinking"}})
        async with scene(says, "kimi", models=models, policy={"hedge_s": 30}) as there:
            got = await there.send(model="gpt-4o", stream=False)
            assert got.json()["choices"][0]["message"]["content"] == "hello"
            assert ["thinking" in requests for requests in there.seen] == [True, False]
            assert there.running.state.refused_fields.at("any/kimi-k2.6") == ("thinking",)

    asyncio.run(main())


# --- what is remembered -------------------------------------------------------------------------------------------


def test_a_field_is_forgotten_after_an_hour_and_again_known_after_another_refusal() -> None:
    now = 0.0
    refused = RefusedFields(lambda: now)
    assert refused.at("a/b") == ()
    assert refused.remember("a/b", ["x"])
    assert not refused.remember("a/b", ["x"])
    assert refused.remember("a/b", ["y"])
    now = REMEMBERED_S
    assert refused.at("a/b") == ()
    assert refused.known == {}
    assert refused.remember("a/b", ["x"])


def test_the_targets_that_are_remembered_are_bounded() -> None:
    refused = RefusedFields()
    for number in range(MOST_TARGETS + 10):
        refused.remember(f"a/{number}", ["x"])
    assert len(refused.known) == MOST_TARGETS
    assert refused.at("a/0") == ()
    assert refused.at(f"a/{MOST_TARGETS + 9}") == ("x",)
