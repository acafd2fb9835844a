"""Properties of the HTTP/1.1 client beyond httpx2's: limits on vendor data, and one chunk for each read."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from proxy.upstream.errors import phase_of
from proxy.upstream.http_client import connection as transport_wire
from tests.proxy.upstream.peers import Peer, Script, Talk, always, call, fast, request, run

loops = pytest.mark.parametrize("uv", [False, True], ids=["asyncio", "uvloop"])
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def endless(start: bytes, again: bytes) -> Script:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.say(start)
        for _ in range(20_000_000 // len(again)):
            await talk.say(again)
        await talk.reader.read()

    return script


ENDLESS = {
    "one header": (OK + b"x-long: ", b"x" * 8192),
    "many headers": (OK, b"x-many: 1\r\n" * 100),
    "interim heads": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"x-many: 1\r\n" * 100),
    "one trailer": (CHUNKED + b"1\r\nx\r\n0\r\nx-long: ", b"x" * 8192),
    "a chunk's extension": (CHUNKED + b"1;", b"x" * 8192),
}


@loops
@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_response_head_is_aborted(name: str, uv: bool) -> None:
    async def main() -> None:
        async with Peer(endless(*ENDLESS[name])) as peer, fast() as transport:
            async with asyncio.timeout(30):
                with pytest.raises(httpx2.RemoteProtocolError) as caught:
                    await call(transport, request(peer.url))
                assert phase_of(caught.value) == "reset"
                await peer.empty()

    run(main(), uv=uv)


@loops
def test_of_a_head_256_headers_are_kept_and_those_that_frame_the_body(uv: bool) -> None:
    answer = OK + b"a: b\r\n" * 3000 + b"content-length: 2\r\nz: z\r\n\r\nok"

    async def main() -> None:
        async with Peer(always(answer)) as peer, fast() as transport:
            for _ in range(2):
                response = await transport.handle_async_request(request(peer.url))
                assert len(response.headers.raw) == 257
                assert await response.aread() == b"ok"
            assert peer.met == 1

    run(main(), uv=uv)


@loops
@pytest.mark.parametrize("status", [b"000 X", b"001", b"099 X"])
def test_a_status_below_100_is_refused_at_once(status: bytes, uv: bool) -> None:
    answer = b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\nok"

    async def main() -> None:
        async with Peer(always(answer)) as peer, fast() as transport, asyncio.timeout(10):
            with pytest.raises(httpx2.RemoteProtocolError, match=f"invalid status {status[:3].decode()}"):
                await call(transport, request(peer.url))
            await peer.empty()

    run(main(), uv=uv)


@loops
def test_a_change_of_protocol_is_refused(uv: bool) -> None:
    answer = b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"

    async def main() -> None:
        async with Peer(always(answer)) as peer, fast() as transport:
            with pytest.raises(httpx2.RemoteProtocolError, match="without a requested protocol upgrade"):
                await call(transport, request(peer.url))
            await peer.empty()

    run(main(), uv=uv)


@loops
def test_a_vendor_has_to_wait_for_a_client_that_does_not_read(uv: bool) -> None:
    """banjia holds less than 64 KiB and one read of the event loop; the rest is in the kernel or not sent."""
    size = 30_000_000
    sent = 0

    async def script(talk: Talk) -> None:
        nonlocal sent
        await talk.request()
        await talk.say(OK + b"content-length: %d\r\n\r\n" % size)
        while sent < size:
            await talk.say(b"x" * 10_000)
            sent += 10_000
        await talk.reader.read()

    async def main() -> None:
        async with Peer(script) as peer, fast() as transport:
            response = await transport.handle_async_request(request(peer.url))
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.1)
            assert sent < size
            parts = [part async for part in response.aiter_raw()]
            assert sum(map(len, parts)) == size
            assert max(map(len, parts)) <= transport_wire.MAX_BUFFERED + 256 * 1024
            await response.aclose()

    run(main(), uv=uv)


@loops
def test_a_connection_held_back_to_the_end_is_read_again_for_its_next_answer(uv: bool) -> None:
    async def main() -> None:
        async with Peer(always(OK + b"content-length: 200000\r\n\r\n" + b"x" * 200_000)) as peer, fast() as transport:
            for _ in range(3):
                response = await transport.handle_async_request(request(peer.url))
                await asyncio.sleep(0.05)
                assert len(await response.aread()) == 200_000
            assert peer.met == 1

    run(main(), uv=uv)


@loops
def test_all_that_one_read_brought_is_one_chunk(uv: bool) -> None:
    events = [b"data: %d\n\n" % number for number in range(64)]
    answer = CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events) + b"0\r\n\r\n"

    async def main() -> None:
        async with Peer(always(answer)) as peer, fast() as transport:
            response = await transport.handle_async_request(request(peer.url))
            assert [part async for part in response.aiter_raw()] == [b"".join(events)]

    run(main(), uv=uv)


@loops
def test_each_event_of_a_slow_stream_is_handed_over_as_it_comes(uv: bool) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.say(CHUNKED)
        for number in range(5):
            await talk.say(b"1\r\n%d\r\n" % number)
            await talk.request()  # goes on when the client has answered

    async def main() -> None:
        async with Peer(script) as peer, fast() as transport:
            response = await transport.handle_async_request(request(peer.url))
            wire = next(iter(transport._connections))  # type: ignore[attr-defined]
            got = []
            async for part in response.aiter_raw():
                got.append(part)
                if len(got) == 5:
                    break
                wire._transport.write(b"GET / HTTP/1.1\r\n\r\n")
            assert got == [b"0", b"1", b"2", b"3", b"4"]
            await response.aclose()

    run(main(), uv=uv)


@loops
def test_bytes_after_the_answer_cost_only_the_connection(uv: bool) -> None:
    """An unrequested second response must not be taken for that of the next request."""
    answer = OK + b"content-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"

    async def main() -> None:
        async with Peer(always(answer)) as peer, fast() as transport:
            for _ in range(3):
                assert await call(transport, request(peer.url)) == (200, b"ok")
            assert peer.met == 3
            await peer.empty()

    run(main(), uv=uv)


@loops
def test_bytes_on_an_unused_connection_cost_the_connection(uv: bool) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.answer()
        await asyncio.sleep(0.02)
        await talk.answer(b"evil")
        await talk.reader.read()

    async def main() -> None:
        async with Peer(script) as peer, fast() as transport:
            assert await call(transport, request(peer.url)) == (200, b"ok")
            await peer.empty()
            assert await call(transport, request(peer.url)) == (200, b"ok")

    run(main(), uv=uv)


@loops
def test_a_refusal_that_comes_before_the_body_was_sent_is_received_and_ends_the_sending(uv: bool) -> None:
    async def script(talk: Talk) -> None:
        await talk.reader.readuntil(b"\r\n\r\n")
        talk.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await talk.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await asyncio.sleep(60)

    async def main() -> None:
        async with Peer(script) as peer, fast() as transport:
            async with asyncio.timeout(30):
                assert await call(transport, request(peer.url, b"x" * 40_000_000)) == (413, b"big")
            assert not transport._connections or next(iter(transport._connections)).closed  # type: ignore[attr-defined]

    run(main(), uv=uv)


@loops
def test_an_answer_that_streams_while_the_body_is_still_read_is_whole(uv: bool) -> None:
    async def script(talk: Talk) -> None:
        await talk.reader.readuntil(b"\r\n\r\n")
        await talk.say(CHUNKED)
        await asyncio.sleep(0.05)
        body = await talk.reader.readexactly(10_000_000)
        await talk.say(b"8\r\n%08d\r\n0\r\n\r\n" % len(body))
        await talk.reader.read()

    async def main() -> None:
        async with Peer(script) as peer, fast() as transport:
            async with asyncio.timeout(30):
                assert await call(transport, request(peer.url, b"x" * 10_000_000)) == (200, b"10000000")

    run(main(), uv=uv)


@loops
def test_a_body_that_is_not_at_hand_or_of_another_length_is_refused(uv: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"{}"

    async def main() -> None:
        async with fast() as transport:
            streamed = httpx2.Request("POST", "http://127.0.0.1:9/", content=parts())
            longer = httpx2.Request(
                "POST", "http://127.0.0.1:9/", headers={"content-length": "3"}, stream=httpx2.ByteStream(b"{}")
            )
            twice = httpx2.Request(
                "POST",
                "http://127.0.0.1:9/",
                headers=[("content-length", "2"), ("Content-Length", "2")],
                stream=httpx2.ByteStream(b"{}"),
            )
            unsaid = httpx2.Request("POST", "http://127.0.0.1:9/", stream=httpx2.ByteStream(b"{}"))
            for req in (streamed, longer, twice, unsaid):
                with pytest.raises(httpx2.LocalProtocolError):
                    await transport.handle_async_request(req)

    run(main(), uv=uv)
