"""Over real sockets: clients that disconnect, vendors that stall, streams that break, and the recorded outcomes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.proxy.play import DONE, chunk
from tests.support.harness import Running, hang_up, proxy, vendor

Write = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]
SSE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def piece(data: bytes) -> bytes:
    """One HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def settings(base_url: str, **more: Any) -> dict[str, Any]:
    entry = {"kind": "kimi", "api_key": "sk-kimi-0000000000000001", "base_url": base_url, **more.pop("vendor", {})}
    return {"vendors": {"kimi": entry}, **more}


@asynccontextmanager
async def request_sent(url: str, **body: Any) -> AsyncIterator[asyncio.StreamReader]:
    """Send a request whose response is not read yet; the client disconnects at the end of the block."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    data = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], **body}).encode()
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(data) + data
    )
    try:
        yield reader
    finally:
        await hang_up(writer)


async def read_all(url: str, **body: Any) -> tuple[int, bytes]:
    """The status and the decoded body of a request."""
    async with request_sent(url, **body) as reader:
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split()[1])
        if b"transfer-encoding: chunked" in head.lower():
            out = b""
            while size := int(await reader.readline(), 16):
                out += (await reader.readexactly(size + 2))[:-2]
            return status, out
        length = next(int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length"))
        return status, await reader.readexactly(length)


class Stalling:
    """A vendor that acts, then waits until its client disconnects, and records how long that took."""

    def __init__(self, before: bytes = b"") -> None:
        self.before = before
        self.reached = asyncio.Event()
        self.closed = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        writer.write(self.before)
        await writer.drain()
        self.reached.set()
        assert await reader.read(1) == b""
        self.closed += 1
        raise ConnectionError


BEFORE = {
    "before any response byte": b"",
    "after the head": SSE_HEAD,
    "within the stream": SSE_HEAD + piece(chunk({"role": "assistant", "content": "a"})),
}


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("where", BEFORE)
def test_when_the_client_disconnects_the_vendors_socket_closes_at_once(where: str, streamed: bool) -> None:
    async def scene() -> None:
        stalling = Stalling(BEFORE[where] if streamed else b"")
        async with vendor(stalling) as base_url, proxy(settings(base_url)) as running:
            async with request_sent(running.url, stream=streamed) as reader:
                await stalling.reached.wait()
                if where == "within the stream" and streamed:
                    await reader.readuntil(b'"content":"a"')
            async with asyncio.timeout(30):
                while not stalling.closed:
                    await asyncio.sleep(0.005)
            await running.settled(1)
            assert running.lines[0]["ending"] == "client_closed"
            assert running.state.active == 0

    asyncio.run(scene())


HUNDRED = 100
LEAVING = [
    ("a stream, before its first token", True, SSE_HEAD + piece(chunk({"role": "assistant", "content": ""}))),
    ("a stream, in its middle", True, BEFORE["within the stream"]),
    ("a whole answer", False, b""),
]


async def a_hundred_leave(what: str, streamed: bool, before: bytes, ended: Callable[[], None]) -> None:
    """A hundred clients disconnect at once; ``ended`` is called when they begin, and for each call that has ended."""
    reached = 0
    closed = 0
    all_reached = asyncio.Event()

    async def stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        nonlocal reached, closed
        writer.write(before)
        await writer.drain()
        reached += 1
        if reached == HUNDRED:
            all_reached.set()
        with contextlib.suppress(ConnectionError):
            await reader.read(1)
        closed += 1
        ended()
        raise ConnectionError

    async with vendor(stalls) as base_url, proxy(settings(base_url)) as running, AsyncExitStack() as callers:
        lines = [await callers.enter_async_context(request_sent(running.url, stream=streamed)) for _ in range(HUNDRED)]
        await asyncio.wait_for(all_reached.wait(), 30)
        if "middle" in what:
            for reader in lines:
                await reader.readuntil(b'"content":"a"')
        assert closed == 0
        ended()
        await callers.aclose()
        async with asyncio.timeout(30):
            while closed < HUNDRED:
                await asyncio.sleep(0.005)
        assert reached == HUNDRED
        await running.settled(HUNDRED)
        assert {line["ending"] for line in running.lines} == {"client_closed"}
        assert running.state.active == 0


@pytest.mark.parametrize(("what", "streamed", "before"), LEAVING, ids=[row[0] for row in LEAVING])
def test_of_a_hundred_clients_that_disconnect_at_once_each_ends_its_vendor_call(
    what: str, streamed: bool, before: bytes
) -> None:
    """The vendor never ends a call. tests/acceptance/waits.py judges how long it takes."""
    asyncio.run(a_hundred_leave(what, streamed, before, lambda: None))


HELD_OPEN = SSE_HEAD + piece(chunk({"role": "assistant", "content": "a"})) + piece(chunk({}, "stop") + DONE)


@pytest.mark.parametrize("n", [1, 3, 6])
def test_vendors_that_keep_their_lines_after_the_end_are_all_hung_up_on(n: int) -> None:
    """The client disconnects with the last byte, while several upstream calls are closed: none may leak."""

    async def scene() -> None:
        stalling = Stalling(HELD_OPEN)
        async with vendor(stalling) as base_url, proxy(settings(base_url)) as running:
            async with request_sent(running.url, stream=True, n=n) as reader:
                await reader.readuntil(DONE)
            async with asyncio.timeout(30):
                while stalling.closed < n:
                    await asyncio.sleep(0.005)
            await running.settled(1)
            assert running.lines[0]["ending"] == "complete"
            left = [task for task in asyncio.all_tasks() if "_pump" in repr(task.get_coro())]
            assert left == []

    asyncio.run(scene())


async def fails(base_url: str, streamed: bool, **timeouts: float) -> tuple[int, bytes, Running]:
    policy = {"attempts": 1}
    made = settings(base_url, vendor={"timeouts": timeouts}, policy=policy)
    async with proxy(made) as running, asyncio.timeout(50):
        status, body = await read_all(running.url, stream=streamed)
        return status, body, running


TIMEOUTS: list[tuple[str, bytes, bool, dict[str, float], str]] = [
    ("first_token: silence", b"", True, {"first_token_s": 0.2}, "upstream_first_token_timeout"),
    ("first_token: a head only", SSE_HEAD, True, {"first_token_s": 0.2}, "upstream_first_token_timeout"),
    ("first_token: a role and comments", SSE_HEAD + piece(b": hi\n\n") + piece(chunk({"role": "assistant"})), True,
     {"first_token_s": 0.2}, "upstream_first_token_timeout"),
    ("idle", SSE_HEAD + piece(chunk({"content": "a"})), True, {"idle_s": 0.2}, "upstream_idle_timeout"),
    ("total of a stream", SSE_HEAD + piece(chunk({"content": "a"})), True, {"total_s": 0.2}, "upstream_total_timeout"),
    ("total of a whole answer", b"", False, {"total_s": 0.2}, "upstream_total_timeout"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "before", "streamed", "timeouts", "code"), TIMEOUTS, ids=[t[0] for t in TIMEOUTS])
def test_each_timeout_names_itself(
    what: str, before: bytes, streamed: bool, timeouts: dict[str, float], code: str
) -> None:
    async def scene() -> None:
        stalling = Stalling(before)
        async with vendor(stalling) as base_url:
            status, body, running = await fails(base_url, streamed, **timeouts)
        shown = b'"content":"a"' in body
        assert status == (200 if shown else 504)
        assert code.encode() in body
        (key,) = timeouts
        assert f"(timeouts.{key}, 0.2 s)".encode() in body
        assert b"[DONE]" not in body
        assert running.lines[0]["ending"] == ("truncated" if shown else "rejected")
        assert stalling.closed == 1

    asyncio.run(scene())


def test_a_connection_that_takes_too_long_names_its_timeout() -> None:
    """A handshake without an answer."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    async def scene() -> None:
        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            status, body, _ = await fails(f"https://127.0.0.1:{port}/v1", False, connect_s=0.2)
        assert status == 504
        assert b"upstream_connect_timeout" in body
        assert b"the connection took too long (timeouts.connect_s, 0.2 s)" in body

    asyncio.run(scene())


def test_a_whole_answer_has_no_first_token_timeout() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await asyncio.sleep(0.4)
        choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
        data = json.dumps({"choices": [choice]}).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(data) + data
        )

    async def scene() -> None:
        async with vendor(slow) as base_url:
            status, _, _ = await fails(base_url, False, first_token_s=0.1, idle_s=0.1)
            assert status == 200

    asyncio.run(scene())


JOINED: list[tuple[str, bytes, dict[str, float], str]] = [
    ("silence", b"", {"first_token_s": 0.2}, "upstream_first_token_timeout"),
    ("a role", SSE_HEAD + piece(chunk({"role": "assistant"})), {"first_token_s": 0.2}, "upstream_first_token_timeout"),
    ("idle", SSE_HEAD + piece(chunk({"content": "a"})), {"idle_s": 0.2}, "upstream_idle_timeout"),
    ("total", SSE_HEAD + piece(chunk({"content": "a"})), {"total_s": 0.2}, "upstream_total_timeout"),
]


@pytest.mark.parametrize(("what", "before", "timeouts", "code"), JOINED, ids=[row[0] for row in JOINED])
def test_a_stream_that_is_joined_has_the_time_limits_of_a_stream(
    what: str, before: bytes, timeouts: dict[str, float], code: str
) -> None:
    async def scene() -> None:
        stalling = Stalling(before)
        async with vendor(stalling) as base_url:
            status, body = await whole_of_a_model_that_streams(base_url, **timeouts)
        assert (status, stalling.closed) == (504, 1)
        assert code.encode() in body

    asyncio.run(scene())


async def whole_of_a_model_that_streams(base_url: str, **timeouts: float) -> tuple[int, bytes]:
    entry = {"kind": "qwen", "timeouts": timeouts}
    made = settings(base_url, vendor=entry, policy={"attempts": 1}, models={"gpt-4o": "kimi/qwq-plus"})
    async with proxy(made) as running, asyncio.timeout(50):
        return await read_all(running.url)


def test_content_of_a_joined_stream_ends_the_first_token_limit_though_the_client_has_seen_nothing() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        assert json.loads(body)["stream"] is True
        writer.write(SSE_HEAD + piece(chunk({"reasoning_content": "hm"})))
        await asyncio.sleep(0.8)
        writer.write(piece(chunk({"content": "late"})) + piece(chunk({}, "stop")) + piece(DONE) + b"0\r\n\r\n")

    async def scene() -> None:
        async with vendor(slow) as base_url:
            status, body = await whole_of_a_model_that_streams(base_url, first_token_s=0.4)
        assert status == 200
        assert json.loads(body)["choices"][0]["message"]["content"] == "late"

    asyncio.run(scene())


def test_a_client_that_waits_gets_comments_and_then_the_answer() -> None:
    waited = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await waited.wait()
        writer.write(
            SSE_HEAD + piece(chunk({"content": "late"})) + piece(chunk({}, "stop")) + piece(DONE) + b"0\r\n\r\n"
        )

    async def scene() -> None:
        server = {"hold_status_s": 0.1, "heartbeat_s": 0.1}
        async with (
            vendor(slow) as base_url,
            proxy(settings(base_url, server=server)) as running,
            request_sent(running.url, stream=True) as reader,
        ):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            for _ in range(2):
                assert b"data:" not in await reader.readuntil(b": keep-alive\n\n")
            waited.set()
            assert b"late" in await reader.readuntil(b"data: [DONE]\n\n")

    asyncio.run(scene())


def test_while_a_vendor_pauses_in_a_stream_the_client_gets_comments() -> None:
    waited = asyncio.Event()

    async def pausing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        writer.write(SSE_HEAD + piece(chunk({"content": "early"})))
        await writer.drain()
        await waited.wait()
        writer.write(piece(chunk({"content": "late"})) + piece(chunk({}, "stop") + DONE) + b"0\r\n\r\n")

    async def scene() -> None:
        server = {"hold_status_s": 0.1, "heartbeat_s": 0.1}
        async with (
            vendor(pausing) as base_url,
            proxy(settings(base_url, server=server)) as running,
            request_sent(running.url, stream=True) as reader,
        ):
            await reader.readuntil(b"early")
            await reader.readuntil(b": keep-alive\n\n")
            waited.set()
            assert b"late" in await reader.readuntil(DONE)

    asyncio.run(scene())


def test_a_head_that_left_early_still_ends_in_one_error_event() -> None:
    begun = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await begun.wait()
        data = b'{"error":{"message":"bad","type":"invalid_request_error"}}'
        writer.write(
            b"HTTP/1.1 400 Bad\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(data) + data
        )

    async def scene() -> None:
        server = {"hold_status_s": 0.1, "heartbeat_s": 0.1}
        async with (
            vendor(slow) as base_url,
            proxy(settings(base_url, server=server)) as running,
            request_sent(running.url, stream=True) as reader,
        ):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            begun.set()
            body = await reader.readuntil(b"\r\n0\r\n\r\n")
        events = [part[5:] for part in body.replace(b"\r\n", b"\n").split(b"\n") if part.startswith(b"data:")]
        assert len(events) == 1
        assert json.loads(events[0])["error"]["type"] == "invalid_request_error"

    asyncio.run(scene())


def test_a_vendor_that_does_not_close_after_its_end_marker_delays_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.upstream.client.READ_ON_S", 600.0)
    whole = SSE_HEAD + piece(chunk({"content": "a"}) + chunk({}, "stop") + DONE)

    async def scene() -> None:
        async with vendor(Stalling(whole)) as base_url, proxy(settings(base_url)) as running:
            async with asyncio.timeout(30):
                status, body = await read_all(running.url, stream=True)
            assert (status, body[-14:]) == (200, b"data: [DONE]\n\n")

    asyncio.run(scene())


def test_streams_started_are_streams_ended_whatever_happened() -> None:
    """A thousand streams over a vendor with alternating faults; half of the clients disconnect at some point."""
    turn = iter(range(10_000_000))

    async def moody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        kind = next(turn) % 6
        if kind == 0:
            writer.write(b"HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n")
            return
        writer.write(SSE_HEAD + piece(chunk({"content": "a"})))
        await writer.drain()
        await asyncio.sleep(0.01 * (kind % 3))
        if kind == 1:
            raise ConnectionError
        end = b"" if kind == 2 else chunk({}, "stop") + DONE
        writer.write((piece(end) if end else b"") + b"0\r\n\r\n")

    async def one(url: str, number: int) -> None:
        async with request_sent(url, stream=True) as reader:
            if number % 2:
                await asyncio.sleep(0.002 * (number % 11))
            else:
                await reader.readuntil(b"0\r\n\r\n" if number % 4 else b"\r\n\r\n")

    async def scene() -> None:
        async with vendor(moody) as base_url, proxy(settings(base_url)) as running:
            gate = asyncio.Semaphore(50)

            async def gated(number: int) -> None:
                async with gate:
                    try:
                        await asyncio.wait_for(one(running.url, number), 30)
                    except (asyncio.IncompleteReadError, ConnectionError):
                        pass

            await asyncio.gather(*(gated(number) for number in range(1000)))
            state = running.state
            async with asyncio.timeout(30):
                while state.active:
                    await asyncio.sleep(0.01)
            ended, started = state.request_metrics.outcomes(streams=True), state.request_metrics.streams_started
            assert sum(ended.values()) == started
            assert started > 500
            assert set(ended) == {"complete", "truncated", "client_closed", "rejected"}
            assert state.active == 0
            assert len(running.lines) == started

    asyncio.run(scene())


def test_a_stream_that_outlives_the_servers_grace_gets_an_error_event() -> None:
    async def scene() -> bytes:
        async with vendor(Stalling(SSE_HEAD + piece(chunk({"content": "a"})))) as base_url, AsyncExitStack() as stack:
            running = await stack.enter_async_context(proxy(settings(base_url)))
            async with request_sent(running.url, stream=True) as reader:
                await reader.readuntil(b'"content":"a"')
                closing = asyncio.create_task(stack.aclose())
                rest = await reader.read(-1)
                await closing
            assert running.lines[0]["ending"] == "truncated"
            return rest

    rest = asyncio.run(scene())
    assert b"server_shutting_down" in rest
    assert b"[DONE]" not in rest
