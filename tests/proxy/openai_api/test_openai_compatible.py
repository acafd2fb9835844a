"""An OpenAI-compatible server, over real sockets: it receives what the client sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from config.schema import Settings
from proxy.commands.explain import explain
from proxy.commands.probes import PROBES, Probe
from tests.support.harness import Running, proxy, vendor

ANSWER = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip


TEXT: dict[str, Any] = {
    "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "text": "Lima", "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip


class Office:
    """The server's requests, and its response: JSON, or the events of a stream."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.heads: list[bytes] = []
        self.answer: tuple[int, Any] = (200, ANSWER)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        self.bodies.append(json.loads(body))
        status, answer = self.answer
        kind, data = b"application/json", json.dumps(answer).encode()
        if type(answer) is list:
            kind = b"text/event-stream"
            data = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in answer) + b"data: [DONE]\n\n"
        head = b"HTTP/1.1 %d X\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n" % (status, kind, len(data))
        writer.write(head + data)


@asynccontextmanager
async def office(key: str = "none") -> AsyncIterator[tuple[Running, Office]]:
    """A proxy in front of a server of the kind openai_compatible."""
    server = Office()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await server.handle(reader, writer, body)

    async with vendor(handler) as url:
        settings = {
            "vendors": {
                "office": {"kind": "openai_compatible", "base_url": url, "api_key": key},
                "kimi": {"api_key": "sk-kimi-0000000000000001", "base_url": "http://127.0.0.1:9/v1"},
            },
            "policy": {"moderations": "office/guard"},
            "models": {"gpt-4o": "office/qwen2:7b", "both": ["kimi/kimi-k2.6", "office/qwen2:7b"]},
        }
        async with proxy(settings) as running:
            yield running, server


async def chat(running: Running, **more: Any) -> httpx2.Response:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], **more}
    async with httpx2.AsyncClient() as client:
        return await client.post(f"{running.url}/v1/chat/completions", json=body)


async def complete(running: Running, **body: Any) -> httpx2.Response:
    async with httpx2.AsyncClient() as client:
        return await client.post(f"{running.url}/v1/completions", json=body)


@pytest.mark.parametrize(
    "probe", [probe for probe in PROBES if probe.operation == "chat"], ids=lambda probe: probe.column
)
def test_each_chat_feature_of_the_matrix_arrives_as_the_client_sent_it(probe: Probe) -> None:
    chunk = {**ANSWER, "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]}

    async def run() -> None:
        async with office() as (running, server):
            if probe.body.get("stream"):
                server.answer = (200, [chunk])
            answer = await chat(running, **{**probe.body, "model": "gpt-4o"})
            assert answer.status_code == 200
            (arrived,) = server.bodies
            sent = {**probe.body, "model": "qwen2:7b"}
            if probe.body.get("stream"):
                sent["stream_options"] = {"include_usage": True}
            assert arrived == sent
            assert "x-banjia-adapted" not in answer.headers

    asyncio.run(run())


def test_a_completion_arrives_as_a_completion_with_what_chat_could_not_do() -> None:
    more = {"prompt": "Peru:", "suffix": ".", "logprobs": 2, "echo": True, "best_of": 3, "max_tokens": 0}

    async def run() -> None:
        async with office() as (running, server):
            server.answer = (200, TEXT)
            answer = await complete(running, model="gpt-4o", **more)
            assert server.bodies == [{**more, "model": "qwen2:7b"}]
            assert answer.json() == {**TEXT, "model": "gpt-4o"}
            assert "x-banjia-adapted" not in answer.headers

    asyncio.run(run())


def test_a_completion_streams_as_texts_with_usage_if_requested() -> None:
    choice = TEXT["choices"][0]
    begun, ended = {**choice, "text": "Li", "finish_reason": None}, {**choice, "text": "ma"}
    events = [{**TEXT, "choices": [one], "usage": None} for one in (begun, ended)] + [{**TEXT, "choices": []}]

    async def run() -> None:
        async with office() as (running, server):
            server.answer = (200, events)
            options = {"include_usage": True}
            plain = await complete(running, model="gpt-4o", prompt="Peru:", stream=True)
            answer = await complete(running, model="gpt-4o", prompt="Peru:", stream=True, stream_options=options)
            assert [body["stream_options"] for body in server.bodies] == [options, options]
            first, second, usage = [json.loads(line[6:]) for line in answer.text.split("\n\n")[:-2]]
            assert [first["choices"][0]["text"], second["choices"][0]["text"]] == ["Li", "ma"]
            assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 2)
            assert plain.text.count("data: {") == 2
            assert plain.text.endswith("data: [DONE]\n\n")

    asyncio.run(run())


def test_fields_that_chat_lacks_go_to_the_target_with_completions() -> None:
    async def run() -> None:
        async with office() as (running, server):
            server.answer = (200, TEXT)
            answer = await complete(running, model="both", prompt=[[15339, 1917]], suffix=".")
            assert answer.headers["x-banjia-target"] == "office/qwen2:7b"
            assert answer.headers["x-banjia-adapted"] == "prompt=mapped"
            assert server.bodies[0]["prompt"] == ["hello world"]
            alone = await complete(running, model="kimi/kimi-k2.6", prompt="a", suffix=".")
            assert (alone.status_code, alone.json()["error"]["param"]) == (400, "suffix")

    asyncio.run(run())


def test_moderations_are_sent_to_the_policys_target_and_returned_unchanged() -> None:
    found = {"id": "modr-1", "model": "guard", "results": [{"flagged": True, "categories": {"violence": True}}]}

    async def run() -> None:
        async with office() as (running, server), httpx2.AsyncClient() as client:
            server.answer = (200, found)
            answer = await client.post(f"{running.url}/v1/moderations", json={"input": ["a", "b"]})
            assert server.bodies == [{"input": ["a", "b"], "model": "guard"}]
            assert answer.json() == {**found, "model": "omni-moderation-latest"}
            assert answer.headers["x-banjia-target"] == "office/guard"
            server.answer = (200, {"id": "modr-1", "results": []})
            nothing = await client.post(f"{running.url}/v1/moderations", json={"input": "a", "model": "m"})
            assert (nothing.status_code, nothing.json()["error"]["code"]) == (502, "upstream_invalid_response")

    asyncio.run(run())


def test_a_request_arrives_as_it_was_sent_and_no_adaptation_is_reported() -> None:
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


def test_a_refused_key_is_reported_without_mention_of_regions() -> None:
    async def run() -> None:
        async with office("sk-office-000001") as (running, server):
            server.answer = (401, {"error": {"message": "no", "code": "invalid_api_key"}})
            error = (await chat(running)).json()["error"]
            assert error["code"] == "upstream_auth_error"
            assert error["message"].startswith("The server refused the key ending in 0001 (vendor 'office').")
            assert "region" not in error["message"]

    asyncio.run(run())


def test_a_server_that_wants_a_key_although_none_is_configured_is_reported_by_that() -> None:
    async def run() -> None:
        async with office() as (running, server):
            server.answer = (401, {"error": "Unauthorized"})  # vLLM with --api-key
            error = (await chat(running)).json()["error"]
            assert error["code"] == "upstream_auth_error"
            assert error["message"].startswith("The server requires an API key (vendor 'office'): set api_key.")
            assert not any(b"authorization" in head.lower() for head in server.heads)

    asyncio.run(run())


def test_explain_shows_what_an_entry_changes_in_messages() -> None:
    server = {
        "kind": "openai_compatible", "base_url": "http://127.0.0.1:9/v1", "api_key": "none",
        "messages": {"merge_system": True, "developer_as": "system"},
    }  # fmt: skip
    settings = Settings.model_validate({"vendors": {"office": server}, "models": {"gpt-4o": "office/m"}})
    messages = [{"role": "user", "content": "a"}, {"role": "developer", "content": "b"}]

    (reported,) = explain(json.dumps({"model": "gpt-4o", "messages": messages}).encode(), settings)["targets"]

    assert reported["fields"]["messages"] == {
        "verdict": "mapped",
        "why": "system messages are joined into one, placed first",
    }
    assert reported["fields"]["messages.role"] == {"verdict": "mapped", "why": "developer is sent as system"}
    assert reported["body"]["messages"] == [{"role": "system", "content": "b"}, {"role": "user", "content": "a"}]
