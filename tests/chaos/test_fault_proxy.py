"""The fault proxy applies its faults, and a seed gives the same plan each time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.chaos.fault_proxy import Fault, FaultProxy
from tests.chaos.plan import drawn
from tests.support.harness import hang_up, vendor

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 600\r\n\r\n" + b"x" * 600
REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"


@asynccontextmanager
async def faulty(
    fault: Fault | None, of_connection: Callable[[], Fault | None] = lambda: None
) -> AsyncIterator[tuple[FaultProxy, list[bytes]]]:
    """A proxy with this fault for each request; the bodies that the vendor got."""
    got: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        got.append(body)
        writer.write(ANSWER)

    async with vendor(answer) as base_url:
        proxy = FaultProxy(int(base_url.rpartition(":")[2].partition("/")[0]), of_connection, lambda body: fault)
        await proxy.start()
        try:
            yield proxy, got
        finally:
            await proxy.aclose()
            assert proxy.open_connections == 0


async def call(proxy: FaultProxy, times: int = 1) -> bytes:
    """Return the data up to the end of the connection or of the response. Raises ConnectionError for a reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        got = b""
        for _ in range(times):
            writer.write(REQUEST)
            await writer.drain()
            part = b""
            while len(part) < len(ANSWER) and (data := await reader.read(1000)):
                part += data
            got += part
        return got
    finally:
        await hang_up(writer)


def test_without_a_fault_everything_passes_and_connections_are_kept() -> None:
    async def scene() -> None:
        async with faulty(None) as (proxy, got):
            assert await call(proxy, times=3) == ANSWER * 3
            assert got == [b"hi"] * 3

    asyncio.run(scene())


@pytest.mark.parametrize("kind", ["cut", "half_close"])
def test_an_answer_is_cut_at_the_very_byte(kind: str) -> None:
    async def scene() -> None:
        async with faulty(Fault(kind, at=100)) as (proxy, _):  # type: ignore[arg-type]
            assert await call(proxy) == ANSWER[:100]
            assert proxy.struck == {kind: 1}

    asyncio.run(scene())


def test_an_answer_is_reset_after_what_came_before() -> None:
    async def scene() -> None:
        async with faulty(Fault("reset", at=100)) as (proxy, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(REQUEST)
            assert await reader.readexactly(100) == ANSWER[:100]
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
            await hang_up(writer)

    asyncio.run(scene())


def test_a_request_that_is_reset_has_reached_the_vendor() -> None:
    async def scene() -> None:
        async with faulty(Fault("reset_after_request")) as (proxy, got):
            with pytest.raises(ConnectionResetError):
                await call(proxy)
            assert got == [b"hi"]

    asyncio.run(scene())


@pytest.mark.parametrize(
    "fault", [Fault("trickle", pause_s=0.0001), Fault("delay", pause_s=0.05)], ids=lambda f: f.kind
)
def test_slowness_loses_nothing(fault: Fault) -> None:
    async def scene() -> None:
        async with faulty(fault) as (proxy, _):
            begun = asyncio.get_running_loop().time()
            assert await call(proxy) == ANSWER
            assert asyncio.get_running_loop().time() - begun >= 0.04

    asyncio.run(scene())


def test_silence_is_silence() -> None:
    async def scene() -> None:
        async with faulty(Fault("silence")) as (proxy, got):
            asking = asyncio.create_task(call(proxy))
            while not got:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.1)
            assert not asking.done()
            assert got == [b"hi"]
            asking.cancel()
            await asyncio.wait([asking])

    asyncio.run(scene())


def test_a_connection_may_never_come_to_life() -> None:
    async def scene() -> None:
        faults = [Fault("reset_on_connect"), Fault("silent_connect")]
        async with faulty(None, lambda: faults.pop(0) if faults else None) as (proxy, got):
            with pytest.raises(ConnectionError):
                await call(proxy)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await call(proxy)
            assert got == []
            assert await call(proxy) == ANSWER

    asyncio.run(scene())


def test_a_blackout_resets_and_refuses_and_then_all_is_as_before() -> None:
    async def scene() -> None:
        async with faulty(None) as (proxy, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(REQUEST)
            await reader.readexactly(len(ANSWER))
            proxy.black_out()
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
            await hang_up(writer)
            with pytest.raises(ConnectionRefusedError):
                await call(proxy)
            await proxy.start()
            assert await call(proxy) == ANSWER

    asyncio.run(scene())


def test_a_seed_gives_the_same_plan_and_another_seed_another() -> None:
    one, same, other = drawn(1, 300), drawn(1, 300), drawn(2, 300)
    assert one.requests == same.requests
    assert [one.of_connection() for _ in range(300)] == [same.of_connection() for _ in range(300)]
    assert one.requests != other.requests


def test_a_plan_has_the_shares_that_it_should_have() -> None:
    requests = drawn(3, 2000).requests
    assert 0.65 < sum(request.stream for request in requests) / 2000 < 0.75
    faulty = [request for request in requests if request.fault or request.behaviour != "reads"]
    assert 0.45 < len(faulty) / 2000 < 0.55
    assert {request.behaviour for request in requests} == {"reads", "leaves", "stalls", "stalls_and_leaves"}
