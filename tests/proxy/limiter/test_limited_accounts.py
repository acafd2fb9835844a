"""Limited accounts over real sockets: every client gets a response, and the account is not flooded with calls."""

import asyncio
import random
from collections import Counter
from typing import Any

import httpx2

from adapters.core.failures import RateLimit
from bench.limits.accounts import Account, AtRandom, Refusal, Spells, TokenBucket
from tests.support.harness import proxy
from tests.support.limited_vendor import LimitedVendor

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


async def answered(
    account: Account, clients: int, each: int, call_s: float = 0.02
) -> tuple[LimitedVendor, Counter[int]]:
    """Run clients that each make calls in sequence. Returns the vendor and the statuses."""
    async with LimitedVendor(account, call_s).serving() as vendor:
        settings: dict[str, Any] = {
            "vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001", "base_url": vendor.url}},
            "models": {"gpt-4o": "kimi/kimi-k2.6"},
        }
        async with proxy(settings) as running, httpx2.AsyncClient(base_url=running.url, timeout=120) as client:
            vendor.start_clock()
            statuses: Counter[int] = Counter()

            async def one() -> None:
                for _ in range(each):
                    statuses[(await client.post("/v1/chat/completions", json=BODY)).status_code] += 1

            async with asyncio.timeout(150):
                await asyncio.gather(*(one() for _ in range(clients)))
            return vendor, statuses


def test_a_spell_of_refusals_costs_a_few_probes_and_no_client_sees_it() -> None:
    named = Refusal(1.0, RateLimit("requests_per_minute", 500))
    vendor, statuses = asyncio.run(answered(Spells((0.5,), 2.0, named), clients=8, each=40))
    assert statuses == {200: 320}
    assert 3 <= vendor.refusals <= 8 + 8


def test_a_token_bucket_is_used_to_its_limit_without_flooding_it() -> None:
    """A smaller one more slowly, with more clients: tests/acceptance/limits.py."""
    vendor, statuses = asyncio.run(answered(TokenBucket(20.0, 4), clients=4, each=8))
    assert statuses == {200: 32}
    assert vendor.refusals <= 0.6 * vendor.calls  # a third on an idle machine


def test_one_call_in_ten_that_is_refused_at_random_holds_no_other_call() -> None:
    vendor, statuses = asyncio.run(answered(AtRandom(0.1, random.Random(5)), clients=30, each=10))
    assert statuses == {200: 300}
    assert vendor.calls == 300 + vendor.refusals
    assert vendor.refusals <= 60
