"""What the 429s of a vendor teach about one model on one key; docs/limits.md has the rules. Pure: time is a parameter.

A refusal by itself may be noise, a neighbour on the account, or the limit: it holds only the call that was refused, for as
long as the vendor asked. The limit is assumed once several starts in a row are refused, or once a refusal names a limit
of which half is used. Then the key is held: one probe at a time finds the moment at which the vendor accepts calls again,
and its answer ends the hold. What happens around refusals teaches three figures (``proxy/limiter/figures.py``):

*calls at once*, if calls are refused beside some number of others and none is accepted beside as many;
*calls within a window*, if holds of many seconds follow each other, or if the vendor names that limit;
*a pace*, if short holds follow each other, or half of the starts are refused.

A call counts as accepted when its response begins, or when no refusal has come in a few times the time that refusals take.
"""

from collections import deque
from typing import Protocol

from adapters.core.failures import RateLimit
from proxy.limiter.figures import Figure, Pace
from proxy.limiter.sliding_window import NEVER, SlidingWindow, Started

RETRY_AFTER_S = 1.0
"""How long a refused call waits where the vendor does not say (seconds)."""
SHORTEST_WAIT_S = 0.1
LONGEST_WAIT_S = 3600.0
"""A ``retry-after`` beyond this is cut to it: a daily limit is lifted by paying, too."""

RUN = 3
"""So many starts in a row that are refused hold the key; more where single refusals are usual, up to LONGEST_RUN."""
LONGEST_RUN = 8
RARE = 0.0002
"""A run of refusals that is less likely than this is no chance."""
SHARE_OVER = 50
"""The usual share of refused starts is taken over about so many."""

QUICK_S = 22.0
"""Within so many seconds of a hold's start probes are at most QUICK_GAP_S apart, later SLOW_GAP_S."""
QUICK_GAP_S = 2.5
SLOW_GAP_S = 10.0
DAY_GAP_S = 60.0
"""How often a key is probed that has used up the quota of a day."""

LONG_S = 8.0
"""A hold of so many seconds comes from a limit that counts by the minute, not by the second."""
HELD_SHARE = 0.5
"""A pace is learned where holds took at least this share of the time since the last one."""
LONG_HELD_SHARE = 0.2
RAMP = 4
"""After a hold so many calls may be under way of which it is not known whether they are accepted; each answer adds one."""
RAMP_ENDS = 256

RECENT = 64
"""How many starts are remembered."""
SOME = 16
"""A pace is learned where MANY of so many starts were refused, one by one; and calls at once from so many starts."""
MANY = 8
RATE_OVER_S = 10.0
SLOWEST_S = 0.1
"""The slowest pace, in starts a second."""
QUIET_WINDOWS = 5
"""For so many windows no pace is learned after one that was pointless."""


class LimitedCall(Started, Protocol):
    """A call as far as the adaptive limit looks at it."""

    retry_at: float
    """The call was refused and must not start before."""
    refusals: int
    """How many times it was refused."""
    accepted: bool | None
    """Whether the vendor accepted it; None: not known yet."""
    tracked: bool
    """It was known from its start on."""
    tested: Figure | None
    """The figure that this call exceeds by one, to test it."""
    others: int
    """Calls that were in flight beside it when it started, without those that were refused."""


class Hold:
    """The key is held: one probe at a time."""

    __slots__ = ("_gap_s", "_longest_gap_s", "_settled", "by_day", "in_window", "probe", "probe_at", "since")

    def __init__(self, now: float, wait_s: float, in_window: int, *, by_day: bool = False) -> None:
        """``in_window``: how many calls the vendor let through within the window before. ``by_day``: a daily quota is used up."""
        self.since = now
        self.in_window = in_window
        self.by_day = by_day
        self.probe: LimitedCall | None = None
        self._gap_s = max(wait_s, DAY_GAP_S) if by_day else wait_s
        self._settled = False
        self.probe_at = now + self._gap_s

    def failed(self, now: float, asked_s: float, in_window: int, *, by_day: bool) -> None:
        """The probe was refused. ``asked_s``: the wait that the vendor asked for; 0 if it did not say."""
        self.probe = None
        self.by_day |= by_day
        if not self._settled:  # by now it is known which of the calls before the hold were accepted
            self._settled = True
            self.in_window = min(self.in_window, in_window)
        longest_s = DAY_GAP_S if self.by_day else QUICK_GAP_S if now - self.since < QUICK_S else SLOW_GAP_S
        self._gap_s = min(longest_s, self._gap_s * 2)
        self.probe_at = now + max(asked_s, self._gap_s)

    def cancelled(self, now: float) -> None:
        """The probe ended without telling anything: the next one may leave at once."""
        self.probe = None
        self.probe_at = now


class AdaptiveLimit:
    """What is known of one model on one key, and which of its calls are in flight."""

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
        """Whether nothing is in flight and nothing is known that matters."""
        known = (self.hold, self.concurrency, self.per_window, self.pace)
        return not self.in_flight and not self.untracked and all(one is None for one in known)

    # --- when a call may start ----------------------------------------------------------------------------------

    def free_at(self, now: float) -> tuple[float, Figure | None]:
        """When a call may start, and the figure that it then tests. NEVER: not by time alone."""
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
        """When the oldest call of which nothing is known counts as accepted; NEVER if there is none."""
        oldest = next(iter(self._unknown), None)
        return NEVER if oldest is None else oldest.started_at + min(20.0, max(0.25, 4 * self._refusal_s))

    def wait_s(self, now: float, ahead: int, mean_s: float) -> float:
        """About how long a call waits that comes now, with so many ahead of it; ``mean_s``: the mean duration of a call."""
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
        """When a client whose call was not taken should come back: in so many seconds."""
        return 0.0 if self.hold is None else self.hold.probe_at - now

    # --- what happens -------------------------------------------------------------------------------------------

    def started(self, call: LimitedCall, now: float, tested: Figure | None, *, tracked: bool = True) -> None:
        """A call starts; or one has ended that was not ``tracked``, and counts from now on."""
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
        """Take calls as accepted that were not refused in time, and drop figures that delayed nothing for a window."""
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
        """The vendor accepted a call. A second time changes nothing."""
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
        """A call has ended, but not by a refusal. ``counted``: it was sent, so that the vendor counts it."""
        self.in_flight -= 1
        if not counted:
            self.window.remove(call)
        if call.tested is not None:
            call.tested.testing = False
            call.tested = None
        if self.hold is not None and self.hold.probe is call:
            self.hold.cancelled(now)
        if call.accepted is None:  # nothing is known of it
            self._unknown.pop(call, None)
            for calls in (self._unordered, self._recent):
                if call in calls:
                    calls.remove(call)

    def refused(self, call: LimitedCall, now: float, retry_after_s: float | None, limit: RateLimit | None) -> None:
        """The vendor refused a call by rate. ``call.retry_at`` is set."""
        self.in_flight -= 1
        self.window.remove(call)
        self.window.expire(now)
        call.accepted = False
        call.refusals += 1
        self._unknown.pop(call, None)
        self._count_outcomes()
        self._refusal_s += (now - call.started_at - self._refusal_s) / 8
        asked_s = 0.0 if retry_after_s is None else min(LONGEST_WAIT_S, max(SHORTEST_WAIT_S, retry_after_s))
        unasked_s = RETRY_AFTER_S if self.pace is None else min(RETRY_AFTER_S, self.pace.gap_s / 4)
        call.retry_at = now + (asked_s or unasked_s)
        for later in reversed(self._recent):  # it was not among those beside which they were judged
            if later is call or later.started_at < call.started_at:
                break
            later.others -= 1
        by_day = limit is not None and limit.kind == "day"
        tested, call.tested = call.tested, None
        if tested is not None:
            tested.failed(self._proven(tested), now)
        elif self.hold is None:
            self._refused_by_itself(call, now, asked_s or RETRY_AFTER_S, limit)
        if self.hold is not None and self.hold.probe is call:
            by_day |= now - self.hold.since > 2 * self._window_s  # no limit by the minute takes that long
            self.hold.failed(now, asked_s, len(self.window), by_day=by_day)

    def _refused_by_itself(self, call: LimitedCall, now: float, wait_s: float, limit: RateLimit | None) -> None:
        """A call was refused that was neither a probe nor a test: cut the figures, and hold the key if they explain nothing."""
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

    # --- what is learned ----------------------------------------------------------------------------------------

    def _adopt(self, limit: RateLimit, now: float) -> bool:
        """Begin with the figure that the vendor names, unless it lets more through. Whether half of it is used."""
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
        return limit.figure / 2 <= sent <= limit.figure * 2  # far beyond the figure it is not what refuses

    def _explained(self, now: float) -> bool:
        """Whether a figure explains the refusals, and holds back what would be refused next."""
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
        """Beside how many others calls are refused, if none is accepted beside as many; else None."""
        some = list(self._recent)[-SOME:]
        refused = [call.others for call in some if call.accepted is False and call.tested is None]
        accepted = [call.others for call in some if call.accepted is not False]
        fewest = min(refused, default=0)
        return fewest if min(len(refused), len(accepted)) >= RUN and fewest > max(accepted) else None

    def _run(self, call: LimitedCall) -> int:
        """How many starts in a row were refused, this one among them."""
        run, found = 0, False
        for one in self._recent:
            if one.accepted is False:
                run += 1
                found |= one is call
            elif found:
                break
            else:
                run = 0
        return run

    def _run_needed(self) -> int:
        """How long a run holds the key: at random, one start in three refused makes many a run of three."""
        needed, chance = RUN, self._share**RUN
        while chance > RARE and needed < LONGEST_RUN:
            needed, chance = needed + 1, chance * self._share
        return needed

    def _count_outcomes(self) -> None:
        """Count, in the order of the starts, how often one is refused after one that was accepted."""
        while self._unordered and self._unordered[0].accepted is not None:
            accepted = self._unordered.popleft().accepted
            if self._was_accepted:
                self._share += ((not accepted) - self._share) / SHARE_OVER
            self._was_accepted = bool(accepted)

    def _cut(self, call: LimitedCall, now: float) -> None:
        """Lower the figures that did not prevent a refusal, each once for the calls that started under it."""
        pace, concurrency, per_window = self.pace, self.concurrency, self.per_window
        if pace is not None and call.started_at > pace.cut_at:
            let_through_s = self._let_through_s(now)
            pace.refused(now, max(self._rate_s(now, RATE_OVER_S), let_through_s), max(SLOWEST_S, 0.8 * let_through_s))
            self._started_at -= 0.75 * pace.gap_s  # the refused start has used nothing up
            if pace.pointless:
                self.pace = None
                self._no_pace_until = now + QUIET_WINDOWS * self._window_s
        if concurrency is not None and call.others and call.started_at > concurrency.cut_at:
            concurrency.cut(1.0, now)
        if per_window is not None:
            # A named figure is cut once in a while only: a spell of refusals must not take it apart.
            spared_s = self._test_gap_s if per_window.named else 0.0
            if call.started_at > per_window.cut_at + spared_s:
                per_window.cut(self._proven(per_window), now)

    def _proven(self, figure: Figure) -> int:
        """What the vendor has just let through of what a learned figure counts."""
        return len(self.window) if figure is self.per_window and not figure.named else 0

    def _release(self, hold: Hold, now: float) -> None:
        """The probe was accepted: the hold ends."""
        self.hold = None
        held_s = now - hold.since
        self._held_s += held_s
        cycle_s = now - self._released_at
        share = LONG_HELD_SHARE if held_s >= LONG_S else HELD_SHARE
        if cycle_s < 2 * self._window_s and self._held_s > share * cycle_s:
            if held_s >= LONG_S:
                self._learn_window(max(1, hold.in_window), now)
            elif self.pace is None and now >= self._no_pace_until:
                self.pace = Pace(max(self._accepted / cycle_s, self._let_through_s(now), SLOWEST_S), now)
        self._released_at, self._held_s, self._accepted, self._ramp = now, 0.0, 0, RAMP

    def _learn_window(self, let_in: int, now: float) -> None:
        if self.per_window is not None:
            self.per_window.lower(let_in, now)
        else:
            self.per_window = self._window_figure(let_in, now)

    @staticmethod
    def _concurrency_figure(calls: float, now: float, *, named: bool = False) -> Figure:
        """So many calls at once: whether one more is accepted shows at once."""
        return Figure(calls, now, settle_s=10, gap_s=2, rest_s=0, named=named)

    def _window_figure(self, calls: float, now: float, *, named: bool = False) -> Figure:
        """So many calls within a window: tests of a figure that was not named are apart, since it fills slowly."""
        gap_s = self._test_gap_s
        return Figure(calls, now, settle_s=self._window_s, gap_s=gap_s, rest_s=0 if named else gap_s, named=named)

    def _learn_pace(self, now: float) -> None:
        """Half of the starts are refused, one by one: a single client that waits out each refusal makes no run."""
        some = [call.accepted for call in self._recent if call.tracked][-SOME:]
        if some.count(False) < MANY or now < self._no_pace_until:
            return
        if any(run == [False] * RUN for run in (some[at : at + RUN] for at in range(len(some)))):
            return
        self.pace = Pace(max(self._rate_s(now, RATE_OVER_S), self._let_through_s(now), SLOWEST_S), now)

    def _rate_s(self, now: float, over_s: float) -> float:
        """Calls a second that were started within so many seconds, and not refused."""
        self.window.expire(now)
        return self.window.count_since(now - over_s) / over_s

    def _let_through_s(self, now: float) -> float:
        """Calls a second that the vendor accepted within the last window."""
        return self._rate_s(now, min(self._window_s, max(RATE_OVER_S, now - self._first_at)))
