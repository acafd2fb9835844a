"""The HTTP/1.1 client behaves like httpx2's transport where both apply: responses, failures, kept connections."""

import asyncio
import socket
from contextlib import ExitStack

import httpx2
import pytest

from proxy.upstream.errors import phase_of
from tests.proxy.upstream.peers import Peer, Script, Talk, TransportKind, always, call, fast, once, request, run, slow

both = pytest.mark.parametrize(
    ("make", "uv"), [(slow, False), (fast, False), (fast, True)], ids=["httpx2", "fast", "fast-uvloop"]
)
OK = b"HTTP/1.1 200 OK\r\n"

ANSWERS = {
    "content-length": (OK + b"content-length: 5\r\n\r\nhello", b"hello"),
    "chunked": (OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello"),
    "chunked with trailers": (
        OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\nx-b: 2\r\n\r\n",
        b"hello",
    ),
    "until the end": (OK + b"content-type: text/plain\r\n\r\nhello", b"hello"),
    "no body": (OK + b"content-length: 0\r\n\r\n", b""),
    "after interim heads": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
        + OK
        + b"content-length: 2\r\n\r\nok",
        b"ok",
    ),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nhello", b"hello"),
}


@both
@pytest.mark.parametrize("name", ANSWERS)
def test_every_framing_of_a_body_is_read(make: TransportKind, uv: bool, name: str) -> None:
    answer, body = ANSWERS[name]

    async def main() -> None:
        async with Peer(once(answer)) as peer, make() as transport:
            assert await call(transport, request(peer.url)) == (200, body)
            await peer.empty()

    run(main(), uv=uv)


@both
@pytest.mark.parametrize(
    "name", ["content-length", "chunked", "chunked with trailers", "no body", "after interim heads"]
)
def test_a_body_in_single_bytes_is_the_same_body_and_its_connection_is_kept(
    make: TransportKind, uv: bool, name: str
) -> None:
    answer, body = ANSWERS[name]

    async def drip(talk: Talk) -> None:
        while await talk.request():
            for byte in answer:
                await talk.say(bytes([byte]))
                await asyncio.sleep(0)

    async def main() -> None:
        async with Peer(drip) as peer, make() as transport:
            for _ in range(3):
                assert await call(transport, request(peer.url)) == (200, body)
            assert peer.met == 1

    run(main(), uv=uv)


@both
@pytest.mark.parametrize(
    ("method", "answer", "status"),
    [
        ("HEAD", OK + b"content-length: 500\r\n\r\n", 200),
        ("POST", b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("GET", b'HTTP/1.1 304 Not Modified\r\ncontent-length: 500\r\netag: "x"\r\n\r\n', 304),
    ],
)
def test_an_answer_without_a_body_is_not_waited_for(
    make: TransportKind, uv: bool, method: str, answer: bytes, status: int
) -> None:
    async def main() -> None:
        async with Peer(always(answer)) as peer, make() as transport:
            async with asyncio.timeout(30):
                for _ in range(2):
                    assert await call(transport, request(peer.url, b"", method)) == (status, b"")

    run(main(), uv=uv)


@both
def test_status_and_headers_arrive_as_they_were_sent(make: TransportKind, uv: bool) -> None:
    answer = b"HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nX-Two: a\r\nX-Two: b\r\ncontent-length: 0\r\n\r\n"

    async def main() -> None:
        async with Peer(always(answer)) as peer, make() as transport:
            response = await transport.handle_async_request(request(peer.url))
            assert response.status_code == 429
            assert response.headers["retry-after"] == "7"
            assert response.headers.get_list("x-two") == ["a", "b"]
            await response.aread()

    run(main(), uv=uv)


@both
def test_the_sent_bytes_are_one_plain_request(make: TransportKind, uv: bool) -> None:
    seen: list[bytes] = []

    async def script(talk: Talk) -> None:
        seen.append(await talk.request())
        await talk.answer()

    async def main() -> None:
        async with Peer(script) as peer, make() as transport:
            await call(transport, request(peer.url + "/chat?a=b%20c", b'{"x":1}'))
            head, _, body = seen[0].partition(b"\r\n\r\n")
            lines = head.split(b"\r\n")
            assert lines[0] == b"POST /v1/chat?a=b%20c HTTP/1.1"
            assert sorted(line.lower() for line in lines[1:]) == [
                b"content-length: 7",
                b"host: 127.0.0.1:%d" % peer.port,
            ]
            assert body == b'{"x":1}'

    run(main(), uv=uv)


# --- failures ---------------------------------------------------------------------------------------------------

BROKEN: dict[str, tuple[bytes, type[Exception]]] = {
    "nothing": (b"", httpx2.RemoteProtocolError),
    "half a head": (OK + b"content-le", httpx2.RemoteProtocolError),
    "a short body": (OK + b"content-length: 9\r\n\r\nhello", httpx2.RemoteProtocolError),
    "chunks without an end": (OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", httpx2.RemoteProtocolError),
    "a chunk size that is none": (
        OK + b"transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        httpx2.RemoteProtocolError,
    ),
    "a chunk longer than it said": (
        OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
        httpx2.RemoteProtocolError,
    ),
    "a content-length that is none": (OK + b"content-length: many\r\n\r\nhello", httpx2.RemoteProtocolError),
    "two content-lengths": (OK + b"content-length: 5\r\ncontent-length: 4\r\n\r\nhello", httpx2.RemoteProtocolError),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", httpx2.RemoteProtocolError),
}


def fails(make: TransportKind, uv: bool, script: Script, kind: type[Exception], phase: str) -> None:
    async def main() -> None:
        async with Peer(script) as peer, make() as transport:
            with pytest.raises(kind) as caught:
                await call(transport, request(peer.url, read=5.0))
            assert type(caught.value) is kind
            assert phase_of(caught.value) == phase
            await peer.empty()

    run(main(), uv=uv)


@both
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_a_protocol_error_and_its_connection_is_closed(
    make: TransportKind, uv: bool, name: str
) -> None:
    answer, kind = BROKEN[name]
    fails(make, uv, once(answer), kind, "reset")


@both
@pytest.mark.parametrize("answer", [b"", OK, OK + b"content-length: 9\r\n\r\nhello"], ids=["at once", "head", "body"])
def test_a_reset_is_a_read_error(make: TransportKind, uv: bool, answer: bytes) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.say(answer)
        await asyncio.sleep(0.02)
        talk.reset()

    fails(make, uv, script, httpx2.ReadError, "reset")


@both
def test_bytes_received_before_a_cut_are_returned_first(make: TransportKind, uv: bool) -> None:
    async def main() -> None:
        async with Peer(once(OK + b"content-length: 9\r\n\r\nhello")) as peer, make() as transport:
            response = await transport.handle_async_request(request(peer.url))
            await peer.empty()
            parts = response.aiter_raw()
            assert await anext(parts) == b"hello"
            with pytest.raises(httpx2.RemoteProtocolError):
                await anext(parts)
            await response.aclose()

    run(main(), uv=uv)


@both
def test_a_refused_connection_is_a_connect_error(make: TransportKind, uv: bool) -> None:
    async def main() -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            async with make() as transport:
                with pytest.raises(httpx2.ConnectError) as caught:
                    await call(transport, request(f"http://127.0.0.1:{unused.getsockname()[1]}/"))
        assert phase_of(caught.value) == "connect"

    run(main(), uv=uv)


@both
def test_an_unknown_name_is_distinguished_from_a_refused_connection(make: TransportKind, uv: bool) -> None:
    async def main() -> None:
        async with make() as transport:
            with pytest.raises(httpx2.ConnectError) as caught:
                await call(transport, request("http://no-such-host.invalid/"))
        assert phase_of(caught.value) == "dns"

    run(main(), uv=uv)


@both
def test_a_connection_that_is_never_taken_up_times_out(make: TransportKind, uv: bool) -> None:
    """Fill the queue of a listener that accepts nothing, so that the kernel does not answer the next connection."""

    async def main() -> None:
        with ExitStack() as stack:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            for _ in range(4):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            await asyncio.sleep(0.05)
            async with make() as transport:
                with pytest.raises(httpx2.ConnectTimeout) as caught:
                    await call(transport, request(f"http://127.0.0.1:{listener.getsockname()[1]}/", connect=0.2))
        assert phase_of(caught.value) == "connect_timeout"

    run(main(), uv=uv)


@both
def test_silence_is_a_read_timeout_before_and_after_the_head(make: TransportKind, uv: bool) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        if talk.number == 2:
            await talk.say(OK + b"content-length: 9\r\n\r\nhello")
        await talk.reader.read()

    async def main() -> None:
        async with Peer(script) as peer, make() as transport:
            for _ in range(2):
                with pytest.raises(httpx2.ReadTimeout) as caught:
                    await call(transport, request(peer.url, read=0.1))
                assert phase_of(caught.value) == "total"
            await peer.empty()

    run(main(), uv=uv)


@both
def test_a_vendor_that_reads_nothing_is_a_write_timeout(make: TransportKind, uv: bool) -> None:
    async def script(talk: Talk) -> None:
        talk.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(60)

    async def main() -> None:
        async with Peer(script) as peer, make() as transport:
            with pytest.raises(httpx2.WriteTimeout) as caught:
                await call(transport, request(peer.url, b"x" * 40_000_000, write=0.2))
            assert phase_of(caught.value) == "write"

    run(main(), uv=uv)


# --- requests ---------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    "header",
    [
        (b"x-a", b"1\r\nx-b: 2"),
        (b"x-a", b"1\nx-b: 2"),
        (b"x-a", b"a\0b"),
        (b"x a", b"1"),
        (b"x-a\r\ny", b"1"),
        (b"", b""),
    ],
)
def test_a_header_that_would_be_two_is_never_sent(make: TransportKind, uv: bool, header: tuple[bytes, bytes]) -> None:
    async def main() -> None:
        async with Peer(always(b"")) as peer, make() as transport:
            req = request(peer.url)
            req.headers = httpx2.Headers([*req.headers.raw, header])
            with pytest.raises(httpx2.LocalProtocolError) as caught:
                await call(transport, req)
            assert phase_of(caught.value) == "protocol"

    run(main(), uv=uv)


@both
def test_another_scheme_is_not_called(make: TransportKind, uv: bool) -> None:
    async def main() -> None:
        async with make() as transport:
            with pytest.raises(httpx2.UnsupportedProtocol):
                await call(transport, request("ftp://127.0.0.1/"))

    run(main(), uv=uv)


@both
@pytest.mark.parametrize("size", [0, 1, 70_000, 300_000, 5_000_000])
def test_a_body_of_any_size_arrives_whole_and_comes_back_whole(make: TransportKind, uv: bool, size: int) -> None:
    async def echo(talk: Talk) -> None:
        while got := await talk.request():
            await talk.answer(got.partition(b"\r\n\r\n")[2])

    async def main() -> None:
        async with Peer(echo) as peer, make() as transport:
            body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
            for _ in range(2):
                assert await call(transport, request(peer.url, body)) == (200, body)
            assert peer.met == 1

    run(main(), uv=uv)


# --- what is kept -----------------------------------------------------------------------------------------------


@both
def test_a_connection_is_reused_unless_it_has_connection_close(make: TransportKind, uv: bool) -> None:
    async def script(talk: Talk) -> None:
        for turn in range(3):
            await talk.request()
            await talk.answer(head=b"connection: close\r\n" if turn == 2 else b"")
        await talk.reader.read()

    async def main() -> None:
        async with Peer(script) as peer, make() as transport:
            for _ in range(7):
                assert await call(transport, request(peer.url)) == (200, b"ok")
            assert peer.met == 3

    run(main(), uv=uv)


@both
def test_an_answer_released_half_read_closes_its_connection(make: TransportKind, uv: bool) -> None:
    async def main() -> None:
        async with Peer(always(OK + b"content-length: 9\r\n\r\nhello")) as peer, make() as transport:
            response = await transport.handle_async_request(request(peer.url))
            await response.aclose()
            await peer.empty()
            response = await transport.handle_async_request(request(peer.url))
            assert peer.met == 2
            await response.aclose()

    run(main(), uv=uv)


@both
def test_a_call_without_a_free_connection_waits_and_then_times_out(make: TransportKind, uv: bool) -> None:
    async def main() -> None:
        async with Peer(always(OK + b"content-length: 9\r\n\r\nhello")) as peer, make(connections=1) as transport:
            response = await transport.handle_async_request(request(peer.url))
            with pytest.raises(httpx2.PoolTimeout) as caught:
                await call(transport, request(peer.url, pool=0.1))
            assert phase_of(caught.value) == "pool"
            waiting = asyncio.create_task(transport.handle_async_request(request(peer.url)))
            await asyncio.sleep(0.02)
            assert not waiting.done()
            await response.aclose()
            await (await waiting).aclose()

    run(main(), uv=uv)
