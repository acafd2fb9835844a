"""A server of one's own, over real sockets: what reaches it is what the caller sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from tests.harness import Running, proxy, vendor

ANSWER = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip


class Office:
    """What the server saw, and what it answers."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.heads: list[bytes] = []
        self.answer: tuple[int, Any] = (200, ANSWER)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        self.bodies.append(json.loads(body))
        status, answer = self.answer
        data = json.dumps(answer).encode()
        writer.write(
            b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(data))
            + data
        )


@asynccontextmanager
async def office(key: str = "none") -> AsyncIterator[tuple[Running, Office]]:
    """A proxy in front of a server of one's own, of the kind openai_compatible."""
    server = Office()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await server.handle(reader, writer, body)

    async with vendor(handler) as url:
        settings = {
            "vendors": {"office": {"kind": "openai_compatible", "base_url": url, "api_key": key}},
            "models": {"gpt-4o": "office/qwen2:7b"},
        }
        async with proxy(settings) as running:
            yield running, server


async def chat(running: Running, **more: Any) -> httpx2.Response:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], **more}
    async with httpx2.AsyncClient() as client:
        return await client.post(f"{running.url}/v1/chat/completions", json=body)


def test_a_request_arrives_as_it_was_sent_and_nothing_is_told_as_changed() -> None:
    more = {"logit_bias": {"5": 1}, "max_tokens": 0, "chat_template_kwargs": {"enable_thinking": False}, "user": "u"}

    async def run() -> None:
        async with office() as (running, server):
            answer = await chat(running, **more)
            messages = [{"role": "user", "content": "hi"}]
            assert server.bodies == [{"messages": messages, **more, "model": "qwen2:7b"}]
            assert answer.json()["model"] == "gpt-4o"
            assert answer.headers["x-banjia-target"] == "office/qwen2:7b"
            assert "x-banjia-adapted" not in answer.headers

    asyncio.run(run())


def test_a_refused_key_is_told_without_a_word_of_regions() -> None:
    async def run() -> None:
        async with office("sk-office-000001") as (running, server):
            server.answer = (401, {"error": {"message": "no", "code": "invalid_api_key"}})
            error = (await chat(running)).json()["error"]
            assert error["code"] == "upstream_auth_error"
            assert error["message"].startswith("The server refused the key ending in 0001 (vendor 'office').")
            assert "region" not in error["message"]

    asyncio.run(run())
