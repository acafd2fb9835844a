"""Which targets cool down: those that failed several times in a row. Time and chance are arguments, nothing here waits.

A target, by its label, is *awake* until ``failures`` attempts in a row have failed by the vendor's fault. Then it cools
down (a *rest* here) for ``cooldown_s`` times the number of its cooldowns in a row. When a cooldown is over, one attempt
probes the target: a success ends it, a failure begins the next one. A request that has no other target left is sent to
one that is cooling down: the breaker puts targets behind the others, it never takes the last one away.
"""

from typing import NamedTuple

from config.schema import Breaker as Wishes

JITTER = 0.2
"""By how much of itself a rest may be shorter, so that many instances do not probe at once."""
MOST = 4096
"""How many targets in trouble are remembered: their names may come from callers."""


class Rest:
    """One rest: ``number`` counts those in a row, ``until`` is on the caller's clock (seconds)."""

    __slots__ = ("number", "probed", "until")

    def __init__(self, number: int, until: float) -> None:
        self.number = number
        self.until = until
        self.probed = False  # an attempt is out that will tell


class Trouble:
    """A target that failed lately: how often in a row, and its rest, if it has come to that."""

    __slots__ = ("failures", "rest")

    def __init__(self) -> None:
        self.failures = 0
        self.rest: Rest | None = None


class Trial(NamedTuple):
    """An attempt at a target that is not awake. ``probes``: it is the one that others wait for."""

    rest: Rest
    probes: bool

    def leave(self) -> None:
        """It ended without telling anything of the target: the next one may probe."""
        if self.probes:
            self.rest.probed = False


class Breaker:
    """All targets' troubles. One that is well is in no table: asking for it costs a look-up in ``troubled``."""

    def __init__(self) -> None:
        self.troubled: dict[str, Trouble] = {}

    def rests(self, label: str, now: float) -> bool:
        """Whether other targets go first: it rests, or is being probed."""
        trouble = self.troubled.get(label)
        rest = trouble.rest if trouble is not None else None
        return rest is not None and (rest.probed or now < rest.until)

    def resting(self, now: float) -> list[str]:
        """The targets that rest, or are being probed."""
        return [label for label in self.troubled if self.rests(label, now)]

    def enter(self, label: str, now: float) -> Trial | None:
        """An attempt begins. None at a target that is awake; else the trial, to be given back with what came of it."""
        trouble = self.troubled.get(label)
        rest = trouble.rest if trouble is not None else None
        if rest is None:
            return None
        probes = now >= rest.until and not rest.probed
        if probes:
            rest.probed = True
        return Trial(rest, probes)

    def succeeded(self, label: str, trial: Trial | None) -> None:
        """An attempt brought a whole answer. Of a target that rests, one that began before its rest tells nothing."""
        trouble = self.troubled.get(label)
        if trouble is not None and (trouble.rest is None or (trial is not None and trial.rest is trouble.rest)):
            del self.troubled[label]

    def failed(self, label: str, trial: Trial | None, now: float, draw: float, wishes: Wishes) -> None:
        """An attempt failed by the vendor's fault. ``draw`` is a random number in 0..1."""
        trouble = self.troubled.get(label)
        if trouble is None:
            if len(self.troubled) >= MOST:
                del self.troubled[next(iter(self.troubled))]
            trouble = self.troubled[label] = Trouble()
        rest = trouble.rest
        if rest is None:
            trouble.failures += 1
            if trouble.failures >= wishes.failures:
                trouble.rest = Rest(1, now + length_s(1, draw, wishes))
        elif trial is not None and trial.probes and trial.rest is rest:
            number = rest.number + 1
            trouble.rest = Rest(number, now + length_s(number, draw, wishes))


def length_s(number: int, draw: float, wishes: Wishes) -> float:
    """How long the n-th rest in a row is: ``cooldown_s`` times n, at most ``cap_s``, less up to a fifth by chance."""
    return min(wishes.cap_s, wishes.cooldown_s * number) * (1 - JITTER * draw)
