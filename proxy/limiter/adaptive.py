"""Learn the rate limit of one model on one key from the vendor's 429s; docs/limits.md has the rules. Pure, no clock.

A single refusal may be noise, another user of the account, or the limit: it only delays the refused call, by the
vendor's ``retry-after``. The limit counts as reached once several starts in a row are refused, or once a refusal names
a limit that is at least half used. The key is then held: one probe at a time finds out when the vendor accepts calls
again, and an accepted probe ends the hold. Three figures are learned around refusals (``proxy/limiter/figures.py``):

*calls at once*, if calls are refused beside some number of others and none is accepted beside as many;
*calls within a window*, if holds of many seconds follow each other, or if the vendor names that limit;
*a pace*, if short holds follow each other, or half of the starts are refused.

A call counts as accepted when its response begins, or when it was not refused within a few times the usual time of a
refusal.
"""

from collections import deque
from typing import Protocol

from adapters.core.failures import RateLimit
from proxy.limiter.figures import Figure, Pace
from proxy.limiter.sliding_window import NEVER, SlidingWindow, Started

RETRY_AFTER_S = 1.0
"""How long a refused call waits without a ``retry-after`` (seconds)."""
SHORTEST_WAIT_S = 0.1
LONGEST_WAIT_S = 3600.0
"""The longest ``retry-after`` that is used (seconds): a daily limit may also end early, by paying."""

RUN = 3
"""The key is held after this many refused starts in a row; more if refusals are frequent, up to LONGEST_RUN."""
LONGEST_RUN = 8
RARE = 0.0002
"""A run of refusals that is less likely than this does not happen by chance."""
SHARE_OVER = 50
"""The usual share of refused starts is averaged over about this many starts."""

QUICK_S = 22.0
"""In this time after a hold begins, probes are at most QUICK_GAP_S apart, later SLOW_GAP_S (seconds)."""
QUICK_GAP_S = 2.5
SLOW_GAP_S = 10.0
DAY_GAP_S = 60.0
"""The longest time between probes of a key whose daily quota is used up (seconds)."""

LONG_S = 8.0
"""A hold of at least this length comes from a limit per minute, not per second (seconds)."""
HELD_SHARE = 0.5
"""A pace is learned if holds took at least this share of the time since the last one."""
LONG_HELD_SHARE = 0.2
RAMP = 4
"""After a hold, how many calls may be in flight that are not yet known to be accepted; each accepted call adds one."""
RAMP_ENDS = 256

RECENT = 64
"""How many recent starts are kept."""
SOME = 16
"""A pace is learned if MANY of this many starts were refused singly; calls at once are learned from as many."""
MANY = 8
RATE_OVER_S = 10.0
SLOWEST_S = 0.1
"""The slowest pace, in starts per second."""
QUIET_WINDOWS = 5
"""For how many windows no pace is learned after a pointless one."""


class LimitedCall(Started, Protocol):
    """The part of a call used by the adaptive limit."""

    retry_at: float
    """If the call was refused: it must not start before this time."""
    refusals: int
    """How many times it was refused."""
    accepted: bool | None
    """Whether the vendor accepted the call; None: not known yet."""
    tracked: bool
    """Whether the call has been tracked since its start."""
    tested: Figure | None
    """The figure that the call exceeds by one, to test it."""
    others: int
    """How many other calls were in flight when it started, without those that were refused later."""


class Hold:
    """The state of a held key, which sends one probe at a time."""

    __slots__ = ("_gap_s", "_longest_gap_s", "_settled", "by_day", "in_window", "probe", "probe_at", "since")

    def __init__(self, now: float, wait_s: float, in_window: int, *, by_day: bool = False) -> None:
        """``in_window``: the calls accepted within the window before. ``by_day``: a daily quota is used up."""
        self.since = now
        self.in_window = in_window
        self.by_day = by_day
        self.probe: LimitedCall | None = None
        self._gap_s = max(wait_s, DAY_GAP_S) if by_day else wait_s
        self._settled = False
        self.probe_at = now + self._gap_s

    def failed(self, now: float, retry_after_s: float, in_window: int, *, by_day: bool) -> None:
        """The probe was refused. ``retry_after_s``: the vendor's value; 0 if it sent none."""
        self.probe = None
        self.by_day |= by_day
        if not self._settled:  # the outcome of the calls before the hold is known by now
            self._settled = True
            self.in_window = min(self.in_window, in_window)
        longest_s = DAY_GAP_S if self.by_day else QUICK_GAP_S if now - self.since < QUICK_S else SLOW_GAP_S
        self._gap_s = min(longest_s, self._gap_s * 2)
        self.probe_at = now + max(retry_after_s, self._gap_s)

    def cancelled(self) -> None:
        """The probe ended without a result: the next one may be sent at once, because its time has come."""
        self.probe = None


class AdaptiveLimit:
    """The learned limits of one model on one key, and its calls in flight."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._test_gap_s = window_s / 8
        self.window = SlidingWindow(window_s)
        self.in_flight = 0
        self.untracked = 0
        self.hold: Hold | None = None
        self.concurrency: Figure | None = None
        self.per_window: Figure | None = None
        self.pace: Pace | None = None
        self._recent: deque[LimitedCall] = deque(maxlen=RECENT)
        self._unknown: dict[LimitedCall, None] = {}
        self._unordered: deque[LimitedCall] = deque()
        self._first_at = NEVER
        self._started_at = -NEVER
        self._refusal_s = 0.05
        self._share = 0.0
        self._was_accepted = False
        self._released_at = -NEVER
        self._held_s = 0.0
        self._accepted = 0
        self._ramp: int | None = None
        self._no_pace_until = 0.0

    @property
    def idle(self) -> bool:
        """Whether no call is in flight and no limit is known."""
        known = (self.hold, self.concurrency, self.per_window, self.pace)
        return not self.in_flight and not self.untracked and all(figure is None for figure in known)

    # --- when a call may start ----------------------------------------------------------------------------------

    def free_at(self, now: float) -> tuple[float, Figure | None]:
        """Return when a call may start, and the figure that it then tests. NEVER: not by time alone."""
        if self.hold is not None:
            return (NEVER if self.hold.probe is not None else max(now, self.hold.probe_at)), None
        if self._ramp is not None and len(self._unknown) >= self._ramp:
            return NEVER, None
        earliest = at = now
        binding: Figure | None = None
        if self.pace is not None and self._started_at + self.pace.gap_s > now:
            at = self._started_at + self.pace.gap_s
            self.pace.bound_at = now
        if self.concurrency is not None and self.in_flight + self.untracked >= self.concurrency.calls:
            earliest, at, binding = at, NEVER, self.concurrency
        if self.per_window is not None:
            self.window.expire(now)
            free = self.window.free_at(self.per_window.calls)
            if free > at:
                earliest, at, binding = at, free, self.per_window
        if binding is None:
            return at, None
        binding.bound_at = now
        test_at = NEVER if binding.testing else max(earliest, binding.test_at)
        return (test_at, binding) if test_at < at else (at, None)

    def accepted_at(self) -> float:
        """Return when the oldest call with an unknown outcome counts as accepted; NEVER if there is none."""
        oldest = next(iter(self._unknown), None)
        return NEVER if oldest is None else oldest.started_at + min(20.0, max(0.25, 4 * self._refusal_s))

    def wait_s(self, now: float, ahead: int, mean_s: float) -> float:
        """Estimate how long a new call waits behind ``ahead`` others; ``mean_s``: the mean duration of a call."""
        waits = [0.0]
        if self.hold is not None:
            waits.append(LONGEST_WAIT_S if self.hold.by_day else self.hold.probe_at - now)
        if self.concurrency is not None:
            calls = self.concurrency.calls
            waits.append(mean_s * (self.in_flight + self.untracked + ahead + 1 - calls) / calls)
        if self.pace is not None:
            waits.append((ahead + 1) * self.pace.gap_s)
        if self.per_window is not None:
            calls = self.per_window.calls
            windows, behind = divmod(ahead, calls)
            self.window.expire(now)
            waits.append(self.window.free_at(calls - behind) + windows * self._window_s - now)
        return max(waits)

    def retry_after_s(self, now: float) -> float:
        """Return after how many seconds a client without a slot should retry."""
        return 0.0 if self.hold is None else self.hold.probe_at - now

    # --- events -------------------------------------------------------------------------------------------------

    def started(self, call: LimitedCall, now: float, tested: Figure | None, *, tracked: bool = True) -> None:
        """A call starts, or one that was not ``tracked`` has ended and counts as if it started now."""
        self._first_at = min(self._first_at, now)
        call.others = self.in_flight + self.untracked
        call.tested = tested
        if tested is not None:
            tested.testing = True
        if tracked and self.hold is not None:
            self.hold.probe = call
        self._started_at = now
        call.tracked = tracked
        self.in_flight += 1
        self.window.add(call)
        self._unknown[call] = None
        self._recent.append(call)
        self._unordered.append(call)

    def update(self, now: float) -> None:
        """Count calls that were not refused in time as accepted; drop figures that delayed no call for a window."""
        while now >= self.accepted_at() - 1e-6:
            self.accepted(next(iter(self._unknown)), now)
        since = now - self._window_s
        if self.concurrency is not None and max(self.concurrency.bound_at, self.concurrency.cut_at) < since:
            self.concurrency = None
        if self.per_window is not None and max(self.per_window.bound_at, self.per_window.cut_at) < since:
            self.per_window = None
        if self.pace is not None and max(self.pace.bound_at, self.pace.cut_at) < since:
            self.pace = None

    def accepted(self, call: LimitedCall, now: float) -> None:
        """The vendor accepted a call. A second call of this method has no effect."""
        if call.accepted is not None:
            return
        call.accepted = True
        self._unknown.pop(call, None)
        self._count_outcomes()
        self._accepted += 1
        if self._ramp is not None:
            self._ramp = self._ramp + 1 if self._ramp < RAMP_ENDS else None
        if self.pace is not None and call.started_at > self.pace.cut_at:
            self.pace.accepted()
            if self.pace.value > Pace.FASTEST_S:
                self.pace = None
        if call.tested is not None:
            call.tested.passed(call.started_at, now)
            call.tested = None
        if self.hold is not None and self.hold.probe is call:
            self._release(self.hold, now)

    def ended(self, call: LimitedCall, now: float, *, counted: bool) -> None:
        """A call has ended without a refusal. ``counted``: it was sent, so the vendor counts it."""
        self.in_flight -= 1
        if not counted:
            self.window.remove(call)
        if call.tested is not None:
            call.tested.testing = False
            call.tested = None
        if self.hold is not None and self.hold.probe is call:
            self.hold.cancelled()
        if call.accepted is None:  # the outcome is not known
            self._unknown.pop(call, None)
            for calls in (self._unordered, self._recent):
                if call in calls:
                    calls.remove(call)

    def refused(self, call: LimitedCall, now: float, retry_after_s: float | None, limit: RateLimit | None) -> None:
        """The vendor refused a call with a rate limit. Sets ``call.retry_at``."""
        self.in_flight -= 1
        self.window.remove(call)
        self.window.expire(now)
        call.accepted = False
        call.refusals += 1
        self._unknown.pop(call, None)
        self._count_outcomes()
        self._refusal_s += (now - call.started_at - self._refusal_s) / 8
        vendor_wait_s = 0.0 if retry_after_s is None else min(LONGEST_WAIT_S, max(SHORTEST_WAIT_S, retry_after_s))
        default_wait_s = RETRY_AFTER_S if self.pace is None else min(RETRY_AFTER_S, self.pace.gap_s / 4)
        call.retry_at = now + (vendor_wait_s or default_wait_s)
        for later in reversed(self._recent):  # a refused call does not count as in flight beside later ones
            if later is call or later.started_at < call.started_at:
                break
            later.others -= 1
        by_day = limit is not None and limit.kind == "day"
        tested, call.tested = call.tested, None
        if tested is not None:
            tested.failed(self._proven(tested), now)
        elif self.hold is None:
            self._refused_unexpectedly(call, now, vendor_wait_s or RETRY_AFTER_S, limit)
        if self.hold is not None and self.hold.probe is call:
            by_day |= now - self.hold.since > 2 * self._window_s  # no limit by the minute takes that long
            self.hold.failed(now, vendor_wait_s, len(self.window), by_day=by_day)

    def _refused_unexpectedly(self, call: LimitedCall, now: float, wait_s: float, limit: RateLimit | None) -> None:
        """Handle a refusal of neither a probe nor a test: cut the figures; hold the key if no figure explains it."""
        self._cut(call, now)
        half_used = limit is not None and self._adopt(limit, now)
        if limit is not None and limit.kind == "day":
            self.hold = Hold(now, wait_s, len(self.window), by_day=True)
        elif self._explained(now):
            return
        elif half_used or max(self._run(call), call.refusals) >= self._run_needed():
            self.hold = Hold(now, wait_s, len(self.window))
        elif self.pace is None:
            self._learn_pace(now)

    # --- learning -----------------------------------------------------------------------------------------------

    def _adopt(self, limit: RateLimit, now: float) -> bool:
        """Adopt the figure that the vendor names, unless it accepts more. Return whether it is at least half used."""
        if limit.figure is None or limit.figure < 1:
            return False
        if limit.kind == "concurrency":
            used = self.in_flight + self.untracked
            if self.concurrency is None and used <= limit.figure:
                self.concurrency = self._concurrency_figure(limit.figure, now, named=True)
        elif limit.kind == "requests_per_minute":
            used = len(self.window)
            if self.per_window is None and used <= limit.figure:
                self.per_window = self._window_figure(limit.figure, now, named=True)
        else:
            return False
        sent = used + 1
        return limit.figure / 2 <= sent <= limit.figure * 2  # far beyond the figure, another limit refuses

    def _explained(self, now: float) -> bool:
        """Whether a figure explains the refusals and delays calls that would be refused next."""
        others = self._refused_beside()
        if others is not None:
            if self.concurrency is None:
                self.concurrency = self._concurrency_figure(others, now)
            return True
        if self.concurrency is not None:
            if self.concurrency.named:
                if self.in_flight + self.untracked >= self.concurrency.calls:
                    return True
            else:
                self.concurrency = None
        return self.per_window is not None and len(self.window) >= self.per_window.calls

    def _refused_beside(self) -> int | None:
        """Return beside how many others calls are refused, if none is accepted beside as many; else None."""
        recent = list(self._recent)[-SOME:]
        refused = [call.others for call in recent if call.accepted is False and call.tested is None]
        accepted = [call.others for call in recent if call.accepted is not False]
        fewest = min(refused, default=0)
        return fewest if min(len(refused), len(accepted)) >= RUN and fewest > max(accepted) else None

    def _run(self, call: LimitedCall) -> int:
        """Return how many starts in a row were refused, including this one."""
        run, found = 0, False
        for start in self._recent:
            if start.accepted is False:
                run += 1
                found |= start is call
            elif found:
                break
            else:
                run = 0
        return run

    def _run_needed(self) -> int:
        """Return how long a run holds the key: if a third of the starts fails at random, runs of three are common."""
        needed, chance = RUN, self._share**RUN
        while chance > RARE and needed < LONGEST_RUN:
            needed, chance = needed + 1, chance * self._share
        return needed

    def _count_outcomes(self) -> None:
        """Update the share of refused starts after an accepted one, in the order of the starts."""
        while self._unordered and self._unordered[0].accepted is not None:
            accepted = self._unordered.popleft().accepted
            if self._was_accepted:
                self._share += ((not accepted) - self._share) / SHARE_OVER
            self._was_accepted = bool(accepted)

    def _cut(self, call: LimitedCall, now: float) -> None:
        """Lower the figures that did not prevent a refusal, each once for all calls that started under its value."""
        pace, concurrency, per_window = self.pace, self.concurrency, self.per_window
        if pace is not None and call.started_at > pace.cut_at:
            accepted_rate = self._accepted_rate(now)
            pace.refused(now, max(self._rate_s(now, RATE_OVER_S), accepted_rate), max(SLOWEST_S, 0.8 * accepted_rate))
            self._started_at -= 0.75 * pace.gap_s  # the refused start used no quota
            if pace.pointless:
                self.pace = None
                self._no_pace_until = now + QUIET_WINDOWS * self._window_s
        if concurrency is not None and call.others and call.started_at > concurrency.cut_at:
            concurrency.cut(1.0, now)
        if per_window is not None:
            # Cut a named figure only once in a while, so that a series of refusals does not ruin it.
            spared_s = self._test_gap_s if per_window.named else 0.0
            if call.started_at > per_window.cut_at + spared_s:
                per_window.cut(self._proven(per_window), now)

    def _proven(self, figure: Figure) -> int:
        """Return how many calls, as the learned figure counts them, the vendor has just accepted."""
        return len(self.window) if figure is self.per_window and not figure.named else 0

    def _release(self, hold: Hold, now: float) -> None:
        """End the hold: the probe was accepted."""
        self.hold = None
        held_s = now - hold.since
        self._held_s += held_s
        cycle_s = now - self._released_at
        share = LONG_HELD_SHARE if held_s >= LONG_S else HELD_SHARE
        if cycle_s < 2 * self._window_s and self._held_s > share * cycle_s:
            if held_s >= LONG_S:
                self._learn_window(max(1, hold.in_window), now)
            elif self.pace is None and now >= self._no_pace_until:
                self.pace = Pace(max(self._accepted / cycle_s, self._accepted_rate(now), SLOWEST_S), now)
        self._released_at, self._held_s, self._accepted, self._ramp = now, 0.0, 0, RAMP

    def _learn_window(self, calls: int, now: float) -> None:
        if self.per_window is not None:
            self.per_window.lower(calls, now)
        else:
            self.per_window = self._window_figure(calls, now)

    @staticmethod
    def _concurrency_figure(calls: float, now: float, *, named: bool = False) -> Figure:
        """Return a figure for calls at once. Whether one more is accepted shows immediately."""
        return Figure(calls, now, settle_s=10, gap_s=2, rest_s=0, named=named)

    def _window_figure(self, calls: float, now: float, *, named: bool = False) -> Figure:
        """Return a figure for calls within a window. Tests of an unnamed figure are spaced, because it fills slowly."""
        gap_s = self._test_gap_s
        return Figure(calls, now, settle_s=self._window_s, gap_s=gap_s, rest_s=0 if named else gap_s, named=named)

    def _learn_pace(self, now: float) -> None:
        """Learn a pace if half of the starts are refused singly: a client that waits after refusals makes no run."""
        recent = [call.accepted for call in self._recent if call.tracked][-SOME:]
        if recent.count(False) < MANY or now < self._no_pace_until:
            return
        if any(run == [False] * RUN for run in (recent[start : start + RUN] for start in range(len(recent)))):
            return
        self.pace = Pace(max(self._rate_s(now, RATE_OVER_S), self._accepted_rate(now), SLOWEST_S), now)

    def _rate_s(self, now: float, over_s: float) -> float:
        """Return the calls per second that started within ``over_s`` and were not refused."""
        self.window.expire(now)
        return self.window.count_since(now - over_s) / over_s

    def _accepted_rate(self, now: float) -> float:
        """Return the calls per second that the vendor accepted within the last window."""
        return self._rate_s(now, min(self._window_s, max(RATE_OVER_S, now - self._first_at)))
