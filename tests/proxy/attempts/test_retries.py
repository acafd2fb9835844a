"""The limit of upstream calls: retries, broken connections, clients that retry, and clients that disconnect."""

import asyncio
import json
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from adapters.core.failures import Failure
from adapters.core.message import Message
from proxy.errors import UpstreamFailed
from tests.proxy.attempts.test_disconnects import read_all, request_sent, settings
from tests.proxy.play import error, play, whole
from tests.proxy.upstream.peers import Peer, Talk
from tests.support.harness import Running, proxy

ONE = {"vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001"}}}
OK = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]})


def limited() -> httpx2.Response:
    return error(429, "rate_limit_reached_error", **{"retry-after": "3600"})


# --- the headers that an SDK goes by --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("s", "seconds", "milliseconds"),
    [(0.0, b"0", b"0"), (0.25, b"1", b"250"), (1.0, b"1", b"1000"), (1.5, b"2", b"1500")],
)
def test_a_wait_is_sent_in_whole_seconds_rounded_up_and_no_wait_has_no_header(
    s: float, seconds: bytes, milliseconds: bytes
) -> None:
    headers = dict(UpstreamFailed(Failure.of("rate_limited", Message("x"), retry_after_s=s), attempts=2).headers())
    assert (headers[b"retry-after"], headers[b"retry-after-ms"]) == (seconds, milliseconds)


@pytest.mark.parametrize(
    ("earlier", "replies", "calls", "retry"),
    [
        (b"0", [limited], 1, "true"),
        (b"1", [limited], 1, "true"),
        (b"3", [limited], 1, "false"),
        (b"9", [limited], 1, "false"),
        (b"0", [lambda: error(500, "x")] * 2, 2, "false"),
        (b"1", [lambda: error(500, "x")] * 2, 2, "false"),
        (b"2", [lambda: error(500, "x")], 1, "false"),
        (b"junk", [limited], 1, "true"),
        ("２".encode(), [limited], 1, "true"),
        (b"-1", [limited], 1, "true"),
    ],
)
def test_earlier_tries_of_an_sdk_count_among_the_attempts(
    earlier: bytes, replies: list[Callable[[], Any]], calls: int, retry: str
) -> None:
    played = play({"kimi": [make() for make in replies]}, ONE, sent_with={b"x-stainless-retry-count": earlier})
    assert len(played.calls) == calls
    assert played.headers["x-should-retry"] == retry


@pytest.mark.parametrize("attempts", [1, 2, 3, 5])
def test_an_sdk_that_obeys_the_retry_headers_never_causes_more_failing_calls_than_attempts(attempts: int) -> None:
    """For any failures in any order. Rate-limited calls wait for a slot and are not attempts."""
    for failures in range(2**6):
        state, calls, faults, retry = None, 0, 0, "true"
        for earlier in range(3):
            if retry != "true":
                break
            kinds = [limited() if failures >> (calls + i) & 1 else error(500, "x") for i in range(6)]
            configured = {**ONE, "policy": {"attempts": attempts, "attempts_per_target": attempts}}
            reported = {b"x-stainless-retry-count": b"%d" % earlier}
            played = play({"kimi": kinds}, configured, state=state, sent_with=reported)
            refused = sum(bool(failures >> (calls + i) & 1) for i in range(len(played.calls)))
            calls, faults = calls + len(played.calls), faults + len(played.calls) - refused
            retry = played.headers["x-should-retry"]
        assert faults <= attempts


# --- connections that break -----------------------------------------------------------------------------------------


async def warmed(running: Running, connections: int) -> None:
    """This many connections to the vendor are kept alive."""
    got = await asyncio.gather(*(read_all(running.url) for _ in range(connections)))
    assert {status for status, _ in got} == {200}


def test_a_vendor_that_resets_every_request_sees_no_more_calls_than_attempts() -> None:
    seen = 0
    breaks = False
    all_six = asyncio.Barrier(6)

    async def script(talk: Talk) -> None:
        nonlocal seen
        while await talk.request():
            if breaks:
                seen += 1
                talk.reset()
                return
            await all_six.wait()
            await talk.answer(OK.encode(), head=b"content-type: application/json\r\n")

    async def main() -> None:
        nonlocal breaks
        policy = {"attempts": 3, "attempts_per_target": 3}
        async with Peer(script) as peer, proxy(settings(peer.url, policy=policy)) as running:
            running.state.sleep = _no_wait
            await warmed(running, 6)
            breaks = True
            status, _ = await read_all(running.url)
            assert (status, seen) == (502, 3), "the call that a kept connection lost is one of the attempts"
            assert running.lines[-1]["attempts"] == 3
            assert [failed["kind"] for failed in running.lines[-1]["failed"]] == [
                "reset",
                "vendor_error",
                "vendor_error",
            ]

    asyncio.run(main())


def test_a_call_that_a_kept_connection_has_lost_is_sent_again_once_a_request() -> None:
    """Every connection serves one request and resets at the next, and every fresh one answers 500."""
    seen = 0
    all_six = asyncio.Barrier(6)

    async def script(talk: Talk) -> None:
        nonlocal seen
        await talk.request()
        if talk.number <= 6:
            await all_six.wait()
            await talk.answer(OK.encode(), head=b"content-type: application/json\r\n")
        else:
            seen += 1
            await talk.say(b"HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n")
        if await talk.request():
            seen += 1
            talk.reset()

    async def main() -> None:
        policy = {"attempts": 3, "attempts_per_target": 3}
        async with Peer(script) as peer, proxy(settings(peer.url, policy=policy)) as running:
            running.state.sleep = _no_wait
            await warmed(running, 6)
            status, _ = await read_all(running.url)
            assert (status, seen) == (502, 3)

    asyncio.run(main())


@pytest.mark.parametrize("streamed", [False, True])
def test_a_call_that_is_sent_again_is_an_attempt_in_the_header_the_log_and_the_metrics(streamed: bool) -> None:
    """Each kept connection resets at its second request; ``attempts: 1`` allows that one repeat too."""

    async def script(talk: Talk) -> None:
        await talk.request()
        await asyncio.sleep(0.05)
        await talk.answer(OK.encode(), head=b"content-type: application/json\r\n")
        if await talk.request():
            talk.reset()

    async def main() -> None:
        async with Peer(script) as peer, proxy(settings(peer.url, policy={"attempts": 1})) as running:
            await warmed(running, 1)
            async with request_sent(running.url, stream=streamed) as reader:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                assert b"200 ok" in head
                assert b"\r\nx-banjia-attempts: 2\r\n" in head
                await running.settled(2)
            line = running.lines[-1]
            assert (line["ending"], line["attempts"], peer.met) == ("complete", 2, 2)
            assert line["failed"] == [{"target": "kimi/kimi-k2.6", "kind": "reset"}]

    asyncio.run(main())


@pytest.mark.parametrize("stale_s", [1.0, 0.0], ids=["taken for its age", "taken for a failure"])
def test_after_a_reset_the_next_call_takes_a_fresh_connection(stale_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.upstream.http_client.connection.STALE_S", stale_s)

    all_six = asyncio.Barrier(6)

    async def script(talk: Talk) -> None:
        for turn in range(2):
            if not await talk.request():
                return
            if talk.number <= 6 and turn == 1:
                talk.reset()
                return
            if talk.number <= 6:
                await all_six.wait()
            await talk.answer(OK.encode(), head=b"content-type: application/json\r\n")

    async def main() -> None:
        async with Peer(script) as peer, proxy(settings(peer.url)) as running:
            running.state.sleep = _no_wait
            await warmed(running, 6)
            assert (await read_all(running.url))[0] == 200
            assert peer.met == 7, "one kept connection was tried, then a fresh one"

    asyncio.run(main())


async def _no_wait(seconds: float) -> None:
    """No wait before a retry."""


# --- the budget -----------------------------------------------------------------------------------------------------


def test_a_vendor_that_only_fails_sees_a_fifth_more_calls_than_requests_and_the_reserve_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """200 requests in one window of the budget; afterwards all is well at once."""
    monkeypatch.setattr("proxy.routing.retry_budget.time", SimpleNamespace(monotonic=lambda: 1000.0))
    seen, well = 0, False

    async def script(talk: Talk) -> None:
        nonlocal seen
        while await talk.request():
            seen += 1
            if well:
                await talk.answer(OK.encode(), head=b"content-type: application/json\r\n")
            else:
                await talk.say(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")

    async def main() -> None:
        nonlocal well
        async with Peer(script) as peer, proxy(settings(peer.url)) as running:
            running.state.sleep = _no_wait
            asking = []
            for _ in range(200):
                await asyncio.sleep(0.005)
                asking.append(asyncio.create_task(read_all(running.url)))
            assert {(await one)[0] for one in asking} == {502}
            assert 200 < seen <= 1.2 * 200 + 3

            well = True
            assert [(await read_all(running.url))[0] for _ in range(20)] == [200] * 20

    asyncio.run(main())


FAULTS: dict[str, tuple[str | int, ...]] = {
    "resets": ("reset",),
    "closes": ("close",),
    "5xx": (500, 502, 503, 504),
    "all of them": ("reset", "close", 500, 502, 503, 504),
}


@pytest.mark.parametrize("callers", [1, 8])
@pytest.mark.parametrize("faults", FAULTS)
def test_if_a_vendor_fails_every_second_call_a_request_costs_a_fifth_more_calls_in_the_mean(
    faults: str, callers: int
) -> None:
    """The reserve of three lies within the fifth from the fifteenth request on. The log counts what the vendor saw."""
    lots, requests, seen = random.Random(len(faults)), 300, 0

    async def script(talk: Talk) -> None:
        nonlocal seen
        while await talk.request():
            seen += 1
            fault = lots.choice(FAULTS[faults]) if lots.random() < 0.5 else None
            if fault is None:
                await talk.answer(OK.encode(), head=b"content-type: application/json\r\n")
            elif fault in ("reset", "close"):
                if fault == "reset":
                    talk.reset()
                return
            else:
                await talk.say(f"HTTP/1.1 {fault} X\r\ncontent-length: 0\r\n\r\n".encode())

    async def main() -> None:
        async with Peer(script) as peer, proxy(settings(peer.url)) as running:
            running.state.sleep = _no_wait
            room = asyncio.Semaphore(callers)

            async def one() -> int:
                async with room:
                    return (await read_all(running.url))[0]

            statuses = await asyncio.gather(*(one() for _ in range(requests)))
            await running.settled(requests)
            assert set(statuses) == {200, 502}
            assert requests < seen <= 1.2 * requests + 1  # a retry is whole: the last one may round up
            assert sum(line["attempts"] for line in running.lines) == seen

    asyncio.run(main())


def test_the_other_target_is_called_regardless_of_the_attempts_at_the_first() -> None:
    state = None
    for _ in range(8):
        played = play({"kimi": [error(500, "x"), error(500, "x")], "qwen": [whole("hello")]}, state=state)
        state = played.state
        assert played.status == 200


# --- callers who leave between two attempts --------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [False, True])
def test_a_client_that_disconnects_while_a_retry_waits_causes_no_further_call(streamed: bool) -> None:
    seen = 0

    async def script(talk: Talk) -> None:
        nonlocal seen
        while await talk.request():
            seen += 1
            await talk.say(b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n")

    async def main() -> None:
        async with Peer(script) as peer, proxy(settings(peer.url)) as running:
            waiting = asyncio.Event()

            async def sleep(s: float) -> None:
                waiting.set()
                await asyncio.sleep(600)

            running.state.sleep = sleep
            async with request_sent(running.url, stream=streamed):
                await waiting.wait()
            await running.settled(1)
            assert (running.lines[0]["ending"], running.lines[0]["attempts"], seen) == ("client_closed", 1, 1)
            assert running.state.active == 0

    asyncio.run(main())


@pytest.mark.parametrize("streamed", [False, True])
def test_a_client_that_disconnects_during_the_second_attempt_closes_its_socket_at_once(streamed: bool) -> None:
    asking = asyncio.Event()

    async def fails(talk: Talk) -> None:
        while await talk.request():
            await talk.say(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")

    async def stalls(talk: Talk) -> None:
        await talk.request()
        asking.set()
        await talk.reader.read(1)

    async def main() -> None:
        async with Peer(fails) as first, Peer(stalls) as second:
            entries = {
                name: {"kind": "kimi", "api_key": f"sk-{name}-000000000001", "base_url": peer.url}
                for name, peer in (("first", first), ("second", second))
            }
            models = {"gpt-4o": ["first/kimi-k2.6", "second/kimi-k2.6"]}
            async with proxy({"vendors": entries, "models": models}) as running:
                async with request_sent(running.url, stream=streamed):
                    await asking.wait()
                async with asyncio.timeout(30):
                    await second.empty()
                await running.settled(1)
                assert (running.lines[0]["ending"], running.lines[0]["attempts"]) == ("client_closed", 2)
                assert running.state.active == 0

    asyncio.run(main())
