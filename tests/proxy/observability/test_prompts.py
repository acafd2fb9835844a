"""Prompts and answers appear in no log line, at any level, and on no page for operators."""

import asyncio
import json
import logging
from typing import Any

import httpx2
import pytest

from proxy.admin.app import create_admin
from tests.proxy.credentials.test_secrets import reply
from tests.support.harness import proxy, vendor

PROMPT = "canary-prompt-4b1d77"
ANSWER = "canary-answer-c09e52"
TOOL = "canary-argument-77af01"
SAID = (PROMPT, ANSWER, TOOL)

MESSAGE = {
    "role": "assistant",
    "content": ANSWER,
    "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": json.dumps({"x": TOOL})}}
    ],
}
CHUNK = {"choices": [{"index": 0, "delta": {"content": ANSWER}, "finish_reason": None}]}
ECHO = json.dumps(
    {"error": {"message": f"what you said, {PROMPT}, is not allowed", "type": "invalid_request_error"}}
).encode()
REPLIES = {
    "whole": reply(200, json.dumps({"choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]}).encode()),
    "refused": reply(400, ECHO),
    "failed": reply(500, ECHO),
    "in words": reply(200, f"<p>{PROMPT} {ANSWER}</p>".encode(), "text/html"),
    "broken off": reply(200, b"data: " + json.dumps(CHUNK).encode() + b"\n\n", "text/event-stream"),
    "broken": reply(200, b"data: {" + ANSWER.encode() + b"\n\n", "text/event-stream"),
}


@pytest.mark.parametrize("what", REPLIES)
def test_prompts_and_answers_are_in_no_log_and_on_no_page(
    what: str, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": PROMPT}],
        "tools": [
            {"type": "function", "function": {"name": "f", "description": PROMPT, "parameters": {"type": "object"}}}
        ],
        "user": PROMPT,
        "metadata": {"note": PROMPT},
    }
    reported: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> None:
        assert PROMPT.encode() in sent
        writer.write(REPLIES[what])

    async def scene() -> None:
        async with vendor(answer) as base_url:
            settings = {"vendors": {"kimi": {"api_key": "sk-x", "base_url": base_url}}, "policy": {"attempts": 1}}
            async with proxy(settings) as running, httpx2.AsyncClient(trust_env=False) as client:
                for stream in (False, True):
                    await client.post(f"{running.url}/v1/chat/completions", json={**body, "stream": stream})
                await running.settled(2)
                reported.append(json.dumps(running.lines))
                pages = httpx2.ASGITransport(create_admin(running.state))
                async with httpx2.AsyncClient(transport=pages, base_url="http://127.0.0.1:8081") as operator:
                    reported.extend([(await operator.get(path)).text for path in ("/metrics", "/status")])

    asyncio.run(scene())
    everything = "\n".join([*reported, caplog.text, *capfd.readouterr()])
    assert "chat" in everything
    assert [text for text in SAID if text in everything] == []
