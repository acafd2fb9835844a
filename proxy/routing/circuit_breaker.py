"""Circuit breaker: targets that fail several times in a row cool down. Time and randomness are arguments.

After ``failures`` vendor failures in a row a target cools down for ``cooldown_s`` times the number of its cooldowns in
a row. When a cooldown is over, one attempt probes the target: a success closes the circuit, a failure begins the next
cooldown. A target that is cooling down is tried after the others, but never left out: a request without another target
still uses it.
"""

from typing import NamedTuple

from config.schema import Breaker as BreakerSettings

JITTER = 0.2
"""The largest share by which a cooldown is shortened at random, so that many instances do not probe at once."""
MOST = 4096
"""The most failing targets that are remembered: clients may send any model name."""


class CoolDown:
    """One cooldown: its ``number`` in a row, and when it ends, on the clock passed in (seconds)."""

    __slots__ = ("number", "probed", "until")

    def __init__(self, number: int, until: float) -> None:
        self.number = number
        self.until = until
        self.probed = False  # an attempt that probes the target is in progress


class TargetFailures:
    """A target that failed recently: its failures in a row, and its cooldown, if any."""

    __slots__ = ("cool_down", "failures")

    def __init__(self) -> None:
        self.failures = 0
        self.cool_down: CoolDown | None = None


class Trial(NamedTuple):
    """An attempt at a target in a cooldown. ``probes``: it decides whether the cooldown ends."""

    cool_down: CoolDown
    probes: bool

    def abandon(self) -> None:
        """The attempt ended without a result: the next one may probe."""
        if self.probes:
            self.cool_down.probed = False


class CircuitBreaker:
    """The circuit breaker of all targets. Only failing targets are in ``failing``, so others cost one dict look-up."""

    def __init__(self) -> None:
        self.failing: dict[str, TargetFailures] = {}

    def is_cooling_down(self, label: str, now: float) -> bool:
        """Whether a target is cooling down or being probed, so that others are tried first."""
        state = self.failing.get(label)
        cool_down = state.cool_down if state is not None else None
        return cool_down is not None and (cool_down.probed or now < cool_down.until)

    def cooling_down(self, now: float) -> list[str]:
        """Return the targets that are cooling down or being probed."""
        return [label for label in self.failing if self.is_cooling_down(label, now)]

    def enter(self, label: str, now: float) -> Trial | None:
        """Begin an attempt. Return None if the target has no cooldown; else a Trial to pass on with the outcome."""
        state = self.failing.get(label)
        cool_down = state.cool_down if state is not None else None
        if cool_down is None:
            return None
        probes = now >= cool_down.until and not cool_down.probed
        if probes:
            cool_down.probed = True
        return Trial(cool_down, probes)

    def succeeded(self, label: str, trial: Trial | None) -> None:
        """An attempt succeeded. During a cooldown, attempts that began before it are ignored."""
        state = self.failing.get(label)
        if state is not None and (
            state.cool_down is None or (trial is not None and trial.cool_down is state.cool_down)
        ):
            del self.failing[label]

    def failed(self, label: str, trial: Trial | None, now: float, draw: float, settings: BreakerSettings) -> None:
        """An attempt failed by the vendor's fault. ``draw``: a random number in 0..1."""
        state = self.failing.get(label)
        if state is None:
            if len(self.failing) >= MOST:
                del self.failing[next(iter(self.failing))]
            state = self.failing[label] = TargetFailures()
        cool_down = state.cool_down
        if cool_down is None:
            state.failures += 1
            if state.failures >= settings.failures:
                state.cool_down = CoolDown(1, now + cool_down_s(1, draw, settings))
        elif trial is not None and trial.probes and trial.cool_down is cool_down:
            number = cool_down.number + 1
            state.cool_down = CoolDown(number, now + cool_down_s(number, draw, settings))


def cool_down_s(number: int, draw: float, settings: BreakerSettings) -> float:
    """Return the length of the n-th cooldown in a row: ``cooldown_s * n``, at most ``cap_s``, less up to a fifth."""
    return min(settings.cap_s, settings.cooldown_s * number) * (1 - JITTER * draw)
