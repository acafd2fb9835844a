"""How often vendors are asked, at most: retries, connections that break, callers who try again, and callers who leave."""

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from adapters.core.failures import Failure
from proxy.errors import UpstreamFailed
from tests.harness import Running, proxy
from tests.proxy.play import error, play, whole
from tests.proxy.test_leaving import asked, read_all, settings
from tests.services.peers import Peer, Talk

ONE = {"vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001"}}}
OK = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]})


def limited() -> httpx2.Response:
    return error(429, "rate_limit_reached_error", **{"retry-after": "3600"})


# --- the headers that an SDK goes by --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("s", "seconds", "milliseconds"),
    [(0.0, b"0", b"0"), (0.25, b"1", b"250"), (1.0, b"1", b"1000"), (1.5, b"2", b"1500")],
)
def test_a_wait_is_told_in_whole_seconds_rounded_up_and_none_is_told_as_none(
    s: float, seconds: bytes, milliseconds: bytes
) -> None:
    told = dict(UpstreamFailed(Failure.of("rate_limited", "x", retry_after_s=s), attempts=2).headers())
    assert (told[b"retry-after"], told[b"retry-after-ms"]) == (seconds, milliseconds)


@pytest.mark.parametrize(
    ("earlier", "replies", "calls", "retry"),
    [
        (b"0", [limited], 1, "true"),
        (b"1", [limited], 1, "true"),
        (b"2", [limited], 1, "false"),
        (b"9", [limited], 1, "false"),
        (b"0", [lambda: error(500, "x")] * 2, 2, "false"),
        (b"1", [lambda: error(500, "x")] * 2, 2, "false"),
        (b"2", [lambda: error(500, "x")], 1, "false"),
        (b"junk", [limited], 1, "true"),
        ("２".encode(), [limited], 1, "true"),
        (b"-1", [limited], 1, "true"),
    ],
)
def test_what_an_sdk_tried_before_counts_among_the_attempts(
    earlier: bytes, replies: list[Callable[[], Any]], calls: int, retry: str
) -> None:
    played = play({"kimi": [make() for make in replies]}, ONE, sent_with={b"x-stainless-retry-count": earlier})
    assert len(played.calls) == calls
    assert played.headers["x-should-retry"] == retry


@pytest.mark.parametrize("attempts", [1, 2, 3, 5])
def test_an_sdk_that_does_as_it_is_told_never_causes_more_calls_than_attempts(attempts: int) -> None:
    """Whatever fails in which order: a rate limit hands the decision to the SDK, a fault of the vendor's does not."""
    for failures in range(2**6):
        kit, calls, retry = None, 0, "true"
        for earlier in range(3):
            if retry != "true":
                break
            kinds = [limited() if failures >> (calls + i) & 1 else error(500, "x") for i in range(6)]
            configured = {**ONE, "policy": {"attempts": attempts, "attempts_per_target": attempts}}
            told = {b"x-stainless-retry-count": b"%d" % earlier}
            played = play({"kimi": kinds}, configured, kit=kit, sent_with=told)
            calls, retry = calls + len(played.calls), played.headers["x-should-retry"]
        assert calls <= attempts


# --- connections that break -----------------------------------------------------------------------------------------


async def warmed(running: Running, connections: int) -> None:
    """So many connections to the vendor are kept."""
    got = await asyncio.gather(*(read_all(running.url) for _ in range(connections)))
    assert {status for status, _ in got} == {200}


def test_a_vendor_that_resets_every_request_sees_one_more_than_the_attempts_at_most() -> None:
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
            running.kit.sleep = _no_wait
            await warmed(running, 6)
            breaks = True
            status, _ = await read_all(running.url)
            assert (status, seen) == (502, 4), "three attempts, and the one that a kept connection is forgiven"
            assert running.lines[-1]["attempts"] == 3

    asyncio.run(main())


def test_only_one_attempt_of_a_request_is_forgiven_a_kept_connection() -> None:
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
            running.kit.sleep = _no_wait
            await warmed(running, 6)
            status, _ = await read_all(running.url)
            assert (status, seen) == (502, 4)

    asyncio.run(main())


@pytest.mark.parametrize("stale_s", [1.0, 0.0], ids=["taken for its age", "taken for a failure"])
def test_after_a_reset_the_next_call_takes_a_fresh_connection(stale_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.services.transport_wire.STALE_S", stale_s)

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
            running.kit.sleep = _no_wait
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
    monkeypatch.setattr("proxy.services.budget.time", SimpleNamespace(monotonic=lambda: 1000.0))
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
            running.kit.sleep = _no_wait
            asking = []
            for _ in range(200):
                await asyncio.sleep(0.005)
                asking.append(asyncio.create_task(read_all(running.url)))
            assert {(await one)[0] for one in asking} == {502}
            assert 200 < seen <= 1.2 * 200 + 3

            well = True
            assert [(await read_all(running.url))[0] for _ in range(20)] == [200] * 20

    asyncio.run(main())


def test_the_other_target_is_asked_whatever_was_spent_on_the_first() -> None:
    kit = None
    for _ in range(8):
        played = play({"kimi": [error(500, "x"), error(500, "x")], "qwen": [whole("hello")]}, kit=kit)
        kit = played.kit
        assert played.status == 200


# --- callers who leave between two attempts --------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [False, True])
def test_a_caller_who_leaves_while_a_retry_waits_causes_no_further_call(streamed: bool) -> None:
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

            running.kit.sleep = sleep
            async with asked(running.url, stream=streamed):
                await waiting.wait()
            await running.settled(1)
            assert (running.lines[0]["ending"], running.lines[0]["attempts"], seen) == ("gone", 1, 1)
            assert running.kit.active == 0

    asyncio.run(main())


@pytest.mark.parametrize("streamed", [False, True])
def test_a_caller_who_leaves_while_the_second_target_is_asked_closes_its_socket_at_once(streamed: bool) -> None:
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
                async with asked(running.url, stream=streamed):
                    await asking.wait()
                async with asyncio.timeout(30):
                    await second.empty()
                await running.settled(1)
                assert (running.lines[0]["ending"], running.lines[0]["attempts"]) == ("gone", 2)
                assert running.kit.active == 0

    asyncio.run(main())
