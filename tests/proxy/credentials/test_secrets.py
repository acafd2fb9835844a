"""Canary secrets in every kind of outcome: none appears in a response, a header or a log line, at any level."""

import asyncio
import json
import logging
from typing import Any

import httpx2
import pytest

from proxy.upstream.client import Upstream
from tests.support.harness import proxy, vendor

VENDOR_KEY = "sk-canary-vendor-7f3a9c51"
OTHER_KEY = "sk-canary-other-5e1d2b90"
CLIENT_KEY = "sk-canary-client-0b64d8e2"
HEADER = "canary-header-91c7aa02"
WRONG_KEY = "sk-canary-wrong-3d5f60b7"
CANARIES = (VENDOR_KEY, OTHER_KEY, CLIENT_KEY, HEADER, WRONG_KEY)

ECHO = f"your key {VENDOR_KEY} and {OTHER_KEY} were sent with {HEADER}"


def reply(status: int, body: bytes, kind: str = "application/json") -> bytes:
    return (
        f"HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n"
        f"x-echo: {VENDOR_KEY}\r\nset-cookie: k={VENDOR_KEY}\r\nx-ratelimit-limit-requests: 5\r\n\r\n"
    ).encode() + body


def error(type_: str) -> bytes:
    return json.dumps({"error": {"message": ECHO, "type": type_, "code": VENDOR_KEY}}).encode()


GOOD = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]}
REPLIES = {
    "good": reply(200, json.dumps(GOOD).encode()),
    "bad request": reply(400, error("invalid_request_error")),
    "key refused": reply(401, error("incorrect_api_key_error")),
    "forbidden": reply(403, error("permission_denied_error")),
    "rate": reply(429, error("rate_limit_reached_error")),
    "funds": reply(429, error("exceeded_current_quota_error")),
    "500": reply(500, error("server_error")),
    "html": reply(502, f"<html>{ECHO}</html>".encode(), "text/html"),
    "garbage": reply(200, f"{{{ECHO}".encode()),
    "error in 200": reply(200, error("server_error")),
    "cut": b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n" + ECHO.encode(),
    "not HTTP": ECHO.encode() + b"\r\n\r\n",
    "error event": reply(200, b"data: " + error("server_error") + b"\n\n", "text/event-stream"),
}


@pytest.mark.parametrize("transport", ["fast", "httpx"])
@pytest.mark.parametrize("what", REPLIES)
def test_no_secret_shows_anywhere(what: str, transport: Any, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        writer.write(REPLIES[what])
        if what in ("cut", "not HTTP"):
            raise ConnectionError

    async def scene() -> None:
        async with vendor(answer) as base_url:
            entry: dict[str, Any] = {
                "api_keys": [VENDOR_KEY, OTHER_KEY],
                "base_url": base_url,
                "headers": {"x-tenant": HEADER},
            }
            entry["limits"] = {"wait_s": 0.05}
            settings = {
                "vendors": {"kimi": entry}, "server": {"client_keys": [CLIENT_KEY]},
                "policy": {"max_wait_s": 0, "attempts": 2},
            }  # fmt: skip
            upstream = Upstream.over_the_network(10, transport)
            async with proxy(settings, upstream) as running, httpx2.AsyncClient(trust_env=False) as client:
                for key in (CLIENT_KEY, WRONG_KEY):
                    for stream in (False, True):
                        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "stream": stream}
                        headers = {"authorization": f"Bearer {key}"}
                        got = await client.post(f"{running.url}/v1/chat/completions", json=body, headers=headers)
                        seen.append(got.text + str(got.headers))
                seen.append(json.dumps(running.lines))
                seen.append(repr(running.state.snapshot.settings) + repr(running.state.__dict__))

    asyncio.run(scene())
    logged = caplog.text + "".join(capfd.readouterr())
    for canary in CANARIES:
        assert canary not in "\n".join(seen), f"{canary} in an answer, a log line or a repr"
        assert canary not in logged, f"{canary} in the log"
