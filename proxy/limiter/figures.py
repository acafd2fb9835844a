"""The figures that an adaptive limit learns: a number of calls, and a pace. They move in steps like congestion control.

The constants were chosen with the simulator (``bench/limits``); docs/limits.md lists the results.
"""


class Figure:
    """A learned number of calls, at once or within a window.

    A test is one call more than the figure allows. If it is accepted, the figure rises, by up to a quarter at a time;
    if it is refused, the next test is later. A refusal within the figure resets it to the last good number, or lowers
    it by one step.
    """

    __slots__ = (
        "_base", "_first_gap_s", "_gap_s", "_rest_s", "_settle_s", "_step", "bound_at", "cut_at", "named", "test_at",
        "testing", "value",
    )  # fmt: skip

    LONGEST_GAP_S = 60.0
    """The longest time between two tests (seconds)."""
    CUT = 0.95

    def __init__(self, value: float, now: float, *, settle_s: float, gap_s: float, rest_s: float, named: bool) -> None:
        """Learn a figure.

        Args:
            value: the initial number of calls.
            now: the time, in seconds.
            settle_s: after this time without a refusal a raised value counts as good.
            gap_s: the first wait for a test; each failed test doubles it.
            rest_s: the wait between tests that pass.
            named: the vendor's message gave the number; it is tested as soon as it delays a call.
        """
        self.value = self._base = value
        self._settle_s = settle_s
        self._first_gap_s = self._gap_s = gap_s
        self._rest_s = rest_s
        self._step = 1.0
        self.named = named
        self.testing = False
        self.test_at = now if named else now + gap_s
        self.cut_at = self.bound_at = now

    @property
    def calls(self) -> int:
        """The number of calls that it allows."""
        return int(self.value)

    def passed(self, started_at: float, now: float) -> None:
        """The test that started at ``started_at`` was accepted: raise the value, by more each time."""
        self.testing = False
        if started_at <= self.cut_at and not self.named:
            return
        if now - self.cut_at > self._settle_s:
            self._base = self.value
        self.value += self._step
        self._step *= 2
        if not self.named:  # no cap for a named number: if it is too low, it may be far off
            self._step = min(self._step, max(1.0, self.value // 4))
        self._gap_s = self._first_gap_s
        self.test_at = now + self._rest_s

    def failed(self, proven: float, now: float) -> None:
        """The test was refused: reset to the last good number, but not below ``proven``; test again later."""
        self.testing = False
        self.value = min(self.value, max(self._base, proven))
        self._wait(now, self._gap_s * 2)

    def cut(self, proven: float, now: float) -> None:
        """A call within the figure was refused. ``proven``: the number of calls that the vendor has just accepted.

        The number of accepted calls limits the cut, and the next test comes after the first gap: if another user of the
        account caused the refusal, the figure must rise again as fast as such refusals lower it.
        """
        down = min(self.value - 1, max(self.value * self.CUT, proven))
        if self._base < self.value:
            down = min(down, max(self._base, proven))
        self.value = self._base = max(1.0, down)
        self._wait(now, self._first_gap_s)

    def lower(self, to: float, now: float) -> None:
        """Lower the figure: the vendor accepts at most this many calls."""
        if to < self.value:
            self.value = self._base = to
            self._wait(now, self._gap_s * 2)

    def _wait(self, now: float, gap_s: float) -> None:
        """Test again after ``gap_s``, with the smallest step."""
        self.cut_at = now
        self._step = 1.0
        self._gap_s = min(self.LONGEST_GAP_S, gap_s)
        self.test_at = now + self._gap_s


class Pace:
    """Learned starts per second: each accepted start raises the pace a little, each refused one lowers it more.

    The increment doubles after every eight accepted starts in a row. The pace never falls below ``floor``, most of the
    rate that the vendor accepted within the last window; refusals at the floor have another cause than the rate.
    """

    __slots__ = ("_at_floor", "_in_a_row", "bound_at", "cut_at", "value")

    CUT = 0.85
    RISE = 0.025
    LARGEST_RISE = 0.5
    DOUBLES_AFTER = 8
    POINTLESS = 5
    """The pace is pointless after this many more refusals at the floor than a quarter of the accepted starts there."""
    FASTEST_S = 1000.0
    """A faster pace delays nothing."""

    def __init__(self, value: float, now: float) -> None:
        self.value = value
        self._at_floor = 0.0
        self._in_a_row = 0
        self.cut_at = self.bound_at = now

    @property
    def gap_s(self) -> float:
        """The seconds between two starts."""
        return 1 / self.value

    def accepted(self) -> None:
        """Raise the pace: a start was accepted."""
        self._in_a_row += 1
        self._at_floor = max(0.0, self._at_floor - 0.25)
        doublings = min(8, self._in_a_row // self.DOUBLES_AFTER)
        self.value *= 1 + min(self.LARGEST_RISE, self.RISE * 2.0**doublings)

    def refused(self, now: float, rate_s: float, floor: float) -> None:
        """Lower the pace: a start was refused. ``rate_s``: the recent starts per second."""
        self._in_a_row = 0
        if self.value <= 1.25 * floor:
            self._at_floor += 1
        self.value = max(floor, min(self.value * self.CUT, 1.5 * rate_s))
        self.cut_at = now

    @property
    def pointless(self) -> bool:
        """Whether refusals continue although the pace is at its floor."""
        return self._at_floor >= self.POINTLESS
