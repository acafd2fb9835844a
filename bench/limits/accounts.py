"""Models of rate-limited vendor accounts on a virtual clock. Each decides about one call at one time, in seconds.

``take`` counts a call and returns None if the account accepts it, else the refusal. ``would_take`` does not count; the
queue that knows every limit uses it. Numbers and texts are those of docs/limits.md.
"""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from adapters.core.failures import RateLimit


class Refusal(NamedTuple):
    """A 429: its ``retry-after`` in seconds, and the limit that the message names, if any."""

    retry_after_s: float | None = None
    limit: RateLimit | None = None


NO_HINT = Refusal()


class Account:
    """An account without a limit."""

    def would_take(self, now: float, tokens: int) -> bool:
        """Return whether a call at this time would be accepted."""
        return True

    def refusal(self, now: float) -> Refusal:
        """Return the refusal."""
        return NO_HINT

    def count(self, now: float, tokens: int) -> None:
        """Count an accepted call."""

    def end(self) -> None:
        """Record the end of an accepted call."""

    def take(self, now: float, tokens: int) -> Refusal | None:
        """Accept and count a call, or refuse it."""
        if not self.would_take(now, tokens):
            return self.refusal(now)
        self.count(now, tokens)
        return None


@dataclass
class SlidingMinute(Account):
    """At most ``limit`` accepted calls in any 60 s. ``limit`` may be a function of time."""

    limit: int | Callable[[float], int]
    says: Refusal = NO_HINT
    starts: deque[float] = field(default_factory=deque)

    def would_take(self, now: float, tokens: int) -> bool:
        while self.starts and self.starts[0] <= now - 60:
            self.starts.popleft()
        return len(self.starts) < (self.limit if isinstance(self.limit, int) else self.limit(now))

    def refusal(self, now: float) -> Refusal:
        return self.says

    def count(self, now: float, tokens: int) -> None:
        self.starts.append(now)


@dataclass
class FixedMinute(Account):
    """At most ``limit`` accepted calls in each minute of the clock, which begins ``turn_s`` into the run."""

    limit: int
    turn_s: float = 37.0
    says: Refusal = NO_HINT
    minute: int = -1
    used: int = 0

    def would_take(self, now: float, tokens: int) -> bool:
        minute = int((now - self.turn_s) // 60)
        if minute != self.minute:
            self.minute, self.used = minute, 0
        return self.used < self.limit

    def refusal(self, now: float) -> Refusal:
        return self.says

    def count(self, now: float, tokens: int) -> None:
        self.used += 1


@dataclass
class TokenBucket(Account):
    """``rate_s`` calls a second, with room for ``burst`` of them."""

    rate_s: float
    burst: float = 1.0
    says: Refusal = NO_HINT
    level: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.burst

    def would_take(self, now: float, tokens: int) -> bool:
        self.level = min(self.burst, self.level + (now - self.at) * self.rate_s)
        self.at = now
        return self.level >= 1 - 1e-9

    def refusal(self, now: float) -> Refusal:
        return self.says

    def count(self, now: float, tokens: int) -> None:
        self.level -= 1


@dataclass
class Concurrency(Account):
    """At most ``limit`` concurrent calls."""

    limit: int
    says: Refusal = NO_HINT
    in_flight: int = 0

    def would_take(self, now: float, tokens: int) -> bool:
        return self.in_flight < self.limit

    def refusal(self, now: float) -> Refusal:
        return self.says

    def count(self, now: float, tokens: int) -> None:
        self.in_flight += 1

    def end(self) -> None:
        self.in_flight -= 1


@dataclass
class TokensPerMinute(Account):
    """At most ``limit`` tokens in any 60 s."""

    limit: int
    says: Refusal = NO_HINT
    starts: deque[tuple[float, int]] = field(default_factory=deque)
    used: int = 0

    def would_take(self, now: float, tokens: int) -> bool:
        while self.starts and self.starts[0][0] <= now - 60:
            self.used -= self.starts.popleft()[1]
        return self.used + tokens <= self.limit

    def refusal(self, now: float) -> Refusal:
        return self.says

    def count(self, now: float, tokens: int) -> None:
        self.starts.append((now, tokens))
        self.used += tokens


@dataclass
class Shared(Account):
    """An account that another client uses too: ``per_minute`` calls at random times."""

    account: Account
    per_minute: float
    random: random.Random
    next_at: float = 0.0

    def would_take(self, now: float, tokens: int) -> bool:
        while self.next_at <= now:
            self.account.take(self.next_at, tokens)
            self.next_at += self.random.expovariate(self.per_minute / 60)
        return self.account.would_take(now, tokens)

    def refusal(self, now: float) -> Refusal:
        return self.account.refusal(now)

    def count(self, now: float, tokens: int) -> None:
        self.account.count(now, tokens)


@dataclass
class Spells(Account):
    """Refuses all calls for ``spell_s`` at each of these times; otherwise no limit."""

    starts: tuple[float, ...]
    spell_s: float
    says: Refusal = NO_HINT

    def would_take(self, now: float, tokens: int) -> bool:
        return not any(start <= now < start + self.spell_s for start in self.starts)

    def refusal(self, now: float) -> Refusal:
        return self.says


@dataclass
class AtRandom(Account):
    """Refuses this share of the calls at random."""

    share: float
    random: random.Random
    says: Refusal = NO_HINT

    def take(self, now: float, tokens: int) -> Refusal | None:
        return self.says if self.random.random() < self.share else None


@dataclass
class DailyQuota(Account):
    """A daily quota of calls."""

    limit: int
    says: Refusal = NO_HINT
    used: int = 0

    def would_take(self, now: float, tokens: int) -> bool:
        return self.used < self.limit

    def refusal(self, now: float) -> Refusal:
        return self.says

    def count(self, now: float, tokens: int) -> None:
        self.used += 1
