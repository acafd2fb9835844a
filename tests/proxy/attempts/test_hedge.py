"""A second target beside a slow one: which answers, and what is closed, counted and billed. Real sockets, short waits.

Where the order matters, a vendor waits for events, not for a time.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.proxy.attempts.test_disconnects import read_all, request_sent
from tests.proxy.upstream.peers import Peer, Talk
from tests.support.harness import Running, proxy

SLOW, QUICK = "slow/kimi-k2.6", "quick/kimi-k2.6"
HEDGED = {"hedge_s": 0.05}
LATE = {"hedge_s": 60}
"""Nobody is that slow here."""


def answer(text: str, prompt: int = 3, completion: int = 2) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return json.dumps({"id": "c", "choices": [choice], "usage": usage}).encode()


class Vendor:
    """Answers after a delay, with a text or a status, and counts its requests.

    ``behind``: the delay begins when this vendor has been called too.
    """

    def __init__(self, name: str, after_s: float = 0.0, status: int = 200, behind: "Vendor | None" = None) -> None:
        self.name = name
        self.after_s = after_s
        self.status = status
        self.behind = behind
        self.seen = 0
        self.left = 0

    async def __call__(self, talk: Talk) -> None:
        while await talk.request():
            self.seen += 1
            while self.behind and not self.behind.seen:
                await asyncio.sleep(0.005)
            try:
                async with asyncio.timeout(self.after_s):
                    await talk.reader.read(1)
                self.left += 1
                return
            except TimeoutError:
                pass
            body = answer(self.name) if self.status == 200 else b'{"error":{"message":"no","type":"x"}}'
            head = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            await talk.say(head % (self.status, len(body)) + body)


@asynccontextmanager
async def scene(slow: Vendor, quick: Vendor, *, attempts: int = 3, **more: Any) -> AsyncIterator[Running]:
    """The slow vendor first, the fast one beside it."""
    async with AsyncExitStack() as stack:
        peers = [(vendor.name, await stack.enter_async_context(Peer(vendor))) for vendor in (slow, quick)]
        entries = {
            name: {"kind": "kimi", "api_key": f"sk-{name}-000000000001", "base_url": peer.url} for name, peer in peers
        }
        settings = {
            "vendors": entries, "models": {"gpt-4o": {"targets": [SLOW, QUICK], "strategy": more.pop("strategy", "failover")}},
            "policy": {**HEDGED, "attempts": attempts, **more.pop("policy", {})}, **more,
        }  # fmt: skip
        running = await stack.enter_async_context(proxy(settings))
        running.state.sleep = _no_wait
        yield running


async def _no_wait(seconds: float) -> None:
    """No wait before a retry."""


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(50):
            await main()

    asyncio.run(limited())


def text(body: bytes) -> str:
    return str(json.loads(body)["choices"][0]["message"]["content"])


def test_the_second_target_answers_when_the_first_is_slow_and_the_first_is_closed() -> None:
    async def main() -> None:
        slow, quick = Vendor("slow", 60), Vendor("quick")
        async with scene(slow, quick) as running:
            status, body = await read_all(running.url)
            assert (status, text(body)) == (200, "quick")
            await running.settled(1)
            while not slow.left:
                await asyncio.sleep(0.005)
            line = running.lines[0]
            assert (line["target"], line["attempts"]) == (QUICK, 2)
            assert line["failed"] == [{"target": SLOW, "kind": "hedged"}]
            assert line["vendor_ms"] >= 50, "from the first call on"
            assert line["shown"] == {"prompt": 3, "completion": 2, "cached": 0, "source": "vendor"}
            assert line["billed"] == {"prompt": 6, "completion": 4, "cached": 0, "source": "estimated"}
            assert not running.state.breaker.failing
            assert running.state.active == 0
            assert running.state.request_metrics.attempts() == {(SLOW,): 1, (QUICK,): 1}
            tokens = running.state.request_metrics.tokens()
            assert (tokens[QUICK, "billed", "prompt", "vendor"], tokens[QUICK, "shown", "prompt", "vendor"]) == (3, 3)
            assert (tokens[SLOW, "billed", "prompt", "estimated"], tokens[SLOW, "shown", "prompt", "vendor"]) == (3, 0)

    run(main)


def test_the_header_has_the_number_of_calls_and_the_target_that_answered() -> None:
    async def main() -> None:
        quick = Vendor("quick", 60)
        async with scene(Vendor("slow", behind=quick), quick) as running, request_sent(running.url) as reader:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            assert "x-banjia-attempts: 2" in head
            assert f"x-banjia-target: {SLOW}" in head

    run(main)


def test_a_first_target_that_answers_in_time_is_the_only_one_called() -> None:
    async def main() -> None:
        slow, quick = Vendor("slow"), Vendor("quick")
        async with scene(slow, quick, policy=LATE) as running:
            assert text((await read_all(running.url))[1]) == "slow"
            assert (slow.seen, quick.seen) == (1, 0)
            await running.settled(1)
            assert running.lines[0]["failed"] == []

    run(main)


def test_when_both_answer_the_client_gets_the_first_answer_and_both_are_billed() -> None:
    async def main() -> None:
        quick = Vendor("quick", 60)
        async with scene(Vendor("slow", behind=quick), quick) as running:
            assert text((await read_all(running.url))[1]) == "slow"
            await running.settled(1)
            assert running.lines[0]["target"] == SLOW
            assert running.lines[0]["failed"] == [{"target": QUICK, "kind": "hedged"}]
            assert running.lines[0]["billed"]["prompt"] == 6

    run(main)


@pytest.mark.parametrize(("off", "stream"), [({"hedge_s": "off"}, False), ({}, True)])
def test_without_the_setting_and_for_streams_no_target_is_called_twice(off: dict[str, Any], stream: bool) -> None:
    async def main() -> None:
        slow, quick = Vendor("slow", 60), Vendor("quick")
        async with scene(slow, quick, policy=off) as running:
            async with request_sent(running.url, stream=stream):
                await asyncio.sleep(0.15)
            await running.settled(1)
            assert (slow.seen, quick.seen) == (1, 0)

    run(main)


def test_a_failure_of_the_second_leaves_the_first_to_answer_and_counts_against_the_second() -> None:
    async def main() -> None:
        quick = Vendor("quick", status=500)
        slow = Vendor("slow", 0.5, behind=quick)
        async with scene(slow, quick) as running:
            assert text((await read_all(running.url))[1]) == "slow"
            assert (slow.seen, quick.seen) == (1, 1)
            await running.settled(1)
            assert running.lines[0]["failed"] == [{"target": QUICK, "kind": "vendor_error"}]
            assert {label: t.failures for label, t in running.state.breaker.failing.items()} == {QUICK: 1}

    run(main)


def test_a_failure_of_the_first_leaves_the_second_to_answer() -> None:
    async def main() -> None:
        quick = Vendor("quick", 0.5)
        slow = Vendor("slow", status=500, behind=quick)
        async with scene(slow, quick) as running:
            assert text((await read_all(running.url))[1]) == "quick"
            assert (slow.seen, quick.seen) == (1, 1)

    run(main)


def test_a_first_that_fails_in_time_is_retried_as_ever() -> None:
    async def main() -> None:
        slow, quick = Vendor("slow", status=500), Vendor("quick")
        async with scene(slow, quick, policy=LATE) as running:
            assert text((await read_all(running.url))[1]) == "quick"
            assert (slow.seen, quick.seen) == (2, 1)

    run(main)


@pytest.mark.parametrize(("attempts", "seen"), [(1, (1, 0)), (2, (1, 1)), (3, (1, 2))])
def test_both_count_among_the_attempts(attempts: int, seen: tuple[int, int]) -> None:
    async def main() -> None:
        quick = Vendor("quick", 0.5, status=500)
        slow = Vendor("slow", 0.1, status=500, behind=quick if attempts > 1 else None)
        async with scene(slow, quick, attempts=attempts) as running:
            status, _ = await read_all(running.url)
            await running.settled(1)
            assert (status, (slow.seen, quick.seen)) == (502, seen)
            assert running.lines[0]["attempts"] == attempts

    run(main)


def test_a_second_call_is_a_retry_for_the_budget() -> None:
    async def main() -> None:
        slow, quick = Vendor("slow", 0.5), Vendor("quick", 60)
        async with scene(slow, quick) as running:
            for _ in range(5):
                await read_all(running.url)
            assert (slow.seen, quick.seen) == (5, 3)

    run(main)


def test_the_clients_own_error_is_returned_at_once_and_the_other_call_is_closed() -> None:
    async def main() -> None:
        slow, quick = Vendor("slow", 60), Vendor("quick", status=400)
        async with scene(slow, quick) as running:
            status, body = await read_all(running.url)
            assert (status, json.loads(body)["error"]["type"]) == (400, "invalid_request_error")
            while not slow.left:
                await asyncio.sleep(0.005)
            assert (slow.seen, quick.seen) == (1, 1)

    run(main)


def test_a_target_in_cooldown_is_not_called_beside_another() -> None:
    async def main() -> None:
        slow, quick = Vendor("slow", 0.15), Vendor("quick")
        async with scene(slow, quick, breaker={"failures": 1}) as running:
            breaker = running.state.breaker
            breaker.failed(QUICK, None, asyncio.get_running_loop().time(), 0.0, running.state.snapshot.settings.breaker)
            assert text((await read_all(running.url))[1]) == "slow"
            assert quick.seen == 0

    run(main)


def test_when_the_client_disconnects_both_are_closed_and_no_probe_stays_active() -> None:
    async def main() -> None:
        slow, quick = Vendor("slow", 60), Vendor("quick", 60)
        async with scene(slow, quick, breaker={"failures": 1, "cooldown_s": 0.001, "cap_s": 1}) as running:
            breaker = running.state.breaker
            breaker.failed(SLOW, None, 0.0, 0.0, running.state.snapshot.settings.breaker)
            async with request_sent(running.url):
                while not quick.seen:
                    await asyncio.sleep(0.005)
                assert breaker.is_cooling_down(SLOW, 1e9), "it is being probed"
            await running.settled(1)
            while slow.left + quick.left < 2:
                await asyncio.sleep(0.005)
            assert not breaker.is_cooling_down(SLOW, 1e9)
            assert (running.lines[0]["ending"], running.lines[0]["attempts"]) == ("client_closed", 2)
            assert running.state.active == 0

    run(main)


def test_the_one_that_was_too_slow_is_known_to_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "proxy.attempts.target_order.random.random", lambda: 0.5
    )  # no exploring: the first is asked first

    async def main() -> None:
        slow, quick = Vendor("slow", 60), Vendor("quick")
        async with scene(slow, quick, strategy="fastest") as running:
            assert text((await read_all(running.url))[1]) == "quick"
            latencies = running.state.latencies
            await running.settled(1)
            assert (latencies.of(SLOW, False) or 0) > (latencies.of(QUICK, False) or 1)

    run(main)


def test_the_second_timer_rings_for_its_own_attempt_alone() -> None:
    async def main() -> None:
        slow, quick = Vendor("slow", 60), Vendor("quick", 60)
        async with scene(slow, quick, attempts=2) as running:
            for account in running.state.snapshot.accounts.values():
                account._times = {key: times._replace(total_s=1.0) for key, times in account._times.items()}
            status, body = await read_all(running.url)
            assert (status, json.loads(body)["error"]["code"]) == (504, "upstream_total_timeout")
            assert (slow.left, quick.left) == (1, 1)

    run(main)
