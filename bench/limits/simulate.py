"""Simulates ten minutes of clients of a limited account: with the real limiter, and with one that knows all limits."""

import heapq
import itertools
import random
import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.limits.accounts import Account, Refusal
from proxy.limiter.scheduler import KeyLimits, Scheduler, Ticket

REFUSAL_S = 0.05
"""The duration of a refused call (seconds)."""
KNOWING_LOOK_S = 0.02
"""How often the queue that knows the limits checks whether the next call fits (seconds)."""


@dataclass
class Load:
    """Clients of the account: ``clients`` that call again after each response; ``per_s``: calls at random times."""

    clients: int = 1
    per_s: float = 0.0
    call_s: float = 0.2
    spread: float = 0.25
    run_s: float = 600.0
    seed: int = 1


@dataclass
class Request:
    """One call of a client."""

    came_at: float
    call_s: float
    tokens: int
    refusals: int = 0
    client: int = -1


@dataclass
class Result:
    """The results of the run."""

    answers: list[tuple[float, float, float]] = field(
        default_factory=list
    )  # when it arrived, when it was answered, and the duration of its call
    refusals: list[float] = field(default_factory=list)
    told: list[tuple[float, float]] = field(default_factory=list)  # 429s to clients: when, and the wait before
    calls: int = 0
    left: list[float] = field(default_factory=list)  # start times of the calls still waiting at the end

    def answered(self, since: float, until: float) -> int:
        return sum(since <= at < until for _, at, _ in self.answers)

    def longest_wait(self, since: float = 0.0, until: float = 1e9) -> float:
        waits = [at - came - took for came, at, took in self.answers if since <= at]
        return max([*waits, *(until - came for came in self.left)], default=0.0)

    def median(self, since: float = 0.0) -> float:
        return statistics.median([at - came for came, at, _ in self.answers if at >= since] or [0.0])


class Run:
    """The events of a run, in order of time."""

    def __init__(self, account: Account, load: Load) -> None:
        self.account = account
        self.load = load
        self.now = 0.0
        self.result = Result()
        self.random = random.Random(load.seed)  # noqa: S311 - a model, no secret
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def at(self, time: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._count), do))

    def request(self, client: int) -> Request:
        load = self.load
        call_s = max(0.02, self.random.gauss(load.call_s, load.call_s * load.spread))
        return Request(self.now, call_s, self.random.randint(200, 1800), client=client)

    def run(self) -> Result:
        load = self.load
        if load.per_s:
            self.at(self.random.expovariate(load.per_s), self._arrive)
        for client in range(load.clients if not load.per_s else 0):
            self.at(client * 0.01, lambda client=client: self.come(self.request(client)))  # type: ignore[misc]
        while self._events and self._events[0][0] <= load.run_s:
            self.now, _, do = heapq.heappop(self._events)
            do()
        self.result.left = self.waiting()
        return self.result

    def _arrive(self) -> None:
        self.at(self.now + self.random.expovariate(self.load.per_s), self._arrive)
        self.come(self.request(-1))

    def answered(self, request: Request) -> None:
        self.result.answers.append((request.came_at, self.now, request.call_s))
        self.next(request)

    def next(self, request: Request, after_s: float = 0.0) -> None:
        if request.client >= 0:
            self.at(self.now + max(1e-6, after_s), lambda: self.come(self.request(request.client)))

    def come(self, request: Request) -> None:
        raise NotImplementedError

    def waiting(self) -> list[float]:
        raise NotImplementedError


class Knowing(Run):
    """A FIFO queue that knows every limit: its calls are never refused."""

    def __init__(self, account: Account, load: Load) -> None:
        super().__init__(account, load)
        self._queue: deque[Request] = deque()
        self._looking = False

    def come(self, request: Request) -> None:
        self._queue.append(request)
        self._look()

    def _look(self) -> None:
        while self._queue and self.account.would_take(self.now, self._queue[0].tokens):
            request = self._queue.popleft()
            self.account.count(self.now, request.tokens)
            self.at(self.now + request.call_s, lambda request=request: self._end(request))  # type: ignore[misc]
        if self._queue and not self._looking:
            self._looking = True
            self.at(self.now + KNOWING_LOOK_S, self._again)

    def _again(self) -> None:
        self._looking = False
        self._look()

    def _end(self, request: Request) -> None:
        self.account.end()
        self.answered(request)
        self._look()

    def waiting(self) -> list[float]:
        return [request.came_at for request in self._queue]


class Limited(Run):
    """The real limiter. A refused call goes back into the queue, like the attempts of a request."""

    def __init__(self, account: Account, load: Load, limits: KeyLimits) -> None:
        super().__init__(account, load)
        self.scheduler = Scheduler(limits)
        self._requests: dict[Ticket, Request] = {}
        self._timer = -1.0

    def come(self, request: Request, retry_at: float = 0.0) -> None:
        ticket = Ticket("m", request.came_at, request.tokens, retry_at=retry_at, refusals=request.refusals)
        self._requests[ticket] = request
        self.started(self.scheduler.enter(ticket, self.now))
        left_s = request.came_at + self.scheduler.limits.wait_s - self.now
        if ticket.state == "waiting":
            if self.scheduler.hopeless(ticket, self.now, left_s):
                self._deny(ticket)
            else:
                self.at(self.now + max(0.0, left_s), lambda: self._deny(ticket))

    def _deny(self, ticket: Ticket) -> None:
        """Send a 429 to a client, which retries after the given wait."""
        if ticket.state == "waiting":
            self.scheduler.ended(ticket, self.now)
            retry_after_s = self.scheduler.retry_after_s(ticket, self.now)
            request = self._requests.pop(ticket)
            self.result.told.append((self.now, self.now - request.came_at))
            self.next(request, retry_after_s)

    def started(self, tickets: list[Ticket]) -> None:
        for ticket in tickets:
            ticket.sent = True
            request = self._requests[ticket]
            self.result.calls += 1
            refusal = self.account.take(self.now, request.tokens)
            if refusal is None:
                self.at(self.now + request.call_s, lambda ticket=ticket: self._end(ticket))  # type: ignore[misc]
            else:
                self.result.refusals.append(self.now)
                self.at(
                    self.now + REFUSAL_S,
                    lambda ticket=ticket, refusal=refusal: self._refused(ticket, refusal),  # type: ignore[misc]
                )
        self._set_timer()

    def _set_timer(self) -> None:
        at = self.scheduler.next_at(self.now)
        if at is not None and at != self._timer:
            self._timer = at = max(at, self.now + 0.001)
            self.at(at, lambda: self._ring(at))

    def _ring(self, at: float) -> None:
        if at == self._timer:
            self._timer = -1.0
            self.started(self.scheduler.grant(self.now))

    def _end(self, ticket: Ticket) -> None:
        self.account.end()
        request = self._requests.pop(ticket)
        self.scheduler.ended(ticket, self.now, answered=True)
        self.answered(request)
        self.started(self.scheduler.grant(self.now))

    def _refused(self, ticket: Ticket, refusal: Refusal) -> None:
        request = self._requests.pop(ticket)
        self.scheduler.refused(ticket, self.now, refusal.retry_after_s, refusal.limit)
        request.refusals = ticket.refusals
        self.come(request, ticket.retry_at)
        for waiting in self.scheduler.queued() if self.scheduler.by_day("m") else ():
            self._deny(waiting)
        self.started(self.scheduler.grant(self.now))

    def waiting(self) -> list[float]:
        return [request.came_at for ticket, request in self._requests.items() if ticket.state == "waiting"]
