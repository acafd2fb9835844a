"""Names from clients and vendors are limited in length before they are kept, repeated or sent as a header."""

import asyncio
import json
from typing import Any

import pytest

from proxy.routing.latency import MOST, LatencyTracker
from tests.proxy.server.raw_client import ANSWER, CONTENT, Answer, chat, line, run, serving
from tests.support.harness import proxy

MIB = 1024 * 1024
LONG = "m" * 257
WIDE = "中" * 86  # 258 bytes
EMBEDDINGS = {"model": LONG, "input": "hi"}


async def answer_to(url: str, sent: bytes) -> Answer:
    async with line(url) as caller:
        await caller.send(sent)
        answer = await caller.answer()
        assert answer is not None
        return answer


def refused(answer: Answer, param: str | None = "model") -> None:
    assert answer.status == 400, answer.body[:300]
    assert answer.error["param"] == param
    assert len(answer.body) < 2048
    assert len(answer.head) < 2048


@pytest.mark.parametrize(
    "name", [LONG, WIDE, f"kimi/{LONG}", "kimi/" + "m" * (4 * MIB)], ids=["257", "wide", "own", "4 MiB"]
)
def test_the_name_of_a_model_has_at_most_256_bytes_wherever_it_is_sent(name: str) -> None:
    async def scene() -> None:
        async with serving() as running:
            url = running.url
            refused(await answer_to(url, chat(model=name)))
            for path, body in {
                b"/v1/embeddings": {"model": name, "input": "hi"},
                b"/v1/completions": {"model": name, "prompt": "hi"},
            }.items():
                refused(await answer_to(url, chat(path=path, body=json.dumps(body).encode())))
            if len(name) < 1000 and name.isascii():
                quoted = name.replace("/", "%2F").encode()
                for path in (b"/openai/deployments/%b/chat/completions", b"/v1/engines/%b/chat/completions"):
                    refused(await answer_to(url, chat(path=path % quoted)))
                refused(await answer_to(url, b"GET /v1/models/%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % quoted))
            assert not running.state.snapshot.routing._found
            assert all(len(ending["model"]) <= 256 for ending in running.lines)

    run(scene())


def test_a_name_of_256_bytes_is_one() -> None:
    name = "kimi/" + "m" * 251

    async def scene() -> None:
        async with serving() as running:
            answer = await answer_to(running.url, chat(model=name))
            assert answer.status == 200
            assert f"x-banjia-target: {name}".encode() in answer.head

    run(scene())


def test_the_models_of_moderations_are_bounded_too() -> None:
    async def scene() -> None:
        async with proxy({"policy": {"moderations": "pass"}}) as running:
            body = json.dumps({"model": LONG, "input": "hi"}).encode()
            refused(await answer_to(running.url, chat(path=b"/v1/moderations", body=body)))

    run(scene())


def test_deployments_and_paths_of_60_kilobytes_are_answered_in_short() -> None:
    async def scene() -> None:
        async with serving() as running:
            url, long = running.url, b"a" * 60_000
            refused(await answer_to(url, chat(path=b"/openai/deployments/%b/chat/completions" % long)))
            refused(await answer_to(url, b"GET /v1/models/%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % long))
            for path in (b"/v1/%b" % long, b"/v1/files/%b" % long, b"/%b" % (b"%E4%B8%AD" * 7000)):
                answer = await answer_to(url, b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path)
                assert answer.status == 404
                assert len(answer.body) < 1500
            answer = await answer_to(url, b"DELETE /v1/models/%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % long)
            assert answer.status == 405
            assert len(answer.body) < 1500

    run(scene())


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f" * 257}}]}, "tools[0].function.name"),
        ({"functions": [{"name": "f" * 257}]}, "functions[0].name"),
        ({"safety_identifier": "s" * 1025}, "safety_identifier"),
        ({"prompt_cache_key": "s" * 1025}, "prompt_cache_key"),
        ({"stop": ["s" * 4097]}, "stop[0]"),
        ({"m" * 300: 1, "user": "u" * 20_000}, None),
    ],
)
def test_other_names_are_bounded(members: dict[str, Any], param: str | None) -> None:
    async def scene() -> None:
        async with serving() as running:
            refused(await answer_to(running.url, chat(**members)), param)

    run(scene())


def test_names_of_a_mebibyte_leave_nothing_behind() -> None:
    """Routes, log, metrics and breaker would keep each of them."""

    async def scene() -> None:
        async with serving() as running:
            for at in range(8):
                refused(await answer_to(running.url, chat(model=f"kimi/{at}" + "m" * MIB)))
            state = running.state
            assert not state.snapshot.routing._found
            assert not state.breaker.failing
            assert sum(len(ending.model) for ending in state.request_metrics._waiting) < 4096

    run(scene())


def test_a_vendors_headers_are_cut_and_its_id_is_ours_when_it_is_long() -> None:
    body = ANSWER.replace(b'"id": "1"', b'"id": "%b"' % (b"i" * MIB))

    async def says_much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requested: bytes) -> None:
        long = b"x-ratelimit-reset-tokens: " + b"9" * 10_000
        if b'"stream":true' in requested:
            first = CONTENT.replace(b'"id":"1"', b'"id":"%b"' % (b"i" * MIB))
            sent = b"".join(
                b"data: %b\n\n" % one
                for one in [first, *[CONTENT] * 100, CONTENT.replace(b"null", b'"stop"'), b"[DONE]"]
            )
            kind = b"text/event-stream"
        else:
            sent, kind = body, b"application/json"
        head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n%b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        writer.write(head % (kind, long, len(sent)) + sent)

    async def scene() -> None:
        async with serving(says_much) as running:
            answer = await answer_to(running.url, chat())
            assert answer.status == 200
            assert len(answer.head) < 2048
            assert len(answer.body) < 2048
            async with line(running.url) as caller:
                await caller.send(chat(b"Connection: close", stream=True))
                assert len(await caller.reader.read()) < 64 * 1024, "a hundred events that each repeat the id"

    run(scene())


def test_latencies_are_kept_of_so_many_targets_at_most() -> None:
    latencies = LatencyTracker()
    for at in range(MOST + 10):
        latencies.record(f"kimi/{at}", False, 1.0)
    assert len(latencies._known) == MOST
    assert latencies.of("kimi/0", False) is None
    assert latencies.of(f"kimi/{MOST + 9}", False) == 1.0
