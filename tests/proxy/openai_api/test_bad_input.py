"""Bad input over real sockets: each gets its row of the error table, and the process continues."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from tests.support.harness import proxy

SETTINGS: dict[str, Any] = {
    "vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001", "base_url": "http://127.0.0.1:9/v1"}},
    "server": {"client_keys": ["sk-client-00000001"], "max_body_mb": 0.01},
}
AUTH = {"authorization": "Bearer sk-client-00000001"}
CHAT = "/v1/chat/completions"
GOOD: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def with_(**more: Any) -> bytes:
    return json.dumps({**GOOD, **more}).encode()


def message(**of: Any) -> bytes:
    return json.dumps({"model": "gpt-4o", "messages": [of]}).encode()


Row = tuple[str, str, str, bytes, dict[str, str], int, str | None, str | None]
INVALID = "invalid_request_error"
ROWS: list[Row] = [
    # what, method, path, body, headers, status, code, param
    ("not JSON", "POST", CHAT, b"{nope", AUTH, 400, None, None),
    ("nothing", "POST", CHAT, b"", AUTH, 400, None, None),
    ("a list", "POST", CHAT, b"[]", AUTH, 400, "invalid_type", None),
    ("bad UTF-8", "POST", CHAT, b'{"model":"\xff"}', AUTH, 400, None, None),
    ("NaN", "POST", CHAT, b'{"temperature":NaN}', AUTH, 400, None, None),
    ("a half surrogate", "POST", CHAT, b'{"model":"\\ud800"}', AUTH, 400, None, None),
    ("ten thousand levels", "POST", CHAT, b"[" * 10_000, AUTH, 400, None, None),
    ("no messages", "POST", CHAT, b'{"model":"gpt-4o"}', AUTH, 400, "missing_required_parameter", "messages"),
    ("empty messages", "POST", CHAT, with_(messages=[]), AUTH, 400, None, "messages"),
    ("null messages", "POST", CHAT, with_(messages=None), AUTH, 400, "missing_required_parameter", "messages"),
    ("messages of text", "POST", CHAT, with_(messages="hi"), AUTH, 400, "invalid_type", "messages"),
    ("a message of text", "POST", CHAT, with_(messages=["hi"]), AUTH, 400, "invalid_type", "messages[0]"),
    ("no role", "POST", CHAT, message(content="x"), AUTH, 400, "missing_required_parameter", "messages[0].role"),
    ("a wrong role", "POST", CHAT, message(role="boss", content="x"), AUTH, 400, "unsupported_value", "messages[0].role"),
    ("content a number", "POST", CHAT, message(role="user", content=1), AUTH, 400, "invalid_type", "messages[0].content"),
    ("no model", "POST", CHAT, b'{"messages":[{"role":"user","content":"x"}]}', AUTH, 400,
     "missing_required_parameter", "model"),
    ("model a number", "POST", CHAT, with_(model=4), AUTH, 400, "invalid_type", "model"),
    ("an unknown model", "POST", CHAT, with_(model="gpt-4oo"), AUTH, 404, "model_not_found", "model"),
    ("stream of text", "POST", CHAT, with_(stream="yes"), AUTH, 400, "invalid_type", "stream"),
    ("temperature of text", "POST", CHAT, with_(temperature="hot"), AUTH, 400, "invalid_type", "temperature"),
    ("temperature true", "POST", CHAT, with_(temperature=True), AUTH, 400, "invalid_type", "temperature"),
    ("temperature 3", "POST", CHAT, with_(temperature=3), AUTH, 400, None, "temperature"),
    ("n 0", "POST", CHAT, with_(n=0), AUTH, 400, None, "n"),
    ("max_tokens 0", "POST", CHAT, with_(max_tokens=0), AUTH, 400, None, "max_tokens"),
    ("max_tokens 1.5", "POST", CHAT, with_(max_tokens=1.5), AUTH, 400, "invalid_type", "max_tokens"),
    ("five stops", "POST", CHAT, with_(stop=["a"] * 5), AUTH, 400, None, "stop"),
    ("a stop of numbers", "POST", CHAT, with_(stop=[1]), AUTH, 400, "invalid_type", "stop[0]"),
    ("tools of text", "POST", CHAT, with_(tools="x"), AUTH, 400, "invalid_type", "tools"),
    ("a tool without a name", "POST", CHAT, with_(tools=[{"type": "function", "function": {}}]), AUTH, 400,
     "missing_required_parameter", "tools[0].function.name"),
    ("a wrong tool_choice", "POST", CHAT, with_(tool_choice="maybe"), AUTH, 400, "unsupported_value", "tool_choice"),
    ("a wrong response_format", "POST", CHAT, with_(response_format={"type": "xml"}), AUTH, 400, "unsupported_value",
     "response_format.type"),
    ("a public image URL at Kimi", "POST", CHAT,
     message(role="user", content=[{"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}]), AUTH, 400,
     "unsupported_parameter", "messages[0].content[0].image_url.url"),
    ("too large", "POST", CHAT, with_(user="x" * 20_000), AUTH, 413, "request_too_large", None),
    ("compressed", "POST", CHAT, with_(), {**AUTH, "content-encoding": "gzip"}, 415, "unsupported_encoding", None),
    ("no key", "POST", CHAT, with_(), {}, 401, None, None),
    ("a wrong key", "POST", CHAT, with_(), {"authorization": "Bearer sk-wrong-00000001"}, 401, "invalid_api_key", None),
    ("an empty key", "POST", CHAT, with_(), {"authorization": "Bearer"}, 401, None, None),
    ("a key of bytes", "POST", CHAT, with_(), {"authorization": "Bearer \u00ff\u00fe"}, 401, "invalid_api_key", None),
    ("another scheme", "POST", CHAT, with_(), {"authorization": "Basic c2s="}, 401, None, None),
    ("a wrong method", "GET", CHAT, b"", AUTH, 405, "method_not_allowed", None),
    ("a wrong path", "POST", "/v1/chat/completion", b"{}", AUTH, 404, None, None),
    ("no such path", "POST", "/v1/nothing", b"{}", AUTH, 404, None, None),
    ("a path of OpenAI's", "POST", "/v1/images/generations", b"{}", AUTH, 404, "not_supported", None),
    ("no input", "POST", "/v1/embeddings", b'{"model":"gpt-4o"}', AUTH, 400, "missing_required_parameter", "input"),
    ("empty input", "POST", "/v1/embeddings", b'{"model":"x","input":[]}', AUTH, 400, None, "input"),
    ("mixed input", "POST", "/v1/embeddings", b'{"model":"x","input":["a",1]}', AUTH, 400, "invalid_type", "input[1]"),
    ("embeddings at Kimi", "POST", "/v1/embeddings", b'{"model":"gpt-4o","input":"a"}', AUTH, 404, "model_not_found", "model"),
    ("a model's page without a key", "GET", "/v1/models", b"", {}, 401, None, None),
    ("a model that is not", "GET", "/v1/models/nope", b"", AUTH, 404, "model_not_found", "model"),
]  # fmt: skip


def test_bad_input_gets_its_row_of_the_error_table() -> None:
    async def scene() -> None:
        async with proxy(SETTINGS) as running, httpx2.AsyncClient(base_url=running.url, trust_env=False) as client:
            for what, method, path, body, headers, status, code, param in ROWS:
                sent = {name: value.encode("utf-8") for name, value in headers.items()}
                answer = await client.request(method, path, content=body, headers=list(sent.items()))  # type: ignore[arg-type]
                assert answer.status_code == status, (what, answer.text)
                error = answer.json()["error"]
                assert set(error) == {"message", "type", "param", "code"}, what
                assert (error["type"], error["code"], error["param"]) == (INVALID, code, param), what
                assert error["message"], what
                assert len(answer.content) <= 2048
                assert answer.headers["x-request-id"].startswith("req_")
                assert answer.headers["x-should-retry"] == "false"
            assert (await client.get("/livez")).status_code == 200

    asyncio.run(scene())


def test_the_wrong_key_is_never_repeated_whole() -> None:
    async def scene() -> None:
        async with proxy(SETTINGS) as running, httpx2.AsyncClient(base_url=running.url, trust_env=False) as client:
            for key in ("sk-secret-and-long-00000042", "short"):
                answer = await client.post(CHAT, json=GOOD, headers={"authorization": f"Bearer {key}"})
                assert key not in answer.text

    asyncio.run(scene())


@pytest.mark.parametrize(
    "header", [{"api-key": "sk-client-00000001"}, AUTH, {"authorization": "bearer sk-client-00000001"}]
)
def test_the_key_is_taken_from_either_header(header: dict[str, str]) -> None:
    async def scene() -> None:
        async with proxy(SETTINGS) as running, httpx2.AsyncClient(base_url=running.url, trust_env=False) as client:
            assert (await client.get("/v1/models", headers=header)).status_code == 200

    asyncio.run(scene())


DOORS = ["/v1/models", "/models", "/v1/v1/models", "//v1//models", "/v1/models?x=1"]


@pytest.mark.parametrize("path", DOORS)
def test_every_spelling_of_a_path_is_answered(path: str) -> None:
    async def scene() -> None:
        async with proxy(SETTINGS) as running, httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.get(running.url + path, headers=AUTH)
            assert answer.status_code == 200, answer.text
            assert {"gpt-4o", "gpt-3.5-turbo"} <= {model["id"] for model in answer.json()["data"]}

    asyncio.run(scene())


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz", "/health/liveliness", "/health/readiness"])
def test_health_needs_no_key(path: str) -> None:
    async def scene() -> None:
        async with proxy(SETTINGS) as running, httpx2.AsyncClient(trust_env=False) as client:
            assert (await client.get(running.url + path)).json() == {"status": "ok"}

    asyncio.run(scene())
