"""Limited accounts over real sockets agree with the simulation: an outage, a token bucket, random refusals."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from adapters.core.failures import RateLimit
from bench.limits.accounts import Account, AtRandom, Refusal, Spells, TokenBucket
from bench.limits.simulate import Limited, Load
from proxy.limiter.scheduler import KeyLimits
from tests.proxy.limiter.test_limited_accounts import BODY, answered
from tests.support.harness import proxy
from tests.support.limited_vendor import LimitedVendor

CALL_S = 0.2
RUN_S, SMOKE_S = 60.0, 3.0
NAMED = Refusal(1.0, RateLimit("requests_per_minute", 500))


async def over_sockets(account: Account, clients: int, run_s: float, per_s: float = 0.0) -> int:
    """Return how many responses clients get in this time (seconds): in sequence, or ``per_s`` at regular intervals."""
    async with LimitedVendor(account, CALL_S).serving() as vendor:
        settings: dict[str, Any] = {
            "vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001", "base_url": vendor.url}},
            "models": {"gpt-4o": "kimi/kimi-k2.6"},
        }
        limits = httpx2.Limits(max_connections=1000)
        async with (
            proxy(settings) as running,
            httpx2.AsyncClient(base_url=running.url, timeout=400, limits=limits) as client,
        ):
            answers = 0

            async def one() -> None:
                nonlocal answers
                answer = await client.post("/v1/chat/completions", json=BODY)
                answers += answer.status_code == 200

            async def again_and_again() -> None:
                while True:
                    await one()

            vendor.start_clock()
            began = time.monotonic()
            tasks = []
            if per_s:
                for number in range(int(run_s * per_s)):
                    tasks.append(asyncio.create_task(one()))
                    await asyncio.sleep(max(0.0, began + (number + 1) / per_s - time.monotonic()))
            else:
                tasks = [asyncio.create_task(again_and_again()) for _ in range(clients)]
                await asyncio.sleep(run_s)
            count = answers
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return count


@pytest.mark.timeout(300)
def test_a_small_token_bucket_is_used_to_its_limit_without_flooding_it(
    record_property: Callable[[str, Any], None],
) -> None:
    vendor, statuses = asyncio.run(answered(TokenBucket(10.0, 2), clients=8, each=15))
    record_property("refused by a bucket of 10 calls a second", f"{vendor.refusals} of {vendor.calls} calls")
    assert statuses == {200: 120}
    assert vendor.refusals <= 0.4 * vendor.calls


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("name", "make", "clients", "per_s"),
    [
        ("a spell of 2 s, 1 client", lambda: Spells((5.0,), 2.0, NAMED), 1, 0.0),
        ("a spell of 2 s, 8 clients", lambda: Spells((5.0,), 2.0, NAMED), 8, 0.0),
        ("a bucket of 1 call a second", lambda: TokenBucket(1.0, 3), 8, 0.0),
        ("10 % refused at random", lambda: AtRandom(0.1, random.Random(5)), 0, 60.0),
    ],
)
def test_answers_over_sockets_agree_with_the_simulation(
    name: str,
    make: Callable[[], Account],
    clients: int,
    per_s: float,
    smoke: bool,
    record_property: Callable[[str, Any], None],
) -> None:
    run_s = SMOKE_S if smoke else RUN_S
    load = Load(clients=clients, per_s=per_s, call_s=CALL_S, spread=0.0, run_s=run_s)
    simulated = Limited(make(), load, KeyLimits()).run().answered(0, run_s)
    answers = asyncio.run(over_sockets(make(), clients, run_s, per_s))
    record_property(name, f"{answers} answers in {run_s:g} s, {simulated} in the simulation")
    assert smoke or abs(answers - simulated) <= 0.1 * simulated, (answers, simulated)
