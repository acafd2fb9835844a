"""Who may call next on one vendor key: a state machine over the time that it is given. It never waits and has no clock.

Two things hold calls back. What the operator has set (``Figures``) holds for the key as a whole. What the vendor's 429s
have taught (``proxy/limiter/adaptive.py``) holds for one model on the key: several vendors count each model by itself, and
a lesson must not hold back calls that would have been answered.
"""

from bisect import insort
from typing import Literal, NamedTuple

from proxy.limiter.adaptive import Lesson
from proxy.limiter.sliding_window import NEVER, Minute

Outcome = Literal["answered", "refused", "lost"]
"""How a call went: answered; refused by rate; anything else, from which nothing is learned."""
MEAN_OF = 8
"""About how many calls the mean time of a call goes over."""


class Figures(NamedTuple):
    """What the operator has set for each key; None: no limit. ``wait_s`` is how long a call may wait for its place."""

    concurrency: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    wait_s: float = 300.0

    @property
    def limit(self) -> bool:
        """Whether there is anything to keep to."""
        return not (self.concurrency is self.rpm is self.tpm is None)


class Ticket:
    """One call's place, or its wish for one.

    ``since`` is when its caller came: those who came first go first, also when they ask again after a refusal.
    ``served``: the hold that the caller's own refusal has set, and that he has waited out by himself. ``elsewhere``: there
    is another target for him, so that he does not wait for what a lesson holds back.
    """

    __slots__ = ("among", "at", "elsewhere", "model", "sent", "served", "since", "state", "tokens", "waited")

    def __init__(
        self, model: str, since: float, tokens: int = 0, *, served: float = 0.0, elsewhere: bool = False
    ) -> None:
        self.model = model
        self.since = since
        self.tokens = tokens
        self.served = served
        self.elsewhere = elsewhere
        self.state: Literal["waiting", "placed", "over"] = "waiting"
        self.sent = False
        self.waited = False
        self.at = 0.0
        self.among = 0


def _since(ticket: Ticket) -> float:
    return ticket.since


class Pace:
    """The places of one key. Every method takes the time, in seconds of a clock that never goes back."""

    def __init__(self, figures: Figures, minute_s: float, slack_s: float) -> None:
        self.figures = figures
        self.mean_s = 1.0
        self._span_s = minute_s + slack_s
        self._minute = Minute(self._span_s)
        self._placed = 0
        self._queues: dict[str, list[Ticket]] = {}
        self._lessons: dict[str, Lesson] = {}

    # --- coming and going ---------------------------------------------------------------------------------------

    def enter(self, ticket: Ticket, now: float) -> list[Ticket]:
        """The call wants a place: it has it at once if nothing is in its way, else it stands in the queue.

        Returns those that have their places now: it may be others, whose turn has come meanwhile.
        """
        if not self._queues and self._free_at(ticket, now) <= now:
            self._place(ticket, now)
            return [ticket]
        insort(self._queues.setdefault(ticket.model, []), ticket, key=_since)
        granted = self.grant(now)
        ticket.waited = ticket.state == "waiting"
        return granted

    def grant(self, now: float) -> list[Ticket]:
        """Place those whose turn has come, the earliest caller first, and return them."""
        granted = []
        while (ticket := self._first(now)) is not None and self._key_free_at(ticket, now) <= now:
            self._unqueue(ticket)
            self._place(ticket, now)
            granted.append(ticket)
        return granted

    def over(
        self,
        ticket: Ticket,
        now: float,
        outcome: Outcome = "lost",
        retry_after_s: float | None = None,
        *,
        by_minute: bool = False,
    ) -> None:
        """The call has ended, or its caller left, at whatever point. Doing it twice changes nothing.

        A place that was never used leaves no trace, and a refused call is not counted: vendors let it go unbilled.
        """
        state, ticket.state = ticket.state, "over"
        if state == "waiting":
            self._unqueue(ticket)
        elif state == "placed":
            self._placed -= 1
            lesson = self._lesson(ticket.model)
            lesson.flying -= 1
            if not ticket.sent or outcome == "refused":
                self._minute.remove(ticket)
                lesson.minute.remove(ticket)
            else:
                self.mean_s += (now - ticket.at - self.mean_s) / MEAN_OF
            if outcome == "answered":
                lesson.answered(ticket, now)
            elif outcome == "refused" and ticket.sent:
                lesson.refused(ticket, now, retry_after_s, by_minute=by_minute)

    def settle(self, ticket: Ticket, tokens: int) -> None:
        """What the call really cost takes the place of what it was estimated at."""
        if ticket.state != "waiting":
            self._minute.settle(ticket, tokens)

    # --- calls that began before there was a pace ---------------------------------------------------------------

    def strays(self, model: str, count: int) -> None:
        """So many more calls are in flight that have no ticket: they went out before anything was known of this key.

        Calls of other models on the key are among them, since nobody counted them apart.
        """
        self._lesson(model).strays += count

    def stray_over(
        self, model: str, now: float, outcome: Outcome, retry_after_s: float | None = None, *, by_minute: bool = False
    ) -> None:
        """A call without a ticket has ended."""
        lesson = self._lesson(model)
        lesson.strays = max(0, lesson.strays - 1)
        if outcome == "refused":
            lesson.refused(None, now, retry_after_s, by_minute=by_minute)
        elif outcome == "answered":  # it counts in the vendor's minute; when it began is not known, so from now on
            lesson.minute.add(self._stray(model, now))

    @staticmethod
    def _stray(model: str, now: float) -> Ticket:
        ticket = Ticket(model, now)
        ticket.at, ticket.state = now, "over"
        return ticket

    # --- what is known ------------------------------------------------------------------------------------------

    def certain(self, ticket: Ticket, now: float) -> float:
        """No place comes before this time, whatever the others do."""
        at = self._free_at(ticket, now)
        return now if at == NEVER else at

    def next_at(self, now: float) -> float | None:
        """When time alone may bring the next place; None if only the end of a call can."""
        ats = [self._tried_at(queue[0], now) for queue in self._queues.values() if self.held_back(queue[0], now)]
        first = self._first(now)  # whoever came after him waits for him, even where there would be room
        if first is not None:
            ats.append(self._key_free_at(first, now))
        at = min(ats, default=NEVER)
        return None if at == NEVER else at

    def held_back(self, ticket: Ticket, now: float) -> bool:
        """Whether it is a lesson that is in this call's way."""
        lesson = self._lessons.get(ticket.model)
        return lesson is not None and lesson.free_at(ticket, now) > now

    def held_until(self, model: str) -> float:
        """Until when the vendor asked us to wait; in the past if it did not."""
        lesson = self._lessons.get(model)
        return 0.0 if lesson is None else lesson.held_until

    def others(self, model: str) -> bool:
        """Whether calls of this model are under way or wait."""
        lesson = self._lessons.get(model)
        return model in self._queues or (lesson is not None and lesson.flying + lesson.strays > 0)

    def wait_s(self, model: str, now: float) -> float:
        """About how long a call that comes now would wait: by what is certain, and by the mean time of a call."""
        ahead = self.waiting
        lesson = self._lessons.get(model)
        limits = [(self.figures.concurrency, self.figures.rpm, self._placed, self._minute)]
        at = 0.0
        if lesson is not None:
            at = lesson.held_until
            limits.append((lesson.concurrency.value, lesson.rpm.value, lesson.flying + lesson.strays, lesson.minute))
        for concurrency, rpm, flying, minute in limits:
            if concurrency is not None and flying + ahead >= concurrency:
                at = max(at, now + self.mean_s * (flying + ahead - concurrency + 1) / concurrency)
            if rpm is not None:
                at = max(at, minute.free_at(rpm) + self._span_s * (ahead // rpm))
        if self.figures.tpm is not None:
            at = max(at, self._minute.tokens_free_at(self.figures.tpm, 1))
        return max(0.0, at - now)

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return sum(map(len, self._queues.values()))

    @property
    def placed(self) -> int:
        """How many calls have a place."""
        return self._placed

    def queued(self) -> list[Ticket]:
        """The calls that wait, the earliest caller first."""
        return sorted((ticket for queue in self._queues.values() for ticket in queue), key=_since)

    # --- inside -------------------------------------------------------------------------------------------------

    def _lesson(self, model: str) -> Lesson:
        if model not in self._lessons:
            self._lessons[model] = Lesson(self._span_s)
        return self._lessons[model]

    def _place(self, ticket: Ticket, now: float) -> None:
        lesson = self._lesson(ticket.model)
        ticket.state, ticket.at = "placed", now
        self._placed += 1
        lesson.flying += 1
        ticket.among = lesson.flying + lesson.strays
        self._minute.add(ticket)
        lesson.minute.add(ticket)

    def _unqueue(self, ticket: Ticket) -> None:
        queue = self._queues[ticket.model]
        queue.remove(ticket)
        if not queue:
            del self._queues[ticket.model]

    def _first(self, now: float) -> Ticket | None:
        """The earliest of those that no lesson holds back: one model's lesson lets the other models pass."""
        heads = [queue[0] for queue in self._queues.values() if not self.held_back(queue[0], now)]
        return min(heads, key=_since, default=None)

    def _free_at(self, ticket: Ticket, now: float) -> float:
        lesson = self._lessons.get(ticket.model)
        taught = now if lesson is None else lesson.free_at(ticket, now)
        return max(taught, self._key_free_at(ticket, now))

    def _tried_at(self, ticket: Ticket, now: float) -> float:
        """When a call that a lesson holds back may start at the latest, if time alone brings that."""
        lesson = self._lessons[ticket.model]
        at = lesson.free_at(ticket, now)
        if at == NEVER:
            at = max(lesson.concurrency.rises_at, now if ticket.elsewhere else lesson.held_until)
        return max(at, self._key_free_at(ticket, now))

    def _key_free_at(self, ticket: Ticket, now: float) -> float:
        concurrency, rpm, tpm, _ = self.figures
        self._minute.forget(now)
        if concurrency is not None and self._placed >= concurrency:
            return NEVER
        at = now
        if rpm is not None:
            at = max(at, self._minute.free_at(rpm))
        if tpm is not None:
            at = max(at, self._minute.tokens_free_at(tpm, ticket.tokens))
        return at
