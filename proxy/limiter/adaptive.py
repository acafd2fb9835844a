"""What a vendor's 429s have taught about one model on one key. Pure: the time is given.

What is learned, and why so:

*The hold.* No call before ``retry-after`` has passed. Where none is told we guess a second; and refusals that follow each
other without an answer in between double the wait, up to a minute: what is refused alone is limited by something that we
do not know. What is guessed holds back only those who have no other target: the others ask, as they would have.

*Concurrency.* After a refusal it is the number of calls that are in flight still: those the vendor has let in. Of a burst
of twenty on an account of five, fifteen refusals come back one after another, and with the last the figure is five. A
refusal at a level at which calls were answered just before has another reason: it holds, and the figure stays.

*Calls a minute*, only where the vendor names that limit: as many as it has let in during the last minute. Without the
vendor's word a refusal never lowers this figure, since a wrong one would cost minutes and a wrong concurrency costs
seconds.

*Upwards.* Answers to calls that had to wait count; after ten of them, or where somebody waits and two seconds have passed,
one call more at once is tried (for calls a minute: after a minute's worth of answers, half as many more). A try that is
refused doubles the answers that it takes, and makes the time four times as long, one that is answered the other way
round: a limit that is really there is touched ever more seldom, one that was lifted, or never was one, is found in
seconds. A vendor may refuse one call among few for reasons of a moment.

*Forgetting.* A figure that made nobody wait for ten minutes is dropped: the account may have been raised, and a fresh 429
teaches it again in one round.

It is never worse than not learning: where another target is there, nobody waits for a lesson; other models on the key
are not touched; and what would have been sent into a 429 waits in order instead.
"""

import re
from typing import Protocol

from proxy.limiter.sliding_window import NEVER, Mark, Minute

HOLD_S = 1.0
"""How long a refusal without ``retry-after`` holds calls back (seconds)."""
LONGEST_DOUBLED_S = 60.0
"""Doubling ends here; a ``retry-after`` that is longer holds as it is."""
LONGEST_HOLD_S = 3600.0
"""A ``retry-after`` beyond this is not waited for without asking again: daily limits are lifted by paying."""
FORGET_S = 600.0
ANSWERS = 10
"""Answers after waiting that it takes to try one call more at once."""
TRY_S = 2.0
"""The time that it takes to try one call more at once, where that comes sooner (seconds)."""
MOST_DOUBLINGS = 4
PROVEN = 5
"""So many answers, one of them at its level, show that a refusal there is not the level's."""

_BY_THE_MINUTE = re.compile(r"\brpm\b|rpm_|requests? per minute", re.IGNORECASE)


def by_the_minute(words: str) -> bool:
    """Whether a refusal's words name the limit of calls a minute.

    Kimi: "max organization RPM: 3"; Hunyuan: "requests per minute exceeded"; ERNIE: "rpm_rate_limit_exceeded".
    """
    return _BY_THE_MINUTE.search(words) is not None


class Call(Mark, Protocol):
    """A call as far as a lesson looks at it. ``among``: the calls in flight when it started, itself included.

    ``served``: a hold that its caller has waited out already. ``elsewhere``: he has another target.
    """

    waited: bool
    among: int
    served: float
    elsewhere: bool


class Figure:
    """One learned figure: None until a refusal lowers it."""

    __slots__ = ("_answers", "_best", "_doublings", "_odd", "_recent", "_since", "_tried", "value")

    def __init__(self) -> None:
        self.value: int | None = None
        self._since = 0.0  # when it last changed
        self._recent = self._best = 0  # answers since then, and the highest level of one
        self._odd = False
        self._answers = 0
        self._doublings = 0
        self._tried = False

    @property
    def rises_at(self) -> float:
        """When time alone has it rise."""
        return self._since + TRY_S * 4.0**self._doublings

    def lower(self, to: int, at: float, now: float, *, first: bool) -> None:
        """A refusal: ``to`` is what was let in, ``at`` the level of the call: how many there were, itself included.

        ``first``: no other refusal of the same round came before.
        """
        if first:
            self._odd = self.value is not None and self._recent >= PROVEN and self._best >= at
        if self._odd:
            self._recent = self._best = 0
            return
        if first and self._tried:
            self._doublings = min(MOST_DOUBLINGS, max(0, self._doublings) + 1)
        self._tried = False
        self._answers = 0
        value = max(1, to if self.value is None else min(self.value, to))
        if value != self.value:
            self._changed(value, now)

    def reached(self, level: int) -> None:
        """A call was answered that had so many beside it, itself included."""
        self._recent += 1
        self._best = max(self._best, level)

    def answered(self, now: float, unit: int, step: int) -> None:
        """An answer after waiting: after ``unit`` of them, doubled or halved, the figure rises by ``step``."""
        self._answers += 1
        if self._answers >= max(1, unit * 2**self._doublings):
            self.rise(now, step)

    def rise(self, now: float, step: int = 1) -> None:
        """Try more."""
        if self.value is None:
            return
        self._changed(self.value + max(1, step), now)
        self._answers = 0
        if self._tried:
            self._doublings = max(-MOST_DOUBLINGS, self._doublings - 1)
        self._tried = True

    def _changed(self, value: int, now: float) -> None:
        self.value = value
        self._since = now
        self._recent = self._best = 0


class Lesson:
    """What is known of one model on one key, and how many of its calls are in flight."""

    def __init__(self, span_s: float) -> None:
        self.minute = Minute(span_s)
        self.flying = 0
        self.strays = 0
        self._told_until = 0.0
        self._guessed_until = 0.0
        self.concurrency = Figure()
        self.rpm = Figure()
        self._streak = 0
        self._refused_at = -NEVER
        self._bound_at = -NEVER

    @property
    def held_until(self) -> float:
        """The end of the hold, told or guessed."""
        return max(self._told_until, self._guessed_until)

    def free_at(self, call: Call, now: float) -> float:
        """When a call may start: NEVER where it hangs on the end of another."""
        concurrency, rpm = self.concurrency.value, self.rpm.value
        held_until = self._told_until if call.elsewhere else self.held_until
        at = held_until if held_until > call.served else 0.0
        if concurrency is rpm is None:
            return max(now, at)
        if now - max(self._refused_at, self._bound_at) > FORGET_S:
            self.concurrency, self.rpm = Figure(), Figure()
            return max(now, at)
        self.minute.forget(now)
        if rpm is not None:
            at = max(at, self.minute.free_at(rpm))
        if concurrency is not None and self.flying + self.strays >= concurrency:
            if at > now or now < self.concurrency.rises_at:
                at = NEVER
            else:
                self.concurrency.rise(now)
        if at > now:
            self._bound_at = now
        return max(now, at)

    def answered(self, call: Call, now: float) -> None:
        """A call was answered."""
        self._streak = 0
        self.concurrency.reached(call.among)
        if call.waited:
            self.concurrency.answered(now, ANSWERS, 1)
            rpm = self.rpm.value or 1
            self.rpm.answered(now, rpm, rpm // 2)

    def refused(self, call: Call | None, now: float, retry_after_s: float | None, *, by_minute: bool = False) -> None:
        """A call was refused by rate; it is not among those in flight any more. None: a call without a ticket."""
        # A round is what was sent before its first refusal came back: it teaches once, however many it refuses.
        first = self._refused_at == -NEVER or (call is not None and call.at > self._refused_at)
        if first:
            self._refused_at = now
            self._streak += 1
        self._hold(now, retry_after_s)
        if by_minute:
            self.minute.forget(now)
            self.rpm.lower(len(self.minute) + self.strays, NEVER, now, first=first)
        elif call is None or call.among > 1:
            level = NEVER if call is None else call.among
            self.concurrency.lower(self.flying + self.strays, level, now, first=first)

    def _hold(self, now: float, retry_after_s: float | None) -> None:
        asked = HOLD_S if retry_after_s is None else min(LONGEST_HOLD_S, max(0.0, retry_after_s))
        if retry_after_s is not None:
            self._told_until = max(self._told_until, now + asked)
        doubled = min(LONGEST_DOUBLED_S, asked * 2 ** (self._streak - 1))
        self._guessed_until = max(self._guessed_until, now + doubled)
