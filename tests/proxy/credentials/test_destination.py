"""No field or header of a request changes a destination or a credential."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from adapters.rules.verdicts import UNSAFE
from tests.proxy.play import play, whole
from tests.support.harness import proxy, vendor

ELSEWHERE = "https://elsewhere.example/v1"


@pytest.mark.parametrize("name", sorted(UNSAFE))
def test_a_field_that_could_choose_a_destination_is_dropped_and_reported(name: str) -> None:
    request: dict[str, Any] = {name: ELSEWHERE}
    played = play({"kimi": [whole("ok")]}, **request)

    assert played.calls == ["kimi"]
    assert name not in played.bodies[0]
    assert f"{name}=dropped" in played.headers["x-banjia-adapted"]


def test_nothing_nested_in_a_body_is_read_as_a_destination() -> None:
    nested: dict[str, Any] = {
        "litellm_params": {"api_base": ELSEWHERE, "api_key": "sk-x"},
        "config": [{"base_url": ELSEWHERE}],
    }
    played = play({"kimi": [whole("ok")]}, **nested)

    assert played.calls == ["kimi"]
    assert played.keys == ["sk-kimi-0000000000000001"]


def test_no_header_of_the_client_reaches_the_vendor() -> None:
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        data = json.dumps({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(data) + data
        )

    async def listen(base_url: str) -> tuple[asyncio.Server, str]:
        """A tap in front of the vendor, which keeps every head."""
        port = int(base_url.rsplit(":", 1)[1].removesuffix("/v1"))

        async def tapped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            heads.append(head)
            onward_reader, onward = await asyncio.open_connection("127.0.0.1", port)
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            onward.write(head + await reader.readexactly(length))
            writer.write(await onward_reader.read(65536))
            for each in (onward, writer):
                each.close()
                await each.wait_closed()

        server = await asyncio.start_server(tapped, "127.0.0.1", 0)
        return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"

    async def scene() -> None:
        async with vendor(answer) as base_url:
            server, tap = await listen(base_url)
            entry = {"api_key": "sk-kimi-0000000000000001", "base_url": tap}
            settings = {"vendors": {"kimi": entry}, "server": {"hosts": ["elsewhere.example"]}}
            async with proxy(settings) as running, httpx2.AsyncClient(trust_env=False) as client:
                headers = {
                    "host": "elsewhere.example", "authorization": "Bearer sk-mine", "api-key": "sk-mine",
                    "x-portkey-custom-host": ELSEWHERE, "x-forwarded-host": "elsewhere.example", "cookie": "a=b",
                    "openai-organization": "org-1", "x-stainless-lang": "python", "x-dashscope-plugin": "x",
                }  # fmt: skip
                body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}
                got = await client.post(f"{running.url}/v1/chat/completions", json=body, headers=headers)
                assert got.status_code == 200
            server.close()
            await server.wait_closed()

    asyncio.run(scene())
    (head,) = heads
    names = [line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:] if line]
    assert sorted(names) == [b"accept-encoding", b"authorization", b"content-length", b"content-type", b"host"]
    assert b"authorization: Bearer sk-kimi-0000000000000001" in head
    for word in (b"sk-mine", b"elsewhere"):
        assert word not in head
