"""Which targets cool down: those that failed several times in a row. Time and chance are arguments, nothing here waits.

A target, by its label, is *awake* until ``failures`` attempts in a row have failed by the vendor's fault. Then it cools
down (a *rest* here) for ``cooldown_s`` times the number of its cooldowns in a row. When a cooldown is over, one attempt
probes the target: a success ends it, a failure begins the next one. A request that has no other target left is sent to
one that is cooling down: the breaker puts targets behind the others, it never takes the last one away.
"""

from typing import NamedTuple

from config.schema import Breaker as BreakerSettings

JITTER = 0.2
"""By how much of itself a rest may be shorter, so that many instances do not probe at once."""
MOST = 4096
"""How many targets in trouble are remembered: their names may come from callers."""


class CoolDown:
    """One rest: ``number`` counts those in a row, ``until`` is on the caller's clock (seconds)."""

    __slots__ = ("number", "probed", "until")

    def __init__(self, number: int, until: float) -> None:
        self.number = number
        self.until = until
        self.probed = False  # an attempt is out that will tell


class TargetFailures:
    """A target that failed lately: how often in a row, and its rest, if it has come to that."""

    __slots__ = ("cool_down", "failures")

    def __init__(self) -> None:
        self.failures = 0
        self.cool_down: CoolDown | None = None


class Trial(NamedTuple):
    """An attempt at a target that is not awake. ``probes``: it is the one that others wait for."""

    cool_down: CoolDown
    probes: bool

    def abandon(self) -> None:
        """It ended without telling anything of the target: the next one may probe."""
        if self.probes:
            self.cool_down.probed = False


class CircuitBreaker:
    """All targets' troubles. One that is well is in no table: asking for it costs a look-up in ``troubled``."""

    def __init__(self) -> None:
        self.failing: dict[str, TargetFailures] = {}

    def is_cooling_down(self, label: str, now: float) -> bool:
        """Whether other targets go first: it rests, or is being probed."""
        trouble = self.failing.get(label)
        rest = trouble.cool_down if trouble is not None else None
        return rest is not None and (rest.probed or now < rest.until)

    def cooling_down(self, now: float) -> list[str]:
        """The targets that rest, or are being probed."""
        return [label for label in self.failing if self.is_cooling_down(label, now)]

    def enter(self, label: str, now: float) -> Trial | None:
        """An attempt begins. None at a target that is awake; else the trial, to be given back with what came of it."""
        trouble = self.failing.get(label)
        rest = trouble.cool_down if trouble is not None else None
        if rest is None:
            return None
        probes = now >= rest.until and not rest.probed
        if probes:
            rest.probed = True
        return Trial(rest, probes)

    def succeeded(self, label: str, trial: Trial | None) -> None:
        """An attempt brought a whole answer. Of a target that rests, one that began before its rest tells nothing."""
        trouble = self.failing.get(label)
        if trouble is not None and (
            trouble.cool_down is None or (trial is not None and trial.cool_down is trouble.cool_down)
        ):
            del self.failing[label]

    def failed(self, label: str, trial: Trial | None, now: float, draw: float, settings: BreakerSettings) -> None:
        """An attempt failed by the vendor's fault. ``draw`` is a random number in 0..1."""
        trouble = self.failing.get(label)
        if trouble is None:
            if len(self.failing) >= MOST:
                del self.failing[next(iter(self.failing))]
            trouble = self.failing[label] = TargetFailures()
        rest = trouble.cool_down
        if rest is None:
            trouble.failures += 1
            if trouble.failures >= settings.failures:
                trouble.cool_down = CoolDown(1, now + cool_down_s(1, draw, settings))
        elif trial is not None and trial.probes and trial.cool_down is rest:
            number = rest.number + 1
            trouble.cool_down = CoolDown(number, now + cool_down_s(number, draw, settings))


def cool_down_s(number: int, draw: float, settings: BreakerSettings) -> float:
    """How long the n-th rest in a row is: ``cooldown_s`` times n, at most ``cap_s``, less up to a fifth by chance."""
    return min(settings.cap_s, settings.cooldown_s * number) * (1 - JITTER * draw)
