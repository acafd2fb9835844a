"""Over real sockets: many clients on one small Kimi account, with a minute shorter than 60 s."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import openai
import pytest

import emulators
from emulators import Emulator
from proxy.limiter.limiter import Limiters
from tests.support.harness import Running, hang_up, proxy

MINUTE_S = 1.5


@asynccontextmanager
async def small_account(
    allowed: Mapping[str, Any], limits: Mapping[str, Any], **more: Any
) -> AsyncIterator[tuple[Emulator, Running]]:
    """An emulated Kimi with these limits, and a proxy configured with them."""
    emulator = await emulators.start("kimi", environ={})
    entry = {"kind": "kimi", "api_key": emulator.environment["MOONSHOT_API_KEY"], "base_url": emulator.base_url}
    settings = {"vendors": {"kimi": {**entry, "limits": limits}}, **more}
    try:
        emulator.set_limits({**allowed, "window_s": MINUTE_S})
        async with proxy(settings) as running:
            state = running.state
            state.limiters = Limiters(MINUTE_S, slack_s=0.5)  # a busy machine may be that late
            for account in state.snapshot.accounts.values():
                for key in account.keys:
                    key.limiter = None
            state.limiters.attach(state.snapshot.accounts.items())
            yield emulator, running
    finally:
        await emulator.aclose()


def sdk(running: Running) -> openai.AsyncOpenAI:
    plain = openai.DefaultAsyncHttpxClient(verify=False)
    return openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="any", max_retries=0, http_client=plain)


async def send(client: openai.AsyncOpenAI, number: int) -> str:
    messages: Any = [{"role": "user", "content": f"caller {number}"}]
    answer = await client.chat.completions.create(model="gpt-4o", messages=messages)
    return str(answer.choices[0].message.content)


async def everybody(running: Running, count: int) -> list[str]:
    """Return the results of clients that arrive in sequence and wait in parallel. Raises the error of any of them."""
    async with sdk(running) as client, asyncio.timeout(120):
        calls = []
        for number in range(count):
            calls.append(asyncio.create_task(send(client, number)))
            while running.state.active + len(running.lines) <= number:
                await asyncio.sleep(0.001)
        return await asyncio.gather(*calls)


@pytest.mark.parametrize("rpm", [60, 15])
def test_forty_clients_on_one_slot_are_answered_in_order_and_none_gets_a_429(rpm: int) -> None:
    async def scene() -> None:
        allowed = {"concurrency": 1, "rpm": rpm}
        async with small_account(allowed, allowed) as (emulator, running):
            answers = await everybody(running, 40)
            assert answers == [f"You said: caller {number}" for number in range(40)]
            assert [call.body["messages"][0]["content"] for call in emulator.requests] == [
                f"caller {number}" for number in range(40)
            ]
            assert [call.status for call in emulator.requests] == [200] * 40
            assert {line["attempts"] for line in running.lines} == {1}

    asyncio.run(scene())


def test_twenty_clients_are_answered_without_limits_while_the_vendor_refuses_most_calls() -> None:
    async def scene() -> None:
        async with small_account({"concurrency": 1, "rpm": 60}, {}) as (emulator, running):
            emulator.set_faults(["delay=20"])
            answers = await everybody(running, 20)
            assert answers == [f"You said: caller {number}" for number in range(20)]
            refused = sum(call.status == 429 for call in emulator.requests)
            assert 1 <= refused <= 21

    asyncio.run(scene())


@asynccontextmanager
async def streaming(running: Running) -> AsyncIterator[asyncio.StreamReader]:
    """A streamed request whose response is not read yet."""
    host, port = running.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "hi"}]}).encode()
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    )
    try:
        yield reader
    finally:
        await hang_up(writer)


def test_a_streaming_client_that_waits_for_a_slot_gets_comments() -> None:
    async def scene() -> None:
        server = {"hold_status_s": 0.05, "heartbeat_s": 0.05}
        async with small_account({}, {"concurrency": 1}, server=server) as (emulator, running):
            emulator.set_faults(["delay=300@1"])
            async with streaming(running), asyncio.timeout(60):
                while not emulator.active:
                    await asyncio.sleep(0.001)
                async with streaming(running) as waiting:
                    head = await waiting.readuntil(b": keep-alive\n\n")
                    assert head.startswith(b"HTTP/1.1 200")
                    assert len(emulator.requests) == 1
                    await waiting.readuntil(b"data: [DONE]\n\n")

    asyncio.run(scene())


def test_clients_that_disconnect_while_waiting_cost_no_call() -> None:
    async def scene() -> None:
        async with small_account({}, {"concurrency": 1}) as (emulator, running), asyncio.timeout(60):
            emulator.set_faults(["delay=200@1"])
            async with streaming(running) as first:
                while not emulator.active:
                    await asyncio.sleep(0.001)
                for _ in range(5):
                    async with streaming(running):
                        while running.state.active < 2:
                            await asyncio.sleep(0.001)
                    while running.state.active > 1:
                        await asyncio.sleep(0.001)
                await first.readuntil(b"data: [DONE]\n\n")
            await running.settled(6)
            assert len(emulator.requests) == 1
            assert sorted((line["ending"], line["attempts"]) for line in running.lines) == [
                *[("client_closed", 0)] * 5, ("complete", 1),
            ]  # fmt: skip

    asyncio.run(scene())


def test_a_request_that_waits_when_the_server_stops_gets_an_error() -> None:
    async def scene() -> None:
        async with AsyncExitStack() as stack:
            server = {"hold_status_s": 0.05, "heartbeat_s": 0.05}
            account = small_account({}, {"concurrency": 1}, server=server)
            emulator, running = await stack.enter_async_context(account)
            emulator.set_faults(["delay=5000"])
            async with streaming(running), streaming(running) as waiting, asyncio.timeout(60):
                await waiting.readuntil(b": keep-alive\n\n")
                closing = asyncio.create_task(stack.aclose())
                rest = await waiting.read(-1)
                await closing
            assert b"server_shutting_down" in rest
            assert b"[DONE]" not in rest
            assert len(emulator.requests) == 1

    asyncio.run(scene())
