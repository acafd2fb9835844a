"""A second target beside the first, when a whole answer is long in coming (``policy.hedge_s``, off by default).

The first whole answer is the caller's, the other attempt is closed. Both are counted as attempts and both are billed:
a vendor that has a request works on it to the end, whoever waits.
"""

import asyncio
from time import perf_counter

from adapters.core.event import Event
from adapters.core.failures import Failure
from adapters.core.usage import Usage
from proxy._types import Attempt
from proxy.attempts.failover import Failover
from proxy.errors import ProxyError

HEDGED = "hedged"
"""The kind by which an attempt is accounted for that was given up since the other one was first."""


class BufferedWriter:
    """The writer of one of the two: keeps its answer until it is known which of them was first."""

    def __init__(self) -> None:
        self.head_sent = self.content_sent = False
        self.answer: tuple[list[Event], Attempt] | None = None

    async def events(self, events: list[Event], attempt: Attempt) -> None:
        self.answer = (events, attempt)
        self.content_sent = True

    def discard_held(self) -> None:
        self.answer = None

    async def write_comment(self) -> None:
        """Nothing: a caller who waits for a whole answer sees no signs of life."""

    async def done(self) -> None:
        """Nothing: the driver's return says so."""

    async def fail(self, error: ProxyError) -> None:
        """Nothing: the driver's return says so."""


class Hedge:
    """A course's attempts, with a second one beside each that takes longer than ``hedge_s``."""

    def __init__(self, failover: Failover) -> None:
        self._failover = failover
        self._legs: dict[asyncio.Task[Failure | None], Failover] = {}
        self._chosen: Failover | None = None  # whose answer or failure it is that counts

    async def attempt(self) -> Failure | None:
        """One attempt, or two side by side. None for a whole answer; else the failure that the course goes on from."""
        failover, self._legs = self._failover, {}
        try:
            first = self._start(failover.branch(BufferedWriter()))
            await asyncio.wait([first], timeout=failover.hedge_s)
            if not first.done():
                second = failover.branch_to_next_target(BufferedWriter())
                if second is not None:
                    self._start(second)
            return await self._first_answer()
        finally:
            try:
                await self._close()
            finally:
                self._record_costs()

    def _start(self, leg: Failover) -> "asyncio.Task[Failure | None]":
        task = asyncio.create_task(leg.attempt())
        self._legs[task] = self._chosen = leg
        return task

    async def _first_answer(self) -> Failure | None:
        """Hand over the first whole answer. When none came, the last failure: the course goes on from there."""
        failover, pending = self._failover, set(self._legs)
        while True:
            await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            ended = [task for task in self._legs if task in pending and task.done()]
            pending.difference_update(ended)
            for task in sorted(ended, key=lambda task: task.result() is not None):  # an answer before a failure
                failure, leg = task.result(), self._legs[task]
                self._chosen = leg
                if failure is None:
                    await self._hand_over(leg)
                    return None
                if not pending or (failure.fault == "caller" and failure.kind not in failover.reroute):
                    failover.adopt(leg)
                    return failure
                leg.cool_down_key(failure)

    async def _hand_over(self, leg: Failover) -> None:
        assert isinstance(leg.writer, BufferedWriter)
        assert leg.writer.answer is not None  # its driver said that the answer is whole
        events, attempt = leg.writer.answer
        failover = self._failover
        attempt.number = failover.record.attempts - sum(
            (leg.record.sent_at is None) - leg.record.replayed for leg in self._legs.values()
        )
        for task in self._legs:
            task.cancel()
        await failover.writer.events(events, attempt)
        await failover.writer.done()
        failover.record.ended_at = perf_counter()

    async def _close(self) -> None:
        """Leave nothing open. Cancelled once or more, it still waits for the end: each attempt's cost is known only then."""
        cancelled = False
        for task in self._legs:
            task.cancel()
        while not all(task.done() for task in self._legs):
            try:
                await asyncio.wait(self._legs)
            except asyncio.CancelledError:
                cancelled = True
        for task in self._legs:
            if not task.cancelled():
                task.exception()  # seen: what counts was raised by ``attempt``
        if cancelled:
            raise asyncio.CancelledError

    def _record_costs(self) -> None:
        """What both cost. Of one that was broken off nobody will hear: it was asked for the same as the other."""
        record, told = self._failover.record, self._chosen
        assert told is not None  # the first leg at least
        usage = told.record.usage
        for task, leg in self._legs.items():
            if leg is not told and leg.record.sent_at is not None and len(leg.record.failed) == leg.record.replayed:
                if task.cancelled() and usage is not None:
                    leg.record.usage = leg.record.billed = Usage(usage.prompt, usage.completion, source="estimated")
                leg.record.attempt_failed(leg.label, HEDGED)
            record.merge(leg.record)
        record.adopt(told.record)
