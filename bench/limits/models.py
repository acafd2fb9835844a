"""The limited accounts of the simulator, by name, with the results that the limiter must reach on each."""

# ruff: noqa: S311 - models, no secrets

import random
from collections.abc import Callable
from typing import NamedTuple

from adapters.core.failures import RateLimit
from bench.limits.accounts import (
    Account,
    AtRandom,
    Concurrency,
    DailyQuota,
    FixedMinute,
    Refusal,
    Shared,
    SlidingMinute,
    Spells,
    TokenBucket,
    TokensPerMinute,
)

SPELLS = (130.0, 250.0, 370.0, 490.0)
LONG_SPELLS = (150.0, 400.0)


class Model(NamedTuple):
    """An account, and the results that the limiter must reach on it.

    ``account`` creates one from a seed. ``least``: the least share of the completed calls of the queue that knows every
    limit. ``spell_s``: how long the account refuses all calls. ``open_loop``: calls arrive at random times, 1.5 a second
    per client, and the knowing queue has no limit. ``tells``: clients may get a 429; ``at_once``: without waiting.
    """

    name: str
    account: Callable[[int], Account]
    least: float = 0.85
    spell_s: float | None = None
    open_loop: bool = False
    median_factor: bool = False
    judge_refused: bool = True
    no_wait_bar: bool = False
    tells: bool = False
    at_once: bool = False

    def known(self, seed: int) -> Account:
        """Return the account for the knowing queue."""
        return Account() if self.open_loop else self.account(seed)


def _rpm(figure: int) -> Refusal:
    return Refusal(1.0, RateLimit("requests_per_minute", figure))


MODELS = (
    Model("30 calls in a sliding minute", lambda seed: SlidingMinute(30)),
    Model("the same, named in the 429", lambda seed: SlidingMinute(30, _rpm(30))),
    Model("20 calls in a minute of the clock", lambda seed: FixedMinute(20)),
    Model("3 calls a minute, named", lambda seed: SlidingMinute(3, _rpm(3)), judge_refused=False, tells=True),
    Model("bucket of 1 call a second, room for 3", lambda seed: TokenBucket(1.0, 3)),
    Model("bucket of 1 call a second, no room", lambda seed: TokenBucket(1.0, 1)),
    Model("bucket of 10 calls a second", lambda seed: TokenBucket(10.0, 10)),
    Model("5 calls at once", lambda seed: Concurrency(5)),
    Model("30,000 tokens a minute", lambda seed: TokensPerMinute(30_000)),
    Model("60 a minute, a neighbour uses 30", lambda seed: Shared(SlidingMinute(60), 30, random.Random(seed)), 0.75),
    Model("limit raised from 20 to 40", lambda seed: SlidingMinute(lambda now: 20 if now < 250 else 40), 0.75),
    Model("limit lowered from 40 to 20", lambda seed: SlidingMinute(lambda now: 40 if now < 250 else 20), 0.75),
    Model("spells of 2 s", lambda seed: Spells(SPELLS, 2), 0.95, spell_s=2),
    Model("spells of 2 s, RPM: 500 named", lambda seed: Spells((5.0, *SPELLS), 2, _rpm(500)), 0.95, spell_s=2),
    Model("spells of 20 s", lambda seed: Spells(LONG_SPELLS, 20), 0.95, spell_s=20),
    Model("spells of 20 s, retry-after: 5", lambda seed: Spells(LONG_SPELLS, 20, Refusal(5.0)), 0.95, spell_s=21),
    Model(
        "2 % refused at random", lambda seed: AtRandom(0.02, random.Random(seed)), 0.98, open_loop=True, median_factor=True
    ),
    Model(
        "10 % refused at random", lambda seed: AtRandom(0.1, random.Random(seed)), 0.98, open_loop=True, median_factor=True
    ),
    Model(
        "30 % refused at random", lambda seed: AtRandom(0.3, random.Random(seed)),
        open_loop=True, judge_refused=False, no_wait_bar=True,
    ),
    Model(
        "quota of 500 calls a day", lambda seed: DailyQuota(500, Refusal(None, RateLimit("day"))),
        judge_refused=False, no_wait_bar=True, tells=True, at_once=True,
    ),
)  # fmt: skip
