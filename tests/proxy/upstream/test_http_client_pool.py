"""The pool of the HTTP/1.1 client: which call gets a connection, when connections are closed, and that none is lost."""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from adapters.core.wire import Call, Data, End, Head
from proxy.upstream.client import READING_ON, Upstream, UpstreamCall
from proxy.upstream.errors import phase_of
from proxy.upstream.http_client import connection as transport_wire
from proxy.upstream.http_client.pool import HttpTransport
from tests.proxy.upstream.peers import Peer, Talk, TransportKind, always, call, fast, request, run, slow

loops = pytest.mark.parametrize("uv", [False, True], ids=["asyncio", "uvloop"])
OK = b"HTTP/1.1 200 OK\r\n"
ANSWER = OK + b"content-length: 2\r\n\r\nok"


def nothing_left(transport: HttpTransport, places: int) -> None:
    """Every slot is free or held by an idle connection."""
    idle = sum(map(len, transport._idle.values()))
    assert transport._free_slots + idle == places
    assert len(transport._connections) == idle
    assert not transport._waiters


def reads_on(made: httpx2.AsyncBaseTransport) -> bool:
    """Return whether the rest of a response is still expected."""
    if isinstance(made, HttpTransport):
        return len(made._connections) != sum(map(len, made._idle.values()))
    return bool(READING_ON)


async def body_of(response: httpx2.Response) -> bytes:
    return b"".join([part async for part in response.aiter_raw()])


@loops
def test_the_connection_used_last_is_used_next(uv: bool) -> None:
    used: list[int] = []

    async def script(talk: Talk) -> None:
        while await talk.request():
            used.append(talk.number)
            await talk.answer()

    async def main() -> None:
        async with Peer(script) as peer, HttpTransport(10) as transport:
            await asyncio.gather(*(call(transport, request(peer.url)) for _ in range(4)))
            used.clear()
            for _ in range(5):
                await call(transport, request(peer.url))
            assert peer.met == 4
            assert len(set(used)) == 1

    run(main(), uv=uv)


@loops
def test_a_connection_is_free_as_soon_as_its_answer_has_come_read_or_not(uv: bool) -> None:
    async def main() -> None:
        async with Peer(always(ANSWER)) as peer, HttpTransport(1) as transport:
            first = await transport.handle_async_request(request(peer.url))
            second = await transport.handle_async_request(request(peer.url))
            assert await body_of(second) == await body_of(first) == b"ok"
            assert peer.met == 1

    run(main(), uv=uv)


@loops
def test_waiting_calls_get_connections_in_order_of_arrival(uv: bool) -> None:
    order: list[int] = []

    async def main() -> None:
        async with Peer(always(ANSWER)) as peer, HttpTransport(1) as transport:

            async def one(number: int) -> None:
                await call(transport, request(peer.url))
                order.append(number)

            await asyncio.gather(*(one(number) for number in range(40)))
            assert peer.met == 1
            nothing_left(transport, 1)
        assert order == list(range(40))

    run(main(), uv=uv)


@loops
def test_never_are_more_connections_open_than_places(uv: bool) -> None:
    most = 0

    async def script(talk: Talk) -> None:
        nonlocal most
        most = max(most, peer.open)
        while await talk.request():
            await asyncio.sleep(0.001)
            await talk.answer()

    peer = Peer(script)

    async def main() -> None:
        async with peer, HttpTransport(7) as transport:
            await asyncio.gather(*(call(transport, request(peer.url)) for _ in range(200)))
            nothing_left(transport, 7)

    run(main(), uv=uv)
    assert most == 7


@loops
def test_an_idle_connection_to_one_vendor_is_closed_for_another_vendor(uv: bool) -> None:
    async def main() -> None:
        async with Peer(always(ANSWER)) as one, Peer(always(ANSWER)) as two, HttpTransport(2) as transport:
            await asyncio.gather(*(call(transport, request(one.url)) for _ in range(2)))
            assert await call(transport, request(two.url)) == (200, b"ok")
            nothing_left(transport, 2)
            await asyncio.gather(*(call(transport, request(peer.url)) for peer in (one, two) * 10))
            nothing_left(transport, 2)

    run(main(), uv=uv)


@loops
def test_an_unused_connection_is_closed_when_its_time_is_up(uv: bool) -> None:
    async def main() -> None:
        async with Peer(always(ANSWER)) as peer, HttpTransport(5, keep_s=0.1) as transport:
            await asyncio.gather(*(call(transport, request(peer.url)) for _ in range(3)))
            assert peer.open == 3
            await peer.empty()
            nothing_left(transport, 5)
            assert transport._free_slots == 5
            assert await call(transport, request(peer.url)) == (200, b"ok")
            await peer.empty()

    run(main(), uv=uv)


@loops
def test_an_unused_connection_that_the_vendor_closes_is_forgotten_at_once(uv: bool) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.answer()
        await asyncio.sleep(0.02)

    async def main() -> None:
        async with Peer(script) as peer, HttpTransport(5) as transport:
            await call(transport, request(peer.url))
            await peer.empty()
            async with asyncio.timeout(30):
                while transport._free_slots != 5:
                    await asyncio.sleep(0.005)
            nothing_left(transport, 5)

    run(main(), uv=uv)


def stale(after: int, then: bytes = b"", wait_s: float = 0.0) -> Any:
    """A vendor whose first ``after`` connections accept a second request, send ``then``, and are reset."""

    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.answer()
        while await talk.request():
            if talk.number <= after:
                await asyncio.sleep(wait_s)
                if then:
                    await talk.say(then)
                    await asyncio.sleep(0.02)
                talk.reset()
                return
            await talk.answer(b"again")

    return script


@loops
def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_unseen(uv: bool) -> None:
    async def main() -> None:
        async with Peer(stale(after=5)) as peer, HttpTransport(5) as transport:
            await asyncio.gather(*(call(transport, request(peer.url)) for _ in range(2)))
            assert await call(transport, request(peer.url)) == (200, b"ok")
            assert peer.met == 3, "a fresh one, not the other kept one"
            nothing_left(transport, 5)

    run(main(), uv=uv)


@loops
def test_a_reset_after_the_first_byte_of_an_answer_is_not_retried(uv: bool) -> None:
    async def main() -> None:
        async with Peer(stale(after=1, then=b"H")) as peer, HttpTransport(5) as transport:
            await call(transport, request(peer.url))
            with pytest.raises(httpx2.ReadError):
                await call(transport, request(peer.url))
            assert peer.met == 1

    run(main(), uv=uv)


@loops
def test_a_reset_of_a_fresh_connection_is_not_retried(uv: bool) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.reset()

    async def main() -> None:
        async with Peer(script) as peer, HttpTransport(5) as transport:
            with pytest.raises(httpx2.ReadError):
                await call(transport, request(peer.url))
            assert peer.met == 1
            nothing_left(transport, 5)

    run(main(), uv=uv)


@loops
def test_a_late_reset_is_the_vendors_failure_and_not_retried(uv: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor had the request long enough to have done the work: a second one might be billed as well."""
    monkeypatch.setattr(transport_wire, "STALE_S", 0.1)

    async def main() -> None:
        async with Peer(stale(after=1, wait_s=0.3)) as peer, HttpTransport(5) as transport:
            await call(transport, request(peer.url))
            with pytest.raises(httpx2.ReadError):
                await call(transport, request(peer.url))
            assert peer.met == 1

    run(main(), uv=uv)


# --- disconnecting clients ------------------------------------------------------------------------------------------


async def unsteady(talk: Talk, resets: Callable[[], bool]) -> None:
    """A vendor that answers in parts and, as long as it resets, sometimes not at all."""
    chance = random.Random(talk.number)
    while await talk.request():
        await asyncio.sleep(chance.random() * 0.01)
        if chance.random() < 0.1 and resets():
            talk.reset()
            return
        await talk.say(OK + b"transfer-encoding: chunked\r\n\r\n")
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(chance.random() * 0.005)
            await talk.say(b"5\r\nhello\r\n")
        await talk.say(b"0\r\n\r\n")


async def leave(task: asyncio.Task[Any], chance: random.Random) -> None:
    """Cancel it at some moment; sometimes twice, as a timeout and a disconnect can."""
    for _ in range(chance.randrange(6)):
        await asyncio.sleep(0)
    await asyncio.sleep(chance.choice((0, 0, 0.001, 0.005, 0.02)) * chance.random())
    task.cancel()
    if chance.random() < 0.5:
        if chance.random() < 0.5:
            await asyncio.sleep(0)
        task.cancel()


@loops
def test_3000_calls_of_which_half_are_cancelled_leave_no_socket_and_no_place(uv: bool) -> None:
    async def main() -> None:
        chance = random.Random(7)
        ended: dict[str, int] = {}
        resets = True
        async with Peer(lambda talk: unsteady(talk, lambda: resets)) as peer, HttpTransport(20) as transport:

            async def one() -> None:
                try:
                    await call(transport, request(peer.url, b"x" * chance.choice((2, 2, 400_000))))
                    word = "answered"
                except httpx2.TransportError:
                    word = "failed"
                except asyncio.CancelledError:
                    word = "left"
                    raise
                finally:
                    ended[word] = ended.get(word, 0) + 1

            for _ in range(60):
                tasks = [asyncio.create_task(one()) for _ in range(50)]
                leaving = [leave(task, chance) for task in tasks if chance.random() < 0.5]
                await asyncio.gather(*leaving)
                await asyncio.gather(*tasks, return_exceptions=True)
                await asyncio.sleep(0)
            async with asyncio.timeout(30):
                while transport._waiters or transport._free_slots + sum(map(len, transport._idle.values())) != 20:
                    await asyncio.sleep(0.005)
            nothing_left(transport, 20)
            resets = False  # a reset of this call too would be the vendor's right
            assert (await call(transport, request(peer.url)))[0] == 200
            await transport.aclose()
            await peer.empty()
        assert ended["left"] > 300
        assert ended["answered"] > 300

    run(main(), uv=uv)


@loops
def test_a_slot_given_to_a_client_that_disconnects_at_that_moment_goes_to_the_next(
    uv: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with Peer(always(OK + b"content-length: 9\r\n\r\nhello")) as peer, HttpTransport(1) as transport:
            response = await transport.handle_async_request(request(peer.url))
            first = asyncio.create_task(transport.handle_async_request(request(peer.url)))
            second = asyncio.create_task(transport.handle_async_request(request(peer.url)))
            await asyncio.sleep(0.01)
            give = transport._release_slot

            def give_and_cancel() -> None:
                give()
                first.cancel()

            monkeypatch.setattr(transport, "_release_slot", give_and_cancel)
            await response.aclose()
            with contextlib.suppress(asyncio.CancelledError):
                await first
            async with asyncio.timeout(30):
                await (await second).aclose()
            await peer.empty()
            nothing_left(transport, 1)

    run(main(), uv=uv)


@loops
def test_closing_ends_what_is_under_way_waiting_or_still_to_come(uv: bool) -> None:
    async def main() -> None:
        async with Peer(always(OK + b"content-length: 9\r\n\r\nhello")) as peer:
            transport = HttpTransport(1)
            reading = asyncio.create_task(call(transport, request(peer.url)))
            while not peer.met:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)
            waiting = asyncio.create_task(call(transport, request(peer.url)))
            await asyncio.sleep(0.01)
            await transport.aclose()
            with pytest.raises(httpx2.ReadError) as cut:
                await reading
            assert phase_of(cut.value) == "reset"
            with pytest.raises(httpx2.ConnectError):
                await waiting
            with pytest.raises(httpx2.ConnectError):
                await call(transport, request(peer.url))
            await peer.empty()

    run(main(), uv=uv)


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
RESTS = {
    "it ends at once": (b"0\r\n\r\n", 1),
    "it ends after more": (chunked(b"x" * 100) + b"0\r\n\r\n", 1),
    "it never ends": (b"", 2),
    "it breaks": (None, 2),
    "it is no HTTP": (b"zz\r\n", 2),
    "it floods": (chunked(b"x" * 300_000) + b"0\r\n\r\n", 2),
}


kinds = pytest.mark.parametrize(
    ("transport", "uv"), [(slow, False), (fast, False), (fast, True)], ids=["httpx2", "fast", "fast-uvloop"]
)


def line_to(upstream: Upstream, url: str) -> UpstreamCall:
    return upstream.call(1, Call("POST", url, (), b"{}", streams=True), 1.0)


@kinds
@pytest.mark.parametrize("what", RESTS)
def test_bytes_after_the_end_marker_are_read_briefly_and_the_connection_is_kept_if_they_end(
    what: str, uv: bool, transport: TransportKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest, met = RESTS[what]
    if transport is slow and what == "it floods":
        met = 1  # httpx2's own has no limit but the time
    monkeypatch.setattr("proxy.upstream.client.READ_ON_S", 0.3)

    async def script(talk: Talk) -> None:
        while await talk.request():
            await talk.say(CHUNKED + chunked(b"the end"))
            await asyncio.sleep(0.02)
            if rest is None:
                return
            await talk.say(rest)

    async def main() -> None:
        async with Peer(script) as peer, transport(2) as made:
            upstream = Upstream(made)
            for _ in range(2):
                line = line_to(upstream, peer.url)
                results = await line.next()
                if len(results) == 1:
                    results += await line.next()
                head, *data = results
                assert type(head) is Head
                assert data == [Data(1, b"the end")]
                line.read_on()
                assert line.closed
                await line.aclose()
                async with asyncio.timeout(30):
                    while reads_on(made):
                        await asyncio.sleep(0.005)
            assert peer.met == met
            if isinstance(made, HttpTransport):
                nothing_left(made, 2)
        assert not READING_ON

    run(main(), uv=uv)


@kinds
def test_closing_the_transport_ends_what_is_read_on(uv: bool, transport: TransportKind) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.say(CHUNKED + chunked(b"the end"))
        assert await talk.request() == b""

    async def main() -> None:
        async with Peer(script) as peer:
            upstream = Upstream(transport(2))
            line = line_to(upstream, peer.url)
            results = await line.next()
            if len(results) == 1:
                results += await line.next()
            assert [type(result) for result in results] == [Head, Data]
            line.read_on()
            await upstream.aclose()
            async with asyncio.timeout(30):
                while peer.open or READING_ON:
                    await asyncio.sleep(0.005)

    run(main(), uv=uv)


def test_an_answer_that_was_read_to_its_end_has_nothing_to_be_read_on() -> None:
    async def main() -> None:
        async with Peer(always(ANSWER)) as peer, HttpTransport(1) as transport:
            upstream = Upstream(transport)
            for _ in range(2):
                line = line_to(upstream, peer.url)
                line.read_on()  # not begun: nothing either
                while type((await line.next())[-1]) is not End:
                    pass
                line.read_on()
            assert peer.met == 1
            nothing_left(transport, 1)

    run(main())


class Counting:
    """A replay budget that always allows a replay and counts its calls."""

    def __init__(self) -> None:
        self.replays = 1
        self.asked = 0

    def replay(self) -> bool:
        self.asked += 1
        return True


@loops
@pytest.mark.parametrize("written", [False, True], ids=["no byte was written", "all of it was written"])
def test_a_replay_is_requested_only_if_a_byte_of_the_request_was_written(written: bool, uv: bool) -> None:
    """A reset that arrives before the request fails its first write; a later one may be a response to it."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            origin = (b"http", b"127.0.0.1", listening.getsockname()[1])
            head, spare = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n", Counting()

            async def answered() -> socket.socket:
                sock, _ = await loop.sock_accept(listening)
                await loop.sock_recv(sock, 1000)
                await loop.sock_sendall(sock, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                return sock

            async with HttpTransport(5) as transport, asyncio.timeout(10):
                call = asyncio.create_task(transport.send(origin, head, b"", {}, spare))
                kept = await answered()
                assert (await call).status == 200
                if not written:
                    reset(kept)
                call = asyncio.create_task(transport.send(origin, head, b"", {}, spare))
                if written:
                    await loop.sock_recv(kept, 1000)
                    reset(kept)
                fresh = await answered()
                assert (await call).status == 200
                fresh.close()
        assert spare.asked == written

    run(main(), uv=uv)


def reset(sock: socket.socket) -> None:
    """Close with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
